"""Prophet as a model of prices: what it learns, what it may not see, and that it comes back from a file unchanged."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import date, timedelta

import holidays
import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.tariff import is_rest_day, tariff
from chocofactory.forecasting.history import HOURS, History
from chocofactory.forecasting.prophet import ProphetMember

MONDAY = date(2024, 3, 4)


def prices_of(days: pd.DatetimeIndex, *, seed: int = 3, noise: float = 0.004) -> np.ndarray:
    """A level, a wave over the day, the tolls of working days, cheaper holidays, and chance."""
    chance = np.random.default_rng(seed)
    national = holidays.country_holidays("ES")
    tolls = np.array([0.05, 0.02, 0.0])[tariff("2.0TD").by_hour(days)]
    free = np.array([day.date() in national for day in days])
    wave = 0.02 * np.cos(2 * np.pi * (np.arange(HOURS) - 20) / HOURS)
    return 0.12 + wave + tolls - 0.03 * free[:, None] + chance.normal(0, noise, (len(days), HOURS))


def history_of(origin: date, days: int = 84, **options: float) -> History:
    index = pd.date_range(end=origin - timedelta(days=1), periods=days, freq="D")
    pvpc = pd.DataFrame(prices_of(index, **options), index)
    return History(pvpc, pvpc * np.nan, pd.Series(data=True, index=index))


def fitted(history: History) -> ProphetMember:
    member = ProphetMember()
    member.fit(history)
    return member


def ahead(origin: date) -> pd.DatetimeIndex:
    return pd.date_range(origin, periods=7, freq="D")


def test_it_finds_level_day_and_tolls() -> None:
    history = history_of(MONDAY)
    found = fitted(history).predict(history)

    assert found.shape == (7, HOURS)
    assert found == pytest.approx(prices_of(ahead(MONDAY), noise=0), abs=0.004)


def test_it_knows_a_national_holiday_that_the_tariff_does_not_know() -> None:
    good_friday = date(2024, 3, 29)
    assert not is_rest_day(good_friday)
    history = history_of(date(2024, 3, 25))  # Epiphany lies in the window
    found = fitted(history).predict(history)

    thursday, friday = found[3].mean(), found[4].mean()
    assert thursday - friday == pytest.approx(0.03, abs=0.008)


def test_a_season_that_begins_ahead_does_not_move_the_level() -> None:
    origin = date(2024, 6, 1)
    history = history_of(origin, 60)
    assert set(history.pvpc.index.month) <= {4, 5}

    assert fitted(history).predict(history) == pytest.approx(prices_of(ahead(origin), noise=0), abs=0.004)


def test_the_same_history_gives_the_same_forecast() -> None:
    history = history_of(MONDAY)

    assert np.array_equal(fitted(history).predict(history), fitted(history).predict(history))


def test_nothing_at_or_after_the_origin_and_no_spot_price_is_seen() -> None:
    whole = history_of(MONDAY + timedelta(days=10), 94)
    before = whole.before(MONDAY)
    expected = fitted(before).predict(before)
    pvpc, spot = whole.pvpc.copy(), whole.spot.copy()
    pvpc.loc[str(MONDAY) :] = -9.0
    spot.loc[:] = 9.0
    other = History(pvpc, spot, whole.known).before(MONDAY)

    assert np.array_equal(fitted(other).predict(other), expected)


def test_a_fit_serves_later_origins_by_the_calendar_alone() -> None:
    history = history_of(MONDAY)
    member = fitted(history)
    now = member.predict(history)
    later = history.extended(np.full(HOURS, 9.0)).extended(np.full(HOURS, -9.0))
    then = member.predict(later)

    assert later.origin == MONDAY + timedelta(days=2)
    assert then[:5] == pytest.approx(now[2:], abs=1e-12)


def test_56_days_are_enough_and_55_are_not() -> None:
    history = history_of(MONDAY, 56)
    member = fitted(history)
    assert member.predict(history) == pytest.approx(prices_of(ahead(MONDAY), noise=0), abs=0.004)

    short = history.since(history.pvpc.index[1].date())
    for call in (ProphetMember().fit, member.predict):
        with pytest.raises(InvalidInput, match="needs 56 days of prices; 55 are there"):
            call(short)


def test_it_says_nothing_before_it_has_learnt() -> None:
    with pytest.raises(RuntimeError, match="fit it"):
        ProphetMember().predict(history_of(MONDAY))


def test_prices_that_were_only_filled_in_are_not_learnt_from() -> None:
    history = history_of(MONDAY)
    history.known.iloc[[-1, -30]] = False
    expected = fitted(history).predict(history)
    pvpc = history.pvpc.copy()
    pvpc.iloc[[-1, -30]] = 5.0
    other = History(pvpc, history.spot, history.known)

    assert np.array_equal(fitted(other).predict(other), expected)


@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2024, 10, 27)], ids=["23 hours", "25 hours"])
def test_the_day_on_which_the_clock_changes_is_like_another_sunday(day: date) -> None:
    index = pd.date_range(end=day + timedelta(days=3), periods=70, freq="D")
    wall = day_grid(index[0].date(), index[-1].date()).tz_convert("Europe/Madrid")
    row = (wall.tz_localize(None).normalize() - index[0]).days
    hourly = pd.Series(prices_of(index)[row, wall.hour], index=wall.tz_convert("UTC"))
    history = History.of(hourly, None, day + timedelta(days=4))
    member = fitted(history)

    early = member.predict(history.before(day - timedelta(days=6)))
    assert early[6] == pytest.approx(prices_of(ahead(day)[:1], noise=0)[0], abs=0.005)
    assert member.predict(history) == pytest.approx(prices_of(ahead(history.origin), noise=0), abs=0.005)


def test_prices_that_never_change_are_forecast_as_they_are() -> None:
    history = history_of(MONDAY)
    for price in (0.1, 0.0, -0.05):
        same = History(history.pvpc * 0 + price, history.spot, history.known)
        assert fitted(same).predict(same) == pytest.approx(np.full((7, HOURS), price), abs=1e-9)


def test_it_comes_back_from_its_file_to_the_last_bit(tmp_path) -> None:
    history = history_of(MONDAY)
    member = fitted(history)
    member.save(tmp_path)
    loaded = ProphetMember.load(tmp_path)

    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]
    for origin in (MONDAY, date(2025, 1, 1)):
        later = history_of(origin)
        assert np.array_equal(loaded.predict(later), member.predict(later))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"growth": "flat"}'])
def test_a_file_that_holds_no_model_is_refused(tmp_path, text: str) -> None:
    (tmp_path / "prophet.json").write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, OSError, KeyError)):
        ProphetMember.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        ProphetMember.load(tmp_path / "elsewhere")


def test_it_is_quiet_and_leaves_other_logs_as_they_are(capfd, caplog) -> None:
    level = logging.getLogger().level
    caplog.set_level(logging.INFO)
    history = history_of(MONDAY)
    fitted(history).predict(history)

    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    caplog.set_level(level)
    assert logging.getLogger().level == level


def test_importing_it_does_not_import_prophet() -> None:
    code = "import sys, chocofactory.forecasting.prophet; print('prophet' in sys.modules, 'cmdstanpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]
