"""The climate of the production room as it follows from the weather outside, and what keeping it costs in power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Room:
    """How the room follows the weather [degC, % relative humidity].

    HVAC holds ``setpoint_c`` while the outside is below ``until_outside_c``, and takes ``relief_c`` off it from there
    on; while it holds, humidity is at most ``humidity_max_pct``. No block starts above ``start_humidity_max_pct``. Each
    degree that the outside exceeds ``cooling_above_c`` costs a block with extra cooling ``cooling_kw_per_c``.
    ``margin_c`` is added to the climatology where there is no weather forecast.
    """

    setpoint_c: float
    until_outside_c: float
    relief_c: float
    humidity_max_pct: float
    start_humidity_max_pct: float
    cooling_kw_per_c: float
    cooling_above_c: float
    margin_c: float

    def temperature_c(self, outside_c: Numbers) -> Numbers:
        """The room's temperature by that outside; NaN where that is missing."""
        held = np.where(outside_c < self.until_outside_c, self.setpoint_c, outside_c - self.relief_c)
        return np.where(np.isnan(outside_c), np.nan, held)

    def humidity_pct(self, outside_c: Numbers, outside_pct: Numbers) -> Numbers:
        """The room's relative humidity by what is outside; NaN where either is missing."""
        held = np.where(outside_c < self.until_outside_c, np.minimum(outside_pct, self.humidity_max_pct), outside_pct)
        return np.where(np.isnan(outside_c) | np.isnan(outside_pct), np.nan, held)

    def cooling_kw(self, outside_c: Numbers) -> Numbers:
        """What a running block with extra cooling draws more; 0 where the outside is missing."""
        excess = np.maximum(outside_c - self.cooling_above_c, 0)
        return np.where(np.isnan(outside_c), 0.0, self.cooling_kw_per_c * excess)
