"""The page of the production plan: what it says in each state, and what it orders."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION
from chocofactory.core.clock import MADRID
from chocofactory.core.config import Settings
from chocofactory.core.errors import InvalidInput, StoreUnavailable
from chocofactory.core.messages import Message
from chocofactory.domain.measurements import price_series
from chocofactory.planning.plan import Conflict, Shortfall
from chocofactory.planning.problem import Outage
from chocofactory.services.plan_views import csv_rows
from components import plan_form, text
from tests.fakes import wavy_prices
from tests.hand_plan import MONDAY, hand_plan
from tests.plan_kit import at
from tests.planning_fake import infeasible
from tests.production_site import NOW, Site, run_of, words

TUESDAY = MONDAY + timedelta(days=1)
KNOWN = wavy_prices(date(2025, 11, 10), date(2025, 12, 1))
STAFF = Message("Nobody is there at night.")


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    server = create_app(Settings(_env_file=None, data_dir=folder, log_level="ERROR", locale="en")).server
    services = server.extensions[EXTENSION]
    services.ingestion.keep(price_series(), KNOWN.to_frame(), "ree")
    yield server, services
    services.close()


@pytest.fixture
def site(application):
    return Site(*application)


def test_before_the_first_plan_the_page_says_how_one_comes(site):
    answers = site.answers()
    assert answers["production-body.hidden"] is True
    told = words(answers["production-empty.children"])
    assert "There is no plan yet" in told
    assert "You can plan from now on above." in told
    assert "production-gantt.figure" not in answers


def test_without_any_price_the_page_leads_to_the_data(site):
    site.serve(prices=SimpleNamespace(span=lambda: None))
    answer = site.answers()["production-empty.children"]
    assert "There are no prices to plan with." in words(answer)
    assert '"href": "/data"' in json.dumps(answer)


def test_a_plan_is_told_in_words_cards_lists_and_figures(site):
    site.planning.keep(hand_plan())
    answers = site.answers()
    assert answers["production-body.hidden"] is False
    said = words(answers["production-says.children"])
    assert said.startswith("Start 1 batch; first mixing at 06:30; 28.76 €; the whole plan: 11 % below usual.")
    assert "Plan p-1 of 30 Nov 2025, 20:00, by ensemble of all." in said
    cards = words(answers["production-cards.children"])
    assert "57.52 €" in cards
    assert "nine times in ten between 50.00 and 70.00 €" in cards
    shifts = words(answers["production-shifts.children"])
    assert "06:30 start mixing of batch S1 (standard) on Preparation 1" in " ".join(shifts.split())
    assert "Overhead" in words(answers["production-margin.children"])
    bars = [trace for trace in answers["production-gantt.figure"]["data"] if trace.get("customdata")]
    assert {name for trace in bars for name in trace["customdata"]} == {"S1", "L1"}
    assert answers["production-targets.figure"]["data"]
    assert answers["production-power.figure"]["data"]
    assert answers["production-curve-frame.hidden"] is True


def test_only_what_falls_short_today_and_later_alarms(site):
    early, late = (Shortfall(day, "premium", 2, (STAFF,)) for day in (MONDAY, TUESDAY))
    site.planning.keep(hand_plan(shortfalls=(early, late)))
    told = words(site.answers()["production-says.children"])
    assert "Monday 1 December: 2 batches of premium short at its end.  Nobody is there at night." in told
    site.clock.at = NOW + timedelta(days=1)
    told = words(site.answers()["production-says.children"])
    assert "Monday 1 December: 2 batches" not in told
    assert "Tuesday 2 December: 2 batches of premium short at its end." in told
    told = words(site.answers(f"/production?day={MONDAY}")["production-says.children"])
    assert "Monday 1 December: 2 batches" not in told


def test_a_plan_that_no_limits_allow_says_what_conflicts_but_never_holds(site):
    limit = Message("The power would be {kw} kW.", kw=190)
    conflict = Conflict("power", at(2025, 12, 1, 9), at(2025, 12, 1, 10), limit)
    site.planning.keep(infeasible(hand_plan(conflicts=(conflict,))))
    assert "There is no plan yet" in words(site.answers()["production-empty.children"])
    answers = site.answers("/production?plan=p-1")
    told = words(answers["production-says.children"])
    assert "No plan keeps all limits; this one breaks them least The power would be 190 kW." in told
    assert "No plan keeps all limits" in words(answers["production-cards.children"])


def test_what_the_check_finds_is_said(site):
    site.planning.keep(hand_plan(), violations=(Message("{batch} waits too long.", batch="S1"),))
    told = words(site.answers()["production-says.children"])
    assert "The check found faults in this plan: S1 waits too long." in told


def test_a_batch_is_explained_with_the_cost_of_its_other_starts(site):
    site.planning.keep(hand_plan())
    answers = site.answers("/production?batch=S1")
    assert "Why batch S1 starts 1 Dec 2025, 06:30" in words(answers["production-why.children"])
    assert answers["production-curve-frame.hidden"] is False
    assert answers["production-curve.figure"]["data"]


def test_of_a_batch_that_was_locked_the_page_says_that_nothing_was_decided(site):
    site.planning.keep(hand_plan())
    answers = site.answers("/production?batch=L1")
    told = words(answers["production-why.children"])
    assert told == "L1 was running or locked: the plan did not decide when it starts."
    assert answers["production-curve-frame.hidden"] is True


@pytest.mark.parametrize("query", ["plan=p-9", "day=1999-01-01", "batch=Z9", "plan=&day=&batch=", "day=x&batch=%00"])
def test_an_address_that_makes_no_sense_shows_the_usual_page(site, query):
    site.planning.keep(hand_plan())
    answers = site.answers(f"/production?{query}")
    assert words(answers["production-says.children"]).startswith("Start 1 batch")
    assert "Choose a batch" in words(answers["production-why.children"])


def test_the_address_chooses_plan_and_day(site):
    site.planning.keep(hand_plan())
    site.planning.keep(hand_plan(price=0.2))
    answers = site.answers(f"/production?plan=p-1&day={TUESDAY}")
    said = words(answers["production-says.children"])
    assert said.startswith("Tuesday 2 December: Nothing to start")
    assert "Plan p-1 of" in said
    assert "Shifts of Tuesday 2 December 2025" in words(answers["production-shifts.children"])
    assert "Plan p-2 of" in words(site.answers()["production-says.children"])


def test_all_days_can_be_seen_at_once(site):
    site.planning.keep(hand_plan())
    one, both = (
        site.answers(f"/production?day={day}")["production-gantt.figure"]["layout"]["xaxis"]["range"]
        for day in (MONDAY, "all")
    )
    assert (one, both) == ([0, 24], [0, 48])


def test_a_store_that_is_away_is_said_in_the_place_of_the_page(site):
    site.planning.keep(hand_plan())
    asks = site.asks()
    site.planning.error = StoreUnavailable("The store does not answer.")
    answer = site.post(asks["production-empty.children"])
    assert answer["production-body.hidden"] is True
    assert "The store does not answer." in words(answer["production-empty.children"])
    assert "Try again" in words(answer["production-empty.children"])
    assert site.post(asks["production-gantt.figure"]) == {}


def test_the_form_orders_what_was_filled_in(site):
    answer = site.order(begin="now", days="2", slot="30", locks=["S1"], standard=3, premium=None)
    assert (answer.run, answer.toast) == ("run-1", "")
    assert site.jobs.started[-1][0] == "plan_production"
    assert site.jobs.started[-1][2] == "dashboard"
    order = answer.order
    assert (order.day, order.days, order.slot_min, order.locks) == (MONDAY, 2, 30, ("S1",))
    assert order.targets == {MONDAY: {"standard": 3}}
    assert order.outages == ()


def test_tomorrow_is_the_next_local_day_and_as_far_as_prices_reach_is_no_number(site):
    site.clock.at = datetime(2025, 12, 1, 23, 30, tzinfo=UTC)  # 00:30 on Tuesday in Madrid
    order = site.order(begin="tomorrow", premium=0).order
    assert (order.day, order.days) == (date(2025, 12, 3), None)
    assert order.targets == {date(2025, 12, 3): {"premium": 0}}


def test_what_is_out_of_order_is_so_from_now_until_the_wall_clock_says(site):
    order = site.order(machine="conche", until="2025-12-01T18:30").order
    (out,) = order.outages
    assert out == Outage("conche", 1, NOW, datetime(2025, 12, 1, 17, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-03-29T01:30", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # no clock shows it: it is 03:30 then
        ("2026-03-29T03:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25T01:30", datetime(2026, 10, 24, 23, 30, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),  # it comes twice: the second
        ("2026-10-25T03:30", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        ("2026-07-01T12:00", datetime(2026, 7, 1, 12, tzinfo=MADRID).astimezone(UTC)),
    ],
)
def test_the_end_of_an_outage_is_the_wall_clocks_on_days_when_clocks_change_too(site, written, utc):
    (out,) = site.order(machine="mixer", until=written).order.outages
    assert out.end == utc


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"machine": "conche"}, "Say until when conche is out of order."),
        ({"machine": "conche", "until": ""}, "Say until when conche is out of order."),
        ({"until": "2025-12-01T18:00"}, "Choose what is out of order, or clear until when."),
        ({"machine": "conche", "until": "2025-12-01T05:00"}, "Conche would be back before the plan begins"),
        ({"machine": "conche", "until": "2025-12-01T05:20"}, "Conche would be back before the plan begins"),
        (
            {"machine": "conche", "until": "2025-12-01T23:00", "begin": "tomorrow"},
            "Conche would be back before the plan begins",
        ),
    ],
)
def test_an_outage_that_is_not_whole_is_refused_aloud(site, filled, told):
    answer = site.order(**filled)
    assert told in answer.toast
    assert answer.run is None
    assert site.jobs.started == []


def test_a_plan_that_is_being_made_already_is_shown_instead(site):
    site.jobs.busy = "run-7"
    answer = site.order()
    assert answer.run == "run-7"
    assert "under way already" in answer.toast


def test_what_can_stay_is_of_the_plan_that_holds_when_the_new_one_begins(site):
    site.planning.keep(hand_plan())
    second = hand_plan(start=at(2025, 12, 2), last=TUESDAY)
    renamed = tuple(replace(batch, name=f"T{place}") for place, batch in enumerate(second.batches))
    site.planning.keep(replace(second, batches=renamed))
    ask = site.asks()["replan-locks.options"]
    now = site.post(ask, "replan-begin.value", **{"replan-begin": "now", "replan-locks": ["S1", "T0"]})
    assert [each["value"] for each in now["replan-locks.options"]] == ["S1", "L1"]
    assert now["replan-locks.value"] == ["S1"]
    later = site.post(ask, "replan-begin.value", **{"replan-begin": "tomorrow", "replan-locks": ["S1", "T0"]})
    assert [each["value"] for each in later["replan-locks.options"]] == ["T0", "T1"]
    assert later["replan-locks.value"] == ["T0"]
    site.clock.at = at(2025, 12, 1, 7)  # S1 has begun
    now = site.post(ask, "replan-begin.value", **{"replan-begin": "now"})
    assert [each["value"] for each in now["replan-locks.options"]] == ["L1"]


def test_a_plan_that_is_being_made_is_followed_until_it_is_there(site):
    watch = site.asks()["production-progress.children"]
    site.jobs.runs = [run_of(state="running", progress=40.0, message="Checking every minute of the plan")]
    going = site.post(watch, "production-poll.n_intervals", **{"production-run": "run-1", "production-done": ""})
    assert "Checking every minute of the plan" in words(going["production-progress.children"])
    assert going["production-poll.disabled"] is False
    assert going["replan-submit.disabled"] is True
    assert "production-done.data" not in going
    site.jobs.runs = [run_of()]
    there = site.post(watch, "production-poll.n_intervals", **{"production-run": "run-1", "production-done": ""})
    assert there["production-done.data"] == "run-1"
    assert there["production-poll.disabled"] is True
    assert there["replan-submit.disabled"] is False


def test_a_run_that_failed_says_why(site):
    error = {
        "code": "conflict",
        "message": "No plan was found within {seconds} seconds; allow more.",
        "fields": {"seconds": 30},
    }
    site.jobs.runs = [run_of(state="failed", error=error)]
    watch = site.asks()["production-progress.children"]
    told = site.post(watch, "production-poll.n_intervals", **{"production-run": "run-1", "production-done": ""})
    assert "No plan was found within 30 seconds" in words(told["production-progress.children"])
    others = site.post(watch, "production-poll.n_intervals", **{"production-done": ""})
    assert others.get("production-progress.children") is None


@pytest.mark.parametrize(
    ("made", "chosen"),
    [
        ({"plan_id": "p-1", "status": "optimal"}, "now"),
        ({"plan_id": "p-2", "status": "infeasible"}, "p-2"),
        (None, None),
    ],
)
def test_a_plan_that_was_asked_for_is_chosen_even_where_it_does_not_hold(site, made, chosen):
    site.planning.keep(hand_plan())
    site.planning.keep(infeasible(hand_plan()))
    site.jobs.runs = [run_of(result=made)]
    ask = site.asks()["production-plan.options"]
    told = site.post(ask, "production-done.data", **{"production-done": "run-1", "production-run": "run-1"})
    assert [each["value"] for each in told["production-plan.options"]] == ["now", "p-2", "p-1"]
    assert told.get("production-plan.value") == chosen
    others = site.post(ask, "production-done.data", **{"production-done": "run-1", "production-run": "run-0"})
    assert "production-plan.value" not in others
    minute = site.post(ask, "minute.n_intervals", **{"production-done": "run-1", "production-run": "run-1"})
    assert "production-plan.value" not in minute


def test_the_file_holds_the_stages_as_rest_names_them(site):
    stored = site.planning.keep(hand_plan())
    answer = site.post(site.asks()["production-download.data"], "production-csv.n_clicks", **{"production-csv": 1})
    file = answer["production-download.data"]
    assert file["filename"] == "chocofactory_production_2025-12-01_2025-12-02.csv"
    rows = list(csv.DictReader(io.StringIO(file["content"])))
    assert rows == [{key: str(value) for key, value in row.items()} for row in csv_rows(stored.plan)]
    assert [row["stage"] for row in rows if row["batch"] == "S1"][:2] == ["mixing", "rolling"]


def test_the_calendar_holds_the_blocks_under_the_names_of_the_page(site):
    site.planning.keep(hand_plan())
    answer = site.post(site.asks()["production-download.data"], "production-ics.n_clicks", **{"production-ics": 1})
    file = answer["production-download.data"]
    assert (file["filename"], file["type"]) == ("chocofactory_production_2025-12-01_2025-12-02.ics", "text/calendar")
    assert file["content"].count("BEGIN:VEVENT") == 6
    assert "SUMMARY:S1 Preparation 1" in file["content"]
    assert "DTSTART:20251201T053000Z" in file["content"]


@pytest.mark.parametrize(("clicked", "chosen"), [("S1", "S1"), (["L1"], "L1"), (None, None)])
def test_a_click_on_a_bar_chooses_its_batch(site, clicked, chosen):
    site.planning.keep(hand_plan())
    data = {"points": [{"customdata": clicked}]}
    answer = site.post(
        site.asks()["production-batch.value"], "production-gantt.clickData", **{"production-gantt": data}
    )
    assert answer.get("production-batch.value") == chosen


def test_an_order_is_refused_in_the_words_of_the_form():
    with text.speaking("en"), pytest.raises(InvalidInput, match="out of order"):
        plan_form.order(begin="now", days="1", slot="15", machine="roller", until=None, locks=(), targets={}, now=NOW)
