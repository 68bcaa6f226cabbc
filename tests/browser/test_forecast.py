"""The page of the forecast as people meet it: what it shows is what the service says."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta

import pandas as pd
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from chocofactory.core.clock import MADRID, day_grid, day_start
from chocofactory.domain.measurements import PENINSULA, PRICE_FORECAST, PVPC, Series
from chocofactory.forecasting.model import QUANTILES
from chocofactory.services.records import as_records

TODAY = datetime(2025, 12, 1, tzinfo=MADRID).date()
CLOCKS_BACK = datetime(2025, 10, 26, tzinfo=MADRID).date()


@pytest.fixture(scope="module")
def archived(demo):
    """The demo with what was issued on the evening of 28 November, three days ago."""
    issued = day_start(TODAY - timedelta(days=2)) - timedelta(hours=3)
    made = demo.factory.forecasts.forecast(issued)
    frame = made.forecast_hours[[*QUANTILES, "model"]].rename(columns={name: f"{name}_eur_kwh" for name in QUANTILES})
    series = Series(PRICE_FORECAST, {"market": PVPC, "zone": PENINSULA})
    demo.factory._store.write(series, frame, source="demo", written_at=issued, issued_at=issued)
    return made


@pytest.fixture(scope="module")
def young(serve):
    """A demo of three weeks, on the Friday before the day of 25 hours."""
    return serve(clock_start="2025-10-24T09:30+02:00", demo_days=21)


@pytest.fixture(scope="module")
def bare(serve):
    """A real site without any price, whose sources nobody answers for."""
    nowhere = "http://127.0.0.1:9"
    return serve(mode="live", ree_url=nowhere, esios_url=nowhere, catch_up_days=0)


@pytest.mark.usefixtures("archived")
@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_forecast_is_clean(page, theme, lang):
    shown = page("/forecast?ago=3", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Previsión", "en": "Forecast"}[lang]
    shown.assert_clean_at_every_width(f"forecast-{theme}-{lang}")


def test_a_link_shows_what_its_sender_saw(page):
    shown = page("/forecast?hours=3&ago=2&model=naive", lang="en")
    chosen = {name: shown.one(f"#forecast-{name}").get_attribute("value") for name in ("hours", "ago", "model")}
    assert chosen == {"hours": "3", "ago": "2", "model": "naive"} == shown.query()
    assert shown.texts("#forecast-says .verdict")[0].startswith("Cheapest 3 h: ")


def test_choices_go_into_the_address_and_the_keyboard_makes_them(page):
    shown = page("/forecast", lang="en")
    shown.one("#forecast-hours").send_keys(Keys.ARROW_DOWN)
    shown.until(lambda: shown.texts("#forecast-says .verdict")[0].startswith("Cheapest 6 h"))
    Select(shown.one("#forecast-model")).select_by_value("naive")
    shown.until(lambda: shown.query().get("model") == "naive")
    shown.settle()
    assert shown.query() == {"hours": "6", "ago": "0", "model": "naive"}
    shown.one("#forecast-fan-caption summary").send_keys(Keys.ENTER)
    assert shown.one("#forecast-fan-caption details").get_attribute("open")


def test_a_table_that_is_open_stays_open_when_the_page_is_refreshed(page):
    shown = page("/forecast")
    for chart in ("fan", "week"):
        shown.one(f"#forecast-{chart}-caption summary").send_keys(Keys.ENTER)
    shown.js("window.before = document.querySelector('#forecast-windows table')")
    shown.js("window.dash_clientside.set_props('minute', {n_intervals: 1})")
    shown.until(lambda: not shown.js("return window.before.isConnected"))
    shown.settle()
    assert all(shown.one(f"#forecast-{chart}-caption details").get_attribute("open") for chart in ("fan", "week"))


def test_the_windows_are_those_of_the_service(page, demo):
    shown = page("/forecast?hours=4", lang="en")
    windows = demo.factory.forecasts.windows(demo.factory.forecasts.forecast(), 4)
    told = [row[1:] for row in shown.rows("#forecast-windows")]
    assert told == [
        [
            f"{one.mean_eur_kwh:.3f}",
            f"{one.low_eur_kwh:.3f}\N{EN DASH}{one.high_eur_kwh:.3f}",
            f"{100 * one.probability:.0f} %",
        ]
        for one in windows
    ]
    assert f"at about {windows[0].mean_eur_kwh:.3f} €/kWh" in shown.texts("#forecast-says .verdict")[0]


def test_without_a_trained_version_the_page_says_so_and_leads_to_where_it_is_trained(page):
    shown = page("/forecast", lang="en")
    assert "the naive one serves" in shown.one("#forecast-says .notice").text
    assert "simulated until 2 Dec 2025, 00:00" in shown.one("#forecast-says").text
    links = [link.get_attribute("href").rsplit("/", 1)[1] for link in shown.all("#forecast-says .notice a")]
    assert links == ["model-health", "data"]


def test_the_mouse_is_told_of_every_hour_in_a_sentence(page, demo):
    shown = page("/forecast", lang="en")
    forecast = demo.factory.forecasts.forecast().frame
    noon = pd.Timestamp("2025-12-03T12:00", tz=MADRID)
    row = forecast.loc[noon]
    told = (
        f"Wednesday 3 December, 12:00\N{EN DASH}13:00: about {row['p50']:.4f} €/kWh, period P1"
        f"nine times in ten between {row['p05']:.3f} and {row['p95']:.3f} €/kWh"
    )
    start = forecast.index[0] - timedelta(hours=48)
    for height in (0.9, 0.3):  # anywhere above the hour
        place = (noon - start) / pd.Timedelta(hours=1) + 0.5
        assert shown.hover("forecast-fan", place, height).replace("\n", "") == told
    assert shown.hover("forecast-week", 12, 2).replace("\n", "") == told


def test_what_was_said_days_ago_is_drawn_and_judged(page, demo, archived):
    shown = page("/forecast?ago=3", lang="en")
    said = archived.forecast_hours["p50"]
    truth = demo.factory.prices.frame(TODAY - timedelta(days=3), TODAY)["price_eur_kwh"]
    both = pd.concat([said, truth], axis=1, join="inner")
    off = (both["p50"] - both["price_eur_kwh"]).abs().mean()
    told = " ".join(shown.texts("#forecast-fan-caption"))
    assert "Said 28 Nov 2025, 21:00 by same hour last week." in told
    assert f"In the {len(both)} hours that are known since, it was off by {off:.3f} €/kWh on average" in told
    names = [trace["name"] for trace in shown.chart("forecast-fan", "data") if "name" in trace]
    assert "said 3 days ago" in names
    table = {row[0]: row[-1] for row in shown.rows("#forecast-fan-caption")}
    assert table["30 Nov 2025, 12:00"] == f"{said.loc[pd.Timestamp('2025-11-30T12:00', tz=MADRID)]:.4f}"


def test_a_day_on_which_nothing_was_issued_says_so(page, young):
    shown = page("/forecast?ago=1", lang="en", at=young)
    assert "Thursday 23 October 2025: no forecast was issued." in shown.one("#forecast-fan-caption").text
    shown.assert_clean()


def test_too_short_a_history_says_so_and_still_looks_ahead(page, young):
    shown = page("/forecast", lang="en", at=young)
    assert "the trained models need 56" in shown.one("#forecast-says .notice").text
    assert len(shown.rows("#forecast-fan-caption")) == 48 + 168


def test_the_day_of_25_hours_has_them_all(page, young):
    shown = page("/forecast", lang="en", at=young)
    z, words = (shown.chart("forecast-week", f"_fullData.0.{what}") for what in ("z", "hovertext"))
    days = shown.chart("forecast-week", "layout.yaxis.ticktext")
    sunday = days.index("Sun 26 Oct")
    assert [len([price for price in row if price is not None]) for row in z] == [24, 24, 25, 24, 24, 24, 24, 8]
    starts = [told.split(", ")[1][:5] for told in words[sunday] if told]
    assert starts == [f"{moment.tz_convert(MADRID):%H:%M}" for moment in day_grid(CLOCKS_BACK)]
    nights = [row[0] for row in shown.rows("#forecast-fan-caption") if row[0].startswith("26 Oct 2025, 02:00")]
    assert nights == ["26 Oct 2025, 02:00 CEST", "26 Oct 2025, 02:00 CET"]


def test_the_file_holds_the_hours_as_rest_has_them(page, demo, tmp_path):
    shown = page("/forecast?model=naive")
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    shown.one("#forecast-export").click()
    file = tmp_path / "forecast_2025-12-01_2025-12-08.csv"
    shown.until(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    wanted = as_records(demo.factory.forecasts.forecast(model="naive"))
    assert len(rows) == 168
    assert rows == [{key: "" if value is None else str(value) for key, value in record.items()} for record in wanted]


def test_a_model_that_is_not_trained_is_refused_in_words(page):
    shown = page("/forecast?model=lear", lang="en")
    assert shown.one("#forecast-empty h2").text == "No forecast can be made"
    assert not shown.one("#forecast-body").is_displayed()
    shown.assert_clean()
    Select(shown.one("#forecast-model")).select_by_value("serving")
    shown.until(lambda: shown.one("#forecast-body").is_displayed())
    shown.settle()
    assert shown.one("#forecast-says .verdict").text


@pytest.mark.parametrize("query", ["hours=99&ago=-1&model=oracle", "hours=x", "ago=", "model=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(page, query):
    shown = page(f"/forecast?{query}", lang="en")
    assert shown.texts("#forecast-says .verdict")[0].startswith("Cheapest 5 h")
    shown.assert_clean()


def test_without_any_price_the_page_leads_to_the_data(page, bare):
    shown = page("/forecast", at=bare, lang="es")
    assert shown.one("#forecast-empty h2").text == "Todavía no hay previsión"
    assert not shown.one("#forecast-body").is_displayed()
    shown.assert_clean()
    shown.one("#forecast-empty a").click()
    shown.until(lambda: shown.driver.current_url.endswith("/data"))


def test_figures_are_drawn_anew_in_another_theme(page):
    shown = page("/forecast", theme="light")
    charts = ("forecast-fan", "forecast-week")
    assert {shown.chart(name, "_fullLayout.font.color") for name in charts} == {"#33231c"}
    shown.one("#theme-dark").click()
    shown.until(lambda: {shown.chart(name, "_fullLayout.font.color") for name in charts} == {"#f4eadf"})
    shown.settle()
    shown.assert_clean()
