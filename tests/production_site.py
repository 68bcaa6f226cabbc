"""The page of the production plan with stand-ins for plans and runs, asked as a browser asks it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from chocofactory.bootstrap import EXTENSION
from chocofactory.core.clock import StoppedClock
from chocofactory.core.errors import JobBusy, NotFound
from chocofactory.services.plan_orders import from_json
from chocofactory.store.state import JobRun
from tests.dash_client import UPDATE, name, page_asks, pressed
from tests.planning_fake import FakePlanning

FORM = {
    "replan-begin": "now",
    "replan-days": "most",
    "replan-slot": "15",
    "replan-machine": "none",
    "replan-until": None,
    "replan-locks": [],
    "replan-lost": [],
}
"""What the form holds before anybody has touched it."""
NOW = datetime(2025, 12, 1, 4, 20, tzinfo=UTC)  # 05:20 in Madrid, a Monday


class FakeJobs:
    """Remembers what was started; ``runs`` are told, the newest first."""

    def __init__(self) -> None:
        self.started, self.runs, self.busy = [], [], None

    def start(self, kind, params, requested_by):
        if self.busy:
            raise JobBusy("A run of {kind} is under way.", run_id=self.busy, kind=kind)
        self.started.append((kind, json.loads(json.dumps(params)), requested_by))
        return SimpleNamespace(id="run-1")

    def recent(self, _kind=None, limit=50):
        return self.runs[:limit]

    def get(self, run_id):
        return next(run for run in self.runs if run.id == run_id)


class Site:
    """The application with stand-ins for plans and runs, and what its page answers."""

    def __init__(self, server, services) -> None:
        self.server, self.clock, self.jobs = server, StoppedClock(NOW), FakeJobs()
        self.planning = FakePlanning(self.clock)
        hours = SimpleNamespace(hourly=self._no_hours)
        self.services = replace(
            services, clock=self.clock, planning=self.planning, jobs=self.jobs, recommendations=hours
        )
        self.serve()

    def serve(self, **others) -> None:
        """Answer with these services, some of them replaced."""
        self.server.extensions[EXTENSION] = replace(self.services, **others)

    def _no_hours(self):
        raise NotFound("There are no prices.")

    def asks(self, address: str = "/production"):
        """The callbacks of the page, by a short name."""
        client = self.server.test_client()
        found = page_asks(
            address,
            lambda path: client.get(path).get_json(),
            lambda *post: client.post(post[0], json=post[1]).get_json(),
        )
        return {name(ask.output): ask for ask in found}

    def post(self, ask, trigger="", **given):
        """The answer of one callback, some of its inputs and states replaced; what is not changed is not in it."""
        payload = pressed(ask, trigger) if trigger else dict(ask.payload)
        for part in ("inputs", "state"):
            payload[part] = [self._given(one, given) for one in payload[part]]
        answer = self.server.test_client().post(UPDATE, json=payload)
        assert answer.status_code in {200, 204}
        body = answer.get_json() if answer.status_code == 200 else {}
        parts = {**body.get("response", {}), **body.get("sideUpdate", {})}
        return {f"{part}.{key}": value for part, held in parts.items() for key, value in held.items()}

    def _given(self, one, given):
        if isinstance(one, list):
            return [self._given(each, given) for each in one]
        key = one["id"] if isinstance(one["id"], str) else one["id"]["product"]
        return {**one, "value": given[key]} if key in given else one

    def answers(self, address: str = "/production"):
        """What the page's callbacks answer when it appears: properties by ``id.property``."""
        out = {}
        for short, ask in self.asks(address).items():
            if ask.at_first and short.startswith(("production-", "replan-")):
                out |= self.post(ask)
        return out

    def order(self, **given):
        """What the form's button does, filled in so (the usual elsewhere): the order, or what the toast says."""
        client = self.server.test_client()
        counts = {product: given.pop(product, None) for product in ("standard", "premium")}
        fields = FORM | {f"replan-{key}": value for key, value in given.items()}
        known = client.get("/_dash-dependencies").get_json()
        button = next(one for one in known if one["output"] == "production-run.data")
        targets = [
            {"id": {"type": "replan-target", "product": product}, "property": "value", "value": count}
            for product, count in counts.items()
        ]
        payload = {
            "output": button["output"],
            "outputs": {"id": "production-run", "property": "data"},
            "changedPropIds": ["replan-submit.n_clicks"],
            "inputs": [{**button["inputs"][0], "value": 1}],
            "state": [
                {**one, "value": fields[one["id"]]} if one["id"] in fields else targets for one in button["state"]
            ],
        }
        answer = client.post(UPDATE, json=payload)
        assert answer.status_code in {200, 204}
        body = answer.get_json() if answer.status_code == 200 else {}
        toasts = body.get("sideUpdate", {}).get("toast", {}).get("data", [])
        return SimpleNamespace(
            run=body.get("response", {}).get("production-run", {}).get("data"),
            toast=" ".join(each["text"] for each in toasts),
            order=from_json(self.jobs.started[-1][1]) if self.jobs.started else None,
        )


def words(answer) -> str:
    """All text of a component in its JSON form."""
    if isinstance(answer, dict):
        return words(answer.get("props", {}).get("children"))
    if isinstance(answer, list):
        return " ".join(filter(None, map(words, answer)))
    return "" if answer is None else str(answer)


def run_of(run_id="run-1", state="succeeded", **more):
    ended = None if state in {"queued", "running"} else NOW
    return JobRun(run_id, "plan_production", "dashboard", {}, NOW, state, NOW, ended, **more)
