"""Training of the price models: fitting, proving on the last weeks, and deciding whether the outcome serves."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_start, local_date
from chocofactory.core.errors import Conflict
from chocofactory.core.logs import get_logger
from chocofactory.core.messages import Message
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.ensemble import ENSEMBLE, combined, parts
from chocofactory.forecasting.model import LEAST_DAYS
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
LEAST_TO_PROVE = LEAST_DAYS + LEAST_ORIGINS
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
        self._settle()
        if not days:
            return False
        span = self._prices.span()
        if span is None or (local_date(self._clock.now()) - span[0]).days < LEAST_DAYS:
            return False
        now = self._clock.now()
        newest = next((version for version in self._models.versions() if version.created_at <= now), None)
        return newest is None or now - newest.created_at >= timedelta(days=days)

    def _settle(self) -> None:
        """Let the newest version serve if it was found good enough and its training died before saying so."""
        newest = next(iter(self._models.versions()), None)
        if newest is None or not newest.promoted or newest.verdict is None:
            return
        if all(row.version != newest.id for row in self._models.history(limit=1000)):
            self._models.promote(newest.id, "training", newest.verdict)

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
        proven: dict[str, Any] = {}
        if len(tried):
            proof = predictions(tried, prices, history.origin - timedelta(days=PROOF_DAYS))
            proven = report_of(proof, REFIT_DAYS)
        verdict = self._verdict(trained, proven, history)
        version = new_version_id(self._clock.now())
        meta = {
            "created_at": self._clock.now().isoformat(),
            "first": history.pvpc.index[0].date().isoformat(),
            "last": history.pvpc.index[-1].date().isoformat(),
            "hours": int((prices.index < day_start(history.origin)).sum()),
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
        if verdict.promoted and self._models.promoted() != version:
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
        champion = None
        if serving is not None:  # as it was rolled in its training, and since then as it stands: it has seen neither
            past = self._models.load(serving.id).caught_up(history)
            champion = _losses(past.roll, history, past.names[0])
        if rmae >= 1:
            why = Message(
                "It is no better than copying last week: {rmae:.2f} of that error over the last {days} days.", **fields
            )
            good = champion is not None and champion.mean() < _losses(trained.roll, history, "naive").mean()
            return Verdict(promoted=False, message=why, naive=not good)
        if serving is None or champion is None:
            return Verdict(
                promoted=True,
                message=Message("{rmae:.2f} of the error of copying last week over {days} days.", **fields),
            )
        candidate = _losses(trained.roll, history, trained.names[0])
        both = pd.concat([candidate, champion], axis=1, join="inner")  # one of them may have begun later
        other = compare(both[0].to_numpy(), both[1].to_numpy())
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


def _losses(roll: Roll, history: History, model: str) -> pd.Series:
    """Mean absolute error [EUR/kWh] of a model's forecasts from each origin of the proof, by origin."""
    told = roll.told(history)
    if model == ENSEMBLE:
        told = told.including(ENSEMBLE, combined(told, parts(told.points)))
    proof = _proof(told, history)
    errors = np.abs(proof.points[model] - proof.truth)
    known = [np.isfinite(each).any() for each in errors]
    losses = [float(np.nanmean(each)) if any_ else np.nan for each, any_ in zip(errors, known, strict=True)]
    return pd.Series(losses, index=pd.Index(proof.origins, dtype=object), dtype=float)


def _score(proven: dict[str, Any], model: str) -> dict[str, Any]:
    """Scores of a model over all hours of a report; empty where it has none."""
    rows = (row for row in proven.get("scores", []) if row["model"] == model and row["group"] == ALL)
    return next(rows, {})


def _hash(history: History) -> str:
    """SHA-256 of the days and prices that were learnt from, holes as they were filled."""
    digest = hashlib.sha256()
    for frame in (history.pvpc, history.spot):
        digest.update(frame.index.to_numpy().astype("datetime64[D]").tobytes())
        digest.update(frame.to_numpy(dtype="float64").tobytes())
    return digest.hexdigest()
