"""The prices to come: what the next seven days will cost, how sure that is, and what was said of them before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dash
from dash import ClientsideFunction, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate
from pandas.util import hash_pandas_object

from chocofactory.bootstrap import factory
from chocofactory.core.clock import local_date
from chocofactory.core.errors import FactoryError, InvalidInput, NotFound
from chocofactory.domain.prices import Window, cheapest_window
from chocofactory.services.exports import file_name, records_csv
from chocofactory.services.records import as_records
from components import cards, controls, forecast_figures, forecast_parts, forecast_words, names
from components.text import N_, _, ngettext, page_title
from components.theme import graph_config, price_range
from components.toasts import failure

if TYPE_CHECKING:
    from datetime import date

    from dash.development.base_component import Component

    from chocofactory.services.forecasts import CheapWindow, Forecast
    from components.forecast_words import Week

dash.register_page(__name__, path="/forecast", name=N_("Forecast"), title=page_title(N_("Forecast")), order=2)

NAME = "forecast"
LENGTHS = tuple(str(hours) for hours in range(1, 13))
USUAL_HOURS = "5"
"""Length of the stretches at first: a standard conching."""
DAYS_AGO = tuple(str(days) for days in range(8))
SERVING = "serving"
"""Whichever model serves."""
NOT_SHOWN = "0"
TWIN = "/api/v1/predict/prices/weekly"


class ids:  # noqa: N801 - read as a namespace
    """Ids of this page."""

    model = "forecast-model"
    hours = "forecast-hours"
    ago = "forecast-ago"
    empty = "forecast-empty"
    body = "forecast-body"
    says = "forecast-says"
    fan = "forecast-fan"
    said = "forecast-said"
    week = "forecast-week"
    windows = "forecast-windows"
    export = "forecast-export"
    download = "forecast-download"
    told = "forecast-told"


def layout(hours: object = None, ago: object = None, model: object = None, **_query: Any) -> Component:
    """The frame; the address may hold ``hours`` (1 to 12), ``ago`` (days, 1 to 7) and ``model``."""
    models = {SERVING: _("The one that serves"), **{key: names.model(key) for key in _models(model)}}
    lengths = {n: ngettext("{n} hour", "{n} hours", int(n)) for n in LENGTHS}
    days = {n: ngettext("{n} day ago", "{n} days ago", int(n)) if n != NOT_SHOWN else _("not shown") for n in DAYS_AGO}
    return html.Div(
        [
            html.H1(_("Forecast")),
            html.Div(
                [
                    controls.select(ids.model, _("Model"), models, controls.choice_of(model, models, SERVING)),
                    controls.select(
                        ids.hours, _("Cheapest run of"), lengths, controls.choice_of(hours, lengths, USUAL_HOURS)
                    ),
                    controls.select(ids.ago, _("What was said"), days, controls.choice_of(ago, days, NOT_SHOWN)),
                    controls.button(_("CSV"), ids.export, icon_name="download"),
                    dcc.Download(id=ids.download),
                ],
                className="toolbar",
            ),
            html.Div(id=ids.empty),
            dcc.Store(id=ids.told),
            html.Div(
                [
                    html.Section(
                        cards.skeleton(_("The forecast is being made"), 150), id=ids.says, className="panel says"
                    ),
                    controls.graph(ids.fan, _("Prices of the next seven days"), filename=NAME, height="28rem"),
                    html.Section(
                        [
                            html.H2(_("Cheapest stretches to come")),
                            html.Div(cards.skeleton(_("Windows are being computed"), 240), id=ids.windows),
                        ],
                        className="panel",
                    ),
                    controls.graph(ids.week, _("The week by day and hour"), filename=f"{NAME}_week", height="28rem"),
                ],
                id=ids.body,
            ),
        ]
    )


MODEL = Input(ids.model, "value")
HOURS = Input(ids.hours, "value")
AGO = Input(ids.ago, "value")
LOOK = (Input("minute", "n_intervals"), Input("theme", "data"), Input("wide", "data"))


@callback(
    Output(ids.empty, "children"),
    Output(ids.body, "hidden"),
    Output(ids.says, "children"),
    Output(ids.windows, "children"),
    MODEL,
    HOURS,
    Input("minute", "n_intervals"),
)
def fill(model: str, hours: str, _minutes: int | None) -> tuple[Any, ...]:
    """What is said in words and rows; or why there is no forecast."""
    try:
        forecast = _forecast(model)
        windows = factory().forecasts.windows(forecast, _length(hours))
        return None, False, says(forecast, windows), forecast_parts.windows_table(windows, factory().clock.now())
    except (NotFound, InvalidInput) as error:
        return nothing(error), True, [], []
    except FactoryError as error:
        return failure(names.told(error.message, error.fields)), True, [], []


@callback(Output(ids.fan, "figure"), Output(ids.fan, "config"), MODEL, HOURS, AGO, *LOOK)
def fan(model: str, hours: str, ago: str, _minutes: int | None, theme: str, wide: bool) -> tuple[Any, dict[str, Any]]:
    """The fan of the coming hours, joined to the last two days."""
    forecast = _told(model)
    windows = factory().forecasts.windows(forecast, _length(hours), 1)
    window = (windows[0].start, windows[0].end) if windows else None
    figure = forecast_figures.fan_chart(_week(forecast, ago), window=window, theme=theme, wide=wide)
    return figure, graph_config(_file(forecast, NAME))


@callback(
    Output(f"{ids.fan}-caption", "children"),
    Output(f"{ids.week}-caption", "children"),
    Output(ids.told, "data"),
    MODEL,
    AGO,
    Input("minute", "n_intervals"),
    State(ids.told, "data"),
)
def captions(model: str, ago: str, _minutes: int | None, told: str | None) -> tuple[list[Component], Component, str]:
    """How right it was some days ago, and the tables; nothing while they are as told: one that is open would close."""
    forecast = _told(model)
    shown = _week(forecast, ago)
    now_told = f"{ago} {hash_pandas_object(shown.frame).sum()}"
    if now_told == told:
        raise PreventUpdate
    said, day = [], _said_on(ago)
    if day is not None:
        truth = factory().prices.frame(day, local_date(forecast.frame.index[-1]))["price_eur_kwh"]
        said = [forecast_parts.said_words(day, factory().forecasts.said(day), truth)]
    programs = html.A(_("For programs: the forecast that serves"), href=dash.get_relative_path(TWIN), className="small")
    days = forecast_parts.days_twin(shown, forecast.start)
    return [*said, forecast_parts.hours_twin(shown), programs], days, now_told


@callback(Output(ids.week, "figure"), Output(ids.week, "config"), MODEL, *LOOK)
def week(model: str, _minutes: int | None, theme: str, wide: bool) -> tuple[Any, dict[str, Any]]:
    """The week by day and hour."""
    forecast = _told(model)
    shown = _week(forecast)
    figure = forecast_figures.week_heatmap(shown, theme=theme, wide=wide, scale=price_range(shown.frame["price"]))
    return figure, graph_config(_file(forecast, f"{NAME}_week"))


@callback(
    Output(ids.download, "data"), Input(ids.export, "n_clicks"), State(ids.model, "value"), prevent_initial_call=True
)
def export(_clicks: int, model: str) -> dict[str, Any]:
    """The hours of the forecast as CSV, with the names that REST has for them."""
    forecast = _forecast(model)
    content = records_csv(as_records(forecast))
    return {"content": content, "filename": f"{_file(forecast, NAME)}.csv", "type": "text/csv"}


dash.clientside_callback(ClientsideFunction("controls", "url"), MODEL, HOURS, AGO)


def says(forecast: Forecast, windows: list[CheapWindow]) -> list[Component]:
    """What is coming and how sure, how good the model was, where everything is from, and why this model serves."""
    version = factory().models.show(forecast.version) if forecast.version else None
    parts = [
        forecast_parts.skill_words(version, forecast.model),
        forecast_parts.origin_badges(forecast, version),
        forecast_parts.reasons_notice(forecast.reasons, None if version else what_to_do()),
    ]
    if windows:
        dearest, known = _dearest(forecast, windows[0].end - windows[0].start)
        parts.insert(0, forecast_parts.outlook_words(windows[0], dearest, known, factory().clock.now()))
    return parts


def what_to_do() -> Component:
    """The ways to a trained version."""
    ways = {"/model-health": _("Train a version on the page of models"), "/data": _("Import history on the data page")}
    links = [dcc.Link(words, href=dash.get_relative_path(path)) for path, words in ways.items()]
    return html.Div([links[0], " · ", links[1]])


def nothing(error: FactoryError) -> Component:
    """What stands where no forecast can be made."""
    if factory().prices.span() is None:
        return cards.empty_state(
            _("There is no forecast yet"),
            _("There are no prices to learn from."),
            _("Prices of the last days are fetched by themselves within minutes; history can be imported."),
            dcc.Link(_("To the data page"), href=dash.get_relative_path("/data"), className="btn btn-primary"),
        )
    what_to_do = (
        _("Choose another model.") if isinstance(error, InvalidInput) else _("See on the data page what is missing.")
    )
    return cards.empty_state(_("No forecast can be made"), names.told(error.message, error.fields), what_to_do)


def _dearest(forecast: Forecast, length: timedelta) -> tuple[Window, bool]:
    """The stretch that is expected to cost most, and whether all its hours are known."""
    found = cheapest_window(-forecast.frame["p50"], length, after=forecast.start)
    inside = forecast.frame[(forecast.frame.index >= found.start) & (forecast.frame.index < found.end)]
    return Window(found.start, found.end, -found.mean_eur_kwh), bool((inside["lead_day"] == 0).all())


def _models(asked: object) -> list[str]:
    """What can be chosen: what is trained, the naive model, and what the address asks for, to be told why not."""
    version = factory().models.serving().version
    members = version.members if version else ()
    there = {*members, "naive", *(["ensemble"] if len(members) > 1 else []), asked if isinstance(asked, str) else None}
    return [name for name in names.MODELS if name in there]


def _forecast(model: str | None) -> Forecast:
    chosen = controls.choice_of(model, names.MODELS, SERVING)
    return factory().forecasts.forecast(model=None if chosen == SERVING else chosen)


def _told(model: str | None) -> Forecast:
    """The forecast; nothing is drawn where there is none: ``fill`` says why."""
    try:
        return _forecast(model)
    except FactoryError:
        raise PreventUpdate from None


def _week(forecast: Forecast, ago: str | None = None) -> Week:
    """The hours that are shown, with what was said of them some days ago."""
    first, last = local_date(forecast.start - forecast_words.PAST), local_date(forecast.frame.index[-1])
    published = factory().prices.frame(first, last)
    day = _said_on(ago)
    said = None if day is None else factory().forecasts.said(day)
    days_ago = (local_date(factory().clock.now()) - day).days if said is not None else None
    return forecast_words.week(published, forecast.frame, factory().clock.now(), said, days_ago)


def _said_on(ago: str | None) -> date | None:
    """The day at whose end a forecast is to be looked at; None where none is asked for."""
    days = int(controls.choice_of(ago, DAYS_AGO, NOT_SHOWN))
    return local_date(factory().clock.now()) - timedelta(days=days) if days else None


def _length(hours: str | None) -> int:
    return int(controls.choice_of(hours, LENGTHS, USUAL_HOURS))


def _file(forecast: Forecast, name: str) -> str:
    """The name of a file without its ending: the page, and the days that it holds."""
    days = (local_date(moment) for moment in (forecast.frame.index[0], forecast.frame.index[-1]))
    return file_name(name, *days, "csv").removesuffix(".csv")
