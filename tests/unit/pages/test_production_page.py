"""The page of the production plan: what it says in each state."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest

from chocofactory.core.errors import StoreUnavailable
from chocofactory.core.messages import Message
from chocofactory.planning.plan import Conflict, Shortfall
from chocofactory.planning.power import power_kw
from chocofactory.services.plan_views import csv_rows
from components import text
from tests.hand_plan import MONDAY, hand_plan
from tests.plan_kit import at
from tests.planning_fake import infeasible
from tests.production_site import NOW, words

TUESDAY = MONDAY + timedelta(days=1)
STAFF = Message("Nobody is there at night.")


def quarter_data(answers):
    """The rows of the table of quarter-hours, as the browser is given them."""
    box = next(each for each in answers["production-quarters.children"] if "long-table" in json.dumps(each))
    return box["props"]["children"][1]["props"]["data"]


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


def test_a_newest_plan_that_nobody_can_follow_is_said_above_the_one_that_holds(site):
    site.planning.keep(hand_plan())
    assert site.answers().get("production-aside.children") is None
    limit = Message("Out of order: {machine}.", machine="roller")
    conflict = Conflict("units", at(2025, 12, 1, 9), at(2025, 12, 1, 10), limit)
    site.planning.keep(infeasible(hand_plan(conflicts=(conflict,))))
    answers = site.answers()
    told = " ".join(words(answers["production-aside.children"]).split())
    assert told == (
        "The newest plan, made 30 Nov 2025, 20:00, cannot be carried out. Out of order: roller. "
        "The one before it stays in force. See that plan"
    )
    assert '"href": "/production?plan=p-2"' in json.dumps(answers["production-aside.children"])
    assert "Plan p-1 of" in words(answers["production-says.children"])
    assert site.answers("/production?plan=p-2").get("production-aside.children") is None


def test_what_was_lost_is_said_with_what_counts_of_it(site):
    site.planning.keep(hand_plan(lost=("S9-1", "S9-2")))
    told = words(site.answers()["production-says.children"])
    assert "Given up as lost, and owed again: S9-1, S9-2. The energy spent on that until then is in no figure" in told


def test_each_quarter_hour_of_the_day_tells_price_power_climate_runs_and_what_blocks(site):
    unknown = hand_plan(outside_c=float("nan"))
    site.planning.keep(unknown)
    data = quarter_data(site.answers())
    assert len(data["rows"]) == 96
    heads = [head["head"] for head in data["heads"]]
    by_time = {row[0]: dict(zip(heads, row, strict=True)) for row in data["rows"]}
    six = by_time["06:30"]
    power = power_kw(unknown)["total_kw"].loc[at(2025, 12, 1, 6, 30)]
    assert six["Period"] == "P3"
    assert six["Price"] == "0.1000 €/kWh (published)"
    assert six["kW"] == f"{power:.1f}"
    assert six["Runs"] == "S1 preparation"
    assert six["Room"].startswith(f"{text.MISSING}, {text.MISSING}")
    assert "every unit of preparation is taken" in six["Cannot start, and why"]
    night = by_time["00:00"]
    assert night["Runs"] == "nothing"
    assert (
        "nobody is there for all of preparation; nobody is there for all of finishing" in night["Cannot start, and why"]
    )
    site.planning.keep(hand_plan(outside_c=20.0))
    known = quarter_data(site.answers())["rows"][0][heads.index("Room")]
    assert re.fullmatch(r"[\d.]+\s°C, [\d.]+\s% \(forecast\)", known)
    later = quarter_data(site.answers(f"/production?day={TUESDAY}"))
    assert later["caption"] == "Quarter-hours of Tuesday 2 December 2025"
    assert {row[heads.index("Price")] for row in later["rows"]} == {"0.1000 €/kWh (forecast)"}


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
