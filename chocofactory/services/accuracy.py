"""How right the issued forecasts were, once the prices were out: from the archive, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds, local_date, local_days
from chocofactory.core.messages import Message
from chocofactory.domain.measurements import ENERGY_PRICE, HOURLY, PENINSULA, PRICE_FORECAST, PVPC
from chocofactory.forecasting.model import LEAD_DAYS
from chocofactory.services.memo import Memo

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.store.base import SeriesStore

DRIFT_DAYS = 14
"""Days over which recent accuracy is taken."""
LEAST_DAYS = 28
"""Days with realised errors before anything is said about drift."""
WORSE_THAN_USUAL = 2.0
COVERAGE_BOUNDS = (0.80, 0.97)
"""What the 90 % band may cover over 14 days before it counts as drift: of some 300 hours that hang together."""
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Alarm:
    """That the forecast has become worse than it says, or than it used to be."""

    code: Literal["drift-mae", "drift-coverage"]
    message: Message


@dataclass(frozen=True)
class Drift:
    """Recent accuracy against the usual: mean absolute errors [EUR/kWh] and coverage [0 to 1]; None where unknown.

    ``mae_14d`` is that of the last 14 days with realised errors, ``median_90d`` the median of all such means in the
    range, ``enough`` whether at least 28 days have realised errors.
    """

    mae_14d: float | None
    median_90d: float | None
    coverage_14d: float | None
    enough: bool


@dataclass(frozen=True)
class Realised:
    """Realised errors of the forecasts that fell due in a range of local days.

    ``daily``: index ``day`` (midnights without zone, every day of the range); ``hours`` (compared, all leads together),
    ``mae``, ``naive_mae``, ``bias`` (forecast less price) [EUR/kWh], ``coverage_50``, ``coverage_90`` [0 to 1],
    ``mae_14d``, ``naive_mae_14d`` (means of 14 days) [EUR/kWh]; NaN where nothing was compared. ``by_lead``: index
    ``lead_day`` 1 ... 7; ``n`` hours, ``mae``, ``naive_mae``, ``bias`` [EUR/kWh], ``rmae`` (to the naive),
    ``coverage_90``.
    ``since`` is the first day that an archived forecast speaks of; None where the archive is empty.
    """

    first: date
    last: date
    since: date | None
    daily: pd.DataFrame
    by_lead: pd.DataFrame
    drift: Drift
    alarms: tuple[Alarm, ...]


class Accuracy:
    """Compares archived forecasts with the prices that came out; changes nothing."""

    def __init__(self, store: SeriesStore, clock: Clock, zone: str = PENINSULA) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._memo = Memo(store)

    def realised(self, days: int = 90) -> Realised:
        """Errors of the last ``days`` local days, today included."""
        last = local_date(self._clock.now())
        first = last - timedelta(days=days - 1)
        return self._memo.get(("realised", first, last), lambda: self._realised(first, last))

    def errors(self, first: date, last: date) -> pd.DataFrame:
        """Every archived hour of the local days ``first`` ... ``last`` whose price is out, of each lead day once.

        Where a lead day was forecast more than once, the latest issue counts.

        Returns
        -------
        DataFrame
            Columns ``time`` (UTC), ``day`` (midnight without zone), ``lead_day``, ``issued_at`` (UTC), ``model``,
            ``version``, ``price``, ``naive`` (the price a week before), ``p05`` ... ``p95`` [EUR/kWh].

        """
        start, end = day_bounds(first, last)
        said = self._store.read(PRICE_FORECAST, start - _WEEK, end + _WEEK, market=PVPC, zone=self._zone)
        said = said.reset_index()
        days = local_days(pd.DatetimeIndex(said["time"]))
        begins = pd.Series(days, index=said.index).groupby(said["issued_at"]).transform("min")
        said = said.assign(day=days, lead_day=(days - pd.DatetimeIndex(begins)).days + 1)
        said = said[(said["time"] >= start) & (said["time"] < end)]
        said = said.sort_values("issued_at", kind="stable").drop_duplicates(["time", "lead_day"], keep="last")
        prices = self._prices(start - _WEEK - timedelta(hours=1), end)
        known = said.assign(
            price=prices.reindex(said["time"]).to_numpy(),
            naive=prices.reindex(_a_week_before(pd.DatetimeIndex(said["time"]))).to_numpy(),
        )
        names = {f"p{level}_eur_kwh": f"p{level}" for level in ("05", "25", "50", "75", "95")}
        columns = ["time", "day", "lead_day", "issued_at", "model", "version", "price", "naive", *names.values()]
        return known.rename(columns=names)[columns].dropna(subset=["price"]).sort_values(["time", "lead_day"])

    def _realised(self, first: date, last: date) -> Realised:
        errors = _measured(self.errors(first, last))
        daily = errors.groupby("day").agg(**_MEANS).reindex(pd.date_range(first, last, name="day"))
        daily["hours"] = daily["hours"].fillna(0).astype("int64")
        for name in ("mae", "naive_mae"):
            daily[f"{name}_14d"] = daily[name].rolling(DRIFT_DAYS, min_periods=DRIFT_DAYS // 2).mean()
        by_lead = errors.groupby("lead_day").agg(**_MEANS).reindex(pd.RangeIndex(1, LEAD_DAYS + 1, name="lead_day"))
        by_lead = by_lead.rename(columns={"hours": "n"}).drop(columns="coverage_50")
        by_lead["n"] = by_lead["n"].fillna(0).astype("int64")
        by_lead["rmae"] = by_lead["mae"] / by_lead["naive_mae"]
        drift = _drift(daily)
        return Realised(first, last, self._since(), daily, by_lead, drift, _alarms(drift))

    def _since(self) -> date | None:
        extents = [self._store.extent(series) for series in self._store.series(PRICE_FORECAST)]
        starts = [extent[0] for extent in extents if extent is not None]
        return local_date(min(starts)) if starts else None

    def _prices(self, start: datetime, end: datetime) -> pd.Series:
        raw = self._store.read(ENERGY_PRICE, start, end, resolution=HOURLY, market=PVPC, zone=self._zone)
        return raw["price_eur_kwh"]


_MEANS = {
    "hours": ("error", "size"),
    "mae": ("error", "mean"),
    "naive_mae": ("naive_error", "mean"),
    "bias": ("bias", "mean"),
    "coverage_50": ("within_50", "mean"),
    "coverage_90": ("within_90", "mean"),
}


def _measured(errors: pd.DataFrame) -> pd.DataFrame:
    """Absolute errors, bias, and whether each band held; the naive's error only where the forecast has one."""
    price = errors["price"]
    return errors.assign(
        error=(errors["p50"] - price).abs(),
        naive_error=(errors["naive"] - price).abs(),
        bias=errors["p50"] - price,
        within_50=price.between(errors["p25"], errors["p75"]).astype(float),
        within_90=price.between(errors["p05"], errors["p95"]).astype(float),
    )


def _a_week_before(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The same hour of the wall clock seven days before; of an hour that March lacks, the next."""
    wall = times.tz_convert(MADRID).tz_localize(None) - _WEEK
    return wall.tz_localize(MADRID, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward").tz_convert(
        "UTC"
    )


def _drift(daily: pd.DataFrame) -> Drift:
    known = daily.dropna(subset=["mae"])
    enough = len(known) >= LEAST_DAYS
    if known.empty:
        return Drift(None, None, None, enough=False)
    recent = known.iloc[-DRIFT_DAYS:]
    usual = daily["mae_14d"].median()
    return Drift(
        float(recent["mae"].mean()),
        None if np.isnan(usual) else float(usual),
        float(np.average(recent["coverage_90"], weights=recent["hours"])),
        enough,
    )


def _alarms(drift: Drift) -> tuple[Alarm, ...]:
    if not drift.enough or drift.mae_14d is None or drift.median_90d is None or drift.coverage_14d is None:
        return ()
    found = []
    if drift.mae_14d > WORSE_THAN_USUAL * drift.median_90d:
        found.append(
            Alarm(
                "drift-mae",
                Message(
                    "The forecast was off by {mae:.4f} EUR/kWh in the last 14 days, more than twice the usual"
                    " {usual:.4f} EUR/kWh.",
                    mae=drift.mae_14d,
                    usual=drift.median_90d,
                ),
            )
        )
    low, high = COVERAGE_BOUNDS
    if not low <= drift.coverage_14d <= high:
        found.append(
            Alarm(
                "drift-coverage",
                Message(
                    "The 90 % band held {coverage:.0f} % of the prices of the last 14 days: its width is not right.",
                    coverage=100 * drift.coverage_14d,
                ),
            )
        )
    return tuple(found)
