"""Realised errors come from the archive and the prices that came out, and drift is told from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import StoppedClock, day_grid, day_start, local_date
from chocofactory.domain.measurements import PENINSULA, PRICE_FORECAST, PVPC, Series, price_series
from chocofactory.services.accuracy import Accuracy
from chocofactory.store.sqlite import SqliteSeriesStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2025, 3, 20, 8, tzinfo=UTC)
ARCHIVE = Series(PRICE_FORECAST, {"market": PVPC, "zone": PENINSULA})
LEVELS = {"p05": -0.02, "p25": -0.01, "p50": 0.0, "p75": 0.01, "p95": 0.02}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteSeriesStore]:
    """A store with hourly prices of 0.10 EUR/kWh, 0.12 in the last week."""
    made = SqliteSeriesStore(tmp_path / "series.db", "real")
    grid = day_grid(date(2024, 12, 1), date(2025, 3, 20))
    prices = np.where(grid >= day_start(date(2025, 3, 14)), 0.12, 0.10)
    made.write(price_series(), pd.DataFrame({"price_eur_kwh": prices}, index=grid), source="ree", written_at=NOW)
    yield made
    made.close()


def archive(
    store: SqliteSeriesStore, origin: date, p50: float, issued_at: datetime | None = None, days: int = 7
) -> None:
    """Keep a forecast of some days that says the same for each hour."""
    grid = day_grid(origin, origin + timedelta(days=days - 1))
    frame = pd.DataFrame({f"{name}_eur_kwh": p50 + more for name, more in LEVELS.items()}, index=grid)
    frame["model"], frame["version"] = "ensemble", "v1"
    at = issued_at or day_start(origin) - timedelta(hours=3)
    store.write(ARCHIVE, frame, source="chocofactory", written_at=at, issued_at=at)


def test_an_error_is_what_was_said_less_what_came(store: SqliteSeriesStore) -> None:
    archive(store, date(2025, 3, 14), 0.105)
    realised = Accuracy(store, StoppedClock(NOW)).realised(30)

    row = realised.daily.loc["2025-03-16"]
    assert row["hours"] == 24
    assert row["mae"] == pytest.approx(0.015)
    assert row["bias"] == pytest.approx(-0.015)
    assert row["naive_mae"] == pytest.approx(0.02)
    assert (row["coverage_50"], row["coverage_90"]) == (0.0, 1.0)
    assert np.isnan(realised.daily.loc["2025-03-10", "mae"])
    assert realised.by_lead["n"].tolist() == [24] * 7
    assert realised.by_lead.loc[3, "rmae"] == pytest.approx(0.75)
    assert realised.since == date(2025, 3, 14)


def test_hours_whose_price_is_not_out_do_not_count(store: SqliteSeriesStore) -> None:
    archive(store, date(2025, 3, 19), 0.12)

    assert Accuracy(store, StoppedClock(NOW)).realised().daily["hours"].sum() == 48


def test_of_two_issues_for_one_lead_day_the_later_counts(store: SqliteSeriesStore) -> None:
    origin = date(2025, 3, 16)
    archive(store, origin, 0.10, day_start(origin) - timedelta(hours=10))
    archive(store, origin, 0.12, day_start(origin) - timedelta(hours=3))

    errors = Accuracy(store, StoppedClock(NOW)).errors(origin, origin)
    assert len(errors) == 24
    assert (errors["p50"] == 0.12).all()


def test_each_lead_day_counts_apart(store: SqliteSeriesStore) -> None:
    for day in (10, 12, 15):
        archive(store, date(2025, 3, day), 0.12)

    errors = Accuracy(store, StoppedClock(NOW)).errors(date(2025, 3, 16), date(2025, 3, 16))
    assert sorted(errors["lead_day"].unique()) == [2, 5, 7]


def test_the_naive_is_the_same_hour_of_the_wall_clock_a_week_before(tmp_path: Path) -> None:
    store = SqliteSeriesStore(tmp_path / "series.db", "real")
    grid = day_grid(date(2025, 3, 20), date(2025, 4, 6))
    wall = grid.tz_convert("Europe/Madrid")
    store.write(
        price_series(), pd.DataFrame({"price_eur_kwh": wall.hour / 100.0}, index=grid), source="ree", written_at=NOW
    )
    archive(store, date(2025, 3, 31), 0.1)

    errors = Accuracy(store, StoppedClock(NOW)).errors(date(2025, 3, 31), date(2025, 4, 6))
    ordinary = errors[errors["naive"] != errors["price"]]
    assert [
        (stamp.tz_convert("Europe/Madrid").hour, value)
        for stamp, value in zip(ordinary["time"], ordinary["naive"], strict=True)
    ] == [
        (2, 0.03)  # the hour that the Sunday before lacks
    ]
    store.close()


def test_an_empty_archive_says_nothing(store: SqliteSeriesStore) -> None:
    realised = Accuracy(store, StoppedClock(NOW)).realised()

    assert realised.since is None
    assert realised.daily["mae"].isna().all()
    assert (realised.drift.mae_14d, realised.drift.enough, realised.alarms) == (None, False, ())


@pytest.mark.parametrize(
    ("recent", "alarms"),
    [(0.103, {"drift-coverage"}), (0.115, {"drift-coverage"}), (0.15, {"drift-mae", "drift-coverage"})],
)
def test_drift_is_an_error_of_twice_the_usual_or_a_band_that_is_not_right(
    tmp_path: Path, recent: float, alarms: set[str]
) -> None:
    store = SqliteSeriesStore(tmp_path / "series.db", "real")
    grid = day_grid(date(2024, 12, 1), date(2025, 3, 20))
    store.write(price_series(), pd.DataFrame({"price_eur_kwh": 0.10}, index=grid), source="ree", written_at=NOW)
    for back in range(60):
        day = local_date(NOW) - timedelta(days=back)
        archive(store, day, recent if back < 14 else 0.11, days=1)

    assert {alarm.code for alarm in Accuracy(store, StoppedClock(NOW)).realised().alarms} == alarms
    store.close()


def test_little_history_raises_no_alarm(store: SqliteSeriesStore) -> None:
    archive(store, date(2025, 3, 10), 0.3)

    realised = Accuracy(store, StoppedClock(NOW)).realised()
    assert not realised.drift.enough
    assert realised.alarms == ()


def test_what_was_told_from_spot_prices_counts_apart(store: SqliteSeriesStore) -> None:
    origin = date(2025, 3, 16)
    archive(store, origin, 0.10, day_start(origin) - timedelta(hours=20))
    at = day_start(origin) - timedelta(hours=10)
    grid = day_grid(origin, origin + timedelta(days=6))
    told = pd.DataFrame({f"{name}_eur_kwh": 0.12 + more for name, more in LEVELS.items()}, index=grid)
    told["model"] = np.where(grid < day_start(origin + timedelta(days=1)), "from_spot", "ensemble")
    store.write(ARCHIVE, told, source="chocofactory", written_at=at, issued_at=at)

    realised = Accuracy(store, StoppedClock(NOW)).realised()
    assert realised.by_lead.loc[1, "mae"] == pytest.approx(0.02)
    assert realised.by_lead["n"].sum() == 5 * 24
    assert (realised.from_spot["n"], realised.from_spot["mae"]) == (24, 0.0)
    assert realised.daily.loc["2025-03-17", "mae"] == pytest.approx(0.02)


def test_an_archived_lead_day_counts_as_it_was(store: SqliteSeriesStore) -> None:
    """Prices were three days old when this was said: its first hour was of the fourth day after the last one known."""
    origin, at = date(2025, 3, 15), day_start(date(2025, 3, 15))
    grid = day_grid(origin, origin + timedelta(days=4))
    said = pd.DataFrame({f"{name}_eur_kwh": 0.12 + more for name, more in LEVELS.items()}, index=grid)
    said["lead_day"] = 4.0 + np.repeat(np.arange(5), 24)
    said["model"] = "naive"
    store.write(ARCHIVE, said, source="chocofactory", written_at=at, issued_at=at)

    by_lead = Accuracy(store, StoppedClock(NOW)).realised().by_lead
    assert by_lead["n"].tolist() == [0, 0, 0, 24, 24, 24, 24]


def test_drift_is_that_of_ninety_days_whatever_is_shown(store: SqliteSeriesStore) -> None:
    for back in range(60):
        archive(store, local_date(NOW) - timedelta(days=back), 0.3 if back < 14 else 0.11, days=1)

    accuracy = Accuracy(store, StoppedClock(NOW))
    short, long = accuracy.realised(20), accuracy.realised(90)
    assert len(short.daily) == 20
    assert short.drift == long.drift
    assert short.alarms == long.alarms != ()


def test_an_error_without_a_price_a_week_before_is_not_compared_with_the_naive(store: SqliteSeriesStore) -> None:
    archive(store, date(2025, 3, 18), 0.15, days=1)
    archive(store, date(2025, 3, 19), 0.13, days=1)
    store.delete(price_series().measurement, day_start(date(2025, 3, 11)), day_start(date(2025, 3, 12)))

    lead = Accuracy(store, StoppedClock(NOW)).realised().by_lead.loc[1]
    assert lead["mae"] == pytest.approx(0.02)
    assert lead["rmae"] == pytest.approx(0.01 / 0.02)


def test_recent_days_are_those_of_the_calendar(store: SqliteSeriesStore) -> None:
    """Of the last 14 days six are known: today 0.18 off, the others 0.01; earlier ones do not fill the gap."""
    price = {back: 0.12 if back < 7 else 0.10 for back in range(70)}
    for back in (0, *range(9, 70)):
        archive(store, local_date(NOW) - timedelta(days=back), price[back] + (0.18 if back == 0 else 0.01), days=1)

    drift = Accuracy(store, StoppedClock(NOW)).realised().drift
    assert drift.mae_14d == pytest.approx((0.18 + 5 * 0.01) / 6)
    assert drift.coverage_14d == pytest.approx(5 / 6)
    assert not drift.enough


def test_nothing_is_said_of_recent_days_that_no_forecast_speaks_of(store: SqliteSeriesStore) -> None:
    for back in range(14, 74):
        archive(store, local_date(NOW) - timedelta(days=back), 0.15, days=1)

    found = Accuracy(store, StoppedClock(NOW)).realised()
    assert (found.drift.mae_14d, found.drift.coverage_14d, found.drift.enough) == (None, None, False)
    assert found.drift.median_90d == pytest.approx(0.05)
    assert found.alarms == ()


def test_without_forecasts_told_from_spot_there_is_nothing_to_say_of_them(store: SqliteSeriesStore) -> None:
    archive(store, date(2025, 3, 16), 0.12)

    row = Accuracy(store, StoppedClock(NOW)).realised().from_spot
    assert row["n"] == 0
    assert row.drop("n").isna().all()
