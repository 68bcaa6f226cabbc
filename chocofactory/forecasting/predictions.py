"""What models said over a roll, with their bands, on the hours that exist, beside what the hours really cost."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_grid, local_days
from chocofactory.forecasting.ensemble import ENSEMBLE, combined, parts
from chocofactory.forecasting.intervals import rolled_quantiles
from chocofactory.forecasting.model import LEAD_DAYS, QUANTILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import numpy.typing as npt

    from chocofactory.forecasting.backtest import Roll

    Numbers = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hours:
    """The hours that the seven days from each origin really have: 167 to 169, origin after origin.

    ``row`` (which origin), ``lead`` (0 to 6) and ``hour`` (of the wall clock) have the shape (hours,); ``time`` (UTC)
    is as long.
    """

    row: Places
    lead: Places
    hour: Places
    time: pd.DatetimeIndex

    @classmethod
    def of(cls, origins: Sequence[date]) -> Hours:
        """Those of some origins, in order."""
        grid = day_grid(origins[0], origins[-1] + timedelta(days=LEAD_DAYS - 1))
        days = local_days(grid).to_numpy().astype("datetime64[D]").astype(np.int64)
        first = np.array(origins, dtype="datetime64[D]").astype(np.int64)
        starts, stops = np.searchsorted(days, first), np.searchsorted(days, first + LEAD_DAYS)
        place = np.concatenate([np.arange(start, stop) for start, stop in zip(starts, stops, strict=True)])
        row = np.repeat(np.arange(len(first)), stops - starts)
        return cls(row, days[place] - first[row], grid.tz_convert(MADRID).hour.to_numpy(np.int64)[place], grid[place])


@dataclass(frozen=True)
class Predictions:
    """Quantiles of models from many origins, and the ``prices`` [EUR/kWh] by UTC hour that came.

    ``quantiles`` [EUR/kWh] have for each model the shape (origins, 7, 24, 5), NaN where it says nothing.
    """

    origins: tuple[date, ...]
    quantiles: Mapping[str, Numbers]
    prices: pd.Series

    @cached_property
    def hours(self) -> Hours:
        """The hours that were forecast."""
        return Hours.of(self.origins)

    @cached_property
    def truth(self) -> Numbers:
        """What each of the hours cost [EUR/kWh]; NaN where it is not known."""
        return self.prices.reindex(self.hours.time).to_numpy(dtype=np.float64)

    def of(self, model: str) -> Numbers:
        """Quantiles of a model for each of the hours: shape (hours, 5)."""
        return self.quantiles[model][self.hours.row, self.hours.lead, self.hours.hour]

    def frame(self) -> pd.DataFrame:
        """All that was said, a row for each origin, hour and model.

        Returns
        -------
        DataFrame
            Columns ``origin`` (the first forecast hour) and ``time``, both as ISO 8601 in local time with offset,
            ``model``, and ``p05`` ... ``p95`` [EUR/kWh]. Hours of which a model says nothing have no row.

        """
        hours = self.hours
        time = _written(hours.time)
        first = np.flatnonzero(np.diff(hours.row, prepend=-1))
        parts = {"origin": pd.Series(time[first][hours.row]), "time": pd.Series(time)}
        frames = []
        for model in self.quantiles:
            said = pd.DataFrame(self.of(model), columns=list(QUANTILES))
            frames.append(said.assign(**parts, model=model).dropna())
        return pd.concat(frames, ignore_index=True)[["origin", "time", "model", *QUANTILES]]


def predictions(
    roll: Roll, prices: pd.Series, first: date | None = None, models: Sequence[str] | None = None
) -> Predictions:
    """What models of a roll said from the origins since ``first``, each from the errors that were known at it.

    Parameters
    ----------
    prices
        What hours cost [EUR/kWh], by UTC time.
    models
        Those wanted; by default all of the roll, and the ensemble where a part of it is among them.

    """
    members = parts(roll.points)
    if members and ENSEMBLE not in roll.points and ENSEMBLE in (models or [ENSEMBLE]):
        roll = roll.including(ENSEMBLE, combined(roll, members))
    start = 0 if first is None else bisect_left(roll.origins, first)
    quantiles = {name: rolled_quantiles(roll, name, start) for name in models or roll.points}
    return Predictions(roll.origins[start:], quantiles, prices)


def _written(times: pd.DatetimeIndex) -> npt.NDArray[np.str_]:
    """Times as ``2025-12-30T12:00:00+01:00``, all at once: one by one they take seconds."""
    utc, wall = times.tz_localize(None), times.tz_convert(MADRID).tz_localize(None)
    ahead, which = np.unique((wall - utc) // pd.Timedelta(hours=1), return_inverse=True)
    return np.char.add(np.datetime_as_string(wall.to_numpy(), unit="s"), np.char.mod("+%02d:00", ahead)[which])
