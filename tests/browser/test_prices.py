"""The page of prices as people meet it: ranges, statistics, export."""

from __future__ import annotations

import csv
import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from selenium.webdriver.support.select import Select

FIRST, LAST = "[id*='range-first']", "[id*='range-last']"
CLOCKS_BACK = "2025-10-26"


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_page_of_prices_is_clean(page, theme, lang):
    shown = page("/prices", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Precios", "en": "Prices"}[lang]
    shown.assert_clean_at_every_width(f"prices-{theme}-{lang}")


@pytest.mark.parametrize(
    ("first", "last", "market"), [("2025-11-10", "2025-11-16", "pvpc_20td"), ("2025-10-25", "2025-10-27", "spot_es")]
)
def test_a_link_shows_the_range_that_its_sender_saw_with_its_statistics(page, demo, first, last, market):
    shown = page(f"/prices?first={first}&last={last}&market={market}", lang="en")
    assert _range(shown) == (first, last)
    assert shown.one("#prices-market").get_attribute("value") == market
    assert shown.query() == {"first": first, "last": last, "market": market}
    rows = demo.prices(first, last, market=market)
    told = {name: value for name, _when, value in shown.rows("#prices-numbers .pair > :first-child")}
    values = [row["price_eur_kwh"] for row in rows]
    low, high = np.quantile(values, [0.05, 0.95])
    assert told == {
        "Mean": f"{statistics.fmean(values):.4f} €/kWh",
        "Median": f"{statistics.median(values):.4f} €/kWh",
        "Lowest": f"{min(values):.4f} €/kWh",
        "Highest": f"{max(values):.4f} €/kWh",
        "Standard deviation": f"{statistics.pstdev(values):.4f} €/kWh",
        "90 % of the hours": f"{low:.4f} to {high:.4f} €/kWh",
        "Hours with a price": str(len(rows)),
    }
    cheapest = min(rows, key=lambda row: row["price_eur_kwh"])["timestamp"]
    when = next(when for name, when, _value in shown.rows("#prices-numbers") if name == "Lowest")
    assert when == f"{datetime.fromisoformat(cheapest):%-d %b %Y, %H:%M}"
    by_period = [row for row in shown.rows("#prices-numbers .pair > :last-child") if row[1] != "0"]
    wanted = []
    for period in ("P1", "P2", "P3"):
        part = [row["price_eur_kwh"] for row in rows if row["tariff_period"] == period]
        prices = [f"{value:.4f} €/kWh" for value in (statistics.fmean(part), min(part), max(part))]
        wanted.append([period, str(len(part)), *prices])
    assert by_period == wanted


def test_presets_and_steps_move_the_range_and_the_address(page):
    shown = page("/prices?first=2025-11-10&last=2025-11-12", lang="es")
    for button, first, last in (
        ("[id*='\"previous\"']", "2025-11-07", "2025-11-09"),
        ("[id*='\"next\"']", "2025-11-10", "2025-11-12"),
        ("[id*='\"7d\"']", "2025-11-25", "2025-12-01"),
        ("[id*='\"all\"']", "2025-10-02", "2025-12-01"),
        ("[id*='\"today\"']", "2025-12-01", "2025-12-01"),
    ):
        shown.one(button).click()
        shown.until(lambda wanted=(first, last): _range(shown) == wanted)
        shown.settle()
        assert (shown.query()["first"], shown.query()["last"]) == (first, last)
        days = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).days + 1
        hours = 24 * days + (first < CLOCKS_BACK < last)
        counted = shown.rows("#prices-numbers .pair > :first-child")[-1]
        assert counted == ["Horas con precio", "", f"{hours:,}".replace(",", ".")]


def test_a_day_typed_in_is_shown(page):
    shown = page("/prices?first=2025-11-10&last=2025-11-12", lang="en")
    shown.put(FIRST, "2025-11-12")
    shown.until(lambda: shown.chart("prices-heatmap", "layout.title.subtitle.text").startswith("12 Nov 2025"))
    shown.settle()
    assert shown.query()["first"] == "2025-11-12"
    assert len(shown.rows("#prices-heatmap-caption")) == 24


def test_the_day_of_25_hours_has_them_all_and_tells_the_two_runs_of_an_hour_apart(page, demo):
    shown = page("/prices?first=2025-10-25&last=2025-10-27", lang="en")
    usual, (change,) = (
        shown.chart("prices-heatmap", f"_fullData.{place}.{what}") for place, what in ((0, "z"), (1, "text"))
    )
    assert [len([price for price in day if price is not None]) for day in usual] == [24, 0, 24]
    assert (len(change), change[2:4]) == (25, ["02:00+02:00", "02:00+01:00"])
    told = [
        shown.hover("prices-heatmap", place, f"{day} 12:00")
        for day, place in (("2025-10-25", 3), (CLOCKS_BACK, 3), ("2025-10-27", 23))
    ]
    assert [words.rsplit(":", 1)[0] for words in told] == [
        "Saturday, 25 October 2025, 03:00",
        "Sunday, 26 October 2025, 02:00+01:00",
        "Monday, 27 October 2025, 23:00",
    ]
    nights = [row for row in shown.rows("#prices-heatmap-caption") if row[0].startswith("26 Oct 2025, 02:00")]
    assert len({row[0] for row in nights}) == 2
    wanted = [row["price_eur_kwh"] for row in demo.prices(CLOCKS_BACK) if "T02:" in row["timestamp"]]
    assert [row[2] for row in nights] == [f"{value:.5f} €/kWh" for value in wanted]


def test_the_file_holds_the_same_hours_in_utc_and_in_local_time(page, demo, tmp_path):
    shown = page("/prices?first=2025-10-25&last=2025-10-27")
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    shown.driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    shown.one("#prices-export").click()
    file = tmp_path / "prices_pvpc_20td_2025-10-25_2025-10-27.csv"
    shown.until(file.exists)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    wanted = demo.prices("2025-10-25", "2025-10-27")
    assert len(rows) == len(wanted) == 73
    for row, entry in zip(rows, wanted, strict=True):
        moment = datetime.fromisoformat(entry["timestamp"])
        assert datetime.strptime(row["timestamp_utc"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) == moment
        assert row["timestamp_local"] == entry["timestamp"]
        assert float(row["price_eur_kwh"]) == pytest.approx(entry["price_eur_kwh"], abs=1e-8)
        assert (row["tariff_period"], row["kind"]) == (entry["tariff_period"], "simulated")
    steps = {
        datetime.fromisoformat(b["timestamp_local"]) - datetime.fromisoformat(a["timestamp_local"])
        for a, b in pairwise(rows)
    }
    assert steps == {timedelta(hours=1)}


def test_an_empty_range_says_so_and_leads_to_where_it_can_be_fetched(page):
    shown = page("/prices?first=2024-01-01&last=2024-01-02", lang="es")
    assert shown.one("#prices-empty h2").text == "No hay precios: 1\N{EN DASH}2 ene 2024"
    assert not shown.one("#prices-body").is_displayed()
    shown.assert_clean()
    shown.one("#prices-empty a").click()
    shown.until(lambda: shown.driver.current_url.endswith("/data?first=2024-01-01&last=2024-01-02"))
    shown.settle()
    ends = [shown.one(f"#data-{end}").get_attribute("value") for end in ("first", "last")]
    assert ends == ["2024-01-01", "2024-01-02"]


@pytest.mark.parametrize(
    ("first", "last"), [("1900-01-01", "1900-01-02"), ("2025-11-20", "2999-12-31"), ("0001-01-01", "9999-12-31")]
)
def test_days_that_no_calendar_of_prices_holds_are_refused_in_words(page, first, last):
    shown = page(f"/prices?first={first}&last={last}", lang="en")
    assert shown.one("#prices-empty h2").text == "This range cannot be shown"
    assert "Days lie between 1 Jan 2000 and 31 Dec 2099" in shown.one("#prices-empty").text
    assert not shown.one("#prices-body").is_displayed()
    shown.assert_clean()
    shown.put(FIRST, "2025-11-20")
    shown.put(LAST, "2025-11-21")
    shown.until(lambda: shown.one("#prices-body").is_displayed())
    shown.settle()
    assert len(shown.rows("#prices-heatmap-caption")) == 48


@pytest.mark.parametrize("query", ["first=yesterday&last=2025-13-45", "market=gold", "first=&last=", "first=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(page, query):
    shown = page(f"/prices?{query}", lang="en")
    assert _range(shown)[1] == "2025-12-01"
    assert shown.one("#prices-market").get_attribute("value") == "pvpc_20td"
    shown.assert_clean()


def test_another_market_shows_other_numbers(page, demo):
    shown = page("/prices?first=2025-11-20&last=2025-11-21", lang="es")
    means = []
    for market in ("spot_es", "pvpc_20td"):
        Select(shown.one("#prices-market")).select_by_value(market)
        mean = statistics.fmean(row["price_eur_kwh"] for row in demo.prices("2025-11-20", "2025-11-21", market=market))
        means.append(f"{mean:.4f} €/kWh".replace(".", ","))
        shown.until(lambda: means[-1] in shown.texts("#prices-numbers td"))
        shown.settle()
        assert shown.query()["market"] == market
    assert means[0] != means[1]


def test_figures_are_drawn_anew_in_another_theme(page):
    shown = page("/prices?first=2025-11-20&last=2025-11-21", theme="light")
    charts = ("heatmap", "spread", "months", "periods", "calendar")
    ink = [shown.chart(f"prices-{name}", "_fullLayout.font.color") for name in charts]
    assert set(ink) == {"#33231c"}
    shown.one("#theme-dark").click()
    shown.until(lambda: {shown.chart(f"prices-{name}", "_fullLayout.font.color") for name in charts} == {"#f4eadf"})
    shown.settle()
    title = shown.one("#prices-heatmap .gtitle").value_of_css_property("fill")
    assert title == "rgb(244, 234, 223)"
    shown.assert_clean()


def _range(shown):
    return tuple(shown.one(end).get_attribute("value") for end in (FIRST, LAST))
