"""The kernel against another solution of the same problem."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge

from chocofactory.forecasting.days import Calendar, in_units, usual
from chocofactory.forecasting.kernel import Kernel, _features
from tests.forecast_kit import made_up_history


def test_a_forecast_is_that_of_kernel_ridge_regression() -> None:
    history = made_up_history(date(2024, 5, 19))
    values = history.pvpc.to_numpy()
    origins = np.arange(28, len(values) + 1)
    features = _features(values, Calendar.of(history.pvpc.index[0], len(values) + 7), origins)
    past = features[:-7]  # the weeks from the last origins are not over; the last row is the forecast's own
    weeks = np.stack([values[origin : origin + 7] for origin in origins[:-7]])
    targets = np.clip(in_units(weeks, *usual(values, origins[:-7])), -4, 4).reshape(len(past), -1)
    apart = np.linalg.norm(past[:, None] - past, axis=2)
    kernel = Matern(length_scale=2 * np.median(apart), nu=0.5)  # exp(-distance / length)
    ridge = KernelRidge(alpha=0.3, kernel="precomputed")
    ridge.fit(kernel(past), targets - targets.mean(axis=0))
    expected = ridge.predict(kernel(features[-1:], past)) + targets.mean(axis=0)
    level, spread = usual(values, origins[-1:])

    member = Kernel()
    member.fit(history)
    assert member.predict(history) == pytest.approx(expected.reshape(7, 24) * spread + level, abs=1e-6)
