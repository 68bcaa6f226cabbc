"""Whether one model is better than another, or was only lucky."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

LEAST_ORIGINS = 14
"""With fewer origins nothing can be said."""
_RESAMPLES = 2000
_INTERVAL = (0.025, 0.975)
_SEED = 20240101


@dataclass(frozen=True)
class Comparison:
    """How far the error of one model lies from that of another; negative is better.

    ``difference`` [EUR/kWh] has the 95 % interval ``low`` ... ``high``; ``relative`` is the difference divided by the
    error of the other, with its own interval. ``statistic`` and ``p_value`` (two-sided) are those of the test of
    Diebold and Mariano.
    """

    origins: int
    difference: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    statistic: float
    p_value: float


def compare(errors: Numbers, others: Numbers, overlap: int = LEAD_DAYS) -> Comparison | None:
    """Compare mean absolute errors of two models at the same origins.

    Parameters
    ----------
    errors, others
        Of each origin in order, shape (origins,); origins where either is NaN do not count.
    overlap
        How many origins in a row forecast a common day: their errors depend on each other at least as far as that.

    Returns
    -------
    Comparison or None
        None with fewer than 14 origins.

    """
    known = np.isfinite(errors) & np.isfinite(others)
    one, other = errors[known], others[known]
    if len(one) < LEAST_ORIGINS:
        return None
    reach = min(max(overlap, ceil(1.3 * sqrt(len(one)))), len(one) // 2)
    statistic, p_value = diebold_mariano(one - other, reach)
    low, high, relative_low, relative_high = _resampled(one, other, reach)
    return Comparison(
        origins=len(one),
        difference=float((one - other).mean()),
        low=low,
        high=high,
        relative=float(one.mean() / other.mean() - 1) if other.any() else float("nan"),
        relative_low=relative_low,
        relative_high=relative_high,
        statistic=statistic,
        p_value=p_value,
    )


def diebold_mariano(differences: Numbers, reach: int) -> tuple[float, float]:
    """Test whether the mean of differences of losses is zero although neighbours depend on each other.

    Diebold and Mariano (1995) with the variance of Newey and West (1987), Bartlett weights up to ``reach`` (7 at least,
    and 1.3 times the root of the number of origins: Lazarus et al. 2018), and the correction and the t distribution of
    Harvey, Leybourne and Newbold (1997) for small samples, with the horizon ``reach``.

    Returns
    -------
    tuple of float
        The statistic, negative when the first model is better, and the two-sided p-value.

    """
    from scipy.special import stdtr

    n, mean = len(differences), float(differences.mean())
    apart = differences - mean
    covariances = np.array([apart[lag:] @ apart[: n - lag] for lag in range(reach + 1)]) / n
    weights = 1 - np.arange(reach + 1) / (reach + 1)
    variance = float(2 * weights @ covariances - covariances[0]) / n
    if variance <= (1e-12 * mean) ** 2:
        return (0.0, 1.0) if mean == 0 else (inf if mean > 0 else -inf, 0.0)
    correction = (n + 1 - 2 * reach + reach * (reach - 1) / n) / n
    statistic = mean / sqrt(variance) * sqrt(correction)
    return statistic, float(2 * stdtr(n - 1, -abs(statistic)))


def _resampled(one: Numbers, other: Numbers, length: int) -> tuple[float, float, float, float]:
    """95 % intervals of the difference of means and of its relation to the second, from resampled blocks of origins.

    Blocks of ``length`` origins are drawn until there are as many as before, the last one cut (Künsch 1989); after the
    last origin comes the first again, so that none counts less for standing at an end (Politis and Romano 1992). The
    draws are the same for any two models.
    """
    n = len(one)
    chance = np.random.default_rng(_SEED)
    starts = chance.integers(0, n, (_RESAMPLES, ceil(n / length)))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(_RESAMPLES, -1)[:, :n] % n
    first, second = one[drawn].mean(axis=1), other[drawn].mean(axis=1)
    low, high = np.quantile(first - second, _INTERVAL)
    if not second.all():
        return float(low), float(high), float("nan"), float("nan")
    relative_low, relative_high = np.quantile(first / second - 1, _INTERVAL)
    return float(low), float(high), float(relative_low), float(relative_high)
