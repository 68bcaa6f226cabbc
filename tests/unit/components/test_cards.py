"""Cards and badges: what they say, and what they refuse to pretend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chocofactory.domain.prices import Window
from components import cards, text
from components.theme import PERIOD_COLOURS

NOW = datetime(2025, 11, 20, 11, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def words(component: Any) -> str:
    """All text of a component, in order."""
    if component is None:
        return ""
    if isinstance(component, (str, int, float)):
        return str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def find(component: Any, kind: str) -> list[Any]:
    """All components of a type inside a component."""
    inside = getattr(component, "children", None)
    inside = inside if isinstance(inside, (list, tuple)) else [inside]
    own = [component] if type(component).__name__ == kind else []
    return own + [found for child in inside if hasattr(child, "to_plotly_json") for found in find(child, kind)]


@dataclass
class Current:
    end: datetime = NOW + timedelta(minutes=30)
    price_eur_kwh: float = 0.09
    period: str = "P1"
    rank: int = 5
    of: int = 24
    day_mean_eur_kwh: float = 0.12
    source: str = "REE"
    kind: str = "published"
    written_at: datetime = NOW - timedelta(minutes=12)


@dataclass
class Run:
    id: str = "r1"
    kind: str = "ingest"
    state: str = "running"
    progress: float = 42.4
    message: str = "Day {n} of {all}"
    message_fields: dict[str, Any] = field(default_factory=lambda: {"n": 4, "all": 10})
    error: dict[str, Any] | None = None


def test_the_price_now_says_value_period_rank_trend_and_provenance():
    said = words(cards.price_now_card(Current(), NOW))
    for part in (
        "until 13:00",
        "0.090 €/kWh",
        "P1",
        "number 5 of 24",
        "25 % below",
        "published · REE · 12 minutes ago",
    ):
        assert part in said


def test_the_price_now_follows_the_language():
    with text.speaking("es"):
        assert "0,090 €/kWh" in words(cards.price_now_card(Current(), NOW))


@pytest.mark.parametrize(
    ("rank", "said"), [(1, "the cheapest of 24"), (24, "the dearest of 24"), (2, "number 2 of 24")]
)
def test_the_rank_is_said_in_words(rank, said):
    assert said in words(cards.price_now_card(replace(Current(), rank=rank), NOW))


@pytest.mark.parametrize(("price", "said"), [(0.15, "25 % above"), (0.121, "About"), (-0.03, "125 % below")])
def test_the_trend_is_against_the_days_mean(price, said):
    assert said in words(cards.price_now_card(replace(Current(), price_eur_kwh=price), NOW))


def test_a_day_whose_mean_is_zero_has_no_percentage():
    assert "%" not in words(cards.price_now_card(replace(Current(), day_mean_eur_kwh=0.0), NOW))


def test_no_price_is_shown_as_not_available_and_never_as_zero():
    said = words(cards.price_now_card(None, NOW))
    assert "not available" in said
    assert "\u2013" in said
    assert not any(digit in said for digit in "0123456789")
    assert "€/kWh" not in said


def test_a_missing_figure_loses_its_unit():
    assert "€" not in words(cards.kpi("Cost", text.MISSING, "€"))
    assert "€" in words(cards.kpi("Cost", "3", "€"))


def _rows(*windows: Window, mean: float | None = 0.2) -> list[str]:
    table = cards.windows_table(windows, mean, NOW)
    return [" ".join(words(row).split()) for row in find(table, "Tr")[1:]]


def _window(day: int, hour: int, hours: int, mean: float = 0.1) -> Window:
    start = datetime(2025, 11, day, hour, tzinfo=UTC)
    return Window(start, start + timedelta(hours=hours), mean)


def test_a_window_says_day_hours_price_and_saving():
    assert _rows(_window(21, 12, 3)) == ["3 h tomorrow, 13:00\u201316:00 0.100 50 %"]


def test_a_window_across_midnight_names_both_days():
    assert "today, 22:00 \u2013 tomorrow, 04:00" in _rows(_window(20, 21, 6))[0]


def test_a_window_that_ends_at_midnight_belongs_to_one_day():
    assert "today, 22:00\u201300:00" in _rows(_window(20, 21, 2))[0]


def test_a_dearer_window_is_shown_as_dearer():
    assert _rows(_window(20, 13, 1, 0.25))[0].endswith(" -25 %")


@pytest.mark.parametrize("mean", [None, 0.0])
def test_without_a_mean_ahead_no_saving_is_claimed(mean):
    assert "%" not in _rows(_window(20, 13, 1), mean=mean)[0]


@pytest.mark.parametrize("kind", ["published", "observed", "forecast", "simulated", "unavailable"])
def test_every_provenance_has_its_own_words_and_look(kind):
    badge = cards.provenance_badge(kind, "REE")
    assert kind in badge.className
    assert "REE" in words(badge)
    assert len(words(badge)) > len("REE")


def test_a_period_is_named_in_its_badge_not_only_coloured():
    for name, colour in PERIOD_COLOURS.items():
        badge = cards.period_badge(name)
        assert words(badge) == name
        assert badge.style["backgroundColor"] == colour


def test_a_source_that_was_never_asked_is_not_called_good():
    said = words(cards.source_card("AEMET", "unknown"))
    assert "not asked yet" in said
    assert "answers" not in said


def test_a_failing_source_says_why_and_since_when():
    said = words(cards.source_card("REE", "failing", age=timedelta(hours=3), error="It did not answer."))
    for part in ("does not answer", "3 hours ago", "It did not answer."):
        assert part in said


def test_a_running_job_shows_how_far_it_is():
    card = cards.job_progress(Run(), "Fetch prices")
    (bar,) = find(card, "Progress")
    assert (bar.value, bar.max, getattr(bar, "aria-label")) == ("42", "100", "Fetch prices")
    assert "Day 4 of 10" in words(card)


def test_a_waiting_job_claims_no_progress():
    (bar,) = find(cards.job_progress(replace(Run(), state="queued"), "x"), "Progress")
    assert getattr(bar, "value", None) is None


def test_a_failed_job_says_why_in_words_and_shows_no_bar():
    error = {"code": "source-down", "message": "{source} does not answer.", "fields": {"source": "ree"}}
    card = cards.job_progress(replace(Run(), state="failed", error=error), "Fetch prices")
    assert find(card, "Progress") == []
    assert "failed" in words(card)
    assert "REE does not answer." in words(card)
    assert "Day 4" not in words(card)


def test_a_finished_job_shows_what_it_came_to():
    assert "24 new rows" in words(cards.job_progress(replace(Run(), state="succeeded"), "x", "24 new rows"))


def test_an_empty_state_says_what_why_and_what_next():
    assert words(cards.empty_state("No prices", "Nothing was fetched.", "Fetch them.")).endswith(
        "Nothing was fetched.   Fetch them."
    )


def test_a_skeleton_tells_screen_readers_that_it_waits():
    waiting = cards.skeleton("Prices are being read", 80)
    assert getattr(waiting, "aria-busy") == "true"
    assert words(waiting) == "Prices are being read"
