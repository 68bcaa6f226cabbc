"""Bands around forecasts: honest, in order, from past errors alone, and quick to widen when prices go wild."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import day_start
from chocofactory.forecasting.backtest import Roll, roll
from chocofactory.forecasting.history import History
from chocofactory.forecasting.intervals import quantiles, rolled_quantiles
from chocofactory.forecasting.model import LEVELS
from chocofactory.forecasting.naive import Naive
from tests.forecast_kit import made_up_history, made_up_prices

START = date(2024, 1, 15)


def made_up_roll(origins: int = 100, seed: int = 3, *, every: int = 1, spread: float = 1.0) -> Roll:
    """A model that is wrong by skewed noise, the more the further it looks and the later the hour."""
    chance = np.random.default_rng(seed)
    points = chance.normal(0.1, 0.03, (origins, 7, 24))
    size = 0.01 * np.linspace(1, 2, 7)[:, None] * np.linspace(1, 3, 24)
    truth = points + spread * size * (chance.gamma(2, size=points.shape) - 1.7)
    days = tuple(START + timedelta(days=every * n) for n in range(origins))
    scale = 0.03 * spread * np.exp(chance.normal(0, 0.1, origins))
    return Roll(days, {"m": points}, truth, scale)


def share_inside(truth: np.ndarray, bands: np.ndarray, low: int = 0, high: int = 4) -> float:
    known = np.isfinite(truth)
    inside = (truth >= bands[..., low]) & (truth <= bands[..., high])
    return float(inside[known].mean())


def by_hand(made: Roll, day: date, lead: int, hour: int) -> list[float]:
    """The same quantiles, one error after the other."""

    def of_late(then: date) -> float:
        known = [
            (o, abs(made.truth[n, 0] - made.points["m"][n, 0]).mean()) for n, o in enumerate(made.origins) if o < then
        ]
        weights = [0.5 ** (((then - o).days - 1) / 7) for o, _ in known]
        return sum(w * e for w, (_, e) in zip(weights, known, strict=True)) / sum(weights)

    pool = []
    for row, origin in enumerate(made.origins):
        age = (day - origin).days - lead - 1
        if 0 <= age < 182 and row > 0:
            for near in (hour - 1, hour, hour + 1):
                error = made.truth[row, lead, near % 24] - made.points["m"][row, lead, near % 24]
                pool.append((error / of_late(origin), 0.5 ** (age / 60)))
    pool.sort()
    total, sum_before, places = sum(weight for _, weight in pool), 0.0, []
    for _, weight in pool:
        places.append((sum_before + weight / 2) / total)
        sum_before += weight
    out = []
    for level in (0.05, 0.25, 0.75, 0.95):
        wanted = level + (level if level > 0.5 else level - 1) / total
        right = next((n for n, place in enumerate(places) if place >= wanted), len(pool) - 1)
        left = max(right - 1, 0)
        part = 1.0 if left == right else (wanted - places[left]) / (places[right] - places[left])
        out.append(pool[left][0] + min(max(part, 0), 1) * (pool[right][0] - pool[left][0]))
    row = made.origins.index(day)
    point, unit = made.points["m"][row, lead, hour], of_late(day)
    low, midlow, midhigh, high = (point + unit * each for each in out)
    return [min(low, point), min(midlow, point), point, max(midhigh, point), max(high, point)]


@pytest.mark.parametrize(("row", "lead", "hour"), [(80, 0, 0), (80, 3, 23), (99, 6, 12), (70, 6, 5)])
def test_quantiles_are_those_of_past_errors_counted_one_by_one(row: int, lead: int, hour: int) -> None:
    made = made_up_roll()
    said = rolled_quantiles(made, "m")[row, lead, hour]
    assert said.tolist() == pytest.approx(by_hand(made, made.origins[row], lead, hour), rel=1e-12)


def test_errors_older_than_the_window_do_not_count() -> None:
    made = made_up_roll(230)
    truth = made.truth.copy()
    truth[:40, 1:] = 99.0
    wild = Roll(made.origins, made.points, truth, made.scale)
    assert np.array_equal(rolled_quantiles(wild, "m")[-1], rolled_quantiles(made, "m")[-1])
    assert rolled_quantiles(wild, "m")[120].max() > 10


@pytest.mark.parametrize("every", [1, 3])
def test_bands_cover_what_they_say_on_every_lead_day(every: int) -> None:
    made = made_up_roll(260, every=every)
    bands = rolled_quantiles(made, "m")[100:]

    assert share_inside(made.truth[100:], bands) == pytest.approx(0.9, abs=0.015 if every == 1 else 0.025)
    assert share_inside(made.truth[100:], bands, 1, 3) == pytest.approx(0.5, abs=0.03)
    for lead in range(7):
        assert share_inside(made.truth[100:, lead], bands[:, lead]) == pytest.approx(0.9, abs=0.025)
        for level in (0, 1, 3, 4):
            below = (made.truth[100:, lead] <= bands[:, lead, :, level]).mean()
            assert below == pytest.approx(LEVELS[level], abs=0.04)


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_bands_are_honest_again_within_days_when_errors_double_or_halve(factor: float) -> None:
    calm, other = made_up_roll(200), made_up_roll(200, spread=factor)
    late = np.arange(200)[:, None] + np.arange(7) >= 120
    truth = np.where(late[:, :, None], other.truth, calm.truth)
    bands = rolled_quantiles(Roll(calm.origins, calm.points, truth, calm.scale), "m")

    width = (bands[..., 4] - bands[..., 0]).mean(axis=(1, 2))
    assert (width[130] / width[119] - 1) / (factor - 1) > 0.5
    assert width[160:].mean() / width[100:120].mean() == pytest.approx(factor, rel=0.1)
    for lead in range(7):
        assert 0.87 <= share_inside(truth[127:155, lead], bands[127:155, lead]) <= 0.96


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_bands_hold_what_they_say_a_week_after_prices_double_or_halve(factor: float) -> None:
    shift = date(2024, 7, 1)
    prices = made_up_prices(date(2023, 9, 1), date(2024, 8, 31))
    prices = prices.where(prices.index < day_start(shift), prices * factor)
    made = roll({"naive": Naive}, History.of(prices, None, date(2024, 9, 1)), date(2023, 12, 1), date(2024, 8, 24))
    bands = rolled_quantiles(made, "naive")

    after = made.origins.index(shift) + 7
    assert share_inside(made.truth[after:], bands[after:]) > 0.87
    for lead in range(7):
        assert share_inside(made.truth[after:, lead], bands[after:, lead]) > 0.84


def test_a_year_s_backtest_and_a_live_forecast_say_the_same() -> None:
    history = made_up_history(date(2024, 8, 31))
    made = roll({"naive": Naive}, history, date(2024, 1, 8), date(2024, 8, 31))
    rolled = rolled_quantiles(made, "naive")
    for row in (0, 10, 30, 100, 200, len(made) - 1):
        day = made.origins[row]
        for past in (made.before(day), made.until(day), made):
            live = quantiles(made.points["naive"][row], range(7), past, "naive", day, made.scale[row])
            assert np.array_equal(live, rolled[row])


def test_what_comes_at_or_after_an_origin_changes_nothing_there() -> None:
    made = made_up_roll()
    rolled = rolled_quantiles(made, "m")
    for day in (made.origins[0], made.origins[30], made.origins[75], made.origins[99]):
        row = made.origins.index(day)
        known = made.before(day).truth
        late = np.concatenate([np.isnan(known), np.ones_like(made.truth[row:], dtype=bool)])
        other = Roll(made.origins, made.points, np.where(late, made.truth * 9 - 1, made.truth), made.scale)
        assert np.array_equal(rolled_quantiles(other, "m")[: row + 1], rolled[: row + 1])
        assert row == 99 or not np.array_equal(rolled_quantiles(other, "m")[row + 1 :], rolled[row + 1 :])


def test_with_few_errors_hours_are_pooled_and_with_fewer_the_bands_are_fixed() -> None:
    made = made_up_roll()
    bands = rolled_quantiles(made, "m") - made.points["m"][..., None]

    fixed = np.array([-1.5, -0.44, 0, 0.43, 1.41])
    assert np.allclose(bands[20, 0], made.scale[20] * fixed)
    assert np.allclose(bands[27, 6], made.scale[27] * fixed)
    assert np.ptp(bands[30, 0, :, 4]) < 1e-12
    assert np.ptp(bands[90, 0, :, 4]) > 0.01


def test_days_that_are_not_known_and_models_without_a_say_are_left_out() -> None:
    made = made_up_roll()
    truth = made.truth.copy()
    truth[50:53] = np.nan
    points = made.points["m"].copy()
    points[:, 1:] = np.nan
    bands = rolled_quantiles(Roll(made.origins, {"m": points}, truth, made.scale), "m")

    assert np.isfinite(bands[:, 0]).all()
    assert np.isnan(bands[:, 1:]).all()


@given(st.integers(1, 90), st.integers(0, 1000), st.sampled_from([1, 2, 7]), st.sampled_from([1e-9, 1.0, 1e3]))
@settings(max_examples=25)
def test_quantiles_never_fall(origins: int, seed: int, every: int, spread: float) -> None:
    made = made_up_roll(origins, seed, every=every, spread=spread)
    bands = rolled_quantiles(made, "m")[-3:]

    assert np.isfinite(bands).all()
    assert (np.diff(bands, axis=-1) >= 0).all()
    assert np.array_equal(bands[..., 2], made.points["m"][-3:])


@pytest.mark.parametrize("bias", [-1.0, 1.0])
def test_a_model_that_is_always_wrong_on_one_side_keeps_its_quantiles_in_order(bias: float) -> None:
    made = made_up_roll(90)
    bands = rolled_quantiles(Roll(made.origins, made.points, made.truth + bias, made.scale), "m")

    assert (np.diff(bands, axis=-1) >= 0).all()
    assert np.array_equal(bands[..., 2], made.points["m"])
    assert (np.ptp(bands[-1, ..., :3] if bias > 0 else bands[-1, ..., 2:], axis=-1) == 0).all()
