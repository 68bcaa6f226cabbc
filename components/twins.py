"""The table twins of the figures of /prices, /data and /production: what a figure shows, in words and numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from components import text
from components.cells import row_names
from components.figures import histogram
from components.score_words import level_name, reasons
from components.tables import Column, long_twin, table_twin
from components.text import _

if TYPE_CHECKING:
    from dash.development.base_component import Component

_MONTH = "M"


def distribution_twin(prices: pd.Series) -> Component:
    """How many hours cost how much; ``prices`` [EUR/kWh] as ``figures.price_distribution`` takes them."""
    counts, edges = histogram(prices)
    columns = (
        Column(_("From"), lambda value: text.number(value, 3), numeric=True),
        Column(_("Until"), text.price, numeric=True),
        Column(_("Hours"), text.number, numeric=True),
        Column(_("Share"), lambda share: text.percent(share, 1), numeric=True),
    )
    rows = [
        (low, high, int(count), count / counts.sum())
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
    ]
    return table_twin(columns, rows, _("How often which price"))


def typical_twin(means: pd.DataFrame, by: Literal["month", "weekday", "period"], caption: str) -> Component:
    """Mean price [EUR/kWh] of each hour of the day, a row an hour; ``means`` as ``hour_figures.typical_day`` has it."""
    rows = [(f"{hour:02d}:00", *values) for hour, values in zip(means.columns, means.to_numpy().T, strict=True)]
    names = row_names(by, means.index)
    columns = (
        Column(_("Hour")),
        *(Column(name, lambda value: text.number(value, 4), numeric=True) for name in names),
    )
    return table_twin(columns, rows, _("{caption}, €/kWh", caption=caption))


def calendar_twin(means: pd.DataFrame) -> Component:
    """Mean price of each month, newest first; ``means`` as ``calendar_figures.calendar_heatmap`` takes it."""
    days = pd.DatetimeIndex(means.index)
    whole = means.assign(total=means["mean"] * means["count"])[["total", "count", "expected"]]
    months = whole.groupby(days.to_period(_MONTH)).sum().iloc[::-1]
    columns = (
        Column(_("Month"), _month),
        Column(_("Mean"), lambda value: text.price(value, 4), numeric=True),
        Column(_("Hours with a price"), _of, numeric=True),
    )
    prices = months["total"] / months["count"].replace(0, np.nan)
    rows = list(zip(months.index, prices, zip(months["count"], months["expected"], strict=True), strict=True))
    return table_twin(columns, rows, _("Mean price of each month"))


def coverage_twin(coverage: pd.DataFrame) -> Component:
    """What is there of each month, newest first; ``coverage`` as ``calendar_figures.coverage_calendar`` takes it."""
    days = pd.DatetimeIndex(coverage.index)
    counts = coverage[["present", "expected"]].assign(lacking=coverage["present"] < coverage["expected"])
    months = counts.groupby(days.to_period(_MONTH)).sum().iloc[::-1]
    columns = (
        Column(_("Month"), _month),
        Column(_("Intervals"), _of, numeric=True),
        Column(_("Days not complete"), text.number, numeric=True),
    )
    parts = zip(months["present"], months["expected"], strict=True)
    rows = list(zip(months.index, parts, months["lacking"], strict=True))
    return table_twin(columns, rows, _("What is there, month by month"))


def scores_twin(frame: pd.DataFrame, name: str = "scores") -> Component:
    """Every hour with its class, its score, what these follow from, and why; ``frame`` as ``score_figures`` takes it.

    ``name`` is the table's own in the whole application.
    """
    columns = (
        Column(_("Begins"), text.moment),
        Column(_("Class"), level_name),
        Column(_("Score"), text.number, numeric=True),
        Column("€/kWh", lambda value: text.number(value, 4), numeric=True),
        Column(_("Room"), lambda value: text.quantity(value, "°C", 1), numeric=True),
        Column(_("Humidity"), lambda value: text.quantity(value, "%"), numeric=True),
        Column(_("Reasons")),
    )
    rows = [
        (
            hour.Index.to_pydatetime(),  # type: ignore[union-attr]
            hour.level,
            hour.score,
            hour.price_eur_kwh,
            hour.room_c,
            hour.room_pct,
            " ".join(reasons(hour)),
        )
        for hour in frame.itertuples()
    ]
    return long_twin(columns, rows, _("How favourable each hour is"), name)


def _month(month: pd.Period) -> str:
    return text.month(month.start_time.date())


def _of(counts: tuple[Any, Any]) -> str:
    present, expected = (text.number(int(count)) for count in counts)
    return _("{present} of {expected}", present=present, expected=expected)
