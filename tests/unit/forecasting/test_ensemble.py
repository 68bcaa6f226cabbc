"""The ensemble weighs its members by errors that were known, each lead day apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from chocofactory.forecasting import ensemble
from chocofactory.forecasting.backtest import Roll
from chocofactory.forecasting.ensemble import combined, weights

FIRST = date(2024, 1, 1)


def made(errors: dict[str, float], origins: int = 60) -> Roll:
    """A roll whose members are always wrong by so much, the truth of which is all known."""
    shape = (origins, 7, 24)
    points = {name: np.full(shape, 0.1 + error) for name, error in errors.items()}
    days = tuple(FIRST + timedelta(days=day) for day in range(origins))
    return Roll(days, points, np.full(shape, 0.1), np.full(origins, 0.02))


def test_weights_are_errors_to_minus_the_power() -> None:
    roll = made({"good": 0.01, "bad": -0.02})

    shares = weights(roll, ["good", "bad"], FIRST + timedelta(days=60))
    ratio = 2.0**ensemble.POWER
    assert shares[0] == pytest.approx(ratio / (1 + ratio))
    assert shares.sum(axis=0) == pytest.approx(1)


def test_members_count_the_same_until_enough_errors_are_known() -> None:
    roll = made({"good": 0.01, "bad": 0.02})

    shares = weights(roll, ["good", "bad"], FIRST + timedelta(days=ensemble.LEAST_ERRORS))
    assert shares[0, 0] > 0.9  # the last of so many first days has just ended
    assert shares[0, 1:] == pytest.approx(0.5)


def test_each_lead_day_has_weights_of_its_own() -> None:
    roll = made({"early": 0.01, "late": 0.01})
    roll.points["early"][:, 3:] += 0.02
    roll.points["late"][:, :3] += 0.02

    shares = weights(roll, ["early", "late"], FIRST + timedelta(days=60))
    assert (shares[0, :3] > 0.9).all()
    assert (shares[0, 3:] < 0.1).all()


def test_a_combination_is_the_weighted_mean_from_what_was_known() -> None:
    roll = made({"good": 0.01, "bad": 0.03})
    points = combined(roll, ["good", "bad"])

    for place in (0, 10, 25, 40, 59):
        shares = weights(roll.before(roll.origins[place]), ["good", "bad"], roll.origins[place])
        expected = np.einsum("ml,ml->l", shares, [[0.11] * 7, [0.13] * 7])
        assert points[place] == pytest.approx(np.repeat(expected[:, None], 24, axis=1))


def test_what_comes_later_changes_no_weight() -> None:
    roll = made({"good": 0.01, "bad": 0.03})
    rng = np.random.default_rng(1)
    day = roll.origins[40]
    late = np.array([[origin + timedelta(days=lead) >= day for lead in range(7)] for origin in roll.origins])
    other = replace(roll, truth=np.where(late[:, :, None], rng.normal(size=roll.truth.shape), roll.truth))

    assert (weights(roll, ["good", "bad"], day) == weights(other, ["good", "bad"], day)).all()
    assert (combined(roll, ["good", "bad"])[:41] == combined(other, ["good", "bad"])[:41]).all()


def test_old_errors_are_forgotten() -> None:
    roll = made({"was_good": 0.01, "is_good": 0.03}, origins=400)
    roll.points["was_good"][150:] += 0.05
    roll.points["is_good"][150:] -= 0.025

    assert weights(roll, ["was_good", "is_good"], FIRST + timedelta(days=400))[1, 0] > 0.99


def test_a_day_that_is_not_known_whole_does_not_count() -> None:
    roll = made({"good": 0.01, "bad": 0.02})
    roll.truth[5:] = np.nan

    assert weights(roll, ["good", "bad"], FIRST + timedelta(days=60)) == pytest.approx(0.5)


def test_members_without_any_error_share() -> None:
    assert weights(made({"a": 0.0, "b": 0.0}), ["a", "b"], FIRST + timedelta(days=60)) == pytest.approx(0.5)
