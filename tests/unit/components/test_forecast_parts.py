"""What a forecast says in words and rows is what its numbers say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from dash import html

from chocofactory.core.messages import Message
from chocofactory.domain.prices import Window
from chocofactory.domain.tariff import tariff
from chocofactory.services.forecasts import CheapWindow
from components import forecast_parts, text
from components.forecast_words import week
from tests.fakes import wavy_prices
from tests.week_kit import made

MORNING = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)  # 09:20 in Madrid, a Monday
NOON = datetime(2025, 12, 2, 11, tzinfo=UTC)
THREE = timedelta(hours=3)


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def words(component: Any) -> str:
    """All text of a component, in order."""
    if component is None or isinstance(component, (str, int, float)):
        return "" if component is None else str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def rows(component: Any) -> list[str]:
    """The rows of the body of a table, wherever it stands, as people read them."""
    if type(component).__name__ == "Tbody":
        return [" ".join(words(row).split()) for row in component.children]
    children = getattr(component, "children", component)
    if not isinstance(children, (list, tuple)):
        return [] if children is None or isinstance(children, str) else rows(children)
    return [row for child in children if not isinstance(child, str) for row in rows(child)]


def written(twin: Any) -> list[str]:
    """The rows of a table that the browser writes."""
    return [" ".join(row) for row in twin.children[-1].data["rows"]]


def _window(probability=0.97, kind="forecast", start=NOON) -> CheapWindow:
    return CheapWindow(start, start + THREE, 0.0612, 0.041, 0.083, probability, kind)


def _version(**scores: float) -> SimpleNamespace:
    """A version with the mean absolute errors of its proof, by model."""
    every = [{"model": model, "group": "all", "key": "", "mae": mae} for model, mae in scores.items()]
    apart = [{"model": model, "group": "lead_day", "key": "1", "mae": 9.9} for model in scores]
    report = {"first": "2025-10-01", "last": "2025-11-29", "scores": [*every, *apart]} if scores else {}
    created = datetime(2025, 11, 30, 2, 10, tzinfo=UTC)
    return SimpleNamespace(id="v7", created_at=created, report=report)


def test_one_sentence_says_what_is_coming_and_how_sure():
    dearest = Window(NOON + timedelta(days=2), NOON + timedelta(days=2) + THREE, 0.19)
    told = words(forecast_parts.outlook_words(_window(), dearest, dearest_known=False, now=MORNING))
    assert told == (
        "Cheapest 3 h: tomorrow, 12:00\u201315:00, at about 0.061 €/kWh; nearly sure (97 %)."
        " Dearest: Thu 4 Dec, 12:00\u201315:00, at about 0.190 €/kWh."
    )


def test_prices_that_are_known_are_not_about():
    dearest = Window(MORNING, MORNING + THREE, 0.19)
    told = words(forecast_parts.outlook_words(_window(1.0, "published"), dearest, dearest_known=True, now=MORNING))
    assert "at 0.061 €/kWh" in told
    assert "at 0.190 €/kWh" in told
    assert "about" not in told


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (1.0, "nearly sure (100 %)"),
        (0.95, "nearly sure (95 %)"),
        (0.9479, "nearly sure (95 %)"),
        (0.94, "very likely (94 %)"),
        (0.6, "likely (60 %)"),
        (0.5, "as likely as not (50 %)"),
        (0.1, "not sure (10 %)"),
        (0.0, "not sure (0 %)"),
    ],
)
def test_a_chance_is_told_in_words_and_in_percent(probability, said):
    assert forecast_parts.chance_words(probability) == said


def test_the_error_is_that_of_the_proof_beside_that_of_copying():
    version = _version(ensemble=0.0163, naive=0.0251, lear=0.0170)
    told = words(forecast_parts.skill_words(version, "ensemble"))
    assert told == (
        "From 1 Oct 2025 until its training its forecasts were off by 0.016 €/kWh on average;"
        " copies of the week before, by 0.025 €/kWh."
    )
    assert "by 0.017 €/kWh on average; copies" in words(forecast_parts.skill_words(version, "lear"))
    assert words(forecast_parts.skill_words(version, "naive")).endswith("were off by 0.025 €/kWh on average.")


@pytest.mark.parametrize("version", [None, _version(), _version(naive=0.02)])
def test_an_error_that_nobody_measured_is_not_told(version):
    told = words(forecast_parts.skill_words(version, "ensemble"))
    assert told == "How good it is cannot be said: no trained version has a proof of it."


def test_every_part_of_the_week_says_where_it_is_from():
    known = wavy_prices(date(2025, 11, 10), date(2025, 12, 1))
    told = words(forecast_parts.origin_badges(made(MORNING, known, from_spot=True), _version()))
    assert told == (
        "published until 2 Dec 2025, 00:00 the day after from its spot prices"
        " then forecast: ensemble of all, version v7, trained 30 Nov 2025, 03:10"
    )
    told = words(forecast_parts.origin_badges(made(MORNING, known, model="naive", version=None), None))
    assert told == "published until 2 Dec 2025, 00:00 then forecast: same hour last week"


def test_where_nothing_is_published_from_now_on_it_says_so():
    known = wavy_prices(date(2025, 11, 10), date(2025, 11, 30))
    told = words(forecast_parts.origin_badges(made(MORNING, known), _version()))
    assert told.startswith("no hour from now on is published")


def test_a_week_that_is_published_as_a_whole_names_no_model():
    known = wavy_prices(date(2025, 11, 10), date(2025, 12, 2))
    told = words(forecast_parts.origin_badges(made(MORNING, known, horizon=24), _version()))
    assert told == "published until 2 Dec 2025, 09:00"


def test_reasons_are_told_with_what_can_be_done():
    reason = Message("There are only {days} days of prices.", days=30)
    link = html.A("Train")
    assert words(forecast_parts.reasons_notice([reason], link)) == "There are only 30 days of prices. Train"
    assert words(forecast_parts.reasons_notice([reason])) == "There are only 30 days of prices."
    assert forecast_parts.reasons_notice([]) is None


def test_windows_are_listed_with_their_ends_and_chances():
    table = forecast_parts.windows_table([_window(0.874), _window(1.0, "published", MORNING)], MORNING)
    assert rows(table) == [
        "tomorrow, 12:00\u201315:00 forecast 0.061 0.041\u20130.083 87 %",
        "today, 09:20\u201312:20 published 0.061 0.041\u20130.083 100 %",
    ]
    assert "No stretch" in words(forecast_parts.windows_table([], MORNING))


def _said() -> pd.DataFrame:
    times = pd.date_range("2025-11-29T23:00Z", periods=4, freq="h", name="time", unit="us")
    frame = pd.DataFrame({"p05": 0.08, "p25": 0.09, "p50": [0.10, 0.11, 0.12, 0.13], "p75": 0.15, "p95": 0.2}, times)
    return frame.assign(model="ensemble", version="v6", issued_at=pd.Timestamp("2025-11-28T19:20Z"))


def test_what_was_said_is_measured_by_the_hours_that_are_known_since():
    said = _said()
    truth = pd.Series([0.11, 0.085, 0.05], index=said.index[:3])  # off by -0.01, 0.025, 0.07; the last below the band
    told = words(forecast_parts.said_words(date(2025, 11, 28), said, truth))
    assert told == (
        "Said 28 Nov 2025, 20:20 by ensemble of all. In the 3 hours that are known since, it was off by 0.035 €/kWh on"
        " average, 0.028 €/kWh too high; 2 of them lay in its 90 % band."
    )


def test_what_was_said_too_low_says_so():
    said = _said()
    told = words(forecast_parts.said_words(date(2025, 11, 28), said, said["p50"] + 0.01))
    assert "off by 0.010 €/kWh on average, 0.010 €/kWh too low; 4 of them" in told


def test_a_day_on_which_nothing_was_issued_says_so():
    told = words(forecast_parts.said_words(date(2025, 11, 28), None, pd.Series(dtype=float)))
    assert told == "Friday 28 November 2025: no forecast was issued."


def test_what_was_said_of_hours_that_are_not_known_is_not_judged():
    told = words(forecast_parts.said_words(date(2025, 11, 28), _said(), pd.Series(dtype=float)))
    assert told == "Said 28 Nov 2025, 20:20 by ensemble of all. None of its hours is known yet."


def _week(said=None, ago=None):
    known = wavy_prices(date(2025, 11, 10), date(2025, 12, 1))
    past = known.rename("price_eur_kwh").to_frame()
    past = past.assign(kind="published", period=tariff("2.0TD").label(pd.DatetimeIndex(past.index)))
    forecast = made(MORNING, known, from_spot=True)
    return week(past, forecast.frame, MORNING, said, ago), forecast


def test_the_table_has_every_hour_with_its_kind_and_its_bands():
    shown, forecast = _week()
    told = written(forecast_parts.hours_twin(shown))
    assert len(told) == 48 + 168
    now = forecast.frame.iloc[0]
    assert told[48] == f"1 Dec 2025, 09:00 P2 published {now['p50']:.4f} {text.MISSING} {text.MISSING}"
    first = forecast.frame.iloc[15]
    ends = [f"{first[low]:.3f}\u2013{first[high]:.3f}" for low, high in (("p25", "p75"), ("p05", "p95"))]
    assert told[63] == f"2 Dec 2025, 00:00 P3 forecast, from the spot price {first['p50']:.4f} {' '.join(ends)}"
    assert told[-1].startswith("8 Dec 2025, 08:00 P3 forecast ")  # a holiday


def test_the_table_holds_what_was_said_beside_what_came():
    said = _said()
    told = written(forecast_parts.hours_twin(_week(said, 3)[0]))
    assert [row.split()[-1] for row in told if row.startswith("30 Nov 2025, 0")][:5] == [
        "0.1000",
        "0.1100",
        "0.1200",
        "0.1300",
        text.MISSING,
    ]


def test_each_day_has_its_mean_and_its_ends():
    shown, forecast = _week()
    told = rows(forecast_parts.days_twin(shown, forecast.start))
    assert len(told) == 8
    today = forecast.frame["p50"].iloc[:15]
    low, high = today.idxmin().tz_convert("Europe/Madrid"), today.idxmax().tz_convert("Europe/Madrid")
    assert told[0] == (
        f"Mon 1 Dec {today.mean():.3f} €/kWh {today.min():.3f} at {low:%H:%M} {today.max():.3f} at {high:%H:%M}"
        " 15 of 15"
    )
    assert told[1].startswith("Tue 2 Dec")
    assert told[1].endswith("0 of 24")
