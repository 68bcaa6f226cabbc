from dataclasses import replace
from datetime import date, timedelta

import pytest

from chocofactory.api.forecast_schemas import ModelDetails, ModelsAnswer, ValidationAnswer
from chocofactory.core.errors import StoreReadOnly
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.history import History
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.predictions import predictions
from chocofactory.forecasting.scores import report
from chocofactory.services.accuracy import Alarm, Drift
from chocofactory.services.jobs import JobKind, Outcome
from tests.forecast_kit import Level, made_up_prices
from tests.served_kit import DAMAGED, NEW, OLD, FakeModels, a_version, with_fakes

TRAIN = "train_models"
UNKNOWN = "20200101T000000Z-ffffff"


@pytest.fixture
def factory(factory):
    """Three versions, the middle one serves; training takes no time."""

    def work(params, tell):
        tell(50, "Fitting {model}", model="lear")
        return Outcome({"version": NEW, "promoted": True})

    factory.jobs.register([JobKind(TRAIN, work)])
    return with_fakes(factory, models=FakeModels.with_three())


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_versions_are_told_newest_first_with_the_one_that_serves(client, prefix):
    body = client.get(f"{prefix}/models").get_json()
    ModelsAnswer.model_validate(body)
    assert [(each["name"], each["serving"], each["damage"] is not None) for each in body["models"]] == [
        (DAMAGED, False, True),
        (NEW, True, False),
        (OLD, False, False),
    ]
    assert (body["total_records"], body["reason"]) == (3, None)
    assert body["serving"] == {
        "model": "ensemble",
        "version": NEW,
        "since": "2025-03-10T04:00:00+01:00",
        "reasons": ["ensemble serves: it proved better than last week's prices."],
    }
    assert body["promotions"] == [
        {"at": "2025-03-10T04:00:00+01:00", "version": NEW, "requested_by": "scheduler", "reason": "It was chosen."}
    ]
    version = body["models"][1]
    assert (version["created_at"], version["first_day"], version["last_day"]) == (
        *("2025-03-08T04:00:00+01:00", "2021-06-01", "2025-01-30"),
    )
    assert (version["hours"], version["members"], version["duration_s"]) == (32000, ["naive", "lear"], 61.25)
    assert (version["promoted"], version["verdict"]) == (True, "ensemble is better.")
    assert {(score["model"], score["group"]) for score in version["proof"]["scores"]} == {
        ("ensemble", "all"),
        ("naive", "all"),
    }
    score = version["proof"]["scores"][0]
    assert (score["mae_eur_kwh"], score["relative_mae"], score["coverage_90_pct"]) == (0.018, 0.75, 90.34)
    assert (body["models"][0]["first_day"], body["models"][0]["proof"]) == (None, None)


def test_without_a_version_the_naive_model_serves_and_the_answer_says_how_to_train(client, factory):
    factory.models.kept, factory.models.serves, factory.models.changes = {}, None, []
    body = client.get("/models").get_json()
    ModelsAnswer.model_validate(body)
    assert (body["models"], body["total_records"], body["promotions"]) == ([], 0, [])
    assert (body["serving"]["model"], body["serving"]["version"], body["serving"]["since"]) == ("naive", None, None)
    assert body["serving"]["reasons"]
    assert "/models/train" in body["reason"]
    body = client.get("/models/validate").get_json()
    ValidationAnswer.model_validate(body)
    assert (body["files_ok"], body["files"], body["better_than_naive"], body["significant"], body["proof"]) == (
        *(None, []),
        *(None, None, None),
    )


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_one_version_is_told_with_all_of_its_proof(client, prefix):
    body = client.get(f"{prefix}/models/{NEW}").get_json()
    ModelDetails.model_validate(body)
    assert (body["parameters"], body["libraries"]) == ({"lear": {"windows": [56, 728]}}, {"lightgbm": "4.6.0"})
    assert [(score["group"], score["key"]) for score in body["proof"]["scores"] if score["model"] == "naive"] == [
        ("all", "all"),
        ("lead_day", 1),
        ("lead_day", 2),
    ]
    assert client.get(f"{prefix}/models/{UNKNOWN}").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/models/train", "/models/train"])
@pytest.mark.parametrize("send", [{}, {"json": {}}])
def test_training_is_started_and_can_be_watched(client, factory, path, send):
    answer = client.post(path, **send)
    assert answer.status_code == 202
    run = answer.get_json()
    assert (run["kind"], run["requested_by"], run["params"]) == (TRAIN, "api", {})
    assert answer.headers["Location"] == f"/api/v1/jobs/runs/{run['id']}"
    factory.jobs._threads.shutdown(wait=True)
    watched = client.get(answer.headers["Location"]).get_json()
    assert (watched["state"], watched["message"]) == ("succeeded", "Fitting lear")
    assert watched["result"]["version"] == NEW


def test_training_twice_at_the_same_time_is_a_409_that_names_the_first(client, factory):
    busy = factory.jobs._create(TRAIN, {}, "scheduler")
    answer = client.post("/models/train")
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert busy.id in answer.get_json()["detail"]
    assert answer.get_json()["type"] == "urn:chocofactory:problem:job-busy"


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_a_version_can_be_deleted_unless_it_serves(client, factory, prefix):
    answer = client.delete(f"{prefix}/models/{OLD}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert set(factory.models.kept) == {NEW, DAMAGED}
    for name, status in ((OLD, 404), (NEW, 409), (UNKNOWN, 404), ("nope", 404), ("..%2F..%2Fstate.db", 404)):
        answer = client.delete(f"{prefix}/models/{name}")
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
        assert answer.get_json()["detail"]
    assert set(factory.models.kept) == {NEW, DAMAGED}


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/models", "POST", ["GET", "HEAD", "OPTIONS"]),
        ("/models", "DELETE", ["GET", "HEAD", "OPTIONS"]),
        ("/models/train", "GET", ["OPTIONS", "POST"]),
        ("/models/train", "DELETE", ["OPTIONS", "POST"]),
        ("/models/validate", "DELETE", ["GET", "HEAD", "OPTIONS"]),
        ("/models/validate", "POST", ["GET", "HEAD", "OPTIONS"]),
        (f"/models/{NEW}", "POST", ["DELETE", "GET", "HEAD", "OPTIONS"]),
        ("/insights/ree-deviation", "POST", ["GET", "HEAD", "OPTIONS"]),
    ],
)
def test_other_methods_are_405_with_the_allowed_ones(client, prefix, path, method, allowed):
    answer = client.open(prefix + path, method=method)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert sorted(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["/models/", "/models/x", "/models/train/x", "/models/validate/x", "/insights/x"])
def test_unknown_paths_below_are_404(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_validation_tells_of_files_of_the_proof_and_of_drift(client, prefix):
    body = client.get(f"{prefix}/models/validate").get_json()
    ValidationAnswer.model_validate(body)
    assert body["files_ok"] is False
    assert [(file["name"], file["ok"]) for file in body["files"]] == [(DAMAGED, False), (NEW, True), (OLD, True)]
    assert [file["message"] for file in body["files"]] == ["roll.npz is another file.", None, None]
    assert (body["better_than_naive"], body["significant"]) == (True, True)
    assert body["proof"]["comparisons"][0]["difference_eur_kwh"] == pytest.approx(-0.006)
    assert {score["group"] for score in body["proof"]["scores"]} == {"all"}
    assert body["drift"] == {
        "drifting": None,
        "mae_14d_eur_kwh": None,
        "usual_mae_eur_kwh": None,
        "coverage_14d_pct": None,
        "alarms": [],
    }


def test_a_serving_version_that_is_worse_or_not_surely_better_is_called_so(client, factory):
    del factory.models.kept[DAMAGED]
    factory.models.kept[NEW] = a_version(NEW, good=False)
    body = client.get("/models/validate").get_json()
    assert (body["files_ok"], body["better_than_naive"], body["significant"]) == (True, False, True)
    version = a_version(NEW)
    version.report["comparisons"][0]["high"] = 0.001
    factory.models.kept[NEW] = version
    body = client.get("/models/validate").get_json()
    assert (body["better_than_naive"], body["significant"]) == (True, False)


def test_of_too_few_forecasts_nothing_is_called_significant(client, factory):
    version = a_version(NEW)
    (comparison,) = version.report["comparisons"]
    comparison |= {name: None for name in comparison if name not in {"model", "versus"}}
    factory.models.kept[NEW] = version
    body = client.get("/models/validate").get_json()
    ValidationAnswer.model_validate(body)
    assert (body["better_than_naive"], body["significant"]) == (True, None)
    ModelDetails.model_validate(client.get(f"/models/{NEW}").get_json())


@pytest.mark.parametrize("days", [5, 40])
def test_a_proof_is_told_as_it_was_made(client, factory, days):
    """With a report as training makes it, of a few origins and of many."""
    prices = made_up_prices(last=date(2024, 5, 10))
    last = date(2024, 5, 2)
    rolled = roll({"naive": Naive, "level": Level}, History.of(prices, None, date(2024, 5, 11)), date(2024, 2, 1), last)
    made = report(predictions(rolled, prices, last - timedelta(days=days - 1)), 7)
    factory.models.kept[NEW] = replace(a_version(NEW), report=made)
    proof = ModelDetails.model_validate(client.get(f"/models/{NEW}").get_json()).proof
    assert (proof.first_day, proof.last_day, proof.origins) == (last - timedelta(days=days - 1), last, days)
    assert [(score.model, score.group, score.key, score.hours, score.mae_eur_kwh) for score in proof.scores] == [
        (row["model"], row["group"], row["key"], row["n"], pytest.approx(row["mae"], abs=1e-8))
        for row in made["scores"]
    ]
    assert [each.model_dump() for each in proof.comparisons] == made["comparisons"]
    checked = ValidationAnswer.model_validate(client.get("/models/validate").get_json())
    assert {score.group for score in checked.proof.scores} == {"all"}
    (row,) = (row for row in made["scores"] if (row["model"], row["group"]) == ("ensemble", "all"))
    assert checked.better_than_naive is (row["rmae"] < 1)
    assert (checked.significant is None) is (made["comparisons"][0]["low"] is None)


def test_alarms_are_told_in_words(client, factory, monkeypatch):
    alarm = Alarm("drift-mae", FakeModels.with_three().serving().reasons[0])
    realised = replace(factory.accuracy.realised(), drift=Drift(0.05, 0.02, 0.7, enough=True), alarms=(alarm,))
    monkeypatch.setattr(type(factory.accuracy), "realised", lambda *_: realised)
    assert client.get("/models/validate").get_json()["drift"] == {
        "drifting": True,
        "mae_14d_eur_kwh": 0.05,
        "usual_mae_eur_kwh": 0.02,
        "coverage_14d_pct": 70,
        "alarms": [{"code": "drift-mae", "message": str(alarm.message)}],
    }


def test_a_folder_that_cannot_be_read_is_a_503(client, factory, monkeypatch):
    def unreadable(*_):
        raise StoreReadOnly("{path} cannot be opened for writing: {reason}.", path="models", reason="denied")

    for name in ("versions", "show", "delete", "validate"):
        monkeypatch.setattr(factory.models, name, unreadable)
    for answer in (
        client.get("/models"),
        client.get("/models/validate"),
        client.get(f"/models/{NEW}"),
        client.delete(f"/models/{OLD}"),
    ):
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json")


def test_openapi_tells_of_every_path_and_its_errors(client):
    paths = client.get("/api/docs/openapi.json").get_json()["paths"]
    assert {"202", "409", "503"} <= set(paths["/api/v1/models/train"]["post"]["responses"])
    assert {"204", "404", "409", "503"} <= set(paths["/api/v1/models/{name}"]["delete"]["responses"])
    assert {"/api/v1/models", "/api/v1/models/validate", "/api/v1/insights/ree-deviation"} <= set(paths)
