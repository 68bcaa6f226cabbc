"""The page of the climate as people meet it: what it says is what REST says of the same days."""

from __future__ import annotations

import csv
from datetime import date

import pandas as pd
import pytest
import requests
from selenium.webdriver.support.select import Select

from chocofactory.domain.measurements import DAILY, SIAR_DAILY, Series

MISSING = "\N{EN DASH}"
CHARTS = ("months", "season", "thresholds", "favourable", "hot")


@pytest.fixture(scope="module")
def two_stations(serve):
    """A real site that keeps three years of one station and two of another, which do not meet."""
    site = serve(mode="live", catch_up_days=0, aemet_url="http://127.0.0.1:9")
    for station, first, last, level in (
        ("9", "2015-01-01", "2017-12-31", 15.0),
        ("17", "2018-06-01", "2020-10-30", 18.0),
    ):
        days = pd.date_range(first, last, freq="D", tz="Europe/Madrid", unit="us").tz_convert("UTC").rename("time")
        wave = 12 * pd.Series(days.day_of_year, index=days).map(lambda day: -abs(day - 200) / 182 + 0.5)
        frame = pd.DataFrame(
            {
                "temperature_mean_c": (level + wave).round(2),
                "temperature_max_c": (level + 14 + wave).round(2),
                "humidity_mean_pct": (60 - 2 * wave).round(1),
                "precipitation_mm": 0.2,
            },
            index=days,
        )
        series = Series(SIAR_DAILY, {"province": "23", "station": station}, DAILY)
        site.factory._store.write(series, frame, source="file:a.csv", written_at=site.factory.clock.now())
    return site


@pytest.fixture(scope="module")
def bare(serve):
    return serve(mode="live", catch_up_days=0)


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_page_of_the_climate_is_clean(page, theme, lang):
    shown = page("/climate", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Clima", "en": "Climate"}[lang]
    assert {"es": "simulado", "en": "simulated"}[lang] in shown.one("#climate-facts").text
    shown.assert_clean_at_every_width(f"climate-{theme}-{lang}")


def test_stations_stand_apart_one_below_the_other(page, two_stations):
    shown = page("/climate", at=two_stations, lang="en")
    assert shown.one("#climate-station").get_attribute("value") == "23/17"  # with the newest days
    assert shown.chart("climate-months", "layout.yaxis.ticktext") == ["2020", "2019", "2018", "2017", "2016", "2015"]
    notes = [note["text"] for note in shown.chart("climate-months", "layout.annotations")]
    assert ["23/17" in note for note in notes] == [True, False]
    assert f"2015{MISSING}2017" in notes[1]
    shown.assert_clean()
    rows = shown.rows("#climate-months-caption")
    assert [row[0] for row in rows] == ["2020", "2019", "2018", "2017", "2016", "2015"]
    assert [rows[0][month] == MISSING for month in (9, 10, 11, 12)] == [False, False, True, True]  # to 30 October
    assert rows[2][1:6] == [MISSING] * 5  # from June
    assert ["23/17" in row[-1] for row in rows] == [True] * 3 + [False] * 3


def test_figures_of_a_station_are_those_that_rest_tells(page, two_stations):
    shown = page("/climate?station=23/9", at=two_stations, lang="en")
    answer = requests.get(f"{two_stations.url}/analysis/seasonal-patterns?station=23/9", timeout=30).json()
    best = answer["best_month"]
    card = shown.texts("#climate-facts .kpi")[1]
    assert f"{best['efficiency_score']:.1f}" in card
    shares = {row[0]: row[2] for row in shown.rows("#climate-favourable-caption")}
    told = [f"{month['efficiency']:.1f} %" for month in answer["all_months"]]
    assert list(shares.values()) == told
    thresholds = requests.get(f"{two_stations.url}/analysis/critical-thresholds?station=23/9", timeout=30).json()
    above = [row[3].replace(",", "") for row in shown.rows("#climate-thresholds-caption")]
    assert above == [str(entry["occurrences"]) for entry in thresholds["thresholds"]]


def test_pooled_stations_are_said_to_be_pooled(page, two_stations):
    shown = page("/climate?station=all&field=precipitation_mm", at=two_stations, lang="en")
    assert shown.chart("climate-months", "layout.title.text") == "Precipitation"
    assert "a step between them is no trend" in shown.one("#climate-facts").text
    years = shown.chart("climate-months", "layout.yaxis.ticktext")
    assert years == ["2020", "2019", "2018", "2017", "2016", "2015"]
    rows = {row[0]: row for row in shown.rows("#climate-months-caption")}
    assert rows["2016"][2] == "6"  # 29 days of 0.2 mm
    assert rows["2018"][5] == MISSING  # May of 2018 is nobody's


def test_what_is_chosen_stands_in_the_address(page, two_stations):
    shown = page("/climate", at=two_stations, lang="es")
    Select(shown.one("#climate-station")).select_by_value("23/9")
    Select(shown.one("#climate-field")).select_by_value("humidity_mean_pct")
    shown.until(
        lambda: shown.chart("climate-season", "layout.title.subtitle.text").startswith("Humedad relativa media")
    )
    shown.settle()
    assert shown.query() == {"station": "23/9", "field": "humidity_mean_pct"}


@pytest.mark.parametrize("query", ["station=99/1&field=gold", "station=&field=", "station=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(page, two_stations, query):
    shown = page(f"/climate?{query}", at=two_stations, lang="en")
    assert shown.one("#climate-station").get_attribute("value") == "23/17"
    assert shown.one("#climate-field").get_attribute("value") == "temperature_mean_c"
    shown.assert_clean()


def test_all_days_can_be_taken_along(page, two_stations, tmp_path):
    shown = page("/climate?station=23/17", at=two_stations)
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    shown.one("#climate-export").click()
    file = tmp_path / "siar_2018-06-01_2020-10-30.csv"
    shown.until(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == (date(2020, 10, 30) - date(2018, 6, 1)).days + 1
    assert (rows[0]["date"], rows[0]["province"], rows[0]["station"]) == ("2018-06-01", "23", "17")


def test_without_history_the_page_says_where_it_comes_from(page, bare):
    shown = page("/climate", at=bare, lang="es")
    assert shown.one("#climate-empty h2").text == "Aún no hay histórico meteorológico"
    assert not shown.one("#climate-body").is_displayed()
    shown.assert_clean()


def test_figures_are_drawn_anew_in_another_theme(page):
    shown = page("/climate", theme="light")
    shown.one("#theme-dark").click()
    shown.until(lambda: {shown.chart(f"climate-{name}", "_fullLayout.font.color") for name in CHARTS} == {"#f4eadf"})
    shown.settle()
    shown.assert_clean()
