"""What a plan says in words: today, costs against usual, what falls short, what each shift does, why a batch starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.messages import Message
from chocofactory.planning.plan import Conflict, Proof, Shortfall
from chocofactory.planning.reasons import Closed, Move, Reasons
from chocofactory.planning.savings import Savings
from components import plan_lists, plan_parts, text
from components.plan_words import limit_words
from tests.hand_plan import MONDAY, START, hand_plan

EARLY = datetime(2025, 12, 1, 4, tzinfo=UTC)
ONE_DAY = {"last": MONDAY}


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _words(component) -> str:
    """All text of a component."""
    if component is None:
        return ""
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(_words, component)))
    if not hasattr(component, "to_plotly_json"):
        return str(component)
    return _words(getattr(component, "children", None))


def _savings(usual, plan):
    return Savings(usual, plan, {"standard": 2}, {}, {})


def _today(plan, savings=None, now=EARLY, day=MONDAY):
    return _words(plan_parts.today_sentence(plan, day, savings, now))


def test_today_is_told_in_one_sentence_and_what_is_locked_is_not_started_anew():
    words = _today(hand_plan(**ONE_DAY), _savings(64.0, 57.0))
    assert words == "Start 1 batch; first mixing at 06:30; 28.76 €, 11 % below usual."


def test_dearer_than_usual_is_said_honestly_and_unknown_too():
    assert "28.76 €, 14 % above usual." in _today(hand_plan(**ONE_DAY), _savings(50.0, 57.0))
    assert "28.76 €, the usual cost is not known." in _today(hand_plan(**ONE_DAY))
    assert "28.76 €, as much as usual." in _today(hand_plan(**ONE_DAY), _savings(57.0, 57.0))


def test_a_plan_of_several_days_compares_as_a_whole():
    assert _today(hand_plan(), _savings(64.0, 57.0)).endswith("28.76 €; the whole plan: 11 % below usual.")


def test_nothing_to_start_is_said():
    assert _today(hand_plan(), now=EARLY + timedelta(hours=6)).startswith("Nothing more to start today;")
    tuesday = MONDAY + timedelta(days=1)
    assert _today(hand_plan(), day=tuesday).startswith("Tuesday 2 December: Nothing to start;")
    assert _today(hand_plan(), now=EARLY + timedelta(days=1), day=tuesday).startswith("Nothing to start today;")


def test_what_falls_short_is_in_the_sentence():
    plan = hand_plan(shortfalls=[Shortfall(MONDAY, "standard", 2)])
    assert _today(plan).endswith("2 batches short of the target.")


def test_cards_hold_cost_band_saving_kilogram_energy_and_proof():
    plan = hand_plan()
    words = _words(plan_parts.plan_cards(plan, _savings(64.0, 57.0), (50.0, 65.5)))
    assert "57.52 € nine times in ten between 50.00 and 65.50 €" in words
    assert "7.00 € 11 % below usual (64.00 €); 2 batches compared" in words
    assert "14.55 €/kg energy: 0.575 €/kg" in words  # 57.52 EUR over 100 kg, beside 13.97
    assert "575 kWh 2 batches" in words
    assert "Proven best to 0.01 %" in words


def test_a_negative_saving_is_shown_as_such_and_an_unknown_one_as_missing():
    words = _words(plan_parts.plan_cards(hand_plan(), _savings(50.0, 57.0)))
    assert "-7.00 € 14 % above usual (50.00 €)" in words
    assert f"Saved against usual {text.MISSING} the usual cost is not known" in _words(
        plan_parts.plan_cards(hand_plan(), None)
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("optimal", "Proven best to 0.01 %"),
        ("feasible", "Best found, at most 0.42 % from the best"),
        ("infeasible", "No plan keeps all limits"),
    ],
)
def test_a_proof_says_how_good_the_plan_is(status, words):
    gap = 0.0042 if status == "feasible" else 0.0
    assert plan_parts.proof_words(Proof(status, 1, 1, gap, True, True, 1.0, "HiGHS")) == words


def test_where_no_equal_work_is_finished_nothing_is_said_to_be_saved():
    words = _words(plan_parts.plan_cards(hand_plan(), Savings(0.0, 0.0, {"standard": 0}, {}, {})))
    assert f"{text.MISSING} no batch is finished that the usual way finishes, too" in words
    assert "compared" not in words


def test_the_margin_view_adds_up():
    words = _words(plan_parts.margin_view(hand_plan()))
    assert "Energy 0.575 4.0 %" in words
    assert "Total 14.545 100.0 %" in words


def test_alerts_stand_only_where_there_is_something():
    assert plan_parts.shortfall_alert(hand_plan()) is None
    assert plan_parts.conflict_alert(hand_plan()) is None
    short = hand_plan(shortfalls=[Shortfall(MONDAY, "premium", 1, (Message("Only {n} units.", n=2),))])
    words = _words(plan_parts.shortfall_alert(short))
    assert "Monday 1 December: 1 batch of premium short at its end.  Only 2 units." in words
    broken = hand_plan(conflicts=[Conflict("power", START, EARLY, Message("Too much by {kw} kW.", kw=3))])
    assert "Too much by 3 kW." in _words(plan_parts.conflict_alert(broken))


def test_shifts_list_their_actions_in_the_order_of_time():
    words = _words(plan_lists.shift_list(hand_plan(), MONDAY))
    steps = [
        "T1, 06:00\u201314:00",
        "06:30   start mixing of batch S1 (standard) on Preparation 1",
        "06:37   start rolling of batch S1 (standard) on Preparation 1",
        "06:54   preparation of batch S1 (standard) ends on Preparation 1",
        "07:00   start conching of batch S1 (standard) on Conching 1",
        "12:00   start tempering of batch S1 (standard) on Finishing 1",
        "13:02   batch S1 (standard) is finished",
        "T2, 14:00\u201322:00",
        "14:02   batch L1 (standard) is finished",
    ]
    places = [words.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
    assert "While nobody is there" not in words


def test_a_shift_without_actions_and_a_day_without_shifts_say_so():
    plan = hand_plan()
    assert _words(plan_lists.shift_list(plan, MONDAY + timedelta(days=1))).count("Nothing to do in this shift.") == 2
    assert "No shift begins on this day." in _words(plan_lists.shift_list(plan, MONDAY + timedelta(days=6)))


def test_what_happens_at_night_stands_at_the_end():
    night = hand_plan(start=START - timedelta(hours=10))  # from 19:30 on Sunday, finished at 02:02 and 03:02
    words = _words(plan_lists.shift_list(night, MONDAY))
    assert words.index("batch S1 (standard) is finished") > words.index("While nobody is there")
    assert "is finished" not in _words(plan_lists.shift_list(night, MONDAY - timedelta(days=1)))


def _reasons(**more):
    fields = {
        "batch": "S1",
        "start": datetime(2025, 12, 1, 5, 30, tzinfo=UTC),
        "cost_eur": 28.76,
        "price_eur_kwh": 0.1,
        "rank": 3,
        "ranked": 40,
        "periods": {"P3": 0.25, "P1": 0.75},
        "closed": (Closed("power", "conching", 2, 27.5),),
        "moves": (
            Move(timedelta(minutes=30), 0.5),
            Move(timedelta(hours=2), -0.25),
            Move(timedelta(days=1), None, "unattended", "finishing"),
        ),
        "curve": pd.DataFrame(),
    }
    return Reasons(**{**fields, **more})


def test_reasons_of_a_batch_are_told():
    words = _words(plan_parts.batch_reasons(_reasons()))
    assert "Why batch S1 starts 1 Dec 2025, 06:30" in words
    assert "It pays 0.100 €/kWh on average: number 3 of 40 starts by cost, the cheapest first." in words
    assert "P1 75 %, P3 25 %" in words
    assert "2 cheaper starts closed, from 27.50 € on: conching would exceed the contracted power." in words
    assert "30 min later 0.50 € dearer" in words
    assert "2 h later 0.25 € cheaper" in words
    assert "a day later not possible: nobody is there for all of finishing" in words
    assert "No limit closes a cheaper start." in _words(plan_parts.batch_reasons(_reasons(closed=())))


def test_an_unknown_limit_keeps_its_name():
    assert limit_words("something-new", "conching") == "something-new"


def test_rules_for_failures_name_the_times_that_people_have():
    words = _words(plan_lists.failure_rules())
    assert "within 2 h; between 12 and 48 h, within 4 h" in words
    assert "battery lasts 4 h" in words


def test_tables_hold_what_figures_show():
    twin = plan_lists.plan_twin(hand_plan()).to_plotly_json()["props"]["children"][2]
    assert twin.data["rows"][0][:3] == ["S1", "standard", "Preparation 1"]
    assert len(twin.data["rows"]) == 6
    assert "Mon 1 Dec Standard 2 4" in _words(plan_lists.target_twin(hand_plan()))
    curve = pd.DataFrame({"cost_eur": [1.5], "limit": [""], "block": [""]}, index=[pd.Timestamp(EARLY)])
    assert plan_lists.curve_twin(curve).children[2].data["rows"] == [["1 Dec 2025, 05:00", "1.50 €", ""]]
    values = {"production_kw": 1.0, "cooling_kw": 2.0, "auxiliary_kw": 3.0, "total_kw": 6.0}
    power = pd.DataFrame([values], index=[pd.Timestamp(EARLY)])
    assert plan_lists.power_twin(power).children[2].data["rows"] == [["1 Dec 2025, 05:00", "1.0", "2.0", "3.0", "6.0"]]
