"""The plan on the overview, asked as a browser asks it: the day in a sentence, and what runs under the prices."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION, build
from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import Settings
from chocofactory.core.errors import StoreUnavailable
from chocofactory.core.messages import Message
from chocofactory.domain.measurements import price_series
from chocofactory.planning.plan import Conflict
from tests.dash_client import UPDATE, name, page_asks
from tests.fakes import wavy_prices
from tests.hand_plan import MONDAY, hand_plan
from tests.planning_fake import FakePlanning, infeasible, stored_plan

NOW = datetime(2025, 12, 1, 4, 20, tzinfo=UTC)  # 05:20 in Madrid, a Monday


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("site"), log_level="ERROR", locale="en")
    server = create_app(settings).server
    server.extensions[EXTENSION].close()
    services = build(settings, clock=StoppedClock(NOW))
    services.ingestion.keep(price_series(), wavy_prices(date(2025, 11, 20), date(2025, 12, 1)).to_frame(), "ree")
    yield server, services
    services.close()


@pytest.fixture
def planning(application):
    server, services = application
    made = FakePlanning(StoppedClock(NOW))
    server.extensions[EXTENSION] = replace(services, planning=made)
    return made


@pytest.fixture
def answers(application, planning):
    """What the callbacks of the page answer: properties by ``id.property``."""

    def ask():
        client, out = application[0].test_client(), {}
        asks = page_asks(
            "/", lambda path: client.get(path).get_json(), lambda *post: client.post(post[0], json=post[1]).get_json()
        )
        for one in asks:
            if one.at_first and name(one.output) in {"overview-empty.children", "overview-strip.figure"}:
                answer = client.post(UPDATE, json=one.payload)
                assert answer.status_code in {200, 204}
                response = answer.get_json()["response"] if answer.status_code == 200 else {}
                out |= {f"{part}.{key}": value for part, held in response.items() for key, value in held.items()}
        return out

    return ask


def _bars(answers):
    return [trace for trace in answers["overview-strip.figure"]["data"] if trace.get("name") == "plan"]


def test_the_day_is_told_with_the_way_to_the_plan_and_drawn_under_its_prices(answers, planning):
    planning.keep(hand_plan())
    told = answers()
    line = json.dumps(told["overview-plan.children"])
    assert "Start 1 batch; first mixing at 06:30; 28.76" in line
    assert '"href": "/production"' in line
    (bars,) = _bars(told)
    assert len(bars["hovertext"]) == 6


def test_without_a_plan_nothing_is_said_of_one(answers, planning):
    told = answers()
    assert told["overview-plan.children"] is None
    assert _bars(told) == []


def test_a_newest_plan_that_nobody_can_follow_is_said_above_the_one_that_holds(answers, planning):
    limit = Message("Out of order: {machine}.", machine="roller")
    conflict = Conflict("units", NOW, NOW + timedelta(hours=1), limit)
    planning.keep(infeasible(hand_plan(conflicts=(conflict,))))
    alone = answers()
    told = json.dumps(alone["overview-plan.children"])
    assert "The newest plan, made 30 Nov 2025, 20:00, cannot be carried out." in told
    assert "Out of order: roller. No plan is in force." in told
    assert '"href": "/production?plan=p-1"' in told
    assert _bars(alone) == []
    planning.kept.insert(0, stored_plan(hand_plan(), "p-0"))
    both = answers()
    notice, line = both["overview-plan.children"]
    assert "The one before it stays in force." in json.dumps(notice)
    assert "Start 1 batch" in json.dumps(line)
    assert len(_bars(both)) == 1
    planning.keep(hand_plan())
    (line,) = answers()["overview-plan.children"]
    assert "cannot be carried out" not in json.dumps(line)


def test_a_plan_that_begins_with_the_next_slot_is_shown_already(answers, planning):
    planning.keep(hand_plan(start=NOW + timedelta(minutes=10), last=MONDAY))
    told = answers()
    assert told["overview-plan.children"] is not None
    assert len(_bars(told)) == 1


def test_plans_that_cannot_be_read_are_no_missing_plan(answers, planning):
    planning.error = StoreUnavailable("The store does not answer.")
    told = answers()
    assert told["overview-body.hidden"] is True
    assert "The store does not answer." in json.dumps(told["overview-empty.children"])
    assert "overview-strip.figure" not in told
