"""The tariff's periods against the regulation's table, a package of holidays, and the tolls inside real prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import day_grid
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.tariff import is_rest_day, tariff

MADRID = ZoneInfo("Europe/Madrid")
NAMES = ("2.0TD", "3.0TD")

# The regulation's own words: hours of a working day (first to last, exclusive).
PEAK_20TD, FLAT_20TD, VALLEY_20TD = ((10, 14), (18, 22)), ((8, 10), (14, 18), (22, 24)), ((0, 8),)
FIRST_30TD, SECOND_30TD, SIXTH_30TD = ((9, 14), (18, 22)), ((8, 9), (14, 18), (22, 24)), ((0, 8),)
SEASONS_30TD = {
    ("P1", "P2"): ("Jan", "Feb", "Jul", "Dec"),
    ("P2", "P3"): ("Mar", "Nov"),
    ("P3", "P4"): ("Jun", "Aug", "Sep"),
    ("P4", "P5"): ("Apr", "May", "Oct"),
}
FIXED = ("01 Jan", "06 Jan", "01 May", "15 Aug", "12 Oct", "01 Nov", "06 Dec", "08 Dec", "25 Dec")


def by_the_book(name: str, wall: datetime, *, rest: bool) -> str:
    """The period by reading the regulation's table from left to right."""

    def inside(spans: tuple[tuple[int, int], ...]) -> bool:
        return any(first <= wall.hour < last for first, last in spans)

    if name == "2.0TD":
        if rest or inside(VALLEY_20TD):
            return "P3"
        return "P1" if inside(PEAK_20TD) else "P2" if inside(FLAT_20TD) else "?"
    if rest or inside(SIXTH_30TD):
        return "P6"
    (season,) = (pair for pair, months in SEASONS_30TD.items() if f"{wall:%b}" in months)
    return season[0] if inside(FIRST_30TD) else season[1] if inside(SECOND_30TD) else "?"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID)


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("name", NAMES)
def test_every_hour_of_every_kind_of_day_is_as_the_regulation_says(name, month):
    rule = tariff(name)
    week = [day for n in range(8, 15) if (day := date(2025, month, n)) != date(2025, 12, 8)]
    assert {day.weekday() for day in week} >= {1, 2, 3, 4, 5, 6}
    for day in week:
        for hour in range(24):
            for minute in (0, 15, 59):
                moment = at(day, hour, minute)
                assert rule.period(moment) == by_the_book(name, moment, rest=day.weekday() in (5, 6)), moment


def test_sunday_and_saturday_are_valley_all_day():
    for day in (date(2025, 6, 14), date(2025, 6, 15)):
        assert {tariff("2.0TD").period(at(day, hour)) for hour in range(24)} == {"P3"}
        assert {tariff("3.0TD").period(at(day, hour)) for hour in range(24)} == {"P6"}


@pytest.mark.parametrize("year", [2021, 2024, 2025, 2026, 2030, 2055])
def test_holidays_of_fixed_date_are_valley_all_day_in_every_year(year):
    for day in FIXED:
        grid = day_grid(datetime.strptime(f"{day} {year}", "%d %b %Y").replace(tzinfo=MADRID).date())
        assert set(tariff("2.0TD").label(grid)) == {"P3"}
        assert set(tariff("3.0TD").label(grid)) == {"P6"}


@pytest.mark.parametrize(
    "day",
    [
        date(2025, 4, 18),  # Good Friday
        date(2030, 4, 19),  # Good Friday
        date(2025, 2, 28),  # Andalucía
        date(2024, 5, 2),  # Madrid
        date(2022, 12, 26),  # Christmas fell on a Sunday and was moved in most regions
        date(2023, 1, 2),  # so was New Year
        date(2024, 12, 9),  # so was the Immaculate Conception
    ],
)
def test_good_friday_regional_and_moved_holidays_are_working_days_for_the_tariff(day):
    assert not is_rest_day(day)
    assert tariff("2.0TD").period(at(day, 11)) == "P1"


@pytest.mark.parametrize("year", range(2021, 2061))
def test_rest_days_agree_with_the_holidays_package_on_what_has_a_fixed_date(year):
    """The package knows Good Friday and moved days too: those, and only those, may differ."""
    national = holidays.country_holidays("ES", years=year, observed=False, language="en_US")
    fixed = {day for day, name in national.items() if name != "Good Friday"} | {date(year, 1, 6)}
    day = date(year, 1, 1)
    while day.year == year:
        assert is_rest_day(day) == (day in fixed or f"{day:%a}" in ("Sat", "Sun")), day
        day += timedelta(days=1)


def test_on_the_day_of_23_hours_the_periods_keep_to_the_wall_clock():
    labels = tariff("2.0TD").label(day_grid(date(2025, 3, 30)))
    assert list(labels) == ["P3"] * 23
    following = tariff("2.0TD").label(day_grid(date(2025, 3, 31)))
    assert list(following) == ["P3"] * 8 + ["P2"] * 2 + ["P1"] * 4 + ["P2"] * 4 + ["P1"] * 4 + ["P2"] * 2
    assert tariff("2.0TD").period(datetime(2025, 3, 31, 8, tzinfo=UTC)) == "P1"
    assert tariff("2.0TD").period(datetime(2025, 3, 28, 8, tzinfo=UTC)) == "P2"


def test_on_the_day_of_25_hours_the_periods_keep_to_the_wall_clock():
    labels = tariff("3.0TD").label(day_grid(date(2025, 10, 26)))
    assert list(labels) == ["P6"] * 25
    assert tariff("2.0TD").period(datetime(2025, 10, 27, 9, tzinfo=UTC)) == "P1"
    assert tariff("2.0TD").period(datetime(2025, 10, 24, 20, tzinfo=UTC)) == "P2"


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(
    minutes=st.lists(
        st.integers(0, 40 * 366 * 24 * 60 - 1).map(lambda n: datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=n)),
        max_size=60,
    )
)
def test_one_moment_and_a_whole_index_get_the_same_labels_as_the_book_in_any_year(name, minutes):
    rule = tariff(name)
    labels = rule.label(pd.DatetimeIndex(minutes, tz="UTC"))
    assert list(labels) == [rule.period(moment) for moment in minutes]
    for moment, label in zip(minutes, labels, strict=True):
        wall = moment.astimezone(MADRID)
        fixed = f"{wall:%d %b}" in FIXED
        assert label == by_the_book(name, wall, rest=fixed or f"{wall:%a}" in ("Sat", "Sun"))


@pytest.mark.parametrize("name", NAMES)
def test_days_by_hour_of_the_wall_clock_get_the_same_periods_as_moments(name):
    rule = tariff(name)
    days = pd.date_range("2024-01-01", "2025-12-31", freq="D")
    found = rule.by_hour(days)
    assert found.shape == (len(days), 24)
    for day, row in zip(days, found, strict=True):
        assert [rule.periods[place] for place in row] == [rule.period(at(day.date(), hour)) for hour in range(24)]


def test_labels_are_categories_in_the_tariffs_order_on_the_index_that_was_given():
    grid = day_grid(date(2025, 6, 2), resolution=timedelta(minutes=15))
    labels = tariff("2.0TD").label(grid)
    assert labels.index is grid or labels.index.equals(grid)
    assert labels.name == "period"
    assert list(labels.cat.categories) == ["P1", "P2", "P3"]
    assert labels.value_counts().to_dict() == {"P3": 32, "P1": 32, "P2": 32}
    assert list(tariff("3.0TD").label(grid).cat.categories) == ["P1", "P2", "P3", "P4", "P5", "P6"]


def test_a_moment_without_zone_is_refused():
    naive = datetime(2025, 6, 2, 11)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        tariff("2.0TD").period(naive)
    with pytest.raises(TypeError):
        tariff("2.0TD").label(pd.DatetimeIndex([naive]))


def test_an_unknown_tariff_is_refused_with_the_names_of_the_known_ones():
    with pytest.raises(InvalidInput, match=r"no tariff 6\.1TD: known are 2\.0TD, 3\.0TD"):
        tariff("6.1TD")


@pytest.mark.realdata
def test_the_tolls_inside_real_prices_show_the_same_rest_days(data_dir):
    """PVPC less spot is mostly a toll by period: from 10 to 14 h far above the night's, but for rest days."""
    folder = data_dir / "prices"
    pvpc = pd.read_csv(folder / "pvpc_20td_peninsula.csv.gz", index_col=0, parse_dates=True)["price_eur_kwh"]
    spot = pd.read_csv(folder / "spot_es.csv.gz", index_col=0, parse_dates=True)["price_es_eur_mwh"] / 1000
    toll = (pvpc - spot).dropna()["2023-01-01":]
    wall = toll.index.tz_convert(MADRID)
    midday, night = ((wall.hour >= first) & (wall.hour < first + 4) for first in (10, 2))
    step = (toll[midday].groupby(wall.date[midday]).mean() - toll[night].groupby(wall.date[night]).mean()).dropna()
    assert len(step) > 1080
    wrong = {day: value for day, value in step.items() if (value < 0.02) != is_rest_day(day)}
    assert wrong == {}
