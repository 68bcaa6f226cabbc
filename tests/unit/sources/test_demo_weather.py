"""Simulated SIAR days add up from the hours; forecasts are what will be, but for errors that grow."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, StoppedClock, day_grid, day_start, local_days
from chocofactory.core.errors import NotPublished
from chocofactory.domain.measurements import DAILY, HOURLY, SIAR_DAILY, WEATHER_FORECAST
from chocofactory.sources.demo import Demo

LATER = datetime(2040, 1, 1, tzinfo=UTC)
YEAR = date(2024, 1, 1), date(2024, 12, 31)
FIELDS = ["temperature_c", "humidity_pct", "pressure_hpa", "wind_ms", "precipitation_mm"]


def demo(at=LATER, seed=7):
    return Demo(seed, StoppedClock(at))


@pytest.fixture(scope="module")
def hours():
    return demo().observations(*YEAR)


@pytest.fixture(scope="module")
def days():
    return demo().siar_days(*YEAR)


@pytest.fixture(scope="module")
def issues():
    """Forecasts of a year, one every five days at changing hours, with what came: errors by issue and lead."""
    truth = demo().observations(date(2023, 12, 31), date(2025, 1, 10))
    out = []
    for number in range(73):
        after = timedelta(days=5 * number, hours=6 * (number % 4))
        issued = demo(datetime(2024, 1, 1, tzinfo=UTC) + after).forecast()
        out.append((issued, truth.loc[issued.frame.index]))
    return out


def test_a_day_of_siar_is_what_its_hours_add_up_to(hours, days):
    for day in (date(2024, 1, 1), date(2024, 3, 31), date(2024, 7, 14), date(2024, 10, 27), date(2024, 12, 31)):
        grid = day_grid(day)
        row, of = days.loc[pd.Timestamp(day_start(day))], hours.loc[grid]
        for name, unit in (("temperature", "c"), ("humidity", "pct")):
            values = of[f"{name}_{unit}"]
            assert row[f"{name}_mean_{unit}"] == pytest.approx(values.mean(), abs=0.0051)
            assert (row[f"{name}_max_{unit}"], row[f"{name}_min_{unit}"]) == (values.max(), values.min())
            assert row[f"{name}_max_time"] == f"{values.idxmax():%H:%M}"
            assert row[f"{name}_min_time"] == f"{values.idxmin():%H:%M}"
        assert row["wind_ms"] == pytest.approx(of["wind_ms"].mean(), abs=0.0051)
        assert row["precipitation_mm"] == pytest.approx(of["precipitation_mm"].sum())


def test_days_of_siar_are_in_the_promised_form(days):
    assert days.index.equals(day_grid(*YEAR, DAILY))
    assert (str(days.index.tz), days.index.name, days.index.unit) == ("UTC", "time", "us")
    assert set(days.columns) <= set(SIAR_DAILY.field_names)
    assert days.notna().all().all()
    assert (Demo.province, Demo.siar_station) == ("23", "0")


def test_a_day_of_siar_is_the_same_whatever_range_it_was_asked_in(days):
    for day in (date(2024, 3, 31), date(2024, 10, 27)):
        assert demo().siar_days(day, day).equals(days.loc[[pd.Timestamp(day_start(day))]])


def test_days_of_siar_end_with_the_last_one_that_is_over():
    at = datetime(2025, 3, 30, 0, 0, tzinfo=MADRID)
    found = demo(at).siar_days(date(2025, 3, 25), date(2025, 4, 2))
    assert local_days(found.index)[-1] == pd.Timestamp("2025-03-29")
    with pytest.raises(NotPublished):
        demo(at).siar_days(date(2025, 3, 30), date(2025, 4, 2))


def test_the_sun_follows_the_season_and_the_clouds(days):
    radiation, wet = days["radiation_mj_m2"], days["precipitation_mm"] >= 0.2
    month = local_days(days.index).month
    assert radiation[month == 6].mean() > 3 * radiation[month == 12].mean()
    assert radiation.between(0.5, 33).all()
    winter = (month <= 3) | (month >= 11)
    assert radiation[winter & wet].mean() < 0.8 * radiation[winter & ~wet].mean()


def test_radiation_never_exceeds_what_reaches_the_atmosphere(days):
    """By another way: the sun's height summed up minute by minute."""
    latitude = np.radians(38.15)
    minutes = np.radians((np.arange(1440) + 0.5) / 4 - 180)
    for day in (date(2024, 3, 20), date(2024, 6, 21), date(2024, 12, 21)):
        number = day.timetuple().tm_yday
        tilt = np.radians(23.45) * np.sin(2 * np.pi * (284 + number) / 365)
        height = np.sin(latitude) * np.sin(tilt) + np.cos(latitude) * np.cos(tilt) * np.cos(minutes)
        near = 1 + 0.033 * np.cos(2 * np.pi * number / 365)
        outside = 1367 * near * np.clip(height, 0, None).sum() * 60 / 1e6
        month = days["radiation_mj_m2"][local_days(days.index).month == day.month]
        assert 0.5 * outside < month.max() < 0.82 * outside


@pytest.mark.realdata
def test_a_simulated_climate_is_much_like_that_of_linares(data_dir):
    real = pd.read_csv(data_dir / "weather" / "siar_linares_daily_clean.csv", parse_dates=["date"]).set_index("date")
    real = real.loc["2005":"2024"]
    simulated = demo().siar_days(date(2005, 1, 1), date(2024, 12, 31))
    simulated = simulated.set_index(local_days(simulated.index))
    pairs = {
        "temp_mean_c": ("temperature_mean_c", 2),
        "temp_max_c": ("temperature_max_c", 2),
        "rh_mean_pct": ("humidity_mean_pct", 8),
        "wind_ms": ("wind_ms", 0.3),
        "radiation_mj_m2": ("radiation_mj_m2", 1.8),
    }
    for theirs, (ours, near) in pairs.items():
        by_month = [table.groupby(table.index.month).mean() for table in (simulated[ours], real[theirs])]
        assert (by_month[0] - by_month[1]).abs().max() < near, theirs
    wet = [
        (table >= 0.2).groupby(table.index.month).mean() for table in (simulated["precipitation_mm"], real["precip_mm"])
    ]
    assert (wet[0] - wet[1]).abs().max() < 0.12
    yearly = [
        table.groupby(table.index.year).sum().mean() for table in (simulated["precipitation_mm"], real["precip_mm"])
    ]
    assert yearly[0] == pytest.approx(yearly[1], rel=0.2)


@pytest.mark.parametrize(("hour", "issue"), [(0, 0), (5, 0), (6, 6), (17, 12), (23, 18)])
def test_a_forecast_is_that_of_the_last_full_six_hours(hour, issue):
    issued = demo(datetime(2025, 3, 30, hour, 59, 59, tzinfo=UTC)).forecast()
    assert issued.issued_at == datetime(2025, 3, 30, issue, tzinfo=UTC)
    assert issued.resolution == HOURLY
    assert issued.frame.index[0] == issued.issued_at
    assert issued.frame.index.equals(pd.date_range(issued.issued_at, periods=120, freq="h", name="time", unit="us"))
    assert set(issued.frame.columns) == {*FIELDS, "precipitation_probability_pct"} <= set(WEATHER_FORECAST.field_names)


def test_a_forecast_stays_as_it_was_issued():
    at = datetime(2025, 3, 30, 12, tzinfo=UTC)
    first, again = demo(at).forecast(), demo(at + timedelta(hours=5, minutes=59)).forecast()
    assert first.frame.equals(again.frame)
    assert not first.frame.equals(demo(at, seed=8).forecast().frame)


def test_values_of_a_forecast_are_possible(issues):
    everything = pd.concat(issued.frame for issued, _ in issues)
    assert everything.notna().all().all()
    assert everything["humidity_pct"].between(0, 100).all()
    assert everything["precipitation_probability_pct"].between(0, 100).all()
    assert (everything[["wind_ms", "precipitation_mm"]] >= 0).all().all()
    assert everything["temperature_c"].diff().abs().quantile(0.99) < 6


def test_a_forecast_is_never_the_observation(issues):
    for issued, truth in issues:
        for field in ("temperature_c", "humidity_pct", "pressure_hpa"):
            assert (issued.frame[field] != truth[field]).mean() > 0.7


@pytest.mark.parametrize(
    ("field", "early", "late"), [("temperature_c", 0.9, 2.5), ("humidity_pct", 5, 12), ("pressure_hpa", 0.9, 3.5)]
)
def test_errors_grow_with_the_lead_from_small_to_large(issues, field, early, late):
    errors = np.array([(issued.frame[field] - truth[field]).to_numpy() for issued, truth in issues])
    by_lead = np.sqrt((errors**2).mean(axis=0))
    assert by_lead[:6].mean() < early * 1.3
    assert by_lead[-24:].mean() == pytest.approx(late, rel=0.25)
    assert by_lead[:12].mean() < by_lead[36:60].mean() < by_lead[-24:].mean()
    assert np.abs(errors.mean(axis=0)).max() < late


def test_errors_of_a_forecast_drift_and_do_not_flicker(issues):
    errors = np.array([(issued.frame["temperature_c"] - truth["temperature_c"]).to_numpy() for issued, truth in issues])
    assert np.mean([np.corrcoef(row[:-1], row[1:])[0, 1] for row in errors]) > 0.85


def test_the_chance_of_rain_tells_something_and_does_not_know(issues):
    table = pd.concat(
        pd.DataFrame(
            {
                "chance": issued.frame["precipitation_probability_pct"],
                "rain": truth["precipitation_mm"] > 0,
                "lead": range(120),
            }
        )
        for issued, truth in issues
    )
    low, high = table[table["chance"] < 10], table[table["chance"] >= 60]
    assert low["rain"].mean() < 0.05
    assert 0.4 < high["rain"].mean() < 1
    soon, later = table[table["lead"] < 24], table[table["lead"] >= 96]
    assert (
        soon[["chance", "rain"]].astype(float).corr().iloc[0, 1]
        > later[["chance", "rain"]].astype(float).corr().iloc[0, 1]
    )


def test_rain_falls_in_whole_events_on_some_days(hours, days):
    assert hours["precipitation_mm"].between(0, 30).all()
    assert 0.15 < (days["precipitation_mm"] >= 0.2).mean() < 0.35
    assert 0.02 < (hours["precipitation_mm"] > 0).mean() < 0.15
