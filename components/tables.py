"""Tables: the twin of a figure for those who do not see it, and statistics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from dash import MATCH, ClientsideFunction, Input, Output, dcc, html

from components import text
from components.cards import period_badge
from components.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    from dash.development.base_component import Component

    from chocofactory.domain.prices import Statistics

MOST_ROWS = 75
"""Rows that a twin shows; of longer ones it shows the first and points at the file."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, how its values are written, and whether they are numbers (set to the right)."""

    head: str
    write: Callable[[Any], Any] = str
    numeric: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str) -> Component:
    """A table for people and screen readers: the first column heads its row, ``caption`` says what it holds."""
    looks = ["num" if column.numeric else "" for column in columns]
    head = [html.Th(column.head, scope="col", className=look) for column, look in zip(columns, looks, strict=True)]
    body = []
    for row in rows:
        written = [column.write(value) for column, value in zip(columns, row, strict=True)]
        first = html.Th(written[0], scope="row", className=looks[0])
        others = [html.Td(cell, className=look) for cell, look in zip(written[1:], looks[1:], strict=True)]
        body.append(html.Tr([first, *others]))
    parts = [html.Caption(caption, className="visually-hidden"), html.Thead(html.Tr(head)), html.Tbody(body)]
    return html.Div(
        html.Table(parts, className="table table-sm"),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": caption},
    )


def table_twin(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    caption: str,
    *,
    of: int | None = None,
    filed: bool = False,
    most: int = MOST_ROWS,
) -> Component:
    """What a figure shows, as a table that opens on demand; its first ``most`` rows.

    ``of`` says how many there are where ``rows`` hold only those that are shown; ``filed``: the page's CSV has all.
    """
    parts: list[Component] = []
    count = len(rows) if of is None else of
    if count > most:
        shown, whole = text.number(most), text.number(count)
        words = _("The first {shown} of {all} rows.", shown=shown, all=whole)
        if filed:
            words = _("The first {shown} of {all} rows; the CSV button saves them all.", shown=shown, all=whole)
        parts.append(html.P(words, className="muted small"))
    parts.append(table(columns, rows[:most], caption))
    return html.Details([html.Summary(_("Show as table")), *parts], className="table-twin")


def long_twin(columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str, name: str) -> Component:
    """What a figure shows, all of it, as a table that opens on demand; ``name`` is its own in the whole application.

    The browser writes it (``assets/tables.js``): thousands of cells cost it seconds as components. Cells are text.
    """
    return html.Details(
        [html.Summary(_("Show as table")), *_written(columns, rows, caption, name)], className="table-twin"
    )


def long_table(columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str, name: str) -> Component:
    """A long table that the browser writes, as ``long_twin`` has it, in a box of its own that scrolls."""
    return html.Div(_written(columns, rows, caption, name), className="long-table")


def _written(columns: Sequence[Column], rows: Iterable[Sequence[Any]], caption: str, name: str) -> list[Component]:
    written = [[column.write(value) for column, value in zip(columns, row, strict=True)] for row in rows]
    heads = [{"head": column.head, "numeric": column.numeric} for column in columns]
    region = {"className": "table-scroll", "tabIndex": 0, "role": "region", "aria-label": caption}
    return [
        html.Div(id={"type": "table", "table": name}, **region),
        dcc.Store(id={"type": "rows", "table": name}, data={"heads": heads, "rows": written, "caption": caption}),
    ]


def register_callbacks(clientside: Callable[..., None]) -> None:
    """Let the browser write all long tables; ``clientside`` is the app's ``clientside_callback``."""
    clientside(
        ClientsideFunction("tables", "write"),
        Output({"type": "table", "table": MATCH}, "data-rows"),
        Input({"type": "rows", "table": MATCH}, "data"),
    )


def price_twin(frame: pd.DataFrame, caption: str, *, filed: bool = False) -> Component:
    """The twin of a figure of prices.

    Parameters
    ----------
    frame
        Index ``time`` (UTC); ``price_eur_kwh`` [EUR/kWh] and ``period``, as ``services.prices.Prices.frame`` has them.

    """
    columns = (
        Column(_("Begins"), text.moment),
        Column(_("Period"), cache(period_badge)),
        Column(_("Price"), lambda value: text.price(value, 5), numeric=True),
    )
    shown = frame.iloc[:MOST_ROWS]
    moments = (stamp.to_pydatetime() for stamp in shown.index)
    rows = list(zip(moments, shown["period"].astype(str), shown["price_eur_kwh"], strict=True))
    return table_twin(columns, rows, caption, of=len(frame), filed=filed)


def statistics_table(statistics: Statistics) -> Component:
    """Figures of the prices of a range, each in EUR/kWh, with the moments of the lowest and the highest."""
    rows = (
        (_("Mean"), "", text.price(statistics.mean, 4)),
        (_("Median"), "", text.price(statistics.median, 4)),
        (_("Lowest"), text.moment(statistics.minimum_at), text.price(statistics.minimum, 4)),
        (_("Highest"), text.moment(statistics.maximum_at), text.price(statistics.maximum, 4)),
        (_("Standard deviation"), "", text.price(statistics.std, 4)),
        (_("90 % of the hours"), "", _between(statistics.p05, statistics.p95)),
        (_("Hours with a price"), "", text.number(statistics.count)),
    )
    columns = (Column(_("Figure")), Column(_("When")), Column(_("Value"), numeric=True))
    return table(columns, rows, _("Statistics of the prices"))


def periods_table(figures: pd.DataFrame) -> Component:
    """Count, mean, lowest and highest price of each tariff period, as ``domain.prices.by_period`` has them."""
    columns = (
        Column(_("Period"), period_badge),
        Column(_("Hours"), text.number, numeric=True),
        *(
            Column(head, lambda value: text.price(value, 4), numeric=True)
            for head in (_("Mean"), _("Lowest"), _("Highest"))
        ),
    )
    ordered = figures[["count", "mean", "minimum", "maximum"]]
    return table(columns, list(ordered.itertuples(name=None)), _("Prices by tariff period"))


def _between(low: float, high: float) -> str:
    return _("{low} to {high}", low=text.number(low, 4), high=text.price(high, 4))
