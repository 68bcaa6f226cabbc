"""Commands of forecasts and models as scripts meet them, on stand-ins for the services."""

import json
from datetime import UTC, datetime

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.core.errors import InvalidInput
from chocofactory.services.jobs import JobKind, Outcome
from tests.served_kit import DAMAGED, NEW, OLD, FakeForecasts, FakeModels, with_fakes

NOW = datetime(2025, 3, 12, 9, 30, tzinfo=UTC)
UNKNOWN = "20200101T000000Z-ffffff"


@pytest.fixture
def forecasts():
    return FakeForecasts(StoppedClock(NOW))


@pytest.fixture
def models():
    return FakeModels.with_three()


@pytest.fixture
def outcome():
    """What training comes to; a test changes it."""
    return {"version": NEW, "promoted": True, "reason": "It is better."}


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch, forecasts, models, outcome):
    build = bootstrap.build

    def work(params, report):
        report(50, "Fitting {model}", model="lear")
        if not outcome:
            raise InvalidInput("The history is too short.")
        return Outcome(outcome)

    def with_stand_ins(settings):
        factory = build(settings)
        factory.jobs.register([JobKind("train_models", work, heavy=True)])
        return with_fakes(factory, forecasts=forecasts, models=models)

    monkeypatch.setattr(bootstrap, "build", with_stand_ins)


def test_a_forecast_is_told_hour_by_hour(choco, forecasts):
    told = choco("forecast", "--horizon", 50).stdout
    assert f"ensemble {NEW} at 2025-03-12 10:30 +0100; forecast from 2025-03-14 00:00 +0100 on" in told
    assert "it proved better than last week's prices" in told
    hours = [line for line in told.splitlines() if "+0100" in line][1:]
    assert len(hours) == 50
    assert [word for word in hours[0].split() if word not in "│|"] == [
        "2025-03-12",
        "10:00",
        "+0100",
        "0.1000",
        "published",
        "P3",
    ]
    assert "0.1000 to 0.1200" in hours[-1]
    assert "0.0900 to 0.1400" in hours[-1]
    assert forecasts.asked == [(None, 50, None)]


def test_a_forecast_for_programs_is_what_rest_answers(choco, forecasts):
    told = json.loads(choco("forecast", "--at", "2025-03-11T08:00:00+01:00", "--model", "naive", "--json").stdout)
    assert forecasts.asked == [(datetime(2025, 3, 11, 7, tzinfo=UTC), 168, "naive")]
    assert (told["model"], told["total_records"], told["origin"]) == ("naive", 168, "2025-03-13T00:00:00+01:00")
    assert told["predictions"][0]["timestamp"] == "2025-03-11T08:00:00+01:00"
    assert told["predictions"][-1]["kind"] == "forecast"


def test_hours_that_are_missing_are_told_by_the_exit_code(choco, forecasts):
    forecasts.lacking = 3
    assert "3 of 24 hours are missing" in choco("forecast", "--horizon", 24, expect=3).stdout
    assert json.loads(choco("forecast", "--json", expect=3).stdout)["total_records"] == 165


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--at", "yesterday"), "yesterday is not a time"),
        (("--at", "2025-03-11T08:00:00"), "offset"),
        (("--at", "2025-03-13T08:00:00Z"), "future"),
        (("--at", "9999-12-31T23:59:59-23:00"), "2099-12-31"),
        (("--model", "oracle"), "oracle"),
    ],
)
def test_what_cannot_be_forecast_is_exit_2_with_one_sentence(choco, options, word):
    done = choco("forecast", *options, expect=2)
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_training_tells_what_it_came_to(choco, outcome):
    told = choco("train").stdout
    for word in (NEW, "yes", "0.0180", "0.75", "It is better."):
        assert word in told
    assert json.loads(choco("train", "--json").stdout)["result"] == outcome
    outcome |= {"version": OLD, "promoted": False}
    assert "no" in choco("train").stdout.split()


def test_training_that_fails_is_told_by_the_exit_code(choco, outcome):
    outcome.clear()
    assert "too short" in choco("train", expect=2).stderr
    assert json.loads(choco("train", "--json", expect=2).stdout)["state"] == "failed"


def test_versions_are_listed_with_the_one_that_serves(choco, models):
    told = choco("models", "list", expect=3).stdout
    assert f"ensemble {NEW} serves since 2025-03-10 04:00 +0100" in told
    lines = {name: line for line in told.splitlines() for name in (OLD, NEW, DAMAGED) if name in line and "│" in line}
    assert "yes" in lines[NEW]
    assert "yes" not in lines[OLD]
    assert "damaged" in lines[DAMAGED]
    assert "0.0180" in lines[OLD]
    del models.kept[DAMAGED]
    told = json.loads(choco("models", "list", "--json").stdout)
    assert [version["name"] for version in told["models"]] == [NEW, OLD]
    assert told["serving"]["version"] == NEW


def test_no_version_is_exit_3_and_says_what_makes_one(choco, models):
    models.kept, models.serves = {}, None
    told = choco("models", "list", expect=3).stdout
    assert "naive serves" in told
    assert "train makes one" in told
    assert json.loads(choco("models", "list", "--json", expect=3).stdout)["models"] == []


def test_a_version_is_shown_with_its_proof(choco):
    told = choco("models", "show", NEW).stdout
    for word in ("2021-06-01", "naive, lear", "lightgbm 4.6.0", "2024-12-01 to 2025-01-29", "day 2", "90.3", "-0.0060"):
        assert word in told
    told = json.loads(choco("models", "show", NEW, "--json").stdout)
    assert (told["name"], told["parameters"]) == (NEW, {"lear": {"windows": [56, 728]}})
    assert "damaged" in choco("models", "show", DAMAGED).stdout
    assert UNKNOWN in choco("models", "show", UNKNOWN, expect=3).stderr


def test_another_version_can_serve_and_the_one_before_again(choco, models):
    assert f"ensemble {OLD} serves" in choco("models", "promote", OLD).stdout
    assert models.changes[0].requested_by == "cli"
    assert json.loads(choco("models", "rollback", "--json").stdout)["version"] == NEW
    assert "damaged" in choco("models", "promote", DAMAGED, expect=6).stderr
    assert UNKNOWN in choco("models", "promote", UNKNOWN, expect=3).stderr
    models.changes.clear()
    assert "nothing to go back to" in choco("models", "rollback", expect=7).stderr


def test_versions_are_deleted_but_never_the_one_that_serves(choco, models):
    assert NEW in choco("models", "delete", NEW, expect=7).stderr
    assert UNKNOWN in choco("models", "delete", UNKNOWN, expect=3).stderr
    assert f"Deleted: {DAMAGED}" in choco("models", "delete", DAMAGED).stdout
    assert json.loads(choco("models", "prune", "--keep", 1, "--json").stdout) == {"deleted": [OLD]}
    assert "Nothing to delete" in choco("models", "prune").stdout
    assert list(models.kept) == [NEW]
    choco("models", "prune", "--keep", 0, expect=2)
