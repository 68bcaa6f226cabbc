"""Boosted trees and the kernel: what they learn, and what they must not see."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid, day_start
from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.boosting import SEEDS, Boosting, _table
from chocofactory.forecasting.days import Calendar
from chocofactory.forecasting.history import History, spread
from chocofactory.forecasting.kernel import Kernel
from chocofactory.forecasting.model import Member
from tests.forecast_kit import made_up_history, made_up_prices

ORIGIN = date(2024, 5, 20)
both = pytest.mark.parametrize("kind", [Boosting, Kernel])


def fitted(kind: type[Member], history: History) -> Member:
    member = kind()
    member.fit(history)
    return member


def said(kind: type[Member], history: History) -> np.ndarray:
    return fitted(kind, history).predict(history)


@pytest.fixture(scope="module")
def history() -> History:
    return made_up_history(ORIGIN - timedelta(days=1))


@both
@pytest.mark.parametrize("at", ["first", "all", "missing"])
def test_what_comes_at_or_after_the_origin_changes_nothing(kind: type[Member], at: str) -> None:
    prices = made_up_prices(last=ORIGIN + timedelta(days=20))
    late = prices.index >= day_start(ORIGIN)
    if at == "first":
        late &= prices.index < pd.Timestamp(day_start(ORIGIN)) + pd.Timedelta(hours=1)
    other = prices.mask(late) if at == "missing" else prices.mask(late, prices * 7 + 3)
    member = fitted(kind, History.of(prices, prices * 0.6, ORIGIN))
    refitted = fitted(kind, History.of(other, other * 0.6, ORIGIN))

    for day in (ORIGIN, ORIGIN - timedelta(days=9)):
        expected = member.predict(History.of(prices, prices * 0.6, day))
        assert np.array_equal(refitted.predict(History.of(other, other * 0.6, day)), expected)


def test_no_origin_that_trees_learn_from_sees_its_own_day_or_later() -> None:
    """Also where the days before are few and both Saturdays of the turn of the year are holidays."""
    chance = np.random.default_rng(1)
    values = chance.normal(0.1, 0.03, (70, 24))
    calendar = Calendar.of(pd.Timestamp("2021-12-05"), 77)
    origins = np.arange(28, 71)
    expected = _table(values, calendar, origins)

    for row, origin in enumerate(origins):
        later = values.copy()
        later[origin:] = 9
        assert np.array_equal(_table(later, calendar, origins[[row]]), expected[[row]])


@both
def test_yesterday_counts(kind: type[Member], history: History) -> None:
    member = fitted(kind, history)
    dearer = history.pvpc.copy()
    dearer.iloc[-1] += 0.03

    changed = member.predict(History(dearer, history.spot, history.known))
    assert changed[0].mean() > member.predict(history)[0].mean() + 0.002


@both
def test_56_days_are_enough_and_55_are_not(kind: type[Member], history: History) -> None:
    short = history.since(ORIGIN - timedelta(days=56))
    points = said(kind, short)

    assert points.shape == (7, 24)
    assert np.abs(points - short.pvpc.to_numpy().mean()).max() < 0.2
    shorter = history.since(ORIGIN - timedelta(days=55))
    with pytest.raises(InvalidInput):
        kind().fit(shorter)
    with pytest.raises(InvalidInput):
        fitted(kind, short).predict(shorter)


@both
def test_a_forecast_follows_from_the_last_56_days(kind: type[Member], history: History) -> None:
    member = fitted(kind, history)
    assert np.array_equal(member.predict(history.since(ORIGIN - timedelta(days=56))), member.predict(history))


@both
def test_a_missing_day_does_little(kind: type[Member], history: History) -> None:
    prices = made_up_prices(last=ORIGIN - timedelta(days=1))
    gone = (prices.index >= day_start(date(2024, 5, 8))) & (prices.index < day_start(date(2024, 5, 9)))
    holey = History.of(prices[~gone], prices[~gone] * 0.6, ORIGIN)
    assert not holey.known.all()

    apart = said(kind, holey) - said(kind, history)
    assert 0 < np.abs(apart).mean() < 0.01


@both
def test_spot_prices_are_not_needed(kind: type[Member], history: History) -> None:
    blank = History(history.pvpc, history.spot * np.nan, history.known)
    assert np.array_equal(said(kind, blank), said(kind, history))


@both
def test_a_forecast_moves_to_a_new_level_of_prices(kind: type[Member]) -> None:
    prices = made_up_prices(last=ORIGIN - timedelta(days=1))
    higher = prices.where(prices.index < day_start(ORIGIN - timedelta(days=28)), prices * 3)
    before, after = (said(kind, History.of(series, None, ORIGIN)).mean() for series in (prices, higher))

    assert 2.4 < after / before < 3.6


@both
@pytest.mark.parametrize(("last", "hours"), [(date(2024, 3, 28), 167), (date(2024, 4, 1), 168)])
def test_the_day_of_23_hours_may_come_or_have_been(kind: type[Member], last: date, hours: int) -> None:
    history = made_up_history(last)
    points = said(kind, history)

    assert np.isfinite(points).all()
    assert len(spread(points[:, :, None], history.origin)) == hours


@both
@pytest.mark.parametrize(("last", "hours"), [(date(2024, 10, 24), 169), (date(2024, 10, 28), 168)])
def test_the_day_of_25_hours_may_come_or_have_been(kind: type[Member], last: date, hours: int) -> None:
    prices = made_up_prices(date(2024, 7, 1), last)
    history = History.of(prices, prices * 0.6, last + timedelta(days=1))
    points = said(kind, history)

    assert np.isfinite(points).all()
    assert len(spread(points[:, :, None], history.origin)) == hours


@both
def test_prices_that_never_change_are_forecast(kind: type[Member]) -> None:
    grid = day_grid(date(2024, 1, 1), date(2024, 3, 31))
    history = History.of(pd.Series(0.1, index=grid), None, date(2024, 4, 1))

    assert np.allclose(said(kind, history), 0.1, atol=1e-3)


@both
def test_what_was_saved_says_the_same_to_the_last_bit(kind: type[Member], history: History, tmp_path: Path) -> None:
    member = fitted(kind, history.before(date(2024, 5, 13)))
    member.save(tmp_path)
    loaded = kind.load(tmp_path)

    for day in (date(2024, 5, 13), date(2024, 5, 16), ORIGIN):
        assert np.array_equal(loaded.predict(history.before(day)), member.predict(history.before(day)))


@both
def test_files_that_are_cut_short_or_something_else_are_refused(
    kind: type[Member], history: History, tmp_path: Path
) -> None:
    fitted(kind, history).save(tmp_path)
    file = max(tmp_path.iterdir())
    whole = file.read_bytes()
    for content in (b"", b"something else", whole[: len(whole) // 2], whole[:-9000]):
        file.write_bytes(content)
        with pytest.raises((ValueError, KeyError)):
            kind.load(tmp_path)
    file.unlink()
    with pytest.raises(OSError):  # noqa: PT011
        kind.load(tmp_path)


@both
def test_the_same_history_gives_the_same_model(kind: type[Member], history: History) -> None:
    before = history.pvpc.copy(), history.spot.copy()
    once, again = said(kind, history), said(kind, history)

    assert np.array_equal(once, again)
    assert history.pvpc.equals(before[0])
    assert history.spot.equals(before[1])


@both
def test_it_beats_the_same_hour_last_week(kind: type[Member]) -> None:
    prices = made_up_prices(date(2023, 1, 1), date(2024, 6, 30))
    history = History.of(prices, prices * 0.6, date(2024, 7, 1))
    values, start = history.pvpc.to_numpy(), (date(2024, 5, 1) - date(2023, 1, 1)).days
    member = fitted(kind, history.before(date(2024, 5, 1)))
    errors = np.zeros(2)
    for row in range(start, len(values) - 7, 5):
        truth = values[row : row + 7]
        points = member.predict(history.before(date(2023, 1, 1) + timedelta(days=row)))
        errors += np.abs(points - truth).mean(), np.abs(values[row - 7 : row] - truth).mean()

    assert errors[0] < 0.9 * errors[1]


def test_there_is_one_file_of_trees_for_each_seed_and_they_differ(history: History, tmp_path: Path) -> None:
    fitted(Boosting, history).save(tmp_path)
    texts = {file.read_text() for file in tmp_path.iterdir()}
    assert len(texts) == len(SEEDS)
