"""The past and the coming prices: any range by day and hour, years by day, typical days, statistics, export."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.core.clock import local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.measurements import PVPC
from chocofactory.services.exports import file_name, prices_csv
from chocofactory.services.ranges import check_days
from components import calendar_figures, cards, controls, figures, hour_figures, names, tables, text, twins
from components.text import N_, _, page_title
from components.theme import graph_config, price_range

if TYPE_CHECKING:
    from datetime import date

    from dash.development.base_component import Component

dash.register_page(__name__, path="/prices", name=N_("Prices"), title=page_title(N_("Prices")), order=1)

NAME = "prices"
USUAL_DAYS = 30


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    market = "prices-market"
    empty = "prices-empty"
    body = "prices-body"
    heatmap = "prices-heatmap"
    calendar = "prices-calendar"
    years = "prices-years"
    months = "prices-months"
    periods = "prices-periods"
    spread = "prices-spread"
    numbers = "prices-numbers"
    export = "prices-export"
    download = "prices-download"


def layout(first: object = None, last: object = None, market: object = None, **_query: Any) -> Component:
    """The frame; the address may hold ``first``, ``last`` (YYYY-MM-DD) and ``market``.

    Without them it shows the last 30 days that hold prices.
    """
    chosen = controls.choice_of(market, names.MARKETS, PVPC)
    today = local_date(factory().clock.now())
    span = factory().prices.span(chosen)
    earliest = span[0] if span else today - timedelta(days=USUAL_DAYS)
    latest = max(span[1] if span else today, today)
    reached = min(span[1] if span else today, today + timedelta(days=1))
    begin = controls.day_of(first) or max(earliest, reached - timedelta(days=USUAL_DAYS - 1))
    end = controls.day_of(last) or max(reached, begin)
    return html.Div(
        [
            html.H1(_("Prices")),
            html.Div(
                [
                    controls.range_picker(NAME, begin, end, earliest=earliest, latest=latest),
                    controls.select(ids.market, _("Market"), {key: names.market(key) for key in names.MARKETS}, chosen),
                    controls.button(_("CSV"), ids.export, icon_name="download"),
                    dcc.Download(id=ids.download),
                ],
                className="toolbar",
            ),
            html.Div(id=ids.empty),
            html.Div(
                [
                    controls.graph(ids.heatmap, _("Price by day and hour"), filename=NAME, height="27.5rem"),
                    html.Section(
                        [
                            html.H2(_("The range in numbers")),
                            html.Div(cards.skeleton(_("Statistics are being computed"), 200), id=ids.numbers),
                        ],
                        className="panel",
                    ),
                    controls.graph(ids.spread, _("How often which price"), filename=f"{NAME}_distribution"),
                    controls.graph(
                        ids.months, _("The typical day of each month"), filename=f"{NAME}_months", height="16rem"
                    ),
                    controls.graph(
                        ids.periods, _("The typical day by period"), filename=f"{NAME}_periods", height="16rem"
                    ),
                ],
                id=ids.body,
            ),
            html.Div(
                controls.graph(
                    ids.calendar, _("Daily means over the years"), filename=f"{NAME}_calendar", height="40rem"
                ),
                id=ids.years,
            ),
        ]
    )


RANGE = (*controls.range_inputs(NAME), Input(ids.market, "value"))
LOOK = (Input("theme", "data"), Input("wide", "data"))


@callback(Output(ids.empty, "children"), Output(ids.body, "hidden"), Output(ids.numbers, "children"), *RANGE)
def numbers(first: str, last: str, market: str) -> tuple[Any, bool, Any]:
    """Statistics of the range, or why there are none."""
    days = _typed(first, last)
    try:
        found = factory().prices.statistics(*days, market)
    except InvalidInput as error:
        return no_range(error), True, None
    if found is None:
        return nothing_here(*days), True, None
    present = len(factory().prices.frame(*days, market))
    expected = factory().prices.expected_hours(*days)
    by_period = factory().prices.by_period(*days, market)
    lacking = None if present == expected else _missing(present, expected)
    return (
        None,
        False,
        [lacking, html.Div([tables.statistics_table(found), tables.periods_table(by_period)], className="pair")],
    )


@callback(
    Output(ids.heatmap, "figure"),
    Output(ids.heatmap, "config"),
    *RANGE,
    *LOOK,
)
def heatmap(first: str, last: str, market: str, theme: str, wide: bool) -> tuple[Any, dict[str, Any]]:
    """Price by day and hour of the range."""
    days = _range(first, last)
    matrix = factory().prices.day_matrix(*days, market)
    figure = hour_figures.day_hour_heatmap(matrix, theme=theme, wide=wide, scale=_scale(*days, market))
    return figure, graph_config(file_name(NAME, *days, "png").removesuffix(".png"))


@callback(Output(f"{ids.heatmap}-caption", "children"), *RANGE)
def hours(first: str, last: str, market: str) -> Component:
    """The same prices as a table."""
    return tables.price_twin(factory().prices.frame(*_range(first, last), market), _("Prices by hour"), filed=True)


@callback(Output(ids.spread, "figure"), Output(f"{ids.spread}-caption", "children"), *RANGE, Input("theme", "data"))
def spread(first: str, last: str, market: str, theme: str) -> tuple[Any, Component]:
    """How often which price."""
    days = _range(first, last)
    found = factory().prices.frame(*days, market)["price_eur_kwh"]
    if found.empty:
        raise PreventUpdate
    figure = figures.price_distribution(found, theme=theme, scale=_scale(*days, market))
    return figure, twins.distribution_twin(found)


@callback(Output(ids.months, "figure"), Output(f"{ids.months}-caption", "children"), *RANGE, *LOOK)
def months(first: str, last: str, market: str, theme: str, wide: bool) -> tuple[Any, Component]:
    """The typical day of each month in the range."""
    days = _range(first, last)
    means = factory().prices.typical_day(*days, "month", market).dropna(how="all")
    if means.empty:
        raise PreventUpdate
    figure = hour_figures.typical_day(means, "month", theme=theme, wide=wide, scale=_scale(*days, market))
    return figure, twins.typical_twin(means, "month", _("The typical day of each month"))


@callback(Output(ids.periods, "figure"), Output(f"{ids.periods}-caption", "children"), *RANGE, *LOOK)
def periods(first: str, last: str, market: str, theme: str, wide: bool) -> tuple[Any, Component]:
    """The typical day by tariff period in the range."""
    days = _range(first, last)
    means = factory().prices.typical_day(*days, "period", market)
    figure = hour_figures.typical_day(means, "period", theme=theme, wide=wide, scale=_scale(*days, market))
    return figure, twins.typical_twin(means, "period", _("The typical day by period"))


@callback(
    Output(ids.calendar, "figure"),
    Output(f"{ids.calendar}-caption", "children"),
    Output(ids.years, "hidden"),
    Input(ids.market, "value"),
    Input("theme", "data"),
)
def calendar(market: str, theme: str) -> tuple[Any, Any, bool]:
    """Daily means of all years that there are; nothing where there are none."""
    span = factory().prices.span(market)
    if span is None:
        return dash.no_update, None, True
    means = factory().prices.daily_means(*span, market)
    return calendar_figures.calendar_heatmap(means, theme=theme), twins.calendar_twin(means), False


@callback(
    Output(ids.download, "data"),
    Input(ids.export, "n_clicks"),
    *(State(end.component_id, "value") for end in RANGE),
    prevent_initial_call=True,
)
def export(_clicks: int, first: str, last: str, market: str) -> dict[str, Any]:
    """The range as CSV, in UTC and in local time."""
    days = _range(first, last)
    content = prices_csv(factory().prices.frame(*days, market))
    return {"content": content, "filename": file_name(f"{NAME}_{market}", *days, "csv"), "type": "text/csv"}


dash.clientside_callback(ClientsideFunction("controls", "url"), *RANGE)


def _missing(present: int, expected: int) -> Component:
    words = _("{present} of {expected} hours are there.", present=text.number(present), expected=text.number(expected))
    return html.P(words, className="warn")


def nothing_here(first: date, last: date) -> Component:
    """What stands where the range holds no price."""
    ahead = local_date(factory().clock.now()) < first
    if ahead:
        return cards.empty_state(
            _("No prices: {days}", days=text.date_range(first, last)),
            _("These days lie ahead, and their prices are not published yet."),
            _("Choose another range."),
        )
    return cards.empty_state(
        _("No prices: {days}", days=text.date_range(first, last)),
        _("This range has not been fetched or imported."),
        _("Choose another range, or fetch this one on the data page."),
        dcc.Link(
            _("To the data page"),
            href=dash.get_relative_path(f"/data?first={first}&last={last}"),
            className="btn btn-primary",
        ),
    )


def no_range(error: InvalidInput) -> Component:
    """What stands where the days cannot be asked for."""
    return cards.empty_state(
        _("This range cannot be shown"), names.told(error.message, error.fields), _("Choose another range.")
    )


def _scale(first: date, last: date, market: str) -> tuple[float, float]:
    """What the ends of the colours stand for in every figure of the range [EUR/kWh]: one colour, one price."""
    return price_range(factory().prices.frame(first, last, market)["price_eur_kwh"])


def _typed(first: str | None, last: str | None) -> tuple[date, date]:
    """The days of the range in their order; nothing is drawn while one of them is being typed."""
    begin, end = controls.day_of(first), controls.day_of(last)
    if begin is None or end is None:
        raise PreventUpdate
    return min(begin, end), max(begin, end)


def _range(first: str | None, last: str | None) -> tuple[date, date]:
    """The same; nothing is drawn of days that cannot be asked for: ``numbers`` says why."""
    days = _typed(first, last)
    try:
        check_days(*days)
    except InvalidInput:
        raise PreventUpdate from None
    return days
