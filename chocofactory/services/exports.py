"""Tables that people take with them, as CSV: the same rows as on the screen."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, local_days
from chocofactory.domain.measurements import SIAR_DAILY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
SIAR_COLUMNS = ("province", "station", "date", "year", "day_of_year", *SIAR_DAILY.field_names, "kind", "source")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def prices_csv(frame: pd.DataFrame) -> str:
    """Rows of ``Prices.frame`` as CSV with the columns ``PRICE_COLUMNS``; times mark the start of the hour."""
    times = pd.DatetimeIndex(frame.index)
    utc, local = times.tz_localize(None), times.tz_convert(MADRID).tz_localize(None)
    ahead, which = np.unique((local - utc) // pd.Timedelta(hours=1), return_inverse=True)
    columns = (
        np.char.add(_written(utc), "Z").tolist(),
        np.char.add(_written(local), np.char.mod("+%02d:00", ahead)[which]).tolist(),
        _numbers(frame["price_eur_kwh"]),
        _numbers(frame["first_price_eur_kwh"]),
        frame["period"].tolist(),
        frame["kind"].tolist(),
        frame["source"].tolist(),
        frame["suspect"].fillna(value=False).tolist(),
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(PRICE_COLUMNS)
    writer.writerows(zip(*columns, strict=True))
    return file.getvalue()


def records_csv(records: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Records as REST gives them as CSV: a column for each of their names; None is an empty cell.

    ``columns`` must be named where there may be no record.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, columns or list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def siar_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``Climate.days`` with the columns ``SIAR_COLUMNS``: the network's 24 in their order, and two.

    ``date`` is the local day (YYYY-MM-DD), ``year`` and ``day_of_year`` are its own; missing is NaN.
    """
    days = local_days(pd.DatetimeIndex(frame.index))
    table = frame.assign(date=days.strftime("%Y-%m-%d"), year=days.year, day_of_year=days.day_of_year)
    return table.loc[:, list(SIAR_COLUMNS)].reset_index(drop=True)


def siar_csv(frame: pd.DataFrame) -> str:
    """Rows of ``Climate.days`` as CSV with the columns ``SIAR_COLUMNS``; spreadsheets find no formula in it."""
    table = siar_table(frame)
    texts = {name: _harmless(table[name]) for name in SIAR_COLUMNS if table[name].dtype == "str"}
    return table.assign(**texts).to_csv(index=False, lineterminator="\n")


def _harmless(column: pd.Series) -> pd.Series:
    return column.mask(column.str.startswith(_FORMULA, na=False), "'" + column)


def _numbers(column: pd.Series) -> list[float | None]:
    """Numbers as they are, None (an empty cell) where there is none."""
    return [None if math.isnan(value) else value for value in column.tolist()]


def _written(times: pd.DatetimeIndex) -> npt.NDArray[np.str_]:
    """Times without zone as ``2025-12-30T12:00:00``, all at once: one by one they take seconds."""
    return np.datetime_as_string(times.to_numpy(), unit="s")


def file_name(page: str, first: date, last: date, ending: str) -> str:
    """``prices_2025-01-01_2025-01-31.csv``: the page and the range that it holds."""
    return f"{page}_{first.isoformat()}_{last.isoformat()}.{ending}"
