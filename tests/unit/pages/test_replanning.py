"""The form of the production page: what it offers, what it orders, and how a plan that is made is followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import InvalidInput
from chocofactory.planning.problem import Outage
from components import plan_form, text
from tests.hand_plan import MONDAY, hand_plan
from tests.plan_kit import at
from tests.planning_fake import infeasible
from tests.production_site import NOW, run_of, words

TUESDAY = MONDAY + timedelta(days=1)


def test_the_form_orders_what_was_filled_in(site):
    answer = site.order(begin="now", days="2", slot="30", locks=["S1"], standard=3, premium=None)
    assert (answer.run, answer.toast) == ("run-1", "")
    assert site.jobs.started[-1][0] == "plan_production"
    assert site.jobs.started[-1][2] == "dashboard"
    order = answer.order
    assert order.lost == ()
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


def test_what_runs_when_the_new_plan_begins_can_be_told_lost(site):
    site.planning.keep(hand_plan())
    ask = site.asks()["replan-lost.options"]
    early = site.post(ask, "replan-begin.value", **{"replan-begin": "now", "replan-lost": ["S1"]})
    (option,) = early["replan-lost.options"]  # it was locked before; S1 has not begun
    assert (option["value"], option["label"]) == ("L1", "L1 · Standard · Preparation 1 from 1 Dec 2025, 07:30 on")
    assert early["replan-lost.value"] == []
    site.clock.at = at(2025, 12, 1, 7, 10)
    now = site.post(ask, "replan-begin.value", **{"replan-begin": "now", "replan-lost": ["S1"]})
    assert next(each["label"] for each in now["replan-lost.options"]) == (
        "S1 · Standard · Conching 1 since 1 Dec 2025, 07:00"
    )
    assert (now["replan-lost.value"], now["replan-lost-frame.hidden"]) == (["S1"], False)
    site.clock.at = at(2025, 12, 1, 20)  # both are done
    over = site.post(ask, "replan-begin.value", **{"replan-begin": "now", "replan-lost": ["S1"]})
    assert (over["replan-lost.options"], over["replan-lost-frame.hidden"]) == ([], True)
    assert site.order(lost=["S1"]).order.lost == ("S1",)


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


def test_an_order_is_refused_in_the_words_of_the_form():
    with text.speaking("en"), pytest.raises(InvalidInput, match="out of order"):
        plan_form.order(
            begin="now", days="1", slot="15", machine="roller", until=None, locks=(), lost=(), targets={}, now=NOW
        )
