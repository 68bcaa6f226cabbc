"""Cards and tables of the weather: each value with its unit and where it is from; what is missing says why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dash import html

from components import cards, names, text
from components.tables import Column, table_twin
from components.text import _

if TYPE_CHECKING:
    from datetime import datetime

    from dash.development.base_component import Component

    from chocofactory.domain.weather import Blend
    from chocofactory.services.weather import Outlook, Reading

_BESIDE = ("humidity_pct", "wind_ms", "pressure_hpa")
_TWIN = ("temperature_c", "humidity_pct", "wind_ms", "precipitation_mm")


def weather_now_card(reading: Reading | None, now: datetime) -> Component:
    """The newest observed hour: temperature, then humidity, wind and pressure, with provider and age."""
    if reading is None:
        missing = cards.provenance_badge("unavailable")
        return cards.kpi(_("Weather now"), text.MISSING, detail=_("Nothing observed in 24 hours."), provenance=missing)
    temperature = reading.values["temperature_c"]
    lines = [html.Div(_value(reading, field)) for field in _BESIDE]
    if reading.stale:
        lines.append(html.Div(_("This is old: no longer the weather of now."), className="warn"))
    there = [value.kind for value in reading.values.values() if value.value is not None]
    sources = ", ".join(names.source(provider) for provider in reading.providers)
    badge = cards.provenance_badge(there[0], sources, max(now - reading.end, timedelta()))
    return cards.kpi(
        _("Outside, {hours}", hours=text.hours(reading.time, reading.end)),
        text.number(temperature.value, 1),
        "°C",
        lines,
        badge,
    )


def issued_words(outlook: Outlook) -> Component:
    """Whose forecast it is and how old; that there is none, where there is none."""
    if not outlook.forecast.issued_at:
        return html.P(_("No forecast is in force."), className="muted small")
    parts = [
        _("{source}, issued {moment}", source=names.source(provider), moment=text.moment(moment))
        for provider, moment in outlook.forecast.issued_at.items()
    ]
    return html.P(_("Forecast: {parts}", parts="; ".join(parts)), className="muted small")


def weather_twin(outlook: Outlook) -> Component:
    """The chart as a table: an hour a row, observed first, each with whose it is."""
    columns = (
        Column(_("Begins"), text.moment),
        Column(_("Kind")),
        *(
            Column(
                f"{names.weather_field(field)}, {names.field_unit(field)}",
                lambda value, field=field: text.number(value, names.field_digits(field)),
                numeric=True,
            )
            for field in _TWIN
        ),
        Column(_("Source")),
    )
    rows = [*_rows(outlook.forecast, _("forecast")), *_rows(outlook.observed, _("observed"))]
    return table_twin(columns, rows, _("Weather, observed and forecast"))


def _rows(blend: Blend, kind: str) -> list[tuple[Any, ...]]:
    out = []
    for place, stamp in enumerate(blend.frame.index):
        values = blend.frame.iloc[place][list(_TWIN)]
        if values.isna().all():
            continue
        providers = dict.fromkeys(blend.origin.iloc[place].dropna())
        sources = ", ".join(names.source(str(provider)) for provider in providers)
        out.append((stamp.to_pydatetime(), kind, *(float(value) for value in values), sources))
    return out


def _value(reading: Reading, field: str) -> str:
    value = reading.values[field].value
    quantity = text.quantity(value, names.field_unit(field), names.field_digits(field))
    shown = _("not reported") if value is None else quantity
    return f"{names.weather_field(field)}: {shown}"
