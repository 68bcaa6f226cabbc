"""The Overview as people meet it: what it says is what REST says of the same hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import fmean

import pytest
import requests
from selenium.webdriver.support.select import Select

from chocofactory.core.clock import MADRID

TODAY, TOMORROW = "2025-12-01", "2025-12-02"


@pytest.fixture(scope="module")
def evening(serve):
    """The demo on the same day, when tomorrow's prices are out."""
    return serve(clock_start="2025-12-01T21:30+01:00", demo_days=14)


@pytest.fixture(scope="module")
def bare(serve):
    """A real site without any price, whose sources nobody answers for."""
    nowhere = "http://127.0.0.1:9"
    return serve(mode="live", ree_url=nowhere, esios_url=nowhere, catch_up_days=0)


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_overview_is_clean(page, theme, lang):
    shown = page("/", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "La electricidad hoy y mañana", "en": "Electricity today and tomorrow"}[lang]
    shown.assert_clean_at_every_width(f"overview-{theme}-{lang}")


def test_the_price_now_is_the_one_of_this_hour_with_its_period_and_its_rank(page, demo):
    shown = page("/", lang="en")
    day = demo.prices(TODAY)
    current = next(row for row in day if _time(row) <= demo.factory.clock.now() < _time(row) + timedelta(hours=1))
    card = shown.texts("#overview-facts .kpi")[0]
    until = (_time(current) + timedelta(hours=1)).astimezone(MADRID)
    assert card.startswith(f"Price now, until {until:%H:%M}{current['price_eur_kwh']:.3f}€/kWh")
    assert shown.texts("#overview-facts .kpi:first-child .period") == [current["tariff_period"]]
    rank = 1 + sum(row["price_eur_kwh"] < current["price_eur_kwh"] for row in day)
    assert 1 < rank < len(day)
    assert f"number {rank} of {len(day)}, cheapest first" in card
    assert "simulated" in card
    today = shown.texts("#overview-facts .kpi")[1]
    values = [row["price_eur_kwh"] for row in day]
    for told in (f"Today, mean{fmean(values):.3f}", f"Lowest {min(values):.3f} €/kWh", f"Highest {max(values):.3f}"):
        assert told in today


def test_in_the_morning_tomorrow_is_said_to_be_not_out_yet(page, demo):
    assert demo.prices(TOMORROW) == []
    shown = page("/", lang="es")
    assert "Aún sin publicar: suele salir hacia las 20:15" in shown.texts("#overview-facts .kpi")[2]
    assert shown.texts("#overview-facts .kpi:nth-child(3) .provenance-unavailable") == ["no disponible"]
    assert "20:15" in " ".join(shown.texts("#overview-strip .annotation-text"))


def test_in_the_evening_tomorrow_is_there(page, evening):
    shown = page("/", lang="es", at=evening)
    values = [row["price_eur_kwh"] for row in evening.prices(TOMORROW)]
    assert len(values) == 24
    tomorrow = shown.texts("#overview-facts .kpi")[2]
    assert f"Mañana, media{fmean(values):.3f}".replace(".", ",") in tomorrow
    assert "20:15" not in " ".join([tomorrow, *shown.texts("#overview-strip .annotation-text")])
    assert len(shown.rows("#overview-strip-caption")) == 48
    shown.assert_clean()


@pytest.mark.parametrize("when", ["demo", "evening"])
def test_the_cheapest_windows_are_those_of_a_search_by_hand(page, request, when):
    site = request.getfixturevalue(when)
    shown = page("/", lang="en", at=site)
    ahead = _ahead(site)
    mean = fmean(row["price_eur_kwh"] for row in ahead)
    assert [row[0] for row in shown.rows("#overview-windows")] == [f"{n} h" for n in range(1, 13)]
    for length, (_head, told, price, saving) in enumerate(shown.rows("#overview-windows"), start=1):
        start, best = _cheapest(ahead, length)
        assert told == _window(start, start + timedelta(hours=length))
        assert price == f"{best:.3f}"
        assert saving == f"{round(100 * (1 - best / mean))} %"
    crosses = [told for _head, told, *_rest in shown.rows("#overview-windows") if told.count(",") > 1]
    assert bool(crosses) == (when == "evening")  # only then there is something beyond midnight


def test_the_length_that_is_chosen_is_shaded_and_kept_in_the_address(page, demo):
    shown = page("/?hours=3")
    assert shown.one("#overview-hours").get_attribute("value") == "3"
    assert _shaded(shown) == _hours_of(demo, 3)
    Select(shown.one("#overview-hours")).select_by_value("8")
    shown.until(lambda: _shaded(shown) == _hours_of(demo, 8))
    assert shown.query() == {"hours": "8"}
    shown.driver.refresh()
    shown.settle()
    assert _shaded(shown) == _hours_of(demo, 8)
    shown = page("/?hours=99")
    assert shown.one("#overview-hours").get_attribute("value") == "5"


def test_every_hour_of_the_strip_stands_in_its_table(page, demo):
    shown = page("/", lang="en")
    rows = shown.rows("#overview-strip-caption")
    wanted = [
        [f"{_wall(row):%-d %b %Y, %H:%M}", row["tariff_period"], f"{row['price_eur_kwh']:.5f} €/kWh"]
        for row in demo.prices(TODAY)
    ]
    assert rows == wanted
    assert not shown.one("#overview-strip-caption table").is_displayed()
    shown.one("#overview-strip-caption summary").click()
    assert shown.one("#overview-strip-caption table").is_displayed()
    shown.assert_clean()


def test_without_any_price_it_says_why_and_shows_the_way(page, bare):
    shown = page("/", lang="es", at=bare)
    assert shown.one("#overview-empty h2").text == "Todavía no hay precios"
    assert not shown.one("#overview-body").is_displayed()
    assert shown.all("#badge-simulated") == []
    shown.assert_clean()
    shown.one("#overview-empty a").click()
    shown.until(lambda: shown.driver.current_url == bare.url + "/data")
    shown.settle()
    assert shown.one("h1").text == "Datos"


def _time(row):
    return datetime.fromisoformat(row["timestamp"])


def _wall(row):
    return _time(row).astimezone(MADRID)


def _ahead(site):
    now = site.factory.clock.now()
    return [row for row in site.prices(TODAY, TOMORROW) if _time(row) >= now]


def _cheapest(rows, length):
    """Start and mean price of the cheapest run of hours that follow one another, the earliest of equals."""
    values = [row["price_eur_kwh"] for row in rows]
    means = [round(fmean(values[at : at + length]), 9) for at in range(len(rows) - length + 1)]
    return _time(rows[means.index(min(means))]), min(means)


def _window(start, end):
    names = {1: "today", 2: "tomorrow", 3: "Wed 3 Dec"}
    start, end = start.astimezone(MADRID), end.astimezone(MADRID)
    last = (end - timedelta(seconds=1)).day
    if start.day == last:
        return f"{names[start.day]}, {start:%H:%M}–{end:%H:%M}"  # noqa: RUF001
    return f"{names[start.day]}, {start:%H:%M} – {names[last]}, {end:%H:%M}"  # noqa: RUF001


def _hours_of(site, length):
    start, _mean = _cheapest(_ahead(site), length)
    begin = (start - datetime.fromisoformat(f"{TODAY}T00:00+01:00")) / timedelta(hours=1)
    return [begin, begin + length]


def _shaded(shown):
    boxes = [box for box in shown.chart("overview-strip", "layout.shapes") if box.get("fillcolor")]
    return [boxes[0]["x0"], boxes[0]["x1"]]


def test_the_weather_is_that_of_rest_with_its_provenance(page, demo):
    shown = page("/", lang="en")
    reading = requests.get(f"{demo.url}/weather/current", timeout=30).json()
    card = shown.texts("#overview-facts .kpi")[3]
    assert f"{reading['temperature']:.1f}°C" in card
    assert f"Relative humidity: {reading['humidity']:.0f} %" in card
    assert "simulated" in card
    forecast = requests.get(f"{demo.url}/weather/forecast?hours=48", timeout=30).json()["forecast"]
    rows = [row for row in shown.rows("#overview-weather-caption") if row[1] == "forecast"]
    assert len(rows) == len(forecast) == 48
    assert [row[2] for row in rows] == [f"{hour['temperature_c']:.1f}" for hour in forecast]
    traces = shown.chart("overview-weather", "data")
    assert {(trace["name"], trace["line"]["dash"]) for trace in traces} == {("observed", "solid"), ("forecast", "dash")}


def test_without_weather_the_card_says_so_and_no_chart_stands_empty(page, bare):
    shown = page("/", at=bare, lang="es")
    assert not shown.one("#overview-outside").is_displayed()
