"""What the services of models and of accuracy say, made by hand: errors with a seed, scored here by brute force."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from chocofactory.core.errors import Conflict, ModelDamaged, NotFound
from chocofactory.core.messages import Message
from chocofactory.services.accuracy import Drift, Realised, _alarms, _drift
from chocofactory.services.models import Promotion, Serving
from chocofactory.services.versions import Version

LEVELS = (5, 25, 50, 75, 95)
SPREADS = {"naive": 0.030, "prophet": 0.034, "lear": 0.021, "boosting": 0.023, "ensemble": 0.0195}
"""How far each model's errors spread [EUR/kWh]."""
FIRST, LAST = date(2025, 10, 2), date(2025, 11, 30)
TRAINED = datetime(2025, 12, 1, 1, 30, tzinfo=UTC)


def errors(model: str, origins: int = 60) -> np.ndarray:
    """Forecast minus price [EUR/kWh] of each origin, lead day and hour; they grow with the days ahead."""
    rng = np.random.default_rng(sorted(SPREADS).index(model))
    growth = np.linspace(0.75, 1.15, 7)[None, :, None] if model != "naive" else 1.0
    evening = 1 + 0.5 * (np.arange(24) >= 18)[None, None, :]
    return rng.normal(0.0005, SPREADS[model], (origins, 7, 24)) * growth * evening


def scores(model: str) -> list[dict[str, Any]]:
    """The records of one model in a report."""
    wrong, naive = errors(model), errors("naive")
    hours = np.broadcast_to(np.arange(24), wrong.shape)
    leads = np.broadcast_to(np.arange(1, 8)[:, None], wrong.shape)
    groups = [("all", "all", np.ones(wrong.shape, bool))]
    groups += [("lead_day", int(lead), leads == lead) for lead in range(1, 8)]
    groups += [("hour", int(hour), hours == hour) for hour in range(24)]
    quantiles = {level: SPREADS[model] * z for level, z in zip(LEVELS, (-1.7, -0.7, 0.0, 0.7, 1.7), strict=True)}
    out = []
    for group, key, chosen in groups:
        some, reference = wrong[chosen], naive[chosen]
        out.append(
            {
                "model": model,
                "group": group,
                "key": key,
                "n": int(chosen.sum()),
                "mae": float(np.abs(some).mean()),
                "rmse": float(np.sqrt((some**2).mean())),
                "rmae": float(np.abs(some).mean() / np.abs(reference).mean()),
                "pinball": float(np.abs(some).mean() * 0.35),
                "coverage_50": float((np.abs(some) <= quantiles[75]).mean()),
                "width_50": 2 * quantiles[75],
                "coverage_90": float((np.abs(some) <= quantiles[95]).mean()),
                "width_90": 2 * quantiles[95],
                "bias": float(some.mean()),
                **{f"below_{level:02d}": float((-some <= place).mean()) for level, place in quantiles.items()},
            }
        )
    return out


def report(*models: str) -> dict[str, Any]:
    """A report over 60 origins, as a version carries it."""
    named = models or tuple(SPREADS)
    comparisons = []
    for model in named:
        for versus in ("naive", "ensemble"):
            if versus not in named or model == versus:
                continue
            apart = (np.abs(errors(model)) - np.abs(errors(versus))).mean(axis=(1, 2))
            middle, error = float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(len(apart)))
            z = middle / error
            comparisons.append(
                {
                    "model": model,
                    "versus": versus,
                    "difference_eur_kwh": middle,
                    "low": middle - 1.96 * error,
                    "high": middle + 1.96 * error,
                    "statistic": z,
                    "p_value": float(np.exp(-0.717 * abs(z) - 0.416 * z * z)),
                }
            )
    return {
        "first": FIRST.isoformat(),
        "last": LAST.isoformat(),
        "origins": 60,
        "refit_days": 7,
        "scores": [record for model in named for record in scores(model)],
        "comparisons": comparisons,
    }


def realised(days: int = 90, *, last: date = LAST, level: float = 0.016, drifting: bool = False) -> Realised:
    """Daily errors of ``days`` days; one day is not known, and ``drifting`` ones end three times as high."""
    rng = np.random.default_rng(7)
    index = pd.date_range(last - timedelta(days=days - 1), last, freq="D", unit="us", name="day")
    mae = level * rng.lognormal(0, 0.25, days)
    recent = np.arange(days) >= days - 14
    if drifting:
        mae[recent] *= 3
    daily = pd.DataFrame(
        {
            "hours": 168,
            "mae": mae,
            "naive_mae": 0.025 * rng.lognormal(0, 0.25, days),
            "bias": rng.normal(0, 0.004, days),
            "coverage_50": np.clip(rng.normal(0.5, 0.08, days), 0, 1),
            "coverage_90": np.clip(rng.normal(0.90, 0.05, days) - 0.3 * (drifting & recent), 0, 1),
        },
        index=index,
    )
    if days > 20:
        daily.iloc[days // 2] = np.nan
        daily["hours"] = daily["hours"].fillna(0).astype("int64")
    for name in ("mae", "naive_mae"):
        daily[f"{name}_14d"] = daily[name].rolling(14, min_periods=7).mean()
    leads = pd.DataFrame(
        {
            "n": [days * 24 - 24 * lead for lead in range(7)],
            "mae": [level * (0.8 + 0.06 * lead) for lead in range(7)],
            "naive_mae": 0.025,
            "bias": 0.0004,
            "coverage_90": 0.9,
            "rmae": [0.62 + 0.03 * lead for lead in range(7)],
        },
        index=pd.RangeIndex(1, 8, name="lead_day"),
    )
    first = index[0].date()
    drift = _drift(daily)
    return Realised(first, last, first, daily, leads, leads.loc[1] * 0.5, drift, _alarms(drift))


def nothing_realised(days: int = 90) -> Realised:
    """What there is before the first forecast has come due."""
    full = realised(days)
    daily = full.daily.assign(hours=0, **dict.fromkeys(full.daily.columns[1:], np.nan))
    leads = full.by_lead.assign(n=0, **dict.fromkeys(full.by_lead.columns[1:], np.nan))
    drift = Drift(None, None, None, enough=False)
    return replace(full, since=None, daily=daily, by_lead=leads, from_spot=leads.loc[1], drift=drift, alarms=())


def version(days: int = 0, **more: Any) -> Version:
    """A version that was trained so many days after the first one."""
    at = TRAINED + timedelta(days=days)
    usual = {
        "id": f"{at:%Y%m%dT%H%M%SZ}-9c4e{days:02d}",
        "created_at": at,
        "size_bytes": 4_321_000,
        "members": ("naive", "prophet", "lear", "boosting"),
        "first": date(2021, 6, 1),
        "last": LAST,
        "hours": 39480,
        "duration_s": 74.2,
        "report": report(),
        "promoted": True,
        "verdict": Message("Better than the naive model."),
    }
    return Version(**{**usual, **more})


def damaged(days: int = 0) -> Version:
    """A version whose files are not what was written: nothing is known of it but its id and size."""
    sound = version(days)
    wrong = ModelDamaged("Version {version} of the models is damaged.", version=sound.id)
    return Version(sound.id, sound.created_at, sound.size_bytes, damage=wrong)


class FakeModels:
    """A registry in memory, with the rules of the real one."""

    def __init__(self, *versions: Version, serving: str | None = None, model: str = "ensemble") -> None:
        self.known = list(versions)
        self.model = model
        self.reasons: tuple[Message, ...] = ()
        self.promotions: list[Promotion] = []
        if serving:
            self.promote(serving, "training", Message("Better than the naive model."))

    def versions(self) -> list[Version]:
        return sorted(self.known, key=lambda one: one.id, reverse=True)

    def show(self, version: str) -> Version:
        found = next((one for one in self.known if one.id == version), None)
        if found is None:
            raise NotFound("There is no version {version} of the models.", version=version)
        return found

    def serving(self) -> Serving:
        last = self.promotions[0] if self.promotions else None
        if last is None or last.version is None:
            return Serving(None, "naive", last.at if last else None, self.reasons)
        return Serving(self.show(last.version), self.model, last.at, self.reasons)

    def promote(self, version: str, requested_by: str, reason: Message | None = None) -> Promotion:
        self.show(version)
        at = TRAINED + timedelta(hours=len(self.promotions))
        self.promotions.insert(0, Promotion(at, version, requested_by, reason or Message("Promoted by hand.")))
        return self.promotions[0]

    def rollback(self, requested_by: str) -> Promotion:
        present, there = self.promotions[0].version, {one.id for one in self.known}
        for one in self.promotions:
            if one.version in there - {present}:
                return self.promote(one.version, requested_by, Message("Rolled back from {version}.", version=present))
        raise Conflict("There is no earlier version to roll back to.")

    def delete(self, version: str) -> None:
        found = self.show(version)
        if self.promotions and self.promotions[0].version == version:
            raise Conflict("Version {version} serves: another must be promoted before it can go.", version=version)
        self.known.remove(found)

    def history(self, limit: int = 50) -> list[Promotion]:
        return self.promotions[:limit]


class FakeAccuracy:
    """Says what it was given, whatever the days."""

    def __init__(self, found: Realised) -> None:
        self.found = found

    def realised(self, days: int = 90) -> Realised:
        return replace(self.found, daily=self.found.daily.iloc[-days:])
