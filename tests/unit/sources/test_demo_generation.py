"""Simulated generation: whole, in step with prices and weather, and much like the country's."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, StoppedClock, day_grid, day_start, local_days
from chocofactory.core.errors import InvalidInput, NotPublished
from chocofactory.domain.measurements import DAILY, SPOT
from chocofactory.sources.demo import Demo
from chocofactory.sources.ree_generation import TECHNOLOGIES

YEAR = date(2024, 1, 1), date(2024, 12, 31)


def demo(seed=7, at=datetime(2040, 1, 1, tzinfo=UTC)):
    return Demo(seed, StoppedClock(at))


def energy(seed=7, first=YEAR[0], last=YEAR[1]):
    """GWh by day (a row) and technology (a column)."""
    found = demo(seed).generation(first, last)
    table = pd.DataFrame({name: frame["energy_mwh"] / 1000 for name, frame in found.items()})
    return table.set_index(local_days(pd.DatetimeIndex(table.index)))


def beside_its_month(table):
    return table - table.groupby(table.index.month).transform("mean")


def test_technologies_have_the_names_that_ree_has_for_them():
    assert set(energy().columns) <= set(TECHNOLOGIES.values())


def test_a_day_is_the_same_whatever_range_it_was_asked_in():
    among = demo().generation(*YEAR)
    for day in (date(2024, 3, 31), date(2024, 10, 27), date(2024, 1, 1)):
        alone = demo().generation(day, day)
        assert set(alone) == set(among)
        for name, frame in alone.items():
            assert frame.equals(among[name].loc[[pd.Timestamp(day_start(day))]])


def test_seeds_differ():
    assert (energy(1)["wind"] != energy(2)["wind"]).all()


def test_every_technology_is_there_on_every_day_and_shares_add_up_to_one():
    found = demo().generation(*YEAR)
    for frame in found.values():
        assert frame.index.equals(day_grid(*YEAR, DAILY))
        assert list(frame.columns) == ["energy_mwh", "share"]
        assert (frame > 0).all().all()
    total = sum(frame["energy_mwh"] for frame in found.values())
    for frame in found.values():
        np.testing.assert_allclose(frame["share"], frame["energy_mwh"] / total)
    assert sum(frame["share"] for frame in found.values()).round(9).eq(1).all()


def test_a_day_comes_out_at_noon_of_the_next():
    noon = datetime(2025, 3, 30, 12, tzinfo=MADRID)
    early, out = demo(at=noon - timedelta(seconds=1)), demo(at=noon)
    day = date(2025, 3, 29)
    with pytest.raises(NotPublished, match="demo has no generation of 2025-03-29"):
        early.generation(day, day)
    assert len(out.generation(day, day + timedelta(days=9))["wind"]) == 1


def test_it_is_asked_for_a_year_at_most():
    with pytest.raises(InvalidInput, match="366"):
        demo().generation(date(2022, 1, 1), date(2024, 1, 1))


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_wind_makes_power_cheap_and_gas_goes_with_what_is_dear(seed):
    prices = demo(seed).prices(SPOT, *YEAR)["price_eur_kwh"]
    table = energy(seed).assign(price=prices.groupby(local_days(pd.DatetimeIndex(prices.index))).mean())
    beside = beside_its_month(table).corr()["price"]
    assert beside["wind"] < -0.3
    assert beside["combined_cycle"] > 0.3
    assert beside["hydro"] > 0.2


def test_the_sun_gives_most_in_summer_and_less_on_cloudy_days():
    table = energy()
    by_month = table.groupby(table.index.month).mean()
    assert by_month["solar_photovoltaic"].idxmax() in {6, 7}
    assert by_month["solar_photovoltaic"].max() > 2 * by_month["solar_photovoltaic"].min()
    sky = demo().siar_days(*YEAR)["radiation_mj_m2"].to_numpy()
    both = beside_its_month(table.assign(sky=sky)).corr()["sky"]
    assert both["solar_photovoltaic"] > 0.9


def test_sundays_need_less():
    total = energy().sum(axis=1)
    assert total[total.index.day_of_week == 6].mean() < 0.93 * total[total.index.day_of_week < 5].mean()


@pytest.mark.realdata
def test_it_is_much_like_the_real_years(data_dir):
    real = pd.read_csv(data_dir / "generation" / "combined_cycle_daily_mwh.csv", parse_dates=["date"]).set_index("date")
    real = real.loc["2024":"2025-12-10"]
    hourly = pd.read_csv(data_dir / "generation" / "esios_peninsula_hourly_mw.csv.gz")
    times = pd.to_datetime(hourly.pop("timestamp_utc"), utc=True)
    by_day = hourly.groupby(local_days(pd.DatetimeIndex(times))).sum().loc["2024":] / 1000
    years = [energy(seed, date(year, 1, 1), date(year, 12, 31)) for seed in (1, 7, 42) for year in (2023, 2024)]
    table = pd.concat(years)
    assert table.sum(axis=1).mean() == pytest.approx(
        (real["gas_gen_mwh"] / real["gas_gen_percentage"]).mean() / 1000, rel=0.05
    )
    assert table["combined_cycle"].mean() == pytest.approx(real["gas_gen_mwh"].mean() / 1000, rel=0.25)
    assert table["combined_cycle"].min() == pytest.approx(real["gas_gen_mwh"].min() / 1000, abs=8)
    for name, column in (("wind", "wind_551_mw"), ("nuclear", "nuclear_549_mw"), ("hydro", "hydro_546_mw")):
        assert table[name].mean() == pytest.approx(by_day[column].mean(), rel=0.12), name
    assert table["wind"].std() == pytest.approx(by_day["wind_551_mw"].std(), rel=0.25)
