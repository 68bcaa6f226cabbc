"""Ridge regressions per lead day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.features import Market, Midnights
from chocofactory.forecasting.history import History
from chocofactory.forecasting.lear import Lear, ridge
from chocofactory.forecasting.naive import Naive
from tests.forecast_kit import made_up_history, made_up_prices


def fitted(history: History) -> Lear:
    member = Lear()
    member.fit(history)
    return member


@pytest.fixture(scope="module")
def history() -> History:
    return made_up_history()


@pytest.mark.parametrize("rows", [20, 400])
def test_ridge_says_what_another_library_says(rows: int) -> None:
    chance = np.random.default_rng(3)
    x = chance.normal(2, [1, 5, 0.1, 30, 1] * 6, (rows, 30))
    x[:, 4] = 7  # says nothing
    y = x[:, :3] @ chance.normal(size=(3, 4)) + chance.normal(size=(rows, 4))
    weights = chance.uniform(0.1, 3, rows)
    slopes, intercepts = ridge(x, y, weights, 0.4)

    scaler = StandardScaler().fit(x, sample_weight=weights)
    other = Ridge(alpha=0.4 * weights.sum()).fit(scaler.transform(x), y, sample_weight=weights)
    assert x @ slopes + intercepts == pytest.approx(other.predict(scaler.transform(x)), abs=1e-8)
    assert slopes[4] == pytest.approx(np.zeros(4), abs=1e-12)


def test_a_lead_day_is_learnt_as_another_library_learns_it(history: History) -> None:
    wild = np.where(np.arange(len(history)) % 5 == 0, 1.7, 1.0)[:, None]  # so that errors differ from day to day
    history = History(history.pvpc * wild, history.spot * wild, history.known)
    member, lead, penalty = fitted(history), 2, 0.7
    midnights = Midnights.of(Market.of(history), np.arange(28, len(history) - lead))
    x, y = midnights.features(lead), midnights.targets(lead)
    importance = 0.5 ** ((len(history) - midnights.rows) / 1000)
    weights = importance
    for _ in range(4):
        scaler = StandardScaler().fit(x, sample_weight=weights)
        other = Ridge(alpha=penalty * weights.sum()).fit(scaler.transform(x), y, sample_weight=weights)
        expected = other.predict(scaler.transform(x))
        weights = importance / np.maximum(np.abs(y - expected).mean(axis=1), 0.3)

    assert x @ member._slopes[lead] + member._intercepts[lead] == pytest.approx(expected, abs=1e-8)


def test_it_beats_last_week_where_the_level_wanders() -> None:
    prices = made_up_prices(date(2023, 3, 1))
    known = History.of(prices, prices * 0.6, date(2024, 7, 1))
    made = roll({"lear": Lear, "naive": Naive}, known, date(2024, 5, 1), date(2024, 6, 23))
    error = {name: np.abs(points - made.truth).mean(axis=(0, 2)) for name, points in made.points.items()}
    assert error["lear"].mean() < 0.85 * error["naive"].mean()
    assert error["lear"][0] < 0.8 * error["naive"][0]


def test_a_fit_learns_nothing_from_the_origin_on() -> None:
    prices = made_up_prices()
    late = prices.index >= pd.Timestamp("2024-06-01", tz="Europe/Madrid")
    expected = fitted(History.of(prices, prices * 0.6, date(2024, 6, 1)))
    wild, market = prices.mask(late, prices * 9 + 2), (prices * 0.6).mask(late, -1.0)
    other = fitted(History.of(wild, market, date(2024, 7, 1)).before(date(2024, 6, 1)))
    assert np.array_equal(other._slopes, expected._slopes)
    assert np.array_equal(other._intercepts, expected._intercepts)


def test_the_newest_hour_that_is_known_plays_a_part(history: History) -> None:
    member = fitted(history)
    pvpc = history.pvpc.copy()
    pvpc.iloc[-1, -1] *= 1.5
    other = member.predict(replace(history, pvpc=pvpc))
    assert np.abs(other - member.predict(history))[0].max() > 1e-4


def test_fifty_six_days_are_enough_and_one_less_is_not(history: History) -> None:
    short = history.since(date(2024, 6, 30) - timedelta(days=55))
    said = fitted(short).predict(short)
    assert len(short) == 56
    assert said.shape == (7, 24)
    assert np.abs(said - short.pvpc.to_numpy()[-7:].mean()).max() < 0.3
    less = history.since(date(2024, 6, 30) - timedelta(days=54))
    for call in (Lear().fit, fitted(history).predict):
        with pytest.raises(InvalidInput, match="needs 56 days of prices; 55 are there"):
            call(less)


def test_without_spot_it_says_finite_prices_as_well() -> None:
    prices = made_up_prices()
    history = History.of(prices, None, date(2024, 7, 1))
    said = fitted(history).predict(history)
    assert np.isfinite(said).all()
    assert np.abs(said - history.pvpc.to_numpy()[-7:]).mean() < 0.1


def test_a_missing_day_changes_little() -> None:
    prices = made_up_prices()
    gone = prices.tz_convert("Europe/Madrid").index.normalize() == pd.Timestamp("2024-06-12", tz="Europe/Madrid")
    whole = History.of(prices, prices * 0.6, date(2024, 7, 1))
    holed = History.of(prices[~gone], prices * 0.6, date(2024, 7, 1))
    said, expected = fitted(holed).predict(holed), fitted(whole).predict(whole)
    assert np.abs(said - expected).mean() < 0.1 * expected.std()


def test_a_day_that_was_filled_is_nothing_to_learn_from(history: History) -> None:
    def learnt(factor: float, known: bool) -> np.ndarray:
        pvpc, marks = history.pvpc.copy(), history.known.copy()
        pvpc.iloc[-1] *= factor  # the last day is nobody's past yet
        marks.iloc[-1] = known
        return fitted(History(pvpc, history.spot, marks))._slopes

    assert np.array_equal(learnt(1.0, known=False), learnt(3.0, known=False))
    assert not np.array_equal(learnt(1.0, known=True), learnt(3.0, known=True))


@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.4])
def test_prices_that_move_as_a_whole_move_the_forecast_alike(history: History, shift: float) -> None:
    def moved(by: float) -> History:
        return History(history.pvpc + by, history.spot + by, history.known)

    expected = fitted(history).predict(history) + shift
    assert fitted(history).predict(moved(shift)) == pytest.approx(expected, abs=1e-4)


def test_after_a_jump_of_the_level_forecasts_come_after_it() -> None:
    prices = made_up_prices()
    jumped = prices + np.where(prices.index >= pd.Timestamp("2024-06-24", tz="Europe/Madrid"), 0.3, 0.0)
    history = History.of(jumped, jumped * 0.6, date(2024, 7, 1))
    before = history.pvpc.loc["2024-06-01":"2024-06-23"].to_numpy().mean()
    after = history.pvpc.loc["2024-06-24":].to_numpy().mean()
    said = fitted(made_up_history()).predict(history)
    assert abs(said[0].mean() - after) < 0.4 * (after - before)


@pytest.mark.parametrize("last", [date(2024, 3, 30), date(2024, 3, 31), date(2024, 10, 26), date(2024, 10, 27)])
def test_days_on_which_the_clock_changes_are_days_like_others(last: date) -> None:
    prices = made_up_prices(date(2023, 12, 1), date(2024, 11, 10))
    origin = last + timedelta(days=1)
    history = History.of(prices, prices * 0.6, origin)
    said = fitted(history).predict(history)
    assert said.shape == (7, 24)
    assert np.isfinite(said).all()
    coming = History.of(prices, None, date(2024, 11, 11)).since(origin).pvpc.iloc[:7]
    assert np.abs(said - coming.to_numpy()).mean() < 0.5 * coming.to_numpy().mean()


def test_what_was_saved_says_the_same_to_the_last_bit(history: History, tmp_path) -> None:
    member = fitted(history.before(date(2024, 6, 20)))
    member.save(tmp_path)
    other = Lear.load(tmp_path)
    for day in (date(2024, 6, 20), date(2024, 6, 25)):
        assert np.array_equal(other.predict(history.before(day)), member.predict(history.before(day)))


def test_a_file_that_is_not_what_was_saved_is_refused(history: History, tmp_path) -> None:
    path = tmp_path / "lear.npz"
    fitted(history).save(tmp_path)
    whole = path.read_bytes()
    for broken in (b"", b"nonsense", whole[:-100], whole[:1000]):
        path.write_bytes(broken)
        with pytest.raises(ValueError):  # noqa: PT011
            Lear.load(tmp_path)
    np.savez(path, slopes=np.zeros((7, 5, 24)), intercepts=np.zeros((7, 24)))
    with pytest.raises(ValueError, match="do not fit"):
        Lear.load(tmp_path)
    np.savez(path, slopes=np.zeros((7, 5, 24)))
    with pytest.raises(KeyError):
        Lear.load(tmp_path)
    path.unlink()
    with pytest.raises(OSError, match="lear"):
        Lear.load(tmp_path)


def test_neither_learning_nor_forecasting_changes_the_history() -> None:
    history, same = made_up_history(), made_up_history()
    fitted(history).predict(history)
    for mine, theirs in ((history.pvpc, same.pvpc), (history.spot, same.spot)):
        pd.testing.assert_frame_equal(mine, theirs)
    pd.testing.assert_series_equal(history.known, same.known)
