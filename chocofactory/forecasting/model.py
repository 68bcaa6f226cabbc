"""The one small interface of all price models.

A **member** says what it expects: one price for each hour of the next seven local days. How sure that is follows from
how wrong it was before (``intervals``), in the same way for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from chocofactory.forecasting.history import History

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that every forecast gives."""
QUANTILES = ("p05", "p25", "p50", "p75", "p95")
"""Their names, in the same order."""
LEAD_DAYS = 7
"""Local days that every model looks ahead; lead day 1 begins at the origin."""
LEAST_DAYS = 56
"""Days of history with which the trained models begin."""


class Member(Protocol):
    """A model of prices.

    Fitted on a history, it forecasts from that history or any later one, and never sees more than it is given.
    """

    name: str

    def fit(self, history: History) -> None:
        """Learn from all days of a history.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """

    def predict(self, history: History) -> npt.NDArray[np.float64]:
        """Expected prices [EUR/kWh] of the seven days that follow a history, by hour of the wall clock: shape (7, 24).

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """

    def save(self, folder: Path) -> None:
        """Write what was learnt into an empty folder, as JSON, npz or a library's own text format."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; the same history then gives the same forecast to the last bit.

        Raises
        ------
        ValueError, OSError, KeyError
            The files are not what ``save`` wrote.

        """
