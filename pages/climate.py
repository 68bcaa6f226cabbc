"""What many years of daily weather say of this place: months by year, the usual year, days that matter, thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from chocofactory.bootstrap import factory
from chocofactory.domain import climate
from chocofactory.services.climate import Scope
from chocofactory.services.exports import file_name, siar_csv
from components import cards, climate_figures, climate_parts, controls, names, text
from components.text import N_, _, page_title
from components.theme import graph_config

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from chocofactory.services.climate import Seasons, Station

dash.register_page(__name__, path="/climate", name=N_("Climate"), title=page_title(N_("Climate")), order=4)

NAME = "climate"
POOLED = "all"
USUAL_FIELD = "temperature_mean_c"
FIELDS = (
    USUAL_FIELD,
    "temperature_max_c",
    "temperature_min_c",
    "humidity_mean_pct",
    "humidity_max_pct",
    "humidity_min_pct",
    "wind_ms",
    "radiation_mj_m2",
    "precipitation_mm",
    "et0_mm",
)
NOW = {
    "temperature_max_c": "temperature_c",
    "temperature_mean_c": "temperature_c",
    "humidity_mean_pct": "humidity_pct",
}
"""The observed field that stands for each critical variable of a day at the present moment."""


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    station = "climate-station"
    field = "climate-field"
    empty = "climate-empty"
    body = "climate-body"
    facts = "climate-facts"
    months = "climate-months"
    season = "climate-season"
    favourable = "climate-favourable"
    hot = "climate-hot"
    thresholds = "climate-thresholds"
    export = "climate-export"
    download = "climate-download"


def layout(station: object = None, field: object = None, **_query: Any) -> Component:
    """The frame; the address may hold ``station`` (``23/17``, or ``all`` for all of them pooled) and ``field``."""
    known = factory().climate.stations()
    stations = {one.name: _called(one) for one in known}
    if len(stations) > 1:
        stations[POOLED] = _("All stations, pooled")
    fields = {name: names.weather_field(name) for name in FIELDS}
    usual = known[0].name if known else ""
    return html.Div(
        [
            html.H1(_("Climate")),
            html.Div(
                hidden=not known,
                children=[
                    controls.select(ids.station, _("Station"), stations, controls.choice_of(station, stations, usual)),
                    controls.select(ids.field, _("Field"), fields, controls.choice_of(field, fields, USUAL_FIELD)),
                    controls.button(_("CSV"), ids.export, icon_name="download"),
                    dcc.Download(id=ids.download),
                ],
                className="toolbar",
            ),
            html.Div(id=ids.empty),
            html.Div(
                [
                    html.Div(cards.skeleton(_("Statistics are being computed"), 130), id=ids.facts, className="kpis"),
                    controls.graph(ids.months, _("Months by year"), filename=f"{NAME}_months", height="36rem"),
                    controls.graph(ids.season, _("The usual year"), filename=f"{NAME}_season"),
                    controls.graph(
                        ids.thresholds, _("Critical thresholds"), filename=f"{NAME}_thresholds", height="27rem"
                    ),
                    controls.graph(
                        ids.favourable, _("Favourable and hot days"), filename=f"{NAME}_days", height="21rem"
                    ),
                    controls.graph(ids.hot, _("Hot days of each year"), filename=f"{NAME}_hot", height="20rem"),
                ],
                id=ids.body,
            ),
        ]
    )


STATION = Input(ids.station, "value")
THEME = Input("theme", "data")
LOOK = (THEME, Input("wide", "data"))


@callback(Output(ids.empty, "children"), Output(ids.body, "hidden"), Output(ids.facts, "children"), STATION)
def facts(station: str) -> tuple[Any, bool, Any]:
    """What the answers rest on, and the figures on top; or why there are none."""
    basis = factory().climate.basis(_scope(station))
    if not basis.stations:
        return nothing_yet(), True, None
    seasons = factory().climate.seasons(_scope(station))
    hottest = basis.frame["temperature_max_c"]
    return (
        None,
        False,
        [
            climate_parts.basis_card(basis.stations),
            month_card(_("Best month"), seasons, seasons.best),
            month_card(_("Worst month"), seasons, seasons.worst),
            climate_parts.hot_card(factory().climate.hot_days(_scope(station)), climate.HOT_C, hottest),
        ],
    )


@callback(
    Output(ids.months, "figure"),
    Output(f"{ids.months}-caption", "children"),
    Output(ids.months, "config"),
    STATION,
    Input(ids.field, "value"),
    *LOOK,
)
def months(station: str, field: str, theme: str, wide: bool) -> tuple[Any, Component, dict[str, Any]]:
    """One field by year and month: every station's years, apart unless they are asked for pooled."""
    scope = _there(station)
    known = [one for one in factory().climate.stations() if not scope.pooled]
    asked = {_called(one): Scope(one.name) for one in known} or {_("All stations, pooled"): scope}
    found = {name: factory().climate.month_matrix(each, field) for name, each in asked.items()}
    matrices = {name: matrix for name, matrix in found.items() if not matrix.figures.empty}
    if not matrices:
        raise PreventUpdate
    figure = climate_figures.month_heatmap(matrices, theme=theme, wide=wide)
    return figure, climate_parts.months_twin(matrices), graph_config(f"{NAME}_{field}")


@callback(
    Output(ids.season, "figure"), Output(f"{ids.season}-caption", "children"), STATION, Input(ids.field, "value"), *LOOK
)
def season(station: str, field: str, theme: str, wide: bool) -> tuple[Any, Component]:
    """The usual year of one field."""
    pattern = factory().climate.monthly_pattern(_there(station)).loc[field]
    return (
        climate_figures.seasonal_band(pattern, field, theme=theme, wide=wide),
        climate_parts.season_twin(pattern, field),
    )


@callback(
    Output(ids.thresholds, "figure"),
    Output(f"{ids.thresholds}-caption", "children"),
    STATION,
    THEME,
    Input("minute", "n_intervals"),
)
def thresholds(station: str, theme: str, _minutes: int | None) -> tuple[Any, Component]:
    """How high the highest days lie, and where the present moment stands among them."""
    table = factory().climate.thresholds(_there(station))
    frame = factory().climate.basis(_scope(station)).frame
    variables = table["variable"].unique()
    extremes = {name: (float(frame[name].min()), float(frame[name].max())) for name in variables}
    reading = factory().weather.current()
    now = {name: reading.values[NOW[name]].value if reading and not reading.stale else None for name in variables}
    figure = climate_figures.threshold_marks(table, extremes, now, theme=theme)
    return figure, [climate_parts.present_words(reading), climate_parts.thresholds_twin(table)]


@callback(Output(ids.favourable, "figure"), Output(f"{ids.favourable}-caption", "children"), STATION, *LOOK)
def favourable(station: str, theme: str, wide: bool) -> tuple[Any, Any]:
    """The share of favourable and of hot days in each month."""
    found = factory().climate.seasons(_there(station)).months
    limits = climate.Limits()
    words = _(
        "Favourable: mean temperature {cool} to {warm} °C and mean humidity {dry} to {damp} %. Hot: maximum above"
        " {hot} °C.",
        cool=text.number(limits.temperature_c[0]),
        warm=text.number(limits.temperature_c[1]),
        dry=text.number(limits.humidity_pct[0]),
        damp=text.number(limits.humidity_pct[1]),
        hot=text.number(climate.HOT_C),
    )
    caption = [html.P(words, className="muted small"), climate_parts.favourable_twin(found)]
    return climate_figures.favourable_bars(found, theme=theme, wide=wide), caption


@callback(Output(ids.hot, "figure"), Output(f"{ids.hot}-caption", "children"), STATION, THEME)
def hot(station: str, theme: str) -> tuple[Any, Component]:
    """Hot days of each year."""
    found = factory().climate.hot_days(_there(station))
    return climate_figures.hot_years(found, climate.HOT_C, theme=theme), climate_parts.hot_twin(found)


@callback(
    Output(ids.download, "data"), Input(ids.export, "n_clicks"), State(ids.station, "value"), prevent_initial_call=True
)
def export(_clicks: int, station: str) -> dict[str, Any]:
    """All days of the station, with all columns of the network's files."""
    scope = _there(station)
    stations = factory().climate.basis(scope).stations
    first, last = min(one.first for one in stations), max(one.last for one in stations)
    content = siar_csv(factory().climate.days(Scope(scope.station)))
    return {"content": content, "filename": file_name("siar", first, last, "csv"), "type": "text/csv"}


dash.clientside_callback(ClientsideFunction("controls", "url"), STATION, Input(ids.field, "value"))


def month_card(label: str, seasons: Seasons, month: int | None) -> Component:
    """A month of the year with its share of favourable days."""
    if month is None:
        return cards.kpi(label, text.MISSING, detail=_("Too few days are known."))
    row = seasons.months.loc[month]
    count = _(
        "{favourable} of {days} days favourable",
        favourable=text.number(row["favourable"]),
        days=text.number(row["days"]),
    )
    means = _(
        "{temperature} and {humidity} on average",
        temperature=text.quantity(row["temperature_c"], "°C", 1),
        humidity=text.quantity(row["humidity_pct"], "%"),
    )
    share = text.percent(row["share_pct"] / 100, 1)
    return cards.kpi(label, climate_parts.month_name(month), detail=[html.Div(f"{share}: {count}"), html.Div(means)])


def nothing_yet() -> Component:
    """What stands where no day of any station is kept."""
    return cards.empty_state(
        _("There is no weather history yet"),
        _("The history comes from files that the SIAR site gives (one row a day)."),
        _("Import them on the data page, all at once."),
        dcc.Link(_("To the data page"), href=dash.get_relative_path("/data"), className="btn btn-primary"),
    )


def _called(station: Station) -> str:
    province, number = station.name.split("/")
    years = f"{station.first.year}–{station.last.year}"  # noqa: RUF001 - a dash between years
    return f"{names.station(province, number)}, {years}"


def _scope(station: str | None) -> Scope:
    return Scope(pooled=True) if station == POOLED else Scope(station or None)


def _there(station: str | None) -> Scope:
    """The scope of a station that holds days; nothing is drawn where none does: ``facts`` says so."""
    scope = _scope(station)
    if not factory().climate.basis(scope).stations:
        raise PreventUpdate
    return scope
