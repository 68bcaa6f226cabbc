"""Production plans over REST, wired as in production, on simulated prices."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chocofactory.api import optimize
from chocofactory.api.optimize_schemas import (
    CheckAnswer,
    PlanAnswer,
    PlansAnswer,
    QuartersAnswer,
    ReasonsAnswer,
)
from chocofactory.domain.measurements import PVPC
from chocofactory.services.planning import KIND
from tests.plans_kit import NOW, at_work, events
from tests.rest_kit import client_of

PLANS = "/api/v1/optimize/production"
DAY = {"date": "2025-03-28", "days": 1}
START, END = "2025-03-28T08:00:00+01:00", "2025-03-28T12:00:00+01:00"


@pytest.fixture(scope="module")
def factory(tmp_path_factory):
    built = at_work(tmp_path_factory.mktemp("plans"))
    yield built
    built.close()


@pytest.fixture(scope="module")
def client(factory):
    return client_of(factory)


@pytest.fixture(scope="module")
def made(client):
    """A plan of tomorrow, as it was answered, with its address."""
    answer = client.post(PLANS, json=DAY)
    assert answer.status_code == 201
    return answer.get_json() | {"address": answer.headers["Location"]}


@pytest.fixture
def own(tmp_path):
    """A client of an installation in which nothing else is planned."""
    built = at_work(tmp_path)
    yield client_of(built)
    built.close()


def problem(answer, status):
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.get_data()
    assert answer.get_json()["detail"]
    return answer.get_json()


def stages(plan):
    return [
        (batch, block, stage) for batch in plan["batches"] for block in batch["blocks"] for stage in block["processes"]
    ]


def test_a_day_is_planned_at_once_and_stays_at_its_address(client, made):
    PlanAnswer.model_validate(made)
    assert made["address"] == f"{PLANS}/{made['plan_id']}"
    assert (made["status"], made["requested_by"], made["violations"]) == ("optimal", "api", [])
    assert (made["start"], made["end"]) == ("2025-03-28T00:00:00+01:00", "2025-03-29T00:00:00+01:00")
    cost = sum(stage["cost_eur"] for _, _, stage in stages(made))
    assert made["total_cost_eur"] == pytest.approx(cost, abs=0.01)
    finished = {(row["product"], row["target"], row["finished"] + row["short"]) for row in made["targets"]}
    assert finished == {("standard", 4, 4), ("premium", 1, 1)}
    for path in (made["address"], made["address"].removeprefix("/api/v1")):
        again = client.get(path)
        assert again.status_code == 200
        assert again.get_json() | {"address": made["address"]} == made
        assert client.get(path).get_data() == again.get_data()


def test_the_newest_plan_is_the_latest_and_heads_the_list(client):
    newest = client.post(
        "/optimize/production", json=DAY | {"targets": {"2025-03-28": {"standard": 1, "premium": 0}}}
    ).get_json()
    assert newest["total_batches"] == 1
    assert client.get(f"{PLANS}/latest").get_json() == newest
    listed = client.get(f"{PLANS}?limit=1").get_json()
    PlansAnswer.model_validate(listed)
    assert [plan["plan_id"] for plan in listed["plans"]] == [newest["plan_id"]]
    assert listed["plans"][0]["trial"] is False
    assert listed["plans"][0]["cost_eur"] == pytest.approx(newest["total_cost_eur"], abs=1e-3)
    assert client.get("/optimize/production").get_json()["plans"][0] == listed["plans"][0]


def test_several_days_are_answered_with_the_run_that_plans_them(tmp_path):
    factory = at_work(tmp_path)
    client = client_of(factory)
    targets = {"2025-03-28": {"standard": 1, "premium": 0}, "2025-03-29": {"standard": 1, "premium": 0}}
    answer = client.post(PLANS, json={"date": "2025-03-28", "days": 2, "targets": targets, "slot_minutes": 30})
    assert answer.status_code == 202
    factory.jobs._threads.shutdown(wait=True)
    run = client.get(answer.headers["Location"]).get_json()
    assert (run["kind"], run["state"], run["requested_by"]) == (KIND, "succeeded", "api")
    plan = client.get(f"{PLANS}/{run['result']['plan_id']}").get_json()
    assert (plan["days"], plan["slot_minutes"], plan["total_batches"]) == (2, 30, 2)
    factory.close()


def test_who_does_not_wait_is_told_where_to_watch(tmp_path, monkeypatch):
    monkeypatch.setattr(optimize, "PATIENCE_S", 0.0)
    factory = at_work(tmp_path)
    client = client_of(factory)
    answer = client.post(f"{PLANS}/daily?target_kg=50")
    assert answer.status_code == 202
    factory.jobs._threads.shutdown(wait=True)
    assert client.get(answer.headers["Location"]).get_json()["state"] == "succeeded"
    factory.close()


def test_before_the_first_price_and_plan_there_is_nothing(tmp_path):
    factory = at_work(tmp_path, prices=False)
    client = client_of(factory)
    for path in ("latest", "p-20250327T0930-0000", "p-20250327T0930-0000/quarters", "p-20250327T0930-0000/check"):
        problem(client.get(f"{PLANS}/{path}"), 404)
    problem(client.get(f"{PLANS}/p-20250327T0930-0000/batches/S28-1/reasons"), 404)
    assert client.get(PLANS).get_json() == {"plans": [], "total_records": 0}
    problem(client.post(PLANS, json=DAY), 404)
    problem(client.post(f"{PLANS}/daily"), 404)
    problem(client.get("/insights/optimal-windows"), 404)
    assert client.get(PLANS).get_json()["plans"] == []
    factory.close()


def test_a_batch_is_told_lost_by_its_name(tmp_path):
    factory = at_work(tmp_path)
    client = client_of(factory)
    first = client.post(PLANS, json=DAY).get_json()
    blocks = next(batch for batch in first["batches"] if batch["batch_id"] == "S28-1")["blocks"]
    factory.clock.at = datetime.fromisoformat(blocks[1]["start"]) + timedelta(minutes=5)
    lost = client.post(PLANS, json=DAY | {"lost": ["S28-1"]})
    assert lost.status_code == 201
    told = lost.get_json()
    PlanAnswer.model_validate(told)
    assert told["inputs"]["lost"] == ["S28-1"]
    assert "S28-1" not in {*told["inputs"]["running"], *(batch["batch_id"] for batch in told["batches"])}
    again = problem(client.post(PLANS, json=DAY | {"lost": ["S28-1"]}), 422)
    assert again["detail"] == "The plan in force has no batch S28-1 that could be lost."
    factory.close()


def test_openapi_shows_how_a_batch_is_told_lost_and_which_plans_are_trials(client):
    schemas = client.get("/api/docs/openapi.json").get_json()["components"]["schemas"]
    assert schemas["PlanBody"]["properties"]["lost"]["example"] == ["S25-4"]
    assert schemas["PlanInShort"]["properties"]["trial"]["type"] == "boolean"


def test_a_second_plan_at_the_same_time_is_refused(client, factory):
    busy = factory.jobs._create(KIND, {}, "scheduler")
    for answer in (client.post(PLANS, json=DAY), client.post(PLANS, json={}), client.post(f"{PLANS}/daily")):
        assert busy.id in problem(answer, 409)["detail"]
    factory.jobs._mine.discard(busy.id)
    factory.jobs.state.interrupt(busy.id, factory.clock.now())


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"day": "2025-03-28"},
        {"date": "28/03/2025"},
        {"date": "9999-12-31"},
        {"date": "0001-01-01"},
        {"days": 0},
        {"days": 8},
        {"days": "1"},
        {"days": True},
        {"slot_minutes": 20},
        {"time_limit_s": 0},
        {"time_limit_s": 121},
        {"targets": {"2025-03-28": {"standard": -1}}},
        {"targets": {"2025-03-28": {"standard": 1.5}}},
        {"targets": {"2025-03-28": {"standard": 10**9}}},
        {"targets": {"2025-03-28": {"bonbon": 1}}},
        {"targets": {"2025-03-29": {"standard": 1}}},
        {"targets": {"tomorrow": {"standard": 1}}},
        {"stock": {"bonbon": 1}},
        {"stock": {"standard": 5000}},
        {"locks": ["S99-1"]},
        {"locks": ["../etc"]},
        {"lost": ["S99-1"]},
        {"lost": ["../etc"]},
        {"lost": "S28-1"},
        {"lost": ["A"], "running": [{"name": "A", "product": "standard", "starts": [START]}]},
        {"running": [{"name": "A", "product": "bonbon", "starts": [START]}]},
        {"running": [{"name": "A", "product": "standard", "starts": []}]},
        {"running": [{"name": "A", "product": "standard", "starts": [START] * 4}]},
        {"running": [{"name": "=1+1", "product": "standard", "starts": [START]}]},
        {"running": [{"name": "A", "product": "standard", "starts": ["2025-03-28T08:00:00"]}]},
        {"running": [{"name": "A", "product": "standard", "starts": [END, START]}]},
        {"running": [{"name": "A", "product": "standard", "starts": ["2025-03-28T08:00:30+01:00"]}]},
        {"running": [{"name": "A", "product": "standard", "starts": ["2025-03-29T00:00:00+01:00"]}]},
        {"running": [{"name": "A", "product": "standard", "starts": [START]}] * 2},
        {"outages": [{"machine": "drill", "start": START, "end": END}]},
        {"outages": [{"machine": "conche", "start": END, "end": START}]},
        {"outages": [{"machine": "conche", "units": 0, "start": START, "end": END}]},
        {"closed": [{"start": START, "end": START}]},
        {"closed": [{"start": START}]},
        {"closed": [{"start": 1743145200, "end": 1743149200}]},
    ],
)
def test_a_body_that_cannot_be_planned_is_a_422_that_says_why(client, body):
    problem(client.post(PLANS, json=DAY | body if isinstance(body, dict) else body), 422)


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["date", "slot_minutes", "targets", "stock", "running", "locks", "lost", "outages", "closed", "x"]
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_NAMES, _JUNK, min_size=1, max_size=3))
def test_no_body_whatever_is_an_unexpected_error(own, body):
    answer = own.post(PLANS, json={"days": 1, "time_limit_s": 5} | body)
    assert answer.status_code in (201, 422), answer.get_data()


def test_stock_outages_closed_hours_running_and_locked_batches_count(own):
    one = {"2025-03-28": {"standard": 1, "premium": 0}}
    outage = [{"machine": "mixer", "start": "2025-03-28T00:00:00+01:00", "end": "2025-03-28T12:00:00+01:00"}]
    plan = own.post(PLANS, json=DAY | {"targets": one, "outages": outage}).get_json()
    assert plan["batches"][0]["start"] >= "2025-03-28T12:00:00+01:00"
    plan = own.post(PLANS, json=DAY | {"targets": one}).get_json()  # it is broken still
    assert plan["batches"][0]["start"] >= "2025-03-28T12:00:00+01:00"
    closed = [{"start": "2025-03-28T00:00:00+01:00", "end": "2025-03-29T00:00:00+01:00"}]
    plan = own.post(PLANS, json=DAY | {"targets": one, "closed": closed, "outages": []}).get_json()
    assert (plan["batches"], [short["batches"] for short in plan["shortfalls"]]) == ([], [1])
    sound = {"outages": [], "closed": []}
    running = [{"name": "A 7", "product": "standard", "starts": ["2025-03-28T06:00:00+01:00"]}]
    plan = own.post(PLANS, json=DAY | sound | {"targets": one, "running": running}).get_json()
    assert [(batch["batch_id"], batch["blocks"][0]["planned"]) for batch in plan["batches"]] == [("A 7", False)]
    assert plan["batches"][0]["start"] == "2025-03-28T06:00:00+01:00"
    locked = own.post(PLANS, json=DAY | {"locks": ["A 7"]}).get_json()
    assert {batch["batch_id"]: batch["blocks"] for batch in locked["batches"]}["A 7"][1]["planned"] is False
    plan = own.post(PLANS, json=DAY | {"targets": one, "stock": {"standard": 1}, "running": []}).get_json()
    assert (plan["batches"], plan["shortfalls"]) == ([], [])
    again = own.post(PLANS, json=DAY | {"targets": one}).get_json()
    assert (again["batches"], again["inputs"]["stock"]["standard"]) == ([], 1)


def test_running_batches_that_break_limits_are_a_plan_with_its_conflicts(own):
    sound = own.post(PLANS, json=DAY | {"targets": {"2025-03-28": {"standard": 1, "premium": 0}}}).get_json()
    starts = ["2025-03-27T20:00:00+01:00", "2025-03-27T20:30:00+01:00"]
    body = DAY | {"running": [{"name": "A", "product": "standard", "starts": starts}]}
    answer = own.post(PLANS, json=body)
    plan = answer.get_json()
    assert (answer.status_code, plan["status"]) == (201, "infeasible")
    assert any("nobody is there" in each["detail"] for each in plan["conflicts"])
    assert own.get(f"{answer.headers['Location']}/check").get_json()["clean"] is False
    assert own.get(f"{PLANS}/latest").get_json()["plan_id"] == sound["plan_id"]


def test_each_part_of_a_plan_has_an_address(client, made):
    at = made["address"]
    quarters = client.get(f"{at}/quarters").get_json()
    QuartersAnswer.model_validate(quarters)
    assert quarters["total_records"] == len(quarters["quarters"]) == 96
    drawn = sum(row["power_kw"] for row in quarters["quarters"]) / 4
    assert drawn == pytest.approx(made["total_energy_kwh"] + made["auxiliary_energy_kwh"], abs=0.05)
    for batch in made["batches"]:
        told = client.get(f"{at}/batches/{batch['batch_id']}/reasons").get_json()
        ReasonsAnswer.model_validate(told)
        assert (told["batch_id"], told["start"]) == (batch["batch_id"], batch["start"])
        assert told["cost_eur"] == pytest.approx(batch["total_cost_eur"], abs=1e-3)
    problem(client.get(f"{at}/batches/S99-9/reasons"), 404)
    checked = client.get(f"{at}/check").get_json()
    CheckAnswer.model_validate(checked)
    assert checked == {"plan_id": made["plan_id"], "clean": True, "violations": []}


def test_the_csv_of_a_plan_holds_what_its_json_holds(client, made):
    answer = client.get(made["address"], headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert "plan" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    told = [
        (
            *(batch["batch_id"], batch["quality_type"], block["block"], str(block["unit"]), stage["name"]),
            *(stage["machine"], stage["start"], stage["end"], stage["energy_kwh"], stage["cost_eur"]),
        )
        for batch, block, stage in stages(made)
    ]
    names = ("batch", "product", "block", "unit", "stage", "machine", "start", "end")
    read = [(*(row[name] for name in names), float(row["energy_kwh"]), float(row["cost_eur"])) for row in rows]
    assert len(rows) == 5 * made["total_batches"]
    assert sorted(read) == sorted(told)
    assert [row["start_utc"] for row in rows] == sorted(row["start_utc"] for row in rows)


def test_a_plan_of_nothing_is_a_csv_of_its_columns_and_an_empty_calendar(client):
    answer = client.post(f"{PLANS}/daily?target_kg=0")
    assert answer.get_json()["optimization"]["recommendations"] == ["Nothing is planned."]
    at = answer.headers["Location"]
    text = client.get(at, headers={"Accept": "text/csv"}).get_data(as_text=True)
    assert (text.count("\n"), text.split(",")[0]) == (1, "batch")
    assert events(client.get(at, headers={"Accept": "text/calendar"}).get_data()) == []


def auxiliaries(hour):
    """What the default plant's auxiliaries draw in an hour of the day [kW]."""
    return 13 + 2 * (6 <= hour < 22) + 3 * (6 <= hour < 14)


def test_what_a_plan_came_to_is_told_once_all_real_prices_are_out(tmp_path):
    factory = at_work(tmp_path)
    client = client_of(factory)
    at = client.post(PLANS, json=DAY | {"targets": {"2025-03-28": {"standard": 2}}}).headers["Location"]
    assert client.get(at).get_json()["realised"] is None
    factory.clock.at = (NOW + timedelta(days=2)).astimezone(UTC)
    factory.ingestion.ingest(PVPC, NOW.date(), NOW.date() + timedelta(days=2))
    told = client.get(at).get_json()
    PlanAnswer.model_validate(told)
    prices = {
        row["timestamp"]: row["price_eur_kwh"]
        for row in client.get("/ree/prices?start_date=2025-03-28").get_json()["prices"]
    }
    rows = client.get(f"{at}/quarters").get_json()["quarters"]
    spent = sum(
        (row["power_kw"] - 13 - 2 * (6 <= hour < 22) - 3 * (6 <= hour < 14))
        / 4
        * prices[f"{row['timestamp'][:14]}00:00+01:00"]
        for row in rows
        for hour in [int(row["timestamp"][11:13])]
    )
    assert told["realised"]["savings"]["plan_cost_eur"] == pytest.approx(spent, abs=0.01)
    assert told["realised"]["perfect_cost_eur"] <= spent + 0.06
    factory.close()


@pytest.mark.parametrize("path", ["/latest", "/summary", "/daily"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_wrong_methods_are_405(client, path, method):
    problem(client.open(f"{PLANS}{path}", method=method), 405)


def test_openapi_tells_of_every_path_its_errors_and_units(client):
    document = client.get("/api/docs/openapi.json").get_json()
    paths = {path: answers for path, answers in document["paths"].items() if "/optimize" in path}
    assert {path.removeprefix(PLANS) for path in paths} == {
        *("", "/daily", "/latest", "/summary", "/{plan_id}", "/{plan_id}/quarters", "/{plan_id}/check"),
        "/{plan_id}/batches/{name}/reasons",
    }
    for path in ("", "/daily"):
        assert {"201", "202", "404", "409", "422", "503"} <= set(paths[f"{PLANS}{path}"]["post"]["responses"])
    body = document["components"]["schemas"]["PlanBody"]
    assert body["additionalProperties"] is False
    assert "Batches due" in body["properties"]["targets"]["description"]
