"""What a plant says of its days: energies, shifts, holidays and targets, against figures worked out by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.clock import MADRID
from chocofactory.domain.plant import Calendar, Shift, days, holiday, wall
from tests.plant_kit import default_plant

PLANT = default_plant()
NIGHT = replace(PLANT, shifts=(Shift("night", 22 * 60, 30 * 60, frozenset(range(7))),))
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Sundays of 23 and of 25 hours."""
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


def closed(*own: date, national: bool = True):
    return replace(PLANT, calendar=Calendar(national, frozenset(own)))


def minutes(spans):
    return [(end - start) // timedelta(minutes=1) for start, end in spans]


def due(day: date, plant=PLANT):
    return tuple(plant.targets_due(day, day)[day].values())


@pytest.mark.parametrize(("product", "kwh"), [("standard", 3.5 + 11.9 + 240 + 22.2 + 10), ("premium", 527.6)])
def test_a_batch_draws_what_its_stages_do(product, kwh):
    assert PLANT.energy_kwh(product) == pytest.approx(kwh)


def test_a_block_lasts_as_long_as_its_stages():
    assert [block.minutes("premium") for block in PLANT.blocks] == [24, 600, 62]


def test_a_week_has_23_batches_of_50_kg():
    week = Counter(name for due in PLANT.targets.values() for name, count in due.items() for _ in range(count))
    assert week == {"standard": 17, "premium": 6}
    assert sum(week[each.name] * each.batch_kg for each in PLANT.products) == 1150


def test_somebody_is_there_16_hours_on_weekdays_and_8_on_saturday():
    monday = date(2026, 3, 2)
    found = [minutes(PLANT.staffed(day, day)) for day in days(monday, monday + timedelta(days=6))]
    assert found == [[960]] * 5 + [[480], []]


def test_shifts_are_told_by_name_in_order():
    at = [datetime(2026, 7, 1, hour, tzinfo=UTC) for hour in (4, 12, 20)]
    assert PLANT.shifts_of(date(2026, 7, 1)) == [("T1", at[0], at[1]), ("T2", at[1], at[2])]


@pytest.mark.parametrize(
    ("saturday", "utc", "hours"),
    [
        (SPRING - timedelta(days=1), ("2026-03-28T21:00Z", "2026-03-29T04:00Z"), 7),
        (AUTUMN - timedelta(days=1), ("2026-10-24T20:00Z", "2026-10-25T05:00Z"), 9),
        (date(2026, 6, 6), ("2026-06-06T20:00Z", "2026-06-07T04:00Z"), 8),
    ],
)
def test_a_night_shift_lasts_as_long_as_the_clock_says(saturday, utc, hours):
    span = tuple(datetime.fromisoformat(moment) for moment in utc)
    assert NIGHT.shifts_of(saturday) == [("night", *span)]
    assert span[1] - span[0] == timedelta(hours=hours)


def test_a_night_shift_that_began_the_day_before_counts():
    sunday = NIGHT.staffed(AUTUMN, AUTUMN)
    assert minutes(sunday) == [540, 480]
    assert sunday[0][0] < wall(AUTUMN, 0) < sunday[0][1]


def test_nobody_begins_on_a_holiday_but_the_night_before_is_worked_to_its_end():
    eve = date(2026, 12, 24)
    assert NIGHT.shifts_of(eve + timedelta(days=1)) == []
    assert minutes(NIGHT.staffed(eve + timedelta(days=1), eve + timedelta(days=1))) == [480]


def test_shifts_that_touch_on_two_days_are_one_stretch():
    late = replace(PLANT, shifts=(Shift("a", 16 * 60, 24 * 60, frozenset({0})), Shift("b", 0, 480, frozenset({1}))))
    assert minutes(late.staffed(date(2026, 3, 2), date(2026, 3, 3))) == [960]


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 5, 5), 24)])
def test_a_day_has_the_hours_of_its_clock(day, hours):
    assert wall(day, 1440) - wall(day, 0) == timedelta(hours=hours)
    assert wall(day, 1440) == wall(day + timedelta(days=1), 0)
    assert wall(day, 360).astimezone(MADRID).hour == 6


@pytest.mark.parametrize(
    ("day", "batches"),
    [
        (date(2026, 10, 10), (2 + 4, 0)),  # Saturday before Monday 12 October
        (date(2026, 10, 12), (0, 0)),
        (date(2026, 4, 30), (2 + 4, 2 + 1)),  # Thursday before Friday 1 May
        (date(2026, 4, 2), (2 + 4, 2 + 1)),  # Maundy Thursday: Good Friday moves
        (date(2026, 8, 14), (4 + 2, 1)),  # Friday before Saturday 15 August
        (date(2026, 12, 24), (2 + 4, 2 + 1)),  # worked; Friday 25 is not
        (date(2026, 12, 25), (0, 0)),
        (date(2026, 12, 31), (2 + 4, 2 + 1)),  # Thursday before Friday 1 January
        (date(2029, 12, 31), (4 + 3, 1)),  # Monday before Tuesday 1 January
        (date(2030, 4, 18), (2 + 4, 2 + 1)),
        (date(2030, 12, 24), (3 + 2, 1 + 2)),  # Tuesday before a Wednesday
        (date(2026, 11, 1), (0, 0)),  # a Sunday, and a holiday
        (SPRING, (0, 0)),
        (date(2026, 3, 4), (2, 2)),
    ],
)
def test_the_target_of_a_holiday_is_due_on_the_working_day_before(day, batches):
    assert due(day) == batches


def test_several_closed_days_move_together():
    monday = date(2026, 8, 17)  # after Saturday 15 August, a holiday
    plant = closed(monday, monday + timedelta(days=1))
    assert due(date(2026, 8, 14), plant) == (4 + 2 + 4 + 3, 1 + 0 + 0 + 1)
    assert plant.working_day_before(monday + timedelta(days=2)) == date(2026, 8, 14)


def test_what_would_be_due_before_the_first_day_is_due_no_more():
    friday = date(2026, 12, 25)
    assert sum(PLANT.targets_due(friday, friday)[friday].values()) == 0
    both = PLANT.targets_due(friday - timedelta(days=1), friday)
    assert sum(both[friday - timedelta(days=1)].values()) == 9


def test_without_national_holidays_they_are_days_like_others():
    plant = closed(national=False)
    assert due(date(2026, 12, 25), plant) == (4, 1)
    assert plant.is_working(date(2026, 12, 25))


def test_after_two_weeks_without_work_there_is_no_working_day_before():
    plant = closed(*days(date(2026, 8, 1), date(2026, 8, 31)))
    assert plant.working_day_before(date(2026, 8, 20)) is None
    assert sum(plant.targets_due(date(2026, 8, 20), date(2026, 8, 20))[date(2026, 8, 20)].values()) == 0


@pytest.mark.parametrize("year", range(2024, 2031))
def test_holidays_of_fixed_date_are_holidays_on_a_sunday_too(year):
    for month, day in ((1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)):
        assert holiday(date(year, month, day))
    assert holiday(date(year, 12, 24)) is None


@given(first=DAYS, length=st.integers(1, 60), gaps=st.sets(st.integers(-20, 80), max_size=25))
def test_every_target_is_due_once_and_never_late(first, length, gaps):
    last = first + timedelta(days=length - 1)
    plant = closed(*(first + timedelta(days=gap) for gap in gaps))
    expected = {day: Counter() for day in days(first, last)}
    for day in days(first, last + timedelta(days=14)):
        on = day
        while not plant.is_working(on) and any(plant.targets[day.weekday()].values()) and (day - on).days <= 14:
            on -= timedelta(days=1)
        if on in expected and (day - on).days <= 14:
            expected[on].update(plant.targets[day.weekday()])
    found = plant.targets_due(first, last)
    assert {day: Counter(counts) for day, counts in found.items()} == expected
    assert all(plant.is_working(day) for day, counts in found.items() if any(counts.values()))


@given(first=DAYS, length=st.integers(2, 40), cut=st.integers(1, 39))
def test_what_is_due_on_a_day_does_not_depend_on_the_range(first, length, cut):
    last, middle = first + timedelta(days=length - 1), first + timedelta(days=min(cut, length - 1))
    whole = PLANT.targets_due(first, last)
    assert whole == PLANT.targets_due(first, middle - timedelta(days=1)) | PLANT.targets_due(middle, last)


@given(first=DAYS)
def test_over_a_year_nothing_is_lost_but_at_its_ends(first):
    last = first + timedelta(days=363)
    total = sum(sum(counts.values()) for counts in PLANT.targets_due(first, last).values())
    assert abs(total - 52 * 23) <= 9  # a holiday and a Sunday at either end


@pytest.mark.parametrize("day", [date(2026, 1, 14), date(2026, 7, 15)])
@pytest.mark.parametrize(("hour", "kw"), [(0, 13), (5.99, 13), (6, 18), (13.99, 18), (14, 15), (22, 13), (23.99, 13)])
def test_auxiliaries_follow_the_wall_clock(day, hour, kw):
    assert PLANT.auxiliary_kw(wall(day, int(hour * 60))) == kw
