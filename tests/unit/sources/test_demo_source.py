"""The simulation: the same for ever, never ahead of its time, and much like the real thing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID, StoppedClock, day_grid, local_days
from chocofactory.core.errors import InvalidInput, NotPublished
from chocofactory.domain.measurements import PVPC, SPOT, WEATHER_OBSERVATION
from chocofactory.sources.demo import Demo

LATER = StoppedClock(datetime(2040, 1, 1, tzinfo=UTC))
YEAR = date(2024, 1, 1), date(2024, 12, 31)


def year(market, seed=7):
    return Demo(seed, LATER).prices(market, *YEAR)["price_eur_kwh"]


@pytest.mark.parametrize("market", [PVPC, SPOT])
@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2024, 10, 27), date(2024, 7, 1), date(2024, 1, 1)])
def test_a_day_is_the_same_whatever_range_it_was_asked_in(market, day):
    alone = Demo(7, LATER).prices(market, day, day)["price_eur_kwh"]
    among = year(market)
    assert alone.index.equals(day_grid(day))
    assert alone.tolist() == among.reindex(alone.index).tolist()


def test_weather_of_a_day_is_the_same_whatever_range_it_was_asked_in():
    day = date(2024, 10, 27)
    alone = Demo(7, LATER).observations(day, day)
    among = Demo(7, LATER).observations(*YEAR)
    assert alone.equals(among.reindex(alone.index))
    assert len(alone) == 25


def test_seeds_differ():
    assert (year(PVPC, 1) != year(PVPC, 2)).mean() > 0.99


def test_every_hour_of_a_year_is_there():
    frame = Demo(7, LATER).prices(PVPC, *YEAR)
    assert frame.index.equals(day_grid(*YEAR))
    assert frame.attrs["resolution"] == timedelta(hours=1)
    assert frame["price_eur_kwh"].notna().all()


@pytest.mark.parametrize(("market", "hour", "minute"), [(PVPC, 20, 15), (SPOT, 13, 0)])
def test_tomorrow_comes_out_when_the_market_publishes_it(market, hour, minute):
    tomorrow = date(2025, 3, 30)
    out = datetime(2025, 3, 29, hour, minute, tzinfo=MADRID)
    clock = StoppedClock(out - timedelta(seconds=1))
    demo = Demo(7, clock)
    with pytest.raises(NotPublished, match="2025-03-30"):
        demo.prices(market, tomorrow, tomorrow)
    clock.at = out.astimezone(UTC)
    assert len(demo.prices(market, tomorrow, tomorrow)) == 23


def test_a_range_into_the_future_ends_with_what_is_out():
    demo = Demo(7, StoppedClock(datetime(2025, 3, 29, 12, tzinfo=UTC)))
    frame = demo.prices(PVPC, date(2025, 3, 28), date(2025, 4, 10))
    assert frame.index.equals(day_grid(date(2025, 3, 28), date(2025, 3, 29)))


def test_weather_ends_with_the_last_hour_that_is_over():
    demo = Demo(7, StoppedClock(datetime(2025, 3, 29, 12, 59, tzinfo=UTC)))
    assert demo.observations(date(2025, 3, 29), date(2025, 3, 30)).index[-1] == datetime(2025, 3, 29, 11, tzinfo=UTC)
    with pytest.raises(NotPublished):
        demo.observations(date(2025, 3, 30), date(2025, 3, 30))


def test_other_markets_are_not_simulated():
    with pytest.raises(InvalidInput):
        Demo(7, LATER).prices("gas", *YEAR)


def test_prices_follow_season_week_and_sun():
    prices = year(SPOT)
    wall = prices.index.tz_convert(MADRID)
    by_month, by_hour = prices.groupby(wall.month).mean(), prices.groupby(wall.hour).mean()
    assert by_month[[4, 5]].mean() < 0.6 * by_month[[1, 8, 12]].mean()
    assert prices[wall.day_of_week == 6].mean() < 0.8 * prices[wall.day_of_week < 5].mean()
    assert by_hour.idxmin() in {13, 14, 15, 16}
    assert by_hour.idxmax() in {20, 21}


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_prices_touch_zero_and_spike_now_and_then(seed):
    spot = year(SPOT, seed)
    assert 0.05 < (spot < 0.005).mean() < 0.25
    assert -0.002 <= spot.min() < 0
    assert 0.18 < spot.max() < 0.45


def test_pvpc_carries_the_tolls_of_its_periods():
    markup = year(PVPC) - 0.84 * year(SPOT)
    wall = markup.index.tz_convert(MADRID)
    working = wall.day_of_week < 5
    peak, valley = markup[working & (wall.hour == 20)].mean(), markup[working & (wall.hour == 3)].mean()
    assert 0.07 < peak - valley < 0.11


def test_weather_has_the_fields_and_the_seasons_of_the_place():
    weather = Demo(7, LATER).observations(*YEAR)
    assert set(weather.columns) <= set(WEATHER_OBSERVATION.field_names)
    wall = weather.index.tz_convert(MADRID)
    temperature = weather["temperature_c"]
    assert temperature[wall.month == 7].mean() - temperature[wall.month == 1].mean() > 15
    by_hour = temperature.groupby(wall.hour).mean()
    assert by_hour.idxmax() in {16, 17}
    assert by_hour.idxmin() in {7, 8}
    assert temperature.diff().abs().max() < 8
    assert weather["humidity_pct"].between(1, 100).all()
    assert weather["pressure_hpa"].between(925, 980).all()
    assert weather["wind_ms"].between(0, 15).all()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("market", "file", "column", "unit"),
    [
        (PVPC, "pvpc_20td_peninsula", "price_eur_kwh", 1),
        (SPOT, "spot_es", "price_es_eur_mwh", 1000),
    ],
)
def test_it_is_much_like_the_real_year(data_dir, market, file, column, unit):
    import pandas as pd

    table = pd.read_csv(data_dir / "prices" / f"{file}.csv.gz")
    real = pd.Series(table[column].to_numpy() / unit, pd.to_datetime(table["timestamp_utc"], utc=True)).loc["2024"]
    simulated = year(market)
    assert simulated.mean() == pytest.approx(real.mean(), rel=0.15)
    assert simulated.std() == pytest.approx(real.std(), rel=0.2)
    for share in (0.25, 0.5, 0.75, 0.95):
        assert simulated.quantile(share) == pytest.approx(real.quantile(share), abs=0.02)
    for lag in (1, 24, 168):
        assert simulated.autocorr(lag) == pytest.approx(real.autocorr(lag), abs=0.12)
    of_day = [prices.groupby(local_days(pd.DatetimeIndex(prices.index))).mean() for prices in (simulated, real)]
    assert of_day[0].autocorr(1) == pytest.approx(of_day[1].autocorr(1), abs=0.2)
