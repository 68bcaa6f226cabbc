"""Rolling origins: every forecast is made from what was known then, by models that are fitted when they should be."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.backtest import Roll, follow, roll, targets
from chocofactory.forecasting.history import History
from chocofactory.forecasting.naive import Naive
from tests.forecast_kit import FIRST, Level, made_up_history, made_up_prices

START, END = date(2024, 4, 1), date(2024, 4, 30)
HISTORY = made_up_history()


def same(one: Roll, other: Roll) -> bool:
    arrays = [
        (one.truth, other.truth),
        (one.scale, other.scale),
        *((one.points[n], other.points[n]) for n in one.points),
    ]
    return (
        one.origins == other.origins
        and list(one.points) == list(other.points)
        and all(np.array_equal(a, b, equal_nan=True) for a, b in arrays)
    )


def test_each_day_is_forecast_as_the_week_before_and_compared_with_what_came() -> None:
    prices = made_up_prices()
    made = roll({"naive": Naive}, HISTORY, START, END)

    assert made.origins == tuple(START + timedelta(days=n) for n in range(30))
    for row, origin in enumerate(made.origins):
        for lead in range(7):
            day = origin + timedelta(days=lead)
            if day != date(2024, 3, 31):
                hours = prices[prices.index.tz_convert("Europe/Madrid").date == day]
                assert made.truth[row, lead].tolist() == hours.tolist()
            assert made.points["naive"][row, lead].tolist() == HISTORY.pvpc.loc[str(day - timedelta(days=7))].tolist()


def test_the_scale_is_the_spread_of_the_four_weeks_before() -> None:
    prices = made_up_prices()
    wall = prices.index.tz_convert("Europe/Madrid")
    made = roll({"naive": Naive}, HISTORY, date(2024, 3, 20), date(2024, 3, 20))

    past = prices[(wall >= pd.Timestamp("2024-02-21", tz=wall.tz)) & (wall < pd.Timestamp("2024-03-20", tz=wall.tz))]
    assert made.scale.tolist() == [pytest.approx(past.std(ddof=0), rel=1e-12)]


def test_truth_that_is_not_known_is_missing() -> None:
    prices = made_up_prices().drop(pd.date_range("2024-05-10T08:00Z", periods=2, freq="h"))
    history = History.of(prices, None, date(2024, 5, 14))
    made = roll({"naive": Naive}, history, date(2024, 5, 8), date(2024, 5, 14))

    gone = np.isnan(made.truth)
    days = targets(made.origins)
    assert (gone.any(axis=2) == gone.all(axis=2)).all()
    assert (gone.all(axis=2) == ((days == np.datetime64("2024-05-10")) | (days > np.datetime64("2024-05-13")))).all()


@pytest.mark.parametrize(
    ("every", "refit", "ages"),
    [
        (1, 7, [0, 1, 2, 3, 4, 5, 6] * 4 + [0, 1]),
        (1, 1, [0] * 30),
        (3, 7, [0, 3, 6, 0, 3, 0, 3, 0, 3, 6]),
        (10, 7, [0] * 3),
    ],
)
def test_models_are_fitted_again_every_so_many_days_from_the_first_origin(
    every: int, refit: int, ages: list[int]
) -> None:
    made = roll({"level": Level}, HISTORY, START, END, every=every, refit=refit)

    assert made.points["level"][:, 0, 1].tolist() == ages
    assert made.points["level"][:, 0, 0].tolist() == [(origin - FIRST).days for origin in made.origins]


def test_any_number_of_workers_gives_the_same_to_the_last_bit() -> None:
    make = {"naive": Naive, "level": Level}
    told: list[tuple[int, int]] = []
    alone = roll(make, HISTORY, START, END)
    shared = roll(make, HISTORY, START, END, workers=2, report=lambda done, total: told.append((done, total)))

    assert same(alone, shared)
    assert [total for _, total in told] == [60] * len(told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (60, 60)


def test_a_worker_s_error_arrives_as_it_was_raised() -> None:
    short = HISTORY.since(START - timedelta(days=3))
    for workers in (1, 2):
        with pytest.raises(InvalidInput) as caught:
            roll({"naive": Naive}, short, START, END, workers=workers)
        assert caught.value.fields == {"model": "naive", "least": 7, "there": 3}


@pytest.mark.parametrize(
    ("first", "last"),
    [(END, START), (FIRST, FIRST), (FIRST - timedelta(days=9), END), (date(2024, 7, 1), date(2024, 7, 2))],
)
def test_a_range_without_a_past_is_refused(first: date, last: date) -> None:
    with pytest.raises(InvalidInput):
        roll({"naive": Naive}, HISTORY, first, last)


def test_the_first_unknown_day_can_be_forecast() -> None:
    made = roll({"naive": Naive}, HISTORY, date(2024, 7, 1), date(2024, 7, 1))
    assert made.points["naive"].shape == (1, 7, 24)
    assert np.isnan(made.truth).all()


def test_fitted_models_can_be_followed() -> None:
    member = Level()
    member.fit(HISTORY.before(START))
    made = follow({"level": member}, HISTORY, START, END)

    assert same(made, roll({"level": Level}, HISTORY, START, END, refit=99))


def test_a_roll_comes_back_from_its_file_to_the_last_bit(tmp_path) -> None:
    made = roll({"naive": Naive, "level": Level}, HISTORY, START, date(2024, 7, 1))
    made.save(tmp_path / "roll.npz")

    assert same(Roll.load(tmp_path / "roll.npz"), made)


def test_what_is_no_roll_is_not_loaded(tmp_path) -> None:
    path = tmp_path / "roll.npz"
    path.write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="pickled"):
        Roll.load(path)
    np.savez(path, origins=np.array(["2024-01-01"], dtype="datetime64[D]"))
    with pytest.raises(KeyError):
        Roll.load(path)


def test_a_roll_is_cut_and_joined() -> None:
    whole = roll({"naive": Naive}, HISTORY, START, END)
    middle = date(2024, 4, 11)
    early, late = whole.until(middle - timedelta(days=1)), whole.since(middle)

    assert (len(early), len(late), late.origins[0]) == (10, 20, middle)
    assert same(early.joined(late), whole)
    with pytest.raises(ValueError, match="2024"):
        late.joined(early)
    with pytest.raises(ValueError, match="other"):
        early.joined(late.including("other", late.truth))


def test_what_was_known_of_a_roll_on_a_day_is_what_a_shorter_history_gives() -> None:
    day = date(2024, 4, 15)
    whole = roll({"naive": Naive}, HISTORY, START, END)
    then = roll({"naive": Naive}, HISTORY.before(day), START, day - timedelta(days=1))

    assert same(whole.before(day), then)
    assert same(then.told(HISTORY), whole.until(day - timedelta(days=1)))
