import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chocofactory.core.errors import InvalidInput, JobBusy, MalformedFile, NotFound, SourceDown, StoreFull
from chocofactory.services.jobs import JobKind, Outcome, describe, recall


@pytest.fixture
def jobs(factory):
    return factory.jobs


def add(jobs, work, name="count"):
    jobs.register([JobKind(name, work)])


def test_a_run_keeps_who_asked_what_and_what_came_of_it(jobs, clock):
    def work(params, report):
        report(50, "Half of {n}", n=params["n"])
        return Outcome({"sum": 3})

    seen = []
    add(jobs, work)
    run = jobs.run("count", {"n": 2}, "cli", lambda percent, message, **fields: seen.append((percent, fields)))
    assert (run.state, run.requested_by, run.params, run.result) == ("succeeded", "cli", {"n": 2}, {"sum": 3})
    assert (run.progress, run.created_at, run.finished_at) == (100, clock.now(), clock.now())
    assert seen == [(50, {"n": 2})]
    assert jobs.get(run.id) == run


def test_progress_can_be_watched_while_the_run_goes_on(jobs):
    reached, go_on = threading.Event(), threading.Event()

    def work(params, report):
        report(40, "At {place}", place="forty")
        reached.set()
        assert go_on.wait(10)
        return Outcome({})

    add(jobs, work)
    run = jobs.start("count", {}, "button")
    assert reached.wait(10)
    seen = jobs.get(run.id)
    assert (seen.state, seen.progress, seen.message.format(**seen.message_fields)) == ("running", 40, "At forty")
    go_on.set()
    jobs.close()
    assert jobs.state.run(run.id).state == "succeeded"


def test_two_runs_of_one_kind_never_overlap(jobs):
    go_on = threading.Event()
    add(jobs, lambda params, report: Outcome({"waited": go_on.wait(10)}))
    first = jobs.start("count", {}, "button")
    with pytest.raises(JobBusy) as caught:
        jobs.start("count", {}, "api")
    assert caught.value.run_id == first.id
    go_on.set()
    jobs.close()


def test_a_failure_is_kept_with_its_code_and_fields(jobs):
    def work(params, report):
        raise SourceDown("{source} is down.", source="ree")

    add(jobs, work)
    run = jobs.run("count", {}, "cli")
    assert run.state == "failed"
    assert run.error == {"code": "source-down", "message": "{source} is down.", "fields": {"source": "ree"}}


def test_an_unexpected_failure_shows_no_inner_text_but_a_reference(jobs):
    def work(params, report):
        raise ZeroDivisionError("secret inner text")

    add(jobs, work)
    run = jobs.run("count", {}, "cli")
    assert run.state == "failed"
    assert "secret" not in str(run.error)
    assert run.error["fields"] == {"run_id": run.id}


def test_a_run_that_did_not_do_all_is_partial(jobs):
    add(jobs, lambda params, report: Outcome({}, complete=False))
    assert jobs.run("count", {}, "cli").state == "partial"


def test_a_run_whose_process_died_is_found_out(jobs):
    add(jobs, lambda params, report: Outcome({}))
    ghost = jobs._create("count", {}, "button")
    jobs._mine.clear()
    assert jobs.get(ghost.id).state == "interrupted"
    assert jobs.run("count", {}, "cli").state == "succeeded"


def test_a_run_whose_end_cannot_be_recorded_does_not_block_its_kind(jobs, monkeypatch):
    add(jobs, lambda params, report: Outcome({}))
    with monkeypatch.context() as patch:
        patch.setattr(type(jobs.state), "finish_run", lambda *_, **__: (_ for _ in ()).throw(StoreFull("full")))
        lost = jobs.start("count", {}, "button")
        jobs._threads.shutdown(wait=True)
    jobs._threads = ThreadPoolExecutor(1)
    assert jobs.get(lost.id).state == "interrupted"
    assert jobs.run("count", {}, "cli").state == "succeeded"


def test_a_run_that_did_nothing_at_all_fails_and_keeps_its_result(jobs):
    error = SourceDown("{source} is down.", source="ree")
    add(jobs, lambda params, report: Outcome({"asked": 2}, complete=False, error=error))
    run = jobs.run("count", {}, "cli")
    assert (run.state, run.result, run.error["code"]) == ("failed", {"asked": 2}, "source-down")


def test_locks_of_killed_processes_are_swept(jobs):
    dead = jobs.locks / "dead.lock"
    dead.parent.mkdir(parents=True, exist_ok=True)
    dead.touch()
    jobs._owner()
    jobs.sweep()
    assert [path.name for path in jobs.locks.glob("*.lock")] == [jobs._alive.path.name]


def test_unknown_kinds_and_runs_are_refused(jobs):
    with pytest.raises(InvalidInput):
        jobs.start("dance", {}, "cli")
    with pytest.raises(NotFound):
        jobs.get("nothing")


def test_recent_runs_come_newest_first(jobs):
    add(jobs, lambda params, report: Outcome({}))
    add(jobs, lambda params, report: Outcome({}), "other")
    ids = [jobs.run(kind, {}, "cli").id for kind in ("count", "other", "count")]
    assert [run.id for run in jobs.recent()] == ids[::-1]
    assert [run.id for run in jobs.recent("count", limit=1)] == ids[2:]


def test_an_error_may_tell_of_another_and_survives_being_kept():
    inner = MalformedFile("{name}, line {line}: too long.", name="a.csv", line=3)
    kept = json.loads(
        json.dumps(describe(MalformedFile("{name} is bad. The first: {fault}", name="a.csv", fault=inner)))
    )
    assert str(recall(kept)) == "a.csv is bad. The first: a.csv, line 3: too long."
