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
from chocofactory.forecasting.trained import FROM_SPOT
from chocofactory.services.memo import Memo

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.store.base import SeriesStore

DRIFT_DAYS = 14
"""Days over which recent accuracy is taken."""
LEAST_RECENT = DRIFT_DAYS // 2
"""Days with realised errors that a mean of 14 days needs."""
USUAL_DAYS = 90
"""Days over which usual accuracy is taken, however many are asked for."""
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

    ``mae_14d`` is that of the last 14 local days, ``median_90d`` the median of all such means in the last 90 days,
    ``enough`` whether at least 28 of these have realised errors, and 7 of the last 14.
    """

    mae_14d: float | None
    median_90d: float | None
    coverage_14d: float | None
    enough: bool


@dataclass(frozen=True)
class Realised:
    """Realised errors of the forecasts that fell due in a range of local days.

    Forecasts whose first day was told from its day-ahead prices know more than the others and count in ``from_spot``
    alone.

    ``daily``: index ``day`` (midnights without zone, every day of the range); ``hours`` (compared, all leads together),
    ``mae``, ``naive_mae``, ``bias`` (forecast less price) [EUR/kWh], ``coverage_50``, ``coverage_90`` [0 to 1],
    ``mae_14d``, ``naive_mae_14d`` (means of 14 days) [EUR/kWh]; NaN where nothing was compared. ``by_lead``: index
    ``lead_day`` 1 ... 7; ``n`` hours, ``mae``, ``naive_mae``, ``bias`` [EUR/kWh], ``coverage_90``,
    ``rmae`` (to the naive, over the hours that have one). ``from_spot``: the same of the first day as told from its
    day-ahead prices.
    ``since`` is the first day that an archived forecast speaks of; None where the archive is empty.
    """

    first: date
    last: date
    since: date | None
    daily: pd.DataFrame
    by_lead: pd.DataFrame
    from_spot: pd.Series
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

        Where a lead day was forecast more than once, the latest issue counts: one of those whose first day was told
        from its day-ahead prices, and one of the others.

        Returns
        -------
        DataFrame
            Columns ``time`` (UTC), ``lead_day``, ``from_spot`` (of the whole issue), ``day`` (midnight without zone),
            ``issued_at`` (UTC), ``model``, ``version``, ``price``, ``naive`` (the price a week before), ``p05`` ...
            ``p95`` [EUR/kWh].

        """
        start, end = day_bounds(first, last)
        said = self._store.read(PRICE_FORECAST, start - _WEEK, end + _WEEK, market=PVPC, zone=self._zone)
        said = _placed(said.reset_index())
        said = said[(said["time"] >= start) & (said["time"] < end)]
        said = said.sort_values("issued_at", kind="stable").drop_duplicates(list(_TOLD_ONCE), keep="last")
        prices = self._prices(start - _WEEK - timedelta(hours=1), end)
        known = said.assign(
            price=prices.reindex(said["time"]).to_numpy(),
            naive=prices.reindex(_a_week_before(pd.DatetimeIndex(said["time"]))).to_numpy(),
        )
        names = {f"p{level}_eur_kwh": f"p{level}" for level in ("05", "25", "50", "75", "95")}
        columns = [*_TOLD_ONCE, "day", "issued_at", "model", "version", "price", "naive", *names.values()]
        return known.rename(columns=names)[columns].dropna(subset=["price"]).sort_values(list(_TOLD_ONCE))

    def _realised(self, first: date, last: date) -> Realised:
        usual = last - timedelta(days=USUAL_DAYS - 1)
        errors = _measured(self.errors(min(first, usual), last))
        blind = errors[~errors["from_spot"]]
        drift = _drift(_daily(blind, usual, last))
        shown = errors[errors["day"] >= pd.Timestamp(first)]
        told = shown["from_spot"]
        return Realised(
            first=first,
            last=last,
            since=self._since(),
            daily=_daily(blind, first, last),
            by_lead=_by_lead(shown[~told]),
            from_spot=_by_lead(shown[told]).iloc[0],
            drift=drift,
            alarms=_alarms(drift),
        )

    def _since(self) -> date | None:
        extents = [self._store.extent(series) for series in self._store.series(PRICE_FORECAST)]
        starts = [extent[0] for extent in extents if extent is not None]
        return local_date(min(starts)) if starts else None

    def _prices(self, start: datetime, end: datetime) -> pd.Series:
        raw = self._store.read(ENERGY_PRICE, start, end, resolution=HOURLY, market=PVPC, zone=self._zone)
        return raw["price_eur_kwh"]


_TOLD_ONCE = ("time", "lead_day", "from_spot")
_MEANS = {
    "hours": ("error", "size"),
    "mae": ("error", "mean"),
    "naive_mae": ("naive_error", "mean"),
    "bias": ("bias", "mean"),
    "coverage_50": ("within_50", "mean"),
    "coverage_90": ("within_90", "mean"),
}


def _placed(said: pd.DataFrame) -> pd.DataFrame:
    """Archived hours with their local day, their lead day, and whether their issue knew day-ahead prices.

    Rows from before lead days were archived count from the first day of their issue.
    """
    days = pd.Series(local_days(pd.DatetimeIndex(said["time"])), index=said.index)
    counted = (days - days.groupby(said["issued_at"]).transform("min")).dt.days + 1
    told = (said["model"] == FROM_SPOT).groupby(said["issued_at"]).transform("any")
    archived = said["lead_day"].astype(float)
    lead_day = archived.where(archived.notna(), counted.astype(float)).astype("int64")
    return said.assign(day=days, lead_day=lead_day, from_spot=told.astype(bool))


def _measured(errors: pd.DataFrame) -> pd.DataFrame:
    """Absolute errors, bias, and whether each band held; ``matched_error`` is the error where the naive has one."""
    price = errors["price"]
    return errors.assign(
        error=(errors["p50"] - price).abs(),
        naive_error=(errors["naive"] - price).abs(),
        matched_error=(errors["p50"] - price).abs().where(errors["naive"].notna()),
        bias=errors["p50"] - price,
        within_50=price.between(errors["p25"], errors["p75"]).astype(float),
        within_90=price.between(errors["p05"], errors["p95"]).astype(float),
    )


def _daily(errors: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    daily = errors.groupby("day").agg(**_MEANS).reindex(pd.date_range(first, last, name="day"))
    daily["hours"] = daily["hours"].fillna(0).astype("int64")
    for name in ("mae", "naive_mae"):
        daily[f"{name}_14d"] = daily[name].rolling(DRIFT_DAYS, min_periods=LEAST_RECENT).mean()
    return daily


def _by_lead(errors: pd.DataFrame) -> pd.DataFrame:
    means = {**_MEANS, "matched_mae": ("matched_error", "mean")}
    by_lead = errors.groupby("lead_day").agg(**means).reindex(pd.RangeIndex(1, LEAD_DAYS + 1, name="lead_day"))
    by_lead["hours"] = by_lead["hours"].fillna(0).astype("int64")
    by_lead["rmae"] = by_lead["matched_mae"] / by_lead["naive_mae"]
    return by_lead.rename(columns={"hours": "n"}).drop(columns=["coverage_50", "matched_mae"])


def _a_week_before(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The same hour of the wall clock seven days before; of an hour that March lacks, the next."""
    wall = times.tz_convert(MADRID).tz_localize(None) - _WEEK
    return wall.tz_localize(MADRID, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward").tz_convert(
        "UTC"
    )


def _drift(daily: pd.DataFrame) -> Drift:
    known = daily["mae"].notna()
    recent = daily.iloc[-DRIFT_DAYS:].dropna(subset=["mae"])
    usual = daily["mae_14d"].median()
    median = None if np.isnan(usual) else float(usual)
    if recent.empty:
        return Drift(None, median, None, enough=False)
    return Drift(
        float(recent["mae"].mean()),
        median,
        float(np.average(recent["coverage_90"], weights=recent["hours"])),
        enough=bool(known.sum() >= LEAST_DAYS and len(recent) >= LEAST_RECENT),
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
