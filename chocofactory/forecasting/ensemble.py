"""The combination that serves: how much a member counts on a lead day follows from how wrong it was there lately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import numpy.typing as npt

    from chocofactory.forecasting.backtest import Roll

    Numbers = npt.NDArray[np.float64]

ENSEMBLE = "ensemble"
WINDOW_DAYS = 180
"""Errors of so many days before an origin tell the weights from it."""
LEAST_ERRORS = 21
"""Origins whose errors on a lead day must be known; with fewer all members count the same there."""
POWER = 12.0
"""Weights are the mean absolute errors to minus this power: a tenth worse counts a third. Chosen on 2023-2024."""
_NO_ERROR = 1e-9

_APART = frozenset({"naive", "prophet", "from_spot", ENSEMBLE})
"""Models that are no part of it: the two that it has to beat, and those that speak of other things."""


def parts(models: Iterable[str]) -> list[str]:
    """Those of some models that are parts of the ensemble, in their order."""
    return [name for name in models if name not in _APART]


def weights(roll: Roll, members: Sequence[str], day: date) -> Numbers:
    """How much each member counts on each lead day of a forecast from the midnight at which ``day`` begins.

    Only errors that were known then play a part.

    Returns
    -------
    ndarray
        Shape (members, 7), none negative, summing to 1 over the members.

    """
    return np.asarray(_weights(roll, members, np.array([day], dtype="datetime64[D]"))[:, 0])


def combined(roll: Roll, members: Sequence[str]) -> Numbers:
    """Forecasts of the ensemble [EUR/kWh] from every origin of a roll, each from the errors known at it: (o, 7, 24)."""
    shares = _weights(roll, members, np.array(roll.origins, dtype="datetime64[D]"))
    return np.asarray(np.einsum("mol,molh->olh", shares, np.stack([roll.points[name] for name in members])))


def _weights(roll: Roll, members: Sequence[str], days: npt.NDArray[np.datetime64]) -> Numbers:
    """Shape (members, days, 7)."""
    origins = np.array(roll.origins, dtype="datetime64[D]")
    errors = np.stack([_errors(roll, name) for name in members])
    known = np.isfinite(errors).all(axis=0)
    start = np.zeros((len(members), 1, LEAD_DAYS))
    totals = np.concatenate([start, np.cumsum(np.where(known, errors, 0.0), axis=1)], axis=1)
    counts = np.concatenate([start[0], np.cumsum(known, axis=0)])
    out = np.full((len(members), len(days), LEAD_DAYS), 1.0 / len(members))
    for lead in range(LEAD_DAYS):
        newest = days - np.timedelta64(lead + 1, "D")  # what began then has come due by the day
        stop = np.searchsorted(origins, newest, side="right")
        begin = np.searchsorted(origins, newest - np.timedelta64(WINDOW_DAYS, "D"), side="right")
        n = counts[stop, lead] - counts[begin, lead]
        enough = n >= LEAST_ERRORS
        mean = np.maximum((totals[:, stop, lead] - totals[:, begin, lead])[:, enough] / n[enough], _NO_ERROR)
        raw = (mean / mean.min(axis=0)) ** -POWER
        out[:, enough, lead] = raw / raw.sum(axis=0)
    return out


def _errors(roll: Roll, name: str) -> Numbers:
    """Mean absolute error of each origin and lead day, in units of the spread of prices that was known: (o, 7)."""
    errors = np.abs(roll.points[name] - roll.truth) / roll.scale[:, None, None]
    return np.asarray(errors.mean(axis=2))
