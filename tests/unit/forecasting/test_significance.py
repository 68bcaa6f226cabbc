"""Better, or only lucky: the test counts on errors of overlapping weeks being alike."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from chocofactory.forecasting.significance import LEAST_ORIGINS, compare, diebold_mariano


def overlapping(origins: int, mean: float, seed: int, days: int = 7) -> np.ndarray:
    """Means of a week of independent days, one origin a day: neighbours share six of the seven."""
    chance = np.random.default_rng(seed).normal(mean, 1, origins + days - 1)
    return np.convolve(chance, np.ones(days) / days, "valid")


@pytest.mark.parametrize(("reach", "of_statsmodels"), [(7, -6.0267422730021085), (10, -5.839681482431026)])
def test_the_statistic_is_that_of_a_second_library(reach: int, of_statsmodels: float) -> None:
    # statsmodels 0.14: OLS(d, ones(54)).fit(cov_type="HAC", cov_kwds={"maxlags": reach, "use_correction": False})
    differences = overlapping(54, -0.2, 5)
    n = 54
    statistic, p_value = diebold_mariano(differences, reach)

    small_sample = sqrt((n + 1 - 2 * reach + reach * (reach - 1) / n) / n)
    assert statistic == pytest.approx(of_statsmodels * small_sample, rel=1e-12)
    assert p_value == pytest.approx(2 * stats.t.sf(abs(statistic), n - 1), rel=1e-9)


def test_without_lags_it_is_the_t_test_but_for_its_correction() -> None:
    differences = np.random.default_rng(2).normal(0.1, 1, 50)
    statistic, _ = diebold_mariano(differences, 0)
    student = stats.ttest_1samp(differences, 0).statistic * sqrt(50 / 49)  # which divides the variance by n - 1
    assert statistic == pytest.approx(student * sqrt(51 / 50), rel=1e-12)


def test_equal_models_are_rarely_told_apart() -> None:
    naive = [stats.ttest_1samp(overlapping(120, 0, seed), 0).pvalue < 0.05 for seed in range(300)]
    told = [compare(1 + overlapping(120, 0, seed), np.ones(120)).p_value < 0.05 for seed in range(300)]
    assert np.mean(naive) > 0.3
    assert np.mean(told) < 0.13


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(200):
        found = compare(5 + overlapping(180, -0.3, seed), 5 + overlapping(180, 0, seed + 1000))
        held.append(found.low <= -0.3 <= found.high)
    assert 0.86 <= np.mean(held) <= 0.99


def test_a_difference_is_found_with_its_size_and_sign() -> None:
    errors, others = 0.8 + 0.02 * overlapping(200, 0, 1), 1 + 0.02 * overlapping(200, 0, 2)
    found = compare(errors, others)

    assert found.origins == 200
    assert found.difference == pytest.approx(errors.mean() - others.mean())
    assert found.relative == pytest.approx(errors.mean() / others.mean() - 1)
    assert found.low < found.difference < found.high < 0
    assert -0.25 < found.relative_low < found.relative < found.relative_high < -0.15
    assert found.statistic < -10
    assert found.p_value < 1e-6


def test_it_does_not_matter_which_comes_first() -> None:
    errors, others = 1 + 0.3 * overlapping(90, 0, 1), 1 + 0.3 * overlapping(90, 0.2, 2)
    one, other = compare(errors, others), compare(others, errors)

    assert one.difference == pytest.approx(-other.difference)
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))
    assert one.statistic == pytest.approx(-other.statistic)
    assert one.p_value == pytest.approx(other.p_value)


def test_the_same_errors_are_compared_the_same_way_every_time() -> None:
    errors, others = 1 + 0.3 * overlapping(90, 0, 1), 1 + 0.3 * overlapping(90, 0.2, 2)
    assert compare(errors, others) == compare(errors, others)


def test_origins_are_drawn_as_often_at_the_ends_as_in_the_middle() -> None:
    at_the_ends = np.ones(365)
    at_the_ends[:20] = at_the_ends[-20:] = 2.0
    ends, middle = (compare(errors, np.ones(365)) for errors in (at_the_ends, np.roll(at_the_ends, 180)))
    assert (ends.low, ends.high) == (pytest.approx(middle.low, abs=0.012), pytest.approx(middle.high, abs=0.012))


def test_the_interval_of_independent_errors_is_that_of_their_mean() -> None:
    free = compare(np.random.default_rng(4).normal(1, 0.1, 2000), np.ones(2000))
    assert free.high - free.low == pytest.approx(2 * 1.96 * 0.1 / sqrt(2000), rel=0.15)


def test_neighbours_that_depend_on_each_other_make_the_interval_wider() -> None:
    errors = 1 + 0.1 * overlapping(400, 0, 3)
    shuffled = np.random.default_rng(1).permutation(errors)
    close, free = compare(errors, np.ones(400)), compare(shuffled, np.ones(400))
    assert close.high - close.low > 1.8 * (free.high - free.low)


def test_origins_of_which_nothing_is_known_do_not_count() -> None:
    errors, others = 1 + 0.3 * overlapping(90, 0, 1), 1 + 0.3 * overlapping(90, 0.2, 2)
    holes = np.concatenate([errors, [np.nan, 1]]), np.concatenate([others, [1, np.nan]])
    assert compare(*holes) == compare(errors, others)


def test_too_few_origins_say_nothing() -> None:
    assert compare(np.ones(LEAST_ORIGINS - 1), np.zeros(LEAST_ORIGINS - 1)) is None
    assert compare(np.ones(40), np.full(40, np.nan)) is None


def test_models_that_are_the_same_do_not_differ() -> None:
    errors = 1 + 0.3 * overlapping(60, 0, 1)
    found = compare(errors, errors)
    assert (found.difference, found.low, found.high, found.statistic, found.p_value) == (0, 0, 0, 0, 1)


def test_a_model_that_is_always_worse_by_the_same_is_certainly_worse() -> None:
    found = compare(np.full(60, 0.5), np.full(60, 0.25))
    assert (found.p_value, found.statistic, found.low, found.high) == (0, float("inf"), 0.25, 0.25)


def test_a_perfect_model_cannot_be_divided_by() -> None:
    found = compare(np.ones(60), np.zeros(60))
    assert isnan(found.relative)
    assert isnan(found.relative_low)
    assert found.difference == 1
