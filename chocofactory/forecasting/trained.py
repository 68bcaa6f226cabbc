"""Fitted models together with what is known of their errors: all that a forecast needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting import backtest
from chocofactory.forecasting.backtest import follow
from chocofactory.forecasting.ensemble import ENSEMBLE, combined, parts, weights
from chocofactory.forecasting.from_spot import FromSpot, roll_from_spot
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.intervals import quantiles
from chocofactory.forecasting.model import LEAD_DAYS
from chocofactory.forecasting.naive import Naive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from chocofactory.forecasting.backtest import Roll
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.model import Member

    Numbers = npt.NDArray[np.float64]

FROM_SPOT = FromSpot.name
ROLL_DAYS = 180
"""Days before the end over which models are rolled: from their errors come weights, intervals and the proof."""


UNTRAINED_ROLL_DAYS = 60
UNTRAINED_DAYS = timedelta(days=2 * UNTRAINED_ROLL_DAYS + LEAD_DAYS)
"""All days whose prices play a part where nothing is trained: what is tried again looks back itself."""


@dataclass(frozen=True)
class Expected:
    """What a model expects of the days from an origin on, by hour of the wall clock [EUR/kWh].

    ``quantiles`` has the shape (days, 24, 5), ``paths`` (scenarios, days, 24): the points, and on them the errors of
    one past week after the other. ``from_spot`` says that the first day was told from its day-ahead prices.
    """

    quantiles: Numbers
    paths: Numbers
    from_spot: bool


@dataclass(frozen=True)
class Trained:
    """Fitted ``members``, and the ``roll`` of the same models over the past, fitted again as it went on."""

    members: Mapping[str, Member]
    roll: Roll

    @property
    def names(self) -> tuple[str, ...]:
        """The models that can be asked, the one that serves first: the ensemble where it has parts."""
        return (ENSEMBLE, *self.members) if parts(self.members) else tuple(self.members)

    @classmethod
    def untrained(cls, history: History, *, spot: bool) -> Trained:
        """What can be had without training: the naive model, and what is known of its errors in the last two months.

        With ``spot`` also of those of telling a day from its spot prices, which takes a second or two.
        """
        earliest = history.pvpc.index[0].date() + timedelta(days=LEAD_DAYS)
        first = max(earliest, history.origin - timedelta(days=UNTRAINED_ROLL_DAYS))
        naive = {Naive.name: Naive()}
        past = follow(naive, history, min(first, history.origin), history.origin)
        return cls(naive, with_from_spot(past, history) if spot else past)

    def caught_up(self, history: History) -> Trained:
        """The same, its roll going on to the end of a history: errors since the training count for bands and weights.

        Of the days since then the models have seen nothing; they forecast them as they stand.
        """
        last = self.roll.origins[-1]
        if history.origin <= last:
            return self
        first = max(last + timedelta(days=1), history.origin - timedelta(days=UNTRAINED_ROLL_DAYS))
        since = follow(self.members, history, first, history.origin)
        if FROM_SPOT in self.roll.points:
            since = with_from_spot(since, history)
        return replace(self, roll=self.roll.joined(since))

    def expect(self, history: History, days: int = LEAD_DAYS, model: str = "", spot: Numbers | None = None) -> Expected:
        """What ``model`` (by default the first of ``names``) expects of the ``days`` that follow a history.

        With the day-ahead prices ``spot`` [EUR/kWh] of the first day, shape (24,), that day is told from them and taken
        as known for the rest. Days beyond the seventh build on the forecast of those before, and are as unsure as it.
        """
        name = model or self.names[0]
        past, origin = self._past(history), history.origin
        scale = float(backtest.scale(history, [origin])[0])
        first = self._first_day(history, spot, past)
        points, said = ([], []) if first is None else ([first], [(FROM_SPOT, 0)])
        if first is not None:
            history = history.extended(first, spot)
        lead = 0
        while len(points) < days:
            for day in self._points(history, name, past):
                points.append(day)
                said.append((name, min(lead, LEAD_DAYS - 1)))
                history = history.extended(day)
                lead += 1
        rows, said = np.stack(points[:days]), said[:days]
        bands = [
            quantiles(row[None, :], [lead], past, speaker, origin, scale)
            for row, (speaker, lead) in zip(rows, said, strict=True)
        ]
        return Expected(np.concatenate(bands), _paths(rows, said, past, scale), first is not None)

    def _first_day(self, history: History, spot: Numbers | None, past: Roll) -> Numbers | None:
        """The first day from its spot prices; None where they or those before are not known well enough."""
        if spot is None or FROM_SPOT not in past.points or not np.isfinite(past.points[FROM_SPOT]).any():
            return None
        try:
            day = FromSpot().predict(history, spot)
        except InvalidInput:
            return None
        return day if np.isfinite(day).all() else None

    def _points(self, history: History, name: str, past: Roll) -> Numbers:
        if name != ENSEMBLE:
            return self.members[name].predict(history)
        names = parts(self.members)
        every = np.stack([self.members[name].predict(history) for name in names])
        shares = weights(past, names, history.origin)
        return np.asarray(np.einsum("ml,mlh->lh", shares, every))

    def _past(self, history: History) -> Roll:
        """The roll as it was known when the history ended, with the ensemble among its models."""
        past = self.roll.told(history).before(history.origin)
        names = parts(self.members)
        return past.including(ENSEMBLE, combined(past, names)) if names else past


def with_from_spot(roll: Roll, history: History) -> Roll:
    """A roll and, among its models, what the spot prices of each first day would have told: later leads are NaN."""
    points = np.full((len(roll), LEAD_DAYS, HOURS), np.nan)
    if len(roll):
        days = pd.date_range(roll.origins[0], roll.origins[-1], freq="D")
        told, _ = roll_from_spot(history, roll.origins[0], roll.origins[-1])
        points[:, 0] = told[days.get_indexer(pd.DatetimeIndex(roll.origins))]
    return roll.including(FROM_SPOT, points)


def _paths(points: Numbers, said: Sequence[tuple[str, int]], past: Roll, scale: float) -> Numbers:
    """Points with errors of the past on them, a past week each: of the same models and lead days, in today's scale."""
    errors = [(past.truth - past.points[name])[:, lead] / past.scale[:, None] for name, lead in said]
    weeks = np.stack(errors, axis=1)
    whole = np.isfinite(weeks).all(axis=(1, 2))
    return np.asarray(points + scale * (weeks[whole] if whole.any() else np.zeros((1, *points.shape))))
