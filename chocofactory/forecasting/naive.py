"""Same hour last week: the forecast that costs nothing, and that every other has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from chocofactory.forecasting.history import History


class Naive:
    """Says of every hour what it cost a week before; works from seven days of history up."""

    name = "naive"

    def fit(self, history: History) -> None:
        """Nothing is to be learnt."""

    def predict(self, history: History) -> npt.NDArray[np.float64]:
        """The last seven days [EUR/kWh] again, by hour of the wall clock: shape (7, 24).

        Raises
        ------
        InvalidInput
            The history is shorter than seven days.

        """
        if len(history) < LEAD_DAYS:
            raise InvalidInput(
                "The model {model} needs {least} days of prices; {there} are there.",
                model=self.name,
                least=LEAD_DAYS,
                there=len(history),
            )
        return history.pvpc.to_numpy(copy=True)[-LEAD_DAYS:]

    def save(self, folder: Path) -> None:
        """There is nothing to write."""

    @classmethod
    def load(cls, folder: Path) -> Self:  # noqa: ARG003
        """There is nothing to read."""
        return cls()
