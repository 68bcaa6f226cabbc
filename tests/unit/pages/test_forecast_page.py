"""The page of the forecast, asked as a browser asks it: what it says in each state, and what it asks the services."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from types import SimpleNamespace

import pytest

from chocofactory.bootstrap import EXTENSION
from chocofactory.core.clock import StoppedClock
from chocofactory.core.errors import ModelDamaged, NotFound, StoreUnavailable
from chocofactory.core.messages import Message
from chocofactory.services.records import as_records
from tests.dash_client import UPDATE, name, page_asks, pressed
from tests.fakes import wavy_prices
from tests.week_kit import FakeForecasts, made

NOW = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)  # 09:20 in Madrid, a Monday
KNOWN = wavy_prices(date(2025, 11, 10), date(2025, 12, 1))
VERSION = SimpleNamespace(
    id="v7",
    members=("naive", "lear", "boosting"),
    created_at=datetime(2025, 11, 30, 2, 10, tzinfo=UTC),
    report={
        "first": "2025-10-01",
        "last": "2025-11-29",
        "scores": [
            {"model": "ensemble", "group": "all", "mae": 0.0163},
            {"model": "naive", "group": "all", "mae": 0.025},
        ],
    },
)


class Site:
    """The application with stand-ins for its forecasts, and what its page answers."""

    def __init__(self, server, services) -> None:
        self.server, self.trained = server, True
        self.forecasts = FakeForecasts(StoppedClock(NOW), KNOWN, more={"version": "v7"})
        models = SimpleNamespace(
            show={"v7": VERSION}.__getitem__, serving=lambda: SimpleNamespace(version=VERSION if self.trained else None)
        )
        self.services = replace(services, clock=StoppedClock(NOW), forecasts=self.forecasts, models=models)
        self.serve()

    def serve(self, **others) -> None:
        """Answer with these services, some of them replaced."""
        self.server.extensions[EXTENSION] = replace(self.services, **others)

    def asks(self, address: str):
        """The callbacks of the page, by a short name."""
        client = self.server.test_client()
        found = page_asks(
            address,
            lambda path: client.get(path).get_json(),
            lambda *post: client.post(post[0], json=post[1]).get_json(),
        )
        return {name(ask.output): ask for ask in found}

    def layout(self, address: str):
        """The layout of the page, as JSON."""
        client = self.server.test_client()
        (first, *__) = self.asks(address).values()
        return client.post(UPDATE, json=first.payload).get_json()["response"]["_pages_content"]["children"]

    def answers(self, address: str = "/forecast"):
        """What the page's callbacks answer when it appears: properties by ``id.property``; None is no answer."""
        client, out = self.server.test_client(), {}
        for short, ask in self.asks(address).items():
            if not (ask.at_first and short.startswith("forecast-")):
                continue
            answer = client.post(UPDATE, json=ask.payload)
            assert answer.status_code in {200, 204}
            response = answer.get_json()["response"] if answer.status_code == 200 else {}
            out |= {f"{part}.{key}": value for part, held in response.items() for key, value in held.items()}
        return out


@pytest.fixture
def site(application):
    return Site(*application)


def _words(answer) -> str:
    """All text of a component in its JSON form."""
    if isinstance(answer, dict):
        return _words(answer.get("props", {}).get("children"))
    if isinstance(answer, list):
        return " ".join(filter(None, map(_words, answer)))
    return "" if answer is None else str(answer)


def _components(node):
    """Every component of a layout."""
    if isinstance(node, list):
        for part in node:
            yield from _components(part)
    elif isinstance(node, dict):
        if "props" in node:
            yield node
        for part in node.values():
            yield from _components(part)


def test_the_page_says_what_comes_how_sure_how_good_and_where_from(site):
    told = _words(site.answers()["forecast-says.children"])
    best = site.forecasts.windows(site.forecasts.forecast(), 5, 1)[0]
    assert "Cheapest 5 h: " in told
    assert f"at about {best.mean_eur_kwh:.3f} €/kWh" in told
    assert f"({100 * best.probability:.0f} %)" in told
    assert "From 1 Oct 2025 until its training its forecasts were off by 0.016 €/kWh on average" in told
    assert "copies of the week before, by 0.025 €/kWh" in told
    assert "published until 2 Dec 2025, 00:00" in told
    assert "version v7, trained 30 Nov 2025, 03:10" in told
    assert "Train" not in told


def test_the_dearest_stretch_is_the_one_whose_mean_is_highest(site):
    told = _words(site.answers("/forecast?hours=2")["forecast-says.children"])
    price = site.forecasts.forecast().frame["p50"]
    mean = max((a + b) / 2 for a, b in pairwise(price))
    assert f"about {mean:.3f} €/kWh" in told.split("Dearest")[1]


def test_the_address_chooses_the_length_the_days_and_the_model(site):
    answers = site.answers("/forecast?hours=3&ago=2&model=lear")
    assert set(site.forecasts.asked) == {"lear"}
    assert "Cheapest 3 h" in _words(answers["forecast-says.children"])
    assert "Saturday 29 November 2025: no forecast was issued." in _words(answers["forecast-fan-caption.children"])


@pytest.mark.parametrize(
    ("trained", "query", "offered"),
    [
        (True, "", ["serving", "ensemble", "lear", "boosting", "naive"]),
        (False, "", ["serving", "naive"]),
        (False, "?model=prophet", ["serving", "prophet", "naive"]),
        (False, "?model=oracle", ["serving", "naive"]),
    ],
)
def test_models_that_are_trained_can_be_chosen(site, trained, query, offered):
    site.trained = trained
    layout = site.layout(f"/forecast{query}")
    choices = next(one["props"]["options"] for one in _components(layout) if one["props"].get("id") == "forecast-model")
    assert [choice["value"] for choice in choices] == offered


@pytest.mark.parametrize("query", ["hours=99", "hours=x&ago=8", "model=oracle", "model=&hours=&ago=", "ago=-1&hours=0"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(site, query):
    answers = site.answers(f"/forecast?{query}")
    assert set(site.forecasts.asked) == {None}
    assert "Cheapest 5 h" in _words(answers["forecast-says.children"])
    assert "no forecast was issued" not in _words(answers["forecast-fan-caption.children"])


def test_without_a_trained_version_the_page_says_why_and_offers_to_train_one(site):
    site.forecasts.more = {
        "version": None,
        "model": "naive",
        "reasons": (Message("Too {what} a history.", what="short"),),
    }
    answers = site.answers()
    told = _words(answers["forecast-says.children"])
    assert "then forecast: same hour last week" in told
    assert "How good it is cannot be said" in told
    assert "Too short a history. Train a version" in told
    assert '"href": "/model-health"' in json.dumps(answers["forecast-says.children"])


def test_what_was_said_is_drawn_and_judged_by_all_that_is_known_since(site):
    issued = datetime(2025, 11, 27, 20, tzinfo=UTC)
    said = made(issued, KNOWN[KNOWN.index < "2025-11-28T23:00Z"]).frame.query("lead_day > 0")
    site.forecasts.archive[date(2025, 11, 27)] = said.assign(issued_at=issued)
    answers = site.answers("/forecast?ago=4")
    hours = KNOWN.index[KNOWN.index >= said.index[0]]
    off = (said["p50"].reindex(hours) - KNOWN[hours]).abs().mean()
    told = _words(answers["forecast-fan-caption.children"])
    assert f"In the {len(hours)} hours that are known since, it was off by {off:.3f} €/kWh on average" in told
    assert "said 4 days ago" in [trace.get("name") for trace in answers["forecast-fan.figure"]["data"]]


def test_days_on_which_nothing_was_issued_draw_no_line(site):
    answers = site.answers("/forecast?ago=4")
    assert not [trace for trace in answers["forecast-fan.figure"]["data"] if "said" in trace.get("name", "")]
    assert "no forecast was issued" in _words(answers["forecast-fan-caption.children"])


def test_without_any_price_the_page_leads_to_the_data(site):
    site.serve(prices=SimpleNamespace(span=lambda: None))
    site.forecasts.error = NotFound("There are no prices of the {days} days before {day}.", days=14, day="2025-12-01")
    answers = site.answers()
    assert answers["forecast-body.hidden"] is True
    assert "There is no forecast yet" in _words(answers["forecast-empty.children"])
    assert '"href": "/data"' in json.dumps(answers["forecast-empty.children"])
    assert "forecast-fan.figure" not in answers
    assert "forecast-week.figure" not in answers


def test_prices_that_ended_long_ago_are_named_as_the_reason(site):
    site.forecasts.error = NotFound("There are no prices of the {days} days before {day}.", days=14, day="2025-12-01")
    told = _words(site.answers()["forecast-empty.children"])
    assert "There are no prices of the 14 days before 1 Dec 2025." in told
    assert "See on the data page what is missing." in told


def test_a_model_that_is_not_trained_is_refused_in_words(site):
    answers = site.answers("/forecast?model=prophet")
    assert answers["forecast-body.hidden"] is True
    told = _words(answers["forecast-empty.children"])
    assert "No forecast can be made There is no model Prophet. Choose another model." in " ".join(told.split())
    assert "forecast-fan.figure" not in answers


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("The store does not answer."), ModelDamaged("Version {version} is damaged.", version="v7")],
)
def test_what_fails_is_said_in_its_place_with_a_way_to_try_again(site, error):
    site.forecasts.error = error
    answers = site.answers()
    assert answers["forecast-body.hidden"] is True
    told = _words(answers["forecast-empty.children"])
    assert str(error) in told
    assert "Try again" in told


def test_the_file_holds_what_rest_says_of_every_hour(site):
    ask = site.asks("/forecast?model=boosting")["forecast-download.data"]
    assert not ask.at_first
    answer = site.server.test_client().post(UPDATE, json=pressed(ask, "forecast-export.n_clicks")).get_json()
    file = answer["response"]["forecast-download"]["data"]
    assert file["filename"] == "forecast_2025-12-01_2025-12-08.csv"
    rows = list(csv.DictReader(io.StringIO(file["content"])))
    wanted = as_records(site.forecasts.forecast(model="boosting"))
    assert len(rows) == len(wanted) == 168
    assert rows == [{key: "" if value is None else str(value) for key, value in record.items()} for record in wanted]
    assert site.forecasts.asked[-1] == "boosting"


def test_the_cheapest_stretch_of_the_chosen_length_is_shaded(site):
    figure = site.answers("/forecast?hours=7")["forecast-fan.figure"]
    (box,) = (shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect")
    assert box["x1"] - box["x0"] == 7


def test_tables_are_told_again_only_when_they_say_something_else(site):
    ask = site.asks("/forecast")["forecast-fan-caption.children"]
    client = site.server.test_client()
    told = client.post(UPDATE, json=ask.payload).get_json()["response"]["forecast-told"]["data"]

    def again():
        state = [{**one, "value": told} for one in ask.payload["state"]]
        return client.post(UPDATE, json={**ask.payload, "state": state}).status_code

    assert again() == 204
    site.forecasts.known = KNOWN + 0.01
    assert again() == 200
