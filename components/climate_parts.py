"""Cards of the climate, and the table twins of its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from babel.dates import get_month_names
from dash import html

from chocofactory.core.clock import local_date
from components import cards, names, text
from components.cells import short_months
from components.climate_figures import WHOLE_YEAR_DAYS
from components.tables import Column, table_twin
from components.text import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from dash.development.base_component import Component

    from chocofactory.domain.climate import MonthMatrix
    from chocofactory.services.climate import Station
    from chocofactory.services.weather import Reading


def month_name(month: int) -> str:
    """The name of a month of the year, as it stands alone: ``Septiembre``."""
    return str(get_month_names("wide", "stand-alone", text.language())[month]).capitalize()


def basis_card(stations: Sequence[Station]) -> Component:
    """On which days of which stations the page rests, and how many are missing; that stations were pooled is said."""
    days = sum(station.days for station in stations)
    lines = []
    for station in stations:
        province, number = station.name.split("/")
        words = f"{names.station(province, number)}: {text.date_range(station.first, station.last)}"
        if station.missing:
            words += "; " + ngettext("{n} day is missing", "{n} days are missing", station.missing)
        lines.append(html.Div(words))
    if len(stations) > 1:
        lines.append(
            html.Div(_("Stations differ in place and instruments: a step between them is no trend."), className="warn")
        )
    badge = cards.provenance_badge(stations[0].kind, "siar" if stations[0].kind == "observed" else "demo")
    return cards.kpi(_("Days"), text.number(days), detail=lines, provenance=badge)


def hot_card(hot: pd.DataFrame, above_c: float, maxima: pd.Series) -> Component:
    """How many hot days a year has, over the whole years, and the hottest day of all."""
    years = hot.groupby(level="year").sum()
    whole = years[years["days"] >= WHOLE_YEAR_DAYS]
    label = _("Days above {limit} a year", limit=text.quantity(above_c, "°C"))
    day = local_date(maxima.idxmax()) if maxima.notna().any() else None
    hottest = (
        _("Hottest: {value}, {day}", value=text.quantity(maxima.max(), "°C", 1), day=text.date_range(day, day))
        if day
        else ""
    )
    if whole.empty:
        return cards.kpi(label, text.MISSING, detail=[html.Div(_("No year is whole.")), html.Div(hottest)])
    total = _("{hot} in {years} whole years", hot=text.number(whole["hot"].sum()), years=text.number(len(whole)))
    return cards.kpi(label, text.number(whole["hot"].mean()), detail=[html.Div(total), html.Div(hottest)])


def present_words(reading: Reading | None) -> Component:
    """What the present value is, and that it is one of an hour, not of a day."""
    if reading is None:
        return html.P(
            _("No present value: no weather has been observed in the last 24 hours."), className="muted small"
        )
    if reading.stale:
        words = _("No present value: the last observation is of {moment}.", moment=text.moment(reading.time))
        return html.P(words, className="muted small")
    return html.P(
        _(
            "The present value is one hour's ({hours}, {sources}); percentiles are of days.",
            hours=text.hours(reading.time, reading.end),
            sources=", ".join(names.source(provider) for provider in reading.providers),
        ),
        className="muted small",
    )


def months_twin(matrices: Mapping[str, MonthMatrix]) -> Component:
    """The heat map of months as a table, newest year first, with the station of each row."""
    field = next(matrix.field for matrix in matrices.values())
    digits = names.field_digits(field)
    columns = (
        Column(_("Year")),
        *(Column(name, lambda value: text.number(value, digits), numeric=True) for name in short_months()),
        Column(_("Station")),
    )
    rows = [
        (str(year), *row, name)
        for name, matrix in matrices.items()
        for year, row in zip(matrix.figures.index[::-1], matrix.figures.to_numpy()[::-1], strict=True)
    ]
    return table_twin(columns, rows, f"{names.weather_field(field)}, {names.field_unit(field)}")


def season_twin(pattern: pd.DataFrame, field: str) -> Component:
    """The usual year as a table."""

    def write(value: float) -> str:
        return text.number(value, names.field_digits(field))

    heads = (_("Lowest"), "P10", _("Mean"), "P90", _("Highest"))
    columns = (
        Column(_("Month")),
        Column(_("Days"), text.number, numeric=True),
        *(Column(head, write, numeric=True) for head in heads),
    )
    parts = pattern[["days", "minimum", "p10", "mean", "p90", "maximum"]].to_numpy()
    rows = [(name, *row) for name, row in zip(short_months(), parts, strict=True)]
    return table_twin(columns, rows, f"{names.weather_field(field)}, {names.field_unit(field)}")


def thresholds_twin(thresholds: pd.DataFrame) -> Component:
    """The thresholds as a table."""

    def write(entry: tuple[str, float]) -> str:
        return text.quantity(entry[1], names.field_unit(entry[0]), names.field_digits(entry[0]))

    columns = (
        Column(_("Field"), names.weather_field),
        Column(_("Percentile"), lambda level: f"P{level}"),
        Column(_("Value"), write, numeric=True),
        Column(_("Days above"), text.number, numeric=True),
        Column(_("Days known"), text.number, numeric=True),
    )
    rows = [
        (row.variable, row.percentile, (row.variable, row.threshold), row.occurrences, row.days)
        for row in thresholds.itertuples()
    ]
    return table_twin(columns, rows, _("Critical thresholds"))


def favourable_twin(months: pd.DataFrame) -> Component:
    """Favourable and hot days as a table."""
    columns: tuple[Any, ...] = (
        Column(_("Month")),
        Column(_("Favourable"), text.number, numeric=True),
        Column(_("Share"), lambda share: text.percent(share / 100, 1), numeric=True),
        Column(_("Days known"), text.number, numeric=True),
        Column(_("Hot days"), text.number, numeric=True),
    )
    parts = months[["favourable", "share_pct", "days", "hot"]].to_numpy()
    rows = [(name, *row) for name, row in zip(short_months(), parts, strict=True)]
    return table_twin(columns, rows, _("Favourable and hot days"))


def hot_twin(hot: pd.DataFrame) -> Component:
    """Hot days of each year as a table, newest first."""
    columns = (
        Column(_("Year")),
        Column(_("Hot days"), text.number, numeric=True),
        Column(_("Days known"), text.number, numeric=True),
    )
    years = hot.groupby(level="year").sum().iloc[::-1]
    rows = [(str(year), *row) for year, row in zip(years.index, years[["hot", "days"]].to_numpy(), strict=True)]
    return table_twin(columns, rows, _("Hot days of each year"))
