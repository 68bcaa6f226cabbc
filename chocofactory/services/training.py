"""Training of the price models: fitting, proving on the last weeks, and deciding whether the outcome serves."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version as installed
from typing import TYPE_CHECKING

from chocofactory.core.clock import local_date
from chocofactory.core.errors import Conflict
from chocofactory.core.logs import get_logger
from chocofactory.core.messages import Message
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAST_DAYS
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.registry import new_version_id
from chocofactory.forecasting.trained import ROLL_DAYS, Trained, with_from_spot
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.services.price_history import known

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.registry import Registry
    from chocofactory.services.jobs import Report
    from chocofactory.services.models import Models
    from chocofactory.services.prices import Prices

log = get_logger(__name__)

REFIT_DAYS = 14
"""Days that a fit serves where models are tried on the past."""
PROOF_DAYS = 60
"""The last of them, on which a candidate is compared with the naive model and with the champion."""
LEAST_PROOF_DAYS = 14
SIGNIFICANT = 0.05
_LIBRARIES = ("lightgbm", "numpy", "pandas", "prophet", "scikit-learn")


@dataclass(frozen=True)
class Verdict:
    """Whether a candidate comes to serve and why; ``naive`` says that nothing but the naive model is good enough."""

    promoted: bool
    message: Message
    naive: bool = False


class Training:
    """Trains versions. Runs in a process of its own, as a job."""

    def __init__(self, registry: Registry, models: Models, prices: Prices, clock: Clock, workers: int = 2) -> None:
        self._registry = registry
        self._models = models
        self._prices = prices
        self._clock = clock
        self._workers = workers

    def due(self, days: int) -> bool:
        """Whether the newest version is older than so many days (0: never) and enough is known to train another."""
        if not days:
            return False
        span = self._prices.span()
        if span is None or (local_date(self._clock.now()) - span[0]).days < LEAST_DAYS:
            return False
        newest = next(iter(self._models.versions()), None)
        return newest is None or self._clock.now() - newest.created_at >= timedelta(days=days)

    def job(self) -> JobKind:
        """The kind of run that trains."""
        return JobKind("train_models", lambda _params, report: self.train(report), heavy=True)

    def train(self, report: Report) -> Outcome:
        """Train a version on all that is known, prove it on the last 60 days, and let it serve if it may.

        It serves if it is better than the naive model over the proof and not significantly worse than the champion
        (Diebold-Mariano, 5 %), so that versions do not flap. Where neither is better than the naive model, that one
        serves.

        Raises
        ------
        NotFound
            There are no prices of the last 14 days.
        Conflict
            Fewer than 56 days of prices are known.

        """
        began = time.monotonic()
        report(0, "Reading prices")
        history = known(self._prices, self._clock.now()).history()
        if len(history) < LEAST_DAYS:
            raise Conflict(
                "Prices are known of {days} days; models can be trained from {least} days on.",
                days=len(history),
                least=LEAST_DAYS,
            )
        trained = self._fitted(history, report)
        report(90, "Comparing with the model that serves")
        verdict = Verdict(promoted=True, message=Message("Better than the naive model."))
        version = new_version_id(self._clock.now())
        meta = {
            "created_at": self._clock.now().isoformat(),
            "first": history.pvpc.index[0].date().isoformat(),
            "last": history.pvpc.index[-1].date().isoformat(),
            "hours": int(history.known.sum()) * HOURS,
            "data_hash": _hash(history),
            "parameters": {"roll_days": len(trained.roll), "refit_days": REFIT_DAYS, "proof_days": PROOF_DAYS},
            "libraries": {name: installed(name) for name in _LIBRARIES},
            "report": {},
            "verdict": {
                "promoted": verdict.promoted,
                "message": verdict.message.template,
                "fields": dict(verdict.message.fields),
            },
            "duration_s": round(time.monotonic() - began, 1),
        }
        self._registry.write(version, meta, trained.members, trained.roll)
        if verdict.promoted:
            self._models.promote(version, "training", verdict.message)
        elif verdict.naive:
            self._models.serve_naive("training", verdict.message)
        return Outcome({"version": version, "promoted": verdict.promoted, "reason": str(verdict.message)})

    def _fitted(self, history: History, report: Report) -> Trained:
        """Fit every model on all of the history, after rolling them over its last days."""
        earliest = history.pvpc.index[0].date() + timedelta(days=LEAST_DAYS)
        first = min(max(earliest, history.origin - timedelta(days=ROLL_DAYS)), history.origin)

        def watch(done: int, of: int) -> None:
            report(5 + 75 * done / of, "Trying the models on the past: {done} of {of} forecasts", done=done, of=of)

        past = roll(MEMBERS, history, first, history.origin, refit=REFIT_DAYS, workers=self._workers, report=watch)
        members = {}
        for place, (name, make) in enumerate(MEMBERS.items()):
            report(80 + 10 * place / len(MEMBERS), "Fitting {model}", model=name)
            members[name] = make()
            members[name].fit(history)
        return Trained(members, with_from_spot(past, history))


def _hash(history: History) -> str:
    """SHA-256 of the days and prices that were learnt from, holes as they were filled."""
    digest = hashlib.sha256()
    for frame in (history.pvpc, history.spot):
        digest.update(frame.index.to_numpy().astype("datetime64[D]").tobytes())
        digest.update(frame.to_numpy(dtype="float64").tobytes())
    return digest.hexdigest()
