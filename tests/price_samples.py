"""Prices for tests: any values by the hour, whole random days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def hourly(values, start=datetime(2025, 6, 2, 22, tzinfo=UTC), resolution=HOUR):
    return pd.Series(
        np.array(values, dtype=float), index=pd.date_range(start, periods=len(values), freq=resolution, unit="us")
    )


def whole_days(first, last=None, resolution=HOUR, seed=7):
    grid = day_grid(first, last, resolution)
    return pd.Series(np.random.default_rng(seed).uniform(-0.05, 0.4, len(grid)).round(5), index=grid)


def nearly(value):
    return pytest.approx(value, abs=1e-12, nan_ok=True)


def stale(series, day, shift, resolution=HOUR):
    """The series with ``day`` answered by the prices of the day before, ``shift`` intervals off."""
    out = series.copy()
    yesterday = series.reindex(day_grid(day - DAY, day - DAY, resolution)).to_numpy()
    grid = day_grid(day, day, resolution)
    fresh = out.reindex(grid).to_numpy(copy=True)
    for n in range(len(grid)):
        if 0 <= n + shift < len(yesterday):
            fresh[n] = yesterday[n + shift]
    out[grid] = fresh
    return out
