"""Tables that people take with them, as CSV: the same rows as on the screen, in UTC and in local time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

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
    utc, local = times.tz_localize(None), times.tz_convert(MADRID).tz_localize(None)
    ahead = pd.Series((local - utc) / pd.Timedelta(hours=1)).map("+{:02.0f}:00".format)
    table = pd.DataFrame(
        {
            "timestamp_utc": np.char.add(_written(utc), "Z"),
            "timestamp_local": np.char.add(_written(local), ahead.to_numpy(dtype="<U6")),
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


def _written(times: pd.DatetimeIndex) -> npt.NDArray[np.str_]:
    """Times without zone as ``2025-12-30T12:00:00``, all at once: one by one they take seconds."""
    return np.datetime_as_string(times.to_numpy(), unit="s")


def file_name(page: str, first: date, last: date, ending: str) -> str:
    """``prices_2025-01-01_2025-01-31.csv``: the page and the range that it holds."""
    return f"{page}_{first.isoformat()}_{last.isoformat()}.{ending}"
