"""The page of jobs, asked as a browser asks it: it follows what runs, and its buttons do what they say."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from app import create_app
from chocofactory.bootstrap import EXTENSION, build
from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import Settings
from chocofactory.core.errors import StoreUnavailable
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.services.schedule import Task
from tests.dash_client import UPDATE, name, page_asks
from tests.production_site import words

NOW = datetime(2025, 12, 1, 9, tzinfo=UTC)  # 10:00 in Madrid
PATIENCE_S = 30


class Site:
    """The application with two tasks of its own: ``knead`` starts a run that waits, ``sweep`` leaves none."""

    def __init__(self, server, services) -> None:
        self.server, self.services = server, services
        self.clock, self.schedule, self.jobs = services.clock, services.schedule, services.jobs
        self.open, self.swept, self.away = threading.Event(), 0, False
        self.jobs.register([JobKind("knead", self._knead)])
        self.schedule.tasks.clear()
        tasks = [Task("knead", "0 * * * *", lambda: None, "knead", lambda: {"files": ["/srv/secret/a.csv"]})]
        self.schedule.register([*tasks, Task("sweep", "0 * * * *", self._sweep)])

    def _knead(self, _params, report):
        report(40, "Kneading {name}", name="dough")
        self.open.wait(PATIENCE_S)
        return Outcome({})

    def _sweep(self):
        if self.away:
            raise StoreUnavailable("The store is away.")
        self.swept += 1

    def ended(self, run_id):
        """Let a run come to its end."""
        self.open.set()
        self.jobs._threads.shutdown(wait=True)
        assert self.jobs.get(run_id).finished_at is not None

    def page(self, address="/jobs"):
        """The layout of the page, in JSON."""
        asks = []
        client = self.server.test_client()

        def post(path, payload):
            asks.append(client.post(path, json=payload).get_json())
            return asks[-1]

        page_asks(address, lambda path: client.get(path).get_json(), post)
        return asks[0]["response"]["_pages_content"]["children"]

    def watch(self, started=None, shown=None, runs=None):
        """What the page is told: properties by ``id.property``."""
        values = {"jobs-run": started, "jobs-shown": shown, "jobs-runs": runs}
        return self._post("jobs-progress.children", [], values)

    def press(self, act, task, does=None):
        """What pressing a button comes to."""
        pressed = {"act": act, "task": task, "type": "jobs-act"}
        trigger = json.dumps(pressed, sort_keys=True, separators=(",", ":")) + ".n_clicks"
        every = {
            "jobs-act": [{"id": pressed, "property": "n_clicks", "value": 1}],
            "value": [{"id": pressed, "property": "value", "value": does}],
        }
        return self._post("jobs-run.data", [trigger], {"jobs-changed": 3}, every)

    def history(self, kind="all", state="all", unfolded=()):
        """The list of runs."""
        heads = [
            {"id": {"run": each, "type": "jobs-head"}, "property": "n_clicks", "value": clicks}
            for each, clicks in dict(unfolded).items()
        ]
        values = {"jobs-kind": kind, "jobs-state": state}
        return self._post("jobs-history.children", [], values, {"jobs-head": heads})["jobs-history.children"]

    def _post(self, output, changed, values, every=None):
        client = self.server.test_client()
        known = next(
            one for one in client.get("/_dash-dependencies").get_json() if name(one["output"].strip(".")) == output
        )
        outputs = [
            dict(zip(("id", "property"), part.split("."), strict=True))
            for part in known["output"].strip(".").split("...")
        ]

        def given(one):
            if one["id"].startswith("{"):
                kind = json.loads(one["id"])["type"]
                return every["value" if one["property"] == "value" else kind]
            return {**one, "value": values.get(one["id"])}

        payload = {
            "output": known["output"],
            "outputs": outputs if known["output"].startswith("..") else outputs[0],
            "inputs": [given(one) for one in known["inputs"]],
            "state": [given(one) for one in known["state"]],
            "changedPropIds": changed,
        }
        answer = client.post(UPDATE, json=payload)
        assert answer.status_code in {200, 204}
        body = answer.get_json() if answer.status_code == 200 else {}
        parts = {**body.get("response", {}), **body.get("sideUpdate", {})}
        return {f"{part}.{key}": value for part, held in parts.items() for key, value in held.items()}


@pytest.fixture
def site(tmp_path):
    settings = Settings(_env_file=None, data_dir=tmp_path, log_level="ERROR", locale="en", catch_up_days=0)
    server = create_app(settings).server
    server.extensions[EXTENSION].close()
    services = build(settings, clock=StoppedClock(NOW))
    server.extensions[EXTENSION] = services
    made = Site(server, services)
    yield made
    made.open.set()
    services.close()


def cell(task, part):
    return f'{{"part":"{part}","task":"{task}","type":"jobs-cell"}}.children'


def button(task, prop):
    return f'{{"act":"switch","task":"{task}","type":"jobs-act"}}.{prop}'


def toasts(answer):
    return [each["text"] for each in answer.get("toast.data", [])]


def test_the_page_is_drawn_whole_and_says_that_nothing_runs_by_itself(site):
    told = words(site.page())
    assert "The scheduler has not run yet: nothing happens by itself." in told
    assert "Pause all" in told
    assert "knead due now not looked at yet" in told


def test_the_address_chooses_the_runs(site):
    page = json.dumps(site.page("/jobs?kind=knead&state=failed"))
    assert '"value": "knead"' in page
    assert '"value": "failed"' in page
    assert '"value": "moon"' not in json.dumps(site.page("/jobs?kind=moon"))


def test_what_has_not_changed_is_not_written_again(site):
    first = site.watch()
    assert words(first["jobs-scheduler.children"]).startswith("The scheduler has not run yet")
    assert words(first[cell("knead", "next")]) == "due now"
    again = site.watch(shown=first["jobs-shown.data"], runs=first["jobs-runs.data"])
    assert set(again) == {"jobs-progress.children", "jobs-poll.disabled"}
    assert again["jobs-poll.disabled"] is True
    site.schedule.states.beat(NOW, "plant:1")
    after = site.watch(shown=first["jobs-shown.data"], runs=first["jobs-runs.data"])
    assert "jobs-runs.data" not in after
    assert words(after["jobs-scheduler.children"]).startswith("The scheduler runs")


def test_a_task_is_run_now_followed_and_shown_at_its_end(site):
    pressed = site.press("run", "knead")
    run_id = pressed["jobs-run.data"]
    assert pressed["jobs-changed.data"] == 4
    assert site.jobs.get(run_id).requested_by == "dashboard"
    going = site.watch(run_id)
    assert going["jobs-poll.disabled"] is False
    assert words(going["jobs-progress.children"]).startswith("knead")
    site.ended(run_id)
    done = site.watch(run_id, going["jobs-shown.data"], going["jobs-runs.data"])
    assert "knead done" in words(done["jobs-progress.children"])
    assert "jobs-runs.data" in done
    assert done["jobs-poll.disabled"] is True
    assert site.watch().get("jobs-progress.children") is None


def test_a_run_that_is_under_way_is_shown_instead_of_a_second_one(site):
    first = site.press("run", "knead")
    second = site.press("run", "knead")
    assert second["jobs-run.data"] == first["jobs-run.data"]
    assert toasts(second) == ["That is under way already: its progress is shown."]
    assert len(site.jobs.recent()) == 1


def test_a_task_without_runs_is_done_at_once_and_says_so(site):
    answer = site.press("run", "sweep")
    assert (site.swept, toasts(answer)) == (1, ["sweep: done."])
    assert "jobs-run.data" not in answer


def test_a_task_that_cannot_tell_what_is_due_says_why(site):
    site.away = True
    assert toasts(site.press("run", "sweep")) == ["The store is away."]


def test_buttons_that_were_just_drawn_do_nothing(site):
    payload = {"act": "run", "task": "sweep", "type": "jobs-act"}
    every = {"jobs-act": [{"id": payload, "property": "n_clicks"}], "value": [{"id": payload, "property": "value"}]}
    trigger = json.dumps(payload, sort_keys=True, separators=(",", ":")) + ".n_clicks"
    assert site._post("jobs-run.data", [trigger], {"jobs-changed": 0}, every) == {}
    assert site.swept == 0


def test_a_task_rests_and_goes_on(site):
    answer = site.press("switch", "knead", "pause")
    assert toasts(answer) == ["knead: paused until you resume it."]
    assert site.schedule.entry("knead").state.paused_by == "dashboard"
    shown = site.watch()
    assert words(shown[cell("knead", "next")]) == "paused since 1 Dec 2025, 10:00 (dashboard)"
    assert (shown[button("knead", "children")], shown[button("knead", "value")]) == ("Resume", "resume")
    assert shown[button("sweep", "children")] == "Pause"
    assert toasts(site.press("switch", "knead", "resume")) == ["knead: goes on."]
    assert site.schedule.entry("knead").state.paused_at is None


def test_a_button_does_what_its_reader_saw_though_another_one_was_faster(site):
    site.schedule.pause("knead", "cli")
    site.press("switch", "knead", "pause")
    assert site.schedule.entry("knead").state.paused_by == "cli"


def test_all_of_it_rests_and_goes_on(site):
    assert toasts(site.press("switch", "", "pause")) == ["Nothing starts by itself until you resume it."]
    assert site.schedule.scheduler().paused_by == "dashboard"
    shown = site.watch()
    assert shown[button("", "children")] == "Resume all"
    assert words(shown[cell("sweep", "next")]) == "paused with all"
    assert toasts(site.press("switch", "", "resume")) == ["The scheduler goes on."]
    assert site.schedule.scheduler().paused_at is None


def test_the_history_is_of_a_kind_and_a_state_newest_first_and_names_no_folder(site):
    site.jobs.register([JobKind("bake", lambda _params, _report: Outcome({}, complete=False))])
    site.open.set()
    runs = []
    for kind in ("bake", "knead", "bake"):
        runs.append(site.jobs.run(kind, {"files": ["/srv/secret/a.csv"]}, "cli"))
        site.clock.at += timedelta(minutes=1)
    told = site.history(unfolded={runs[1].id: 1, runs[0].id: 2})
    assert "secret" not in json.dumps(told)
    assert "a.csv" in words(told)
    rows = told["props"]["children"]
    assert [row["props"]["open"] for row in rows] == [False, True, False]
    assert [words(row).split()[0] for row in rows] == ["bake", "knead", "bake"]
    assert len(site.history(kind="bake")["props"]["children"]) == 2
    assert len(site.history(state="succeeded")["props"]["children"]) == 1
    assert words(site.history(kind="knead", state="failed")) == "There are no such runs."
