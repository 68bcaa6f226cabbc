import pytest

from chocofactory.services.jobs import JobKind, Outcome


@pytest.fixture(params=["", "/api/v1"])
def prefix(request):
    return request.param


@pytest.fixture
def done(factory):
    found = []
    factory.jobs.register([JobKind("ingest_prices", lambda params, report: found.append(dict(params)) or Outcome({}))])
    return found


def tasks(client, prefix=""):
    return {task["name"]: task for task in client.get(f"{prefix}/scheduler/jobs").get_json()["jobs"]}


def test_every_task_is_told_with_its_cadence_and_what_came_of_it(client, factory, prefix, done):
    before = client.get(f"{prefix}/scheduler/jobs").get_json()
    assert (before["running"], before["looked_at"], before["total_jobs"]) == (False, None, len(factory.schedule.tasks))
    assert {task["last_run"] for task in before["jobs"]} == {None}
    factory.schedule.look_around("plant:7", wait=True)
    after = client.get(f"{prefix}/scheduler/jobs").get_json()
    assert (after["running"], after["process"]) == (True, "plant:7")
    task = tasks(client, prefix)["prices_today"]
    assert (task["kind"], task["cadence"], task["outcome"]) == ("ingest_prices", "*/10 * * * *", "started")
    assert task["next_at"] == "2025-03-12T09:40:00Z"
    assert (task["last_run"]["state"], task["last_run"]["requested_by"]) == ("succeeded", "scheduler")
    assert task["last_success_at"] == task["last_run"]["finished_at"]


def test_a_task_rests_and_goes_on(client, factory, prefix):
    body = client.post(f"{prefix}/scheduler/pause", json={"task": "prices_today"}).get_json()
    assert {task["name"] for task in body["jobs"] if task["paused_at"]} == {"prices_today"}
    task = tasks(client, prefix)["prices_today"]
    assert (task["paused_by"], task["next_at"]) == ("api", None)
    client.post(f"{prefix}/scheduler/resume", json={"task": "prices_today"})
    assert tasks(client, prefix)["prices_today"]["next_at"] is not None


def test_all_of_it_rests_and_goes_on(client, factory, prefix):
    assert client.post(f"{prefix}/scheduler/pause", json={}).get_json()["paused_by"] == "api"
    assert factory.schedule.look_around(wait=True) == []
    assert client.post(f"{prefix}/scheduler/resume", json={}).get_json()["paused_at"] is None


@pytest.mark.parametrize("path", ["pause", "resume"])
def test_what_is_no_task_is_not_paused_nor_resumed(client, path):
    assert client.post(f"/scheduler/{path}", json={"task": "nothing"}).status_code == 404
    assert client.post(f"/scheduler/{path}", json={"tsk": "weather"}).status_code == 422


def test_a_task_runs_now_and_its_run_has_an_address(client, factory, prefix, done):
    answer = client.post(f"{prefix}/scheduler/jobs/prices_today/run")
    assert answer.status_code == 202
    factory.jobs._threads.shutdown(wait=True)
    assert client.get(answer.headers["Location"]).get_json()["state"] == "succeeded"
    assert done
    assert client.post(f"{prefix}/scheduler/jobs/nothing/run").status_code == 404


def test_a_second_run_of_its_kind_is_a_conflict(client, factory, done):
    factory.jobs._create("ingest_prices", {}, "somebody")
    assert client.post("/scheduler/jobs/prices_today/run").status_code == 409


def test_runs_are_listed_newest_first_by_kind_and_state(client, factory, prefix):
    def fail(params, report):
        raise ZeroDivisionError

    factory.jobs.register([JobKind("well", lambda params, report: Outcome({})), JobKind("ill", fail)])
    made = [factory.jobs.run(kind, {}, "test").id for kind in ("well", "ill", "well")]
    body = client.get(f"{prefix}/jobs/runs").get_json()
    assert ([run["id"] for run in body["runs"]], body["total_records"]) == (made[::-1], 3)
    assert [run["id"] for run in client.get(f"{prefix}/jobs/runs?kind=ill").get_json()["runs"]] == [made[1]]
    assert [run["id"] for run in client.get(f"{prefix}/jobs/runs?state=succeeded&limit=1").get_json()["runs"]] == [
        made[2]
    ]
    for wrong in ("limit=0", "limit=501", "state=lost", "of=me"):
        assert client.get(f"{prefix}/jobs/runs?{wrong}").status_code == 422
