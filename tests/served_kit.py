"""Stand-ins for the services of forecasts and models: they tell what they were given, and remember what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from chocofactory.core.clock import Clock, day_start, local_date
from chocofactory.core.errors import Conflict, InvalidInput, ModelDamaged, NotFound
from chocofactory.core.messages import Message
from chocofactory.services.forecasts import Forecast
from chocofactory.services.models import Check, Promotion, Serving
from chocofactory.services.versions import Version

OLD, NEW, DAMAGED = "20250301T030000Z-00aa11", "20250308T030000Z-00bb22", "20250309T030000Z-00cc33"
STEPS = {"p05": -0.02, "p25": -0.01, "p50": 0.0, "p75": 0.01, "p95": 0.03}
ENSEMBLE = Message("{model} serves: it proved better than last week's prices.", model="ensemble")
NAIVE = Message("No version was trained yet: last week's prices serve.")


class FakeForecasts:
    """Prices of the wall clock's hour / 100; those of today and tomorrow are published."""

    def __init__(self, clock: Clock, version: str | None = NEW, lacking: int = 0) -> None:
        self.clock, self.version, self.lacking = clock, version, lacking
        self.asked: list[tuple[datetime | None, int, str | None]] = []

    def forecast(self, at: datetime | None = None, horizon: int = 168, model: str | None = None) -> Forecast:
        self.asked.append((at, horizon, model))
        if model not in (None, "naive", "ensemble"):
            raise InvalidInput("There is no model {model}.", model=model)
        now = self.clock.now()
        if at is not None and at > now:
            raise InvalidInput("{at} lies in the future.", at=at.isoformat())
        start = (at or now).replace(minute=0, second=0, microsecond=0)
        grid = pd.date_range(start, periods=horizon - self.lacking, freq="h", name="time", unit="us")
        origin = day_start(local_date(start) + timedelta(days=2))
        wall = grid.tz_convert("Europe/Madrid")
        ahead = (wall.tz_localize(None).normalize() - pd.Timestamp(local_date(origin))).days.to_numpy() + 1
        unknown = grid >= origin
        who = model or ("ensemble" if self.version else "naive")
        frame = pd.DataFrame({name: wall.hour / 100 + step * unknown for name, step in STEPS.items()}, index=grid)
        frame["kind"] = np.where(unknown, "forecast", "published")
        frame["model"] = np.where(unknown, who, "")
        frame["version"] = np.where(unknown, self.version or "", "")
        frame["lead_day"] = np.where(unknown, ahead, 0)
        frame["period"] = "P3"
        frame["source"] = np.where(unknown, "chocofactory", "ree")
        reasons = (ENSEMBLE,) if self.version else (NAIVE,)
        paths = np.empty((0, len(grid)))
        return Forecast(now, start, origin, frame, paths, who, self.version, from_spot=False, reasons=reasons)


def a_version(name: str, *, good: bool = True, damaged: bool = False) -> Version:
    """A version with a proof of two models, by all hours and by the first two lead days."""
    score = {"rmse": 0.03, "pinball": 0.004, "bias": -0.001, "width_50": 0.02, "width_90": 0.06}
    score |= {"coverage_50": 0.51, "coverage_90": 0.9034, **{f"below_{level}": 0.5 for level in ("05", "25", "50")}}
    groups = [("all", "all"), ("lead_day", 1), ("lead_day", 2)]
    errors = {"ensemble": 0.75 if good else 1.1, "naive": 1.0}
    rows = [
        {"model": model, "group": group, "key": key, "n": 1000, "mae": 0.024 * error, "rmae": error, **score}
        for model, error in errors.items()
        for group, key in groups
    ]
    difference = 0.024 * (errors["ensemble"] - 1)
    ends = sorted((0.5 * difference, 1.5 * difference))
    comparison = {"model": "ensemble", "versus": "naive", "difference_eur_kwh": difference, "low": ends[0]}
    comparison |= {"high": ends[1], "statistic": -4.2 if good else 4.2, "p_value": 0.001, "origins": 60}
    comparison |= dict.fromkeys(("relative", "relative_low", "relative_high"), difference / 0.024)
    report = {"first": "2024-12-01", "last": "2025-01-29", "origins": 60, "refit_days": 7}
    report |= {"scores": rows, "comparisons": [comparison], "comparisons_day_1": [comparison]}
    moment = datetime.fromisoformat(name[:16])
    if damaged:
        damage = ModelDamaged("Version {version} of the models is damaged.", version=name)
        return Version(name, moment, 2_500_000, ("naive", "lear"), damage=damage)
    return Version(
        id=name,
        created_at=moment,
        size_bytes=2_500_000,
        members=("naive", "lear"),
        first=date(2021, 6, 1),
        last=date(2025, 1, 30),
        hours=32000,
        data_hash="ab" * 32,
        duration_s=61.25,
        libraries={"lightgbm": "4.6.0"},
        parameters={"lear": {"windows": [56, 728]}},
        report=report,
        promoted=good,
        verdict=Message("{model} is better.", model="ensemble"),
    )


@dataclass
class FakeModels:
    """Versions in memory."""

    kept: dict[str, Version] = field(default_factory=dict)
    serves: str | None = None
    changes: list[Promotion] = field(default_factory=list)

    @classmethod
    def with_three(cls) -> FakeModels:
        """An old version, a newer one that serves, and the newest, which is damaged."""
        made = cls({name: a_version(name, damaged=name == DAMAGED) for name in (OLD, NEW, DAMAGED)})
        made.promote(NEW, "scheduler")
        return made

    def versions(self) -> list[Version]:
        return [self.kept[name] for name in sorted(self.kept, reverse=True)]

    def show(self, name: str) -> Version:
        if name not in self.kept:
            raise NotFound("There is no version {version} of the models.", version=name)
        return self.kept[name]

    def serving(self) -> Serving:
        if self.serves is None:
            return Serving(None, "naive", None, (NAIVE,))
        return Serving(self.kept[self.serves], "ensemble", self.changes[0].at, (ENSEMBLE,))

    def promote(self, name: str, requested_by: str) -> None:
        if self.show(name).damaged:
            raise ModelDamaged("Version {version} of the models is damaged.", version=name)
        self.serves = name
        at = datetime(2025, 3, 10, 3, tzinfo=UTC) + timedelta(hours=len(self.changes))
        self.changes.insert(0, Promotion(at, name, requested_by, Message("It was chosen.")))

    def rollback(self, requested_by: str) -> None:
        if len(self.changes) < 2:
            raise Conflict("There is nothing to go back to.")
        self.promote(self.changes[1].version, requested_by)

    def delete(self, name: str) -> None:
        self.show(name)
        if name == self.serves:
            raise Conflict("Version {version} serves: promote another one first.", version=name)
        del self.kept[name]

    def prune(self, keep: int) -> list[str]:
        gone = [version.id for version in self.versions()[keep:] if version.id != self.serves]
        for name in gone:
            del self.kept[name]
        return gone

    def history(self) -> list[Promotion]:
        return self.changes

    def validate(self) -> list[Check]:
        why = Message("roll.npz is another file.")
        return [Check(each.id, not each.damaged, why if each.damaged else None) for each in self.versions()]


def with_fakes(factory, **services):
    """The same factory with stand-ins for some of its services."""
    return replace(factory, **services)
