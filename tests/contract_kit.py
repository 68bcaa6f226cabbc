"""What the contract tests of the series stores share: short ways to write and to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    price_series,
)

HOUR = timedelta(hours=1)
START = datetime(2025, 3, 1, tzinfo=UTC)
NOW = datetime(2025, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
PRICES = price_series()


def hours(values, start=START, step=HOUR, **more):
    index = pd.date_range(start, periods=len(values), freq=step, name="time", unit="us")
    return pd.DataFrame({"price_eur_kwh": np.array(values, dtype=float), **more}, index=index)


def write(store, frame, series=PRICES, source="ree", at=NOW, **more):
    return store.write(series, frame, source=source, written_at=at, **more)


def everything(store, measurement=ENERGY_PRICE, **keys):
    return store.read(measurement, *EVER, **keys)
