"""Forecasts as people and programs get them: what is out as it is, a model beyond, and nothing from later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, day_grid, day_start
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.domain.measurements import PRICE_FORECAST, PVPC, SPOT, price_series
from chocofactory.forecasting.model import QUANTILES
from chocofactory.services.forecasts import Forecast
from chocofactory.services.records import as_records
from tests.fakes import wavy_prices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chocofactory.bootstrap import Factory

TODAY = date(2025, 3, 12)
MORNING = datetime(2025, 3, 12, 10, 30, tzinfo=MADRID)
Q = list(QUANTILES)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def write(factory: Factory, prices: pd.Series, market: str = PVPC, at: datetime = MORNING) -> None:
    """Keep prices as a source delivers them."""
    frame = pd.DataFrame({"price_eur_kwh": prices})
    factory._store.write(price_series(market), frame, source="ree", written_at=at)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(MORNING)


@pytest.fixture
def factory(tmp_path: Path, clock: StoppedClock) -> Iterator[Factory]:
    """Half a year of PVPC up to today, and the spot prices that go with it."""
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    prices = wavy_prices(day(-180), day(0))
    write(built, prices)
    write(built, (prices - 0.05) / 1.13, SPOT)
    yield built
    built.close()


def test_published_hours_are_as_they_are_and_the_model_speaks_beyond(factory: Factory) -> None:
    forecast = factory.forecasts.forecast()
    frame = forecast.frame

    assert forecast.start == datetime(2025, 3, 12, 9, tzinfo=UTC)
    assert forecast.origin == day_start(day(1))
    assert len(frame) == 168
    out = frame[frame["lead_day"] == 0]
    assert out.index.equals(pd.date_range("2025-03-12T09:00Z", "2025-03-12T22:00Z", freq="h", unit="us"))
    known = factory.prices.frame(TODAY, TODAY)["price_eur_kwh"].reindex(out.index)
    assert all((out[name] == known).all() for name in Q)
    assert set(out["kind"]) == {"published"}
    ahead = forecast.forecast_hours
    assert set(ahead["kind"]) == {"forecast"}
    assert set(ahead["model"]) == {"naive"}
    assert set(ahead["lead_day"]) == {1, 2, 3, 4, 5, 6, 7}
    assert (np.diff(frame[Q].to_numpy(), axis=1) >= 0).all()
    week_before = factory.prices.frame(day(-6), TODAY)["price_eur_kwh"]
    assert ahead["p50"].to_numpy() == pytest.approx(week_before.to_numpy()[: len(ahead)])


def test_untrained_it_says_which_model_serves_and_why(factory: Factory) -> None:
    forecast = factory.forecasts.forecast()

    assert (forecast.model, forecast.version) == ("naive", None)
    assert [str(reason) for reason in forecast.reasons] == [
        "No model is trained yet: the naive one serves, which repeats the week before."
    ]


@pytest.mark.parametrize("horizon", [1, 14, 15, 100, 168])
def test_any_horizon_has_as_many_hours(factory: Factory, horizon: int) -> None:
    frame = factory.forecasts.forecast(horizon=horizon).frame
    whole = factory.forecasts.forecast().frame

    assert len(frame) == horizon
    pd.testing.assert_frame_equal(frame, whole.iloc[:horizon], check_freq=False)


@pytest.mark.parametrize("horizon", [0, -1, 169])
def test_other_horizons_are_refused(factory: Factory, horizon: int) -> None:
    with pytest.raises(InvalidInput, match="horizon"):
        factory.forecasts.forecast(horizon=horizon)


def test_the_future_and_unknown_models_are_refused(factory: Factory) -> None:
    with pytest.raises(InvalidInput, match="future"):
        factory.forecasts.forecast(MORNING + timedelta(minutes=1))
    with pytest.raises(InvalidInput, match="oracle"):
        factory.forecasts.forecast(model="oracle")


def test_without_prices_there_is_no_forecast(tmp_path: Path, clock: StoppedClock) -> None:
    empty = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    with pytest.raises(NotFound):
        empty.forecasts.forecast()
    assert not empty.forecasts.issue_due()
    empty.close()


def test_a_moment_of_the_past_sees_what_was_out_then(factory: Factory) -> None:
    at = datetime(2025, 3, 5, 20, 0, tzinfo=MADRID)
    before, after = factory.forecasts.forecast(at), factory.forecasts.forecast(at + timedelta(minutes=20))

    assert before.origin == day_start(day(-6))
    assert after.origin == day_start(day(-5))
    write(factory, wavy_prices(day(-6), day(0), level=0.4))
    again = factory.forecasts.forecast(at)
    pd.testing.assert_frame_equal(again.frame, before.frame)
    assert (again.paths == before.paths).all()


def test_between_the_publications_tomorrow_is_told_from_spot(factory: Factory, clock: StoppedClock) -> None:
    tomorrow = wavy_prices(day(1), day(1), level=0.2)
    write(factory, (tomorrow - 0.05) / 1.13, SPOT)
    assert not factory.forecasts.forecast().from_spot  # nobody has it before 13:00

    clock.at = datetime(2025, 3, 12, 13, 40, tzinfo=MADRID).astimezone(UTC)
    forecast = factory.forecasts.forecast()
    assert forecast.from_spot
    first = forecast.frame[forecast.frame["lead_day"] == 1]
    assert set(first["model"]) == {"from_spot"}
    assert first["p50"].to_numpy() == pytest.approx(tomorrow.to_numpy(), abs=0.004)
    assert set(forecast.frame.loc[forecast.frame["lead_day"] > 1, "model"]) == {"naive"}
    assert (first["p95"] - first["p05"]).mean() < 0.02

    clock.at = datetime(2025, 3, 12, 20, 40, tzinfo=MADRID).astimezone(UTC)
    write(factory, tomorrow)
    late = factory.forecasts.forecast()
    assert not late.from_spot
    assert late.origin == day_start(day(2))


def test_one_missing_day_does_not_stop_it(factory: Factory) -> None:
    factory._store.delete(price_series().measurement, day_start(day(-4)), day_start(day(-3)))

    assert factory.forecasts.forecast().frame["p50"].notna().all()


def test_prices_that_are_late_are_said_to_be(factory: Factory, clock: StoppedClock) -> None:
    clock.at += timedelta(days=3)
    forecast = factory.forecasts.forecast()

    assert forecast.frame[Q].notna().all(axis=None)
    assert forecast.frame["lead_day"].min() == 3
    assert "Prices are known until 2025-03-12 only." in [str(reason) for reason in forecast.reasons]


@pytest.mark.parametrize("change", [date(2025, 3, 30), date(2024, 10, 27)])
def test_the_days_on_which_the_clock_changes_have_their_hours(tmp_path: Path, change: date) -> None:
    at = datetime.combine(change - timedelta(days=2), datetime.min.time(), MADRID).replace(hour=9)
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=StoppedClock(at), sources=[])
    write(factory, wavy_prices(change - timedelta(days=90), at.date()), at=at)
    frame = factory.forecasts.forecast().frame

    day_of_change = frame[pd.DatetimeIndex(frame.index).tz_convert(MADRID).date == change]
    assert day_of_change.index.equals(day_grid(change))
    assert day_of_change[Q].notna().all(axis=None)
    factory.close()


def test_little_history_is_enough_for_the_naive_model(tmp_path: Path, clock: StoppedClock) -> None:
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    write(factory, wavy_prices(day(-8), day(0)))
    forecast = factory.forecasts.forecast()

    assert forecast.frame[Q].notna().all(axis=None)
    assert "Prices are known of 9 days" in str(forecast.reasons[0])
    factory.close()


def test_windows_are_cheapest_first_and_do_not_overlap(factory: Factory) -> None:
    forecast = factory.forecasts.forecast()
    found = factory.forecasts.windows(forecast, 3, count=4)

    prices = forecast.frame["p50"]
    means = {start: prices.iloc[place : place + 3].mean() for place, start in enumerate(prices.index[:-2])}
    assert found[0].mean_eur_kwh == pytest.approx(min(means.values()))
    assert [window.mean_eur_kwh for window in found] == sorted(window.mean_eur_kwh for window in found)
    for one in found:
        assert one.mean_eur_kwh == pytest.approx(means[pd.Timestamp(one.start)])
        assert one.low_eur_kwh <= one.high_eur_kwh
        assert 0 <= one.probability <= 1
        others = [other for other in found if other is not one]
        assert all(other.end <= one.start or one.end <= other.start for other in others)


def test_the_probability_of_a_window_is_its_share_of_scenarios(factory: Factory) -> None:
    forecast = factory.forecasts.forecast()
    window = factory.forecasts.windows(forecast, 2, count=1)[0]

    place = forecast.frame.index.get_loc(pd.Timestamp(window.start))
    inside = 0
    for path in forecast.paths:
        sums = [path[start] + path[start + 1] for start in range(len(path) - 1)]
        cheaper = sum(value < sums[place] - 1e-9 for value in sums)
        inside += cheaper < -(-len(sums) // 10)
    assert window.probability == pytest.approx(inside / len(forecast.paths))


def test_windows_of_impossible_lengths_are_refused(factory: Factory) -> None:
    forecast = factory.forecasts.forecast(horizon=5)
    for hours in (0, 6):
        with pytest.raises(InvalidInput):
            factory.forecasts.windows(forecast, hours)


def test_what_is_issued_is_kept_as_it_was_said(factory: Factory, clock: StoppedClock) -> None:
    assert factory.forecasts.issue_due()
    assert factory.forecasts.said(TODAY) is None
    issued: Forecast = factory.forecasts.issue()
    assert not factory.forecasts.issue_due()

    kept = factory.forecasts.said(TODAY)
    assert kept is not None
    assert kept.index.equals(day_grid(day(1), day(7)))
    pd.testing.assert_frame_equal(kept[Q], issued.forecast_hours[Q], check_freq=False)
    assert set(kept["model"]) == {"naive"}
    rows = factory.forecasts._store.read(PRICE_FORECAST, day_start(day(1)), day_start(day(8)))
    assert rows["lead_day"].tolist() == [lead for lead in range(1, 8) for _ in range(24)]

    clock.at = datetime(2025, 3, 12, 20, 40, tzinfo=MADRID).astimezone(UTC)
    write(factory, wavy_prices(day(1), day(1)), at=clock.at)
    assert factory.forecasts.issue_due()
    run = factory.jobs.run("issue_forecast", {}, "test")
    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["hours"] == 168
    issues = factory.forecasts.issues(TODAY, TODAY)
    assert issues["hours"].tolist() == [168, 168]
    later = factory.forecasts.said(TODAY)
    assert later is not None
    assert later.index[0] == pd.Timestamp(day_start(day(2)))
    assert factory.forecasts.said(day(-1)) is None


def test_spot_prices_that_come_out_call_for_a_new_issue(factory: Factory, clock: StoppedClock) -> None:
    factory.forecasts.issue()
    clock.at = datetime(2025, 3, 12, 13, 40, tzinfo=MADRID).astimezone(UTC)
    assert not factory.forecasts.issue_due()
    write(factory, wavy_prices(day(1), day(1)) - 0.05, SPOT, at=clock.at)
    assert factory.forecasts.issue_due()
    factory.forecasts.issue()
    assert not factory.forecasts.issue_due()


def test_records_carry_local_time_and_provenance(factory: Factory) -> None:
    records = as_records(factory.forecasts.forecast())

    assert records[0]["timestamp"] == "2025-03-12T10:00:00+01:00"
    assert (records[0]["kind"], records[0]["model"], records[0]["lead_day"]) == ("published", None, 0)
    assert (records[-1]["kind"], records[-1]["model"], records[-1]["lead_day"]) == ("forecast", "naive", 7)
    assert records[0]["tariff_period"] == "P1"
    assert records[-1]["price_kwh"] == records[-1]["p50_eur_kwh"]


def test_a_few_days_of_prices_are_no_history(tmp_path: Path, clock: StoppedClock) -> None:
    factory = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    write(factory, wavy_prices(day(-4), day(0)))
    with pytest.raises(NotFound, match="5 days"):
        factory.forecasts.forecast()
    assert not factory.forecasts.issue_due()
    with pytest.raises(NotFound):
        factory.forecasts.forecast(datetime(2021, 1, 1, tzinfo=UTC))
    factory.close()


def test_a_model_that_is_asked_for_speaks_for_itself(factory: Factory, clock: StoppedClock) -> None:
    write(factory, (wavy_prices(day(1), day(1), level=0.2) - 0.05) / 1.13, SPOT)
    clock.at = datetime(2025, 3, 12, 13, 40, tzinfo=MADRID).astimezone(UTC)

    assert factory.forecasts.forecast().from_spot
    assert not factory.forecasts.forecast(model="naive").from_spot
