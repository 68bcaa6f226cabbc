"""The command that scores hours as scripts meet it, on stand-ins for what it reads."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.services.scoring import Recommendations
from tests.plant_kit import default_plant
from tests.score_kit import FakeOutside
from tests.served_kit import FakeForecasts

CLOCK = StoppedClock(datetime(2025, 3, 12, 9, 30, tzinfo=UTC))


@pytest.fixture
def outside():
    return FakeOutside()


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch, outside):
    build = bootstrap.build
    made = Recommendations(FakeForecasts(CLOCK), outside, default_plant(), CLOCK)
    monkeypatch.setattr(bootstrap, "build", lambda settings: replace(build(settings), recommendations=made))


def test_one_hour_is_told_with_its_reasons(choco):
    told = choco("score", "--price", 0.12, "--temperature", 24, "--humidity", 50).stdout
    assert "optimal, 83.2 of 100 points" in told
    assert "The price of 0.1200 €/kWh costs 17 of 60 points." in told
    told = json.loads(choco("score", "--price", 0.3, "--temperature", 41, "--humidity", 50, "--json").stdout)
    assert (told["class"], told["room_temperature_c"]) == ("halt", 27)
    assert "finishing must not run" in told["reasons"][0]
    assert "plant.toml" in told["rule"]


def test_the_coming_hours_are_a_table(choco):
    told = choco("score", "--hours", 30).stdout
    hours = [line for line in told.splitlines() if "+0100" in line]
    assert len(hours) == 30
    assert [word for word in hours[0].split() if word not in "│|"][:7] == [
        *("2025-03-12", "10:00", "+0100", "optimal", "88", "0.1000", "published"),
    ]
    assert len([line for line in choco("score").stdout.splitlines() if "+0100" in line]) == 24


def test_an_hour_without_weather_is_unknown_and_the_exit_code_says_so(choco, outside):
    outside.lacking = (1,)
    told = json.loads(choco("score", "--hours", 3, "--json", expect=3).stdout)["recommendations"]
    assert [hour["score"] for hour in told] == [88.0, None, 83.2]
    assert "unknown" in choco("score", "--hours", 3, expect=3).stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--price", 0.1),
        ("--price", 0.1, "--humidity", 50),
        ("--price", 11, "--temperature", 20, "--humidity", 50),
        ("--price", "nan", "--temperature", 20, "--humidity", 50),
        ("--price", "inf", "--temperature", 20, "--humidity", 50),
        ("--price", 0.1, "--temperature", 61, "--humidity", 50),
        ("--price", 0.1, "--temperature", 20, "--humidity", 101),
        ("--hours", 0),
    ],
)
def test_what_cannot_be_scored_is_a_wrong_use(choco, options):
    assert choco("score", *options, expect=2).stdout == ""
