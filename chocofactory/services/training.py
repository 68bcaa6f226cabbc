"""Training of the price models: fitting, proving on the last weeks, and deciding whether the outcome serves."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import numpy as np

from chocofactory.core.clock import local_date
from chocofactory.core.errors import Conflict
from chocofactory.core.logs import get_logger
from chocofactory.core.messages import Message
from chocofactory.forecasting.backtest import follow, roll
from chocofactory.forecasting.ensemble import ENSEMBLE, combined, parts
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS, LEAST_DAYS
from chocofactory.forecasting.predictions import predictions
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.registry import new_version_id
from chocofactory.forecasting.scores import ALL
from chocofactory.forecasting.scores import report as report_of
from chocofactory.forecasting.significance import LEAST_ORIGINS, compare
from chocofactory.forecasting.trained import ROLL_DAYS, Trained, with_from_spot
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.services.price_history import known

if TYPE_CHECKING:
    import numpy.typing as npt

    from chocofactory.core.clock import Clock
    from chocofactory.forecasting.backtest import Roll
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
SIGNIFICANT = 0.05
LEAST_TO_PROVE = LEAST_DAYS + LEAD_DAYS + LEAST_ORIGINS
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
        found = known(self._prices, self._clock.now())
        history = found.history()
        if len(history) < LEAST_DAYS:
            raise Conflict(
                "Prices are known of {days} days; models can be trained from {least} days on.",
                days=len(history),
                least=LEAST_DAYS,
            )
        trained = self._fitted(history, report)
        report(90, "Comparing with the model that serves")
        prices = found.pvpc["price_eur_kwh"]
        tried = trained.roll.told(history).before(history.origin)
        proof = predictions(tried, prices, history.origin - timedelta(days=PROOF_DAYS))
        proven = report_of(proof, REFIT_DAYS)
        verdict = self._verdict(trained, proven, history)
        version = new_version_id(self._clock.now())
        meta = {
            "created_at": self._clock.now().isoformat(),
            "first": history.pvpc.index[0].date().isoformat(),
            "last": history.pvpc.index[-1].date().isoformat(),
            "hours": int(history.known.sum()) * HOURS,
            "data_hash": _hash(history),
            "parameters": {"roll_days": len(trained.roll), "refit_days": REFIT_DAYS, "proof_days": PROOF_DAYS},
            "libraries": {name: installed(name) for name in _LIBRARIES},
            "report": proven,
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
        report(100, verdict.message.template, **verdict.message.fields)
        score = _score(proven, trained.names[0])
        figures = {"mae_eur_kwh": score.get("mae"), "rmae": score.get("rmae")}
        return Outcome({"version": version, "promoted": verdict.promoted, **figures, "reason": str(verdict.message)})

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

    def _verdict(self, trained: Trained, proven: dict[str, Any], history: History) -> Verdict:
        """Whether a candidate may serve, by its proof and beside the version that serves."""
        serving = self._models.serving().version
        rmae, days = _score(proven, trained.names[0]).get("rmae"), len(_proof(trained.roll, history))
        if rmae is None or days < LEAST_ORIGINS:
            why = Message("Too few days are known to prove it: the models need about {least}.", least=LEAST_TO_PROVE)
            return Verdict(promoted=False, message=why, naive=serving is None)
        fields = {"rmae": rmae, "days": days}
        champion = None if serving is None else _replayed(self._models.load(serving.id), history)
        if rmae >= 1:
            why = Message(
                "It is no better than copying last week: {rmae:.2f} of that error over the last {days} days.", **fields
            )
            good = champion is not None and np.nanmean(champion) < np.nanmean(_losses(trained.roll, history, "naive"))
            return Verdict(promoted=False, message=why, naive=not good)
        if serving is None or champion is None:
            return Verdict(
                promoted=True,
                message=Message("{rmae:.2f} of the error of copying last week over {days} days.", **fields),
            )
        other = compare(_losses(trained.roll, history, trained.names[0]), champion)
        fields |= {"version": serving.id, "p": 1.0 if other is None else other.p_value}
        if other is not None and other.difference > 0 and other.p_value < SIGNIFICANT:
            why = Message("It is worse than {version}, which serves, over {days} days (p = {p:.3f}).", **fields)
            return Verdict(promoted=False, message=why)
        why = Message(
            "{rmae:.2f} of the error of copying last week over {days} days; not worse than {version} (p = {p:.2f}).",
            **fields,
        )
        return Verdict(promoted=True, message=why)


def _proof(roll: Roll, history: History) -> Roll:
    """The last days of a roll, with what came."""
    return roll.told(history).since(history.origin - timedelta(days=PROOF_DAYS)).before(history.origin)


def _losses(roll: Roll, history: History, model: str) -> npt.NDArray[np.float64]:
    """Mean absolute error [EUR/kWh] of a model's forecasts from each origin of the proof, shape (origins,)."""
    told = roll.told(history)
    if model == ENSEMBLE:
        told = told.including(ENSEMBLE, combined(told, parts(told.points)))
    proof = _proof(told, history)
    return np.asarray(np.nanmean(np.abs(proof.points[model] - proof.truth), axis=(1, 2)))


def _replayed(champion: Trained, history: History) -> npt.NDArray[np.float64]:
    """The same for the version that serves: as it was rolled then, and since its training as it stands.

    Nothing of what it is compared on was in its training.
    """
    past, name = champion.roll, champion.names[0]
    first, last = past.origins[-1] + timedelta(days=1), history.origin - timedelta(days=1)
    if first <= last:
        start = max(first, history.origin - timedelta(days=PROOF_DAYS))
        since = with_from_spot(follow(champion.members, history, start, last), history)
        past = past.joined(since)
    return _losses(past, history, name)


def _score(proven: dict[str, Any], model: str) -> dict[str, Any]:
    """Scores of a model over all hours of a report; empty where it has none."""
    rows = (row for row in proven["scores"] if row["model"] == model and row["group"] == ALL)
    return next(rows, {})


def _hash(history: History) -> str:
    """SHA-256 of the days and prices that were learnt from, holes as they were filled."""
    digest = hashlib.sha256()
    for frame in (history.pvpc, history.spot):
        digest.update(frame.index.to_numpy().astype("datetime64[D]").tobytes())
        digest.update(frame.to_numpy(dtype="float64").tobytes())
    return digest.hexdigest()
