"""Tables that people take with them, as CSV: the same rows as on the screen, in UTC and in local time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chocofactory.core.clock import MADRID

if TYPE_CHECKING:
    from datetime import date

PRICE_COLUMNS = (
    "timestamp_utc",
    "timestamp_local",
    "price_eur_kwh",
    "first_price_eur_kwh",
    "tariff_period",
    "kind",
    "source",
    "suspect",
)


def prices_csv(frame: pd.DataFrame) -> str:
    """Rows of ``Prices.frame`` as CSV with the columns ``PRICE_COLUMNS``; times mark the start of the hour."""
    times = pd.DatetimeIndex(frame.index)
    table = pd.DataFrame(
        {
            "timestamp_utc": [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in times],
            "timestamp_local": [moment.isoformat() for moment in times.tz_convert(MADRID)],
            "price_eur_kwh": frame["price_eur_kwh"].to_numpy(),
            "first_price_eur_kwh": frame["first_price_eur_kwh"].to_numpy(),
            "tariff_period": frame["period"].astype(str).to_numpy(),
            "kind": frame["kind"].to_numpy(),
            "source": frame["source"].to_numpy(),
            "suspect": frame["suspect"].fillna(value=False).astype(bool).to_numpy(),
        },
        columns=list(PRICE_COLUMNS),
    )
    return table.to_csv(index=False, lineterminator="\n")


def file_name(page: str, first: date, last: date, ending: str) -> str:
    """``prices_2025-01-01_2025-01-31.csv``: the page and the range that it holds."""
    return f"{page}_{first.isoformat()}_{last.isoformat()}.{ending}"
