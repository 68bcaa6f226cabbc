"""Asks the application as a browser does: the layout of a page, then its callbacks, each by a POST of its own.

Payloads are derived from what the application itself says of its callbacks (``/_dash-dependencies``), so that a new
callback is asked without a change here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

UPDATE = "/_dash-update-component"
_PAGE = "_pages_content.children"

Get = Callable[[str], Any]
Post = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Ask:
    """One callback of a page, ready to be posted; ``at_first``: the browser calls it when the page appears."""

    output: str
    payload: dict[str, Any] = field(repr=False)
    at_first: bool


def page_asks(address: str, get: Get, post: Post) -> list[Ask]:
    """Every server-side callback of the page at ``address``, the one that fetches its layout first.

    ``get(path)`` and ``post(path, payload)`` bring the JSON of an answer. Callbacks of the frame around the page (its
    outputs stand in no page) count where they are called for each page.
    """
    known = [one for one in get("/_dash-dependencies") if not one["clientside_function"]]
    shell = _properties(get("/_dash-layout"))
    parts = urlsplit(address)
    shell["_pages_location"] = {"pathname": parts.path, "search": f"?{parts.query}" if parts.query else ""}
    first = _ask(next(one for one in known if _PAGE in one["output"]), shell)
    answer = post(UPDATE, first.payload)
    inside = _properties(answer["response"]["_pages_content"]["children"])
    there = {**shell, **inside}
    asks = [
        _ask(one, there)
        for one in known
        if _PAGE not in one["output"]
        and any(output["id"] in inside for output in _outputs(one["output"]))
        and all(given["id"] in there for given in (*one["inputs"], *one["state"]))
    ]
    return [first, *asks]


def pressed(ask: Ask, trigger: str) -> dict[str, Any]:
    """The payload of a callback that the browser calls because ``trigger`` (``id.property``) has changed."""
    return {**ask.payload, "changedPropIds": [trigger]}


def _ask(callback: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]) -> Ask:
    outputs = _outputs(callback["output"])
    payload = {
        "output": callback["output"],
        "outputs": outputs if callback["output"].startswith("..") else outputs[0],
        "inputs": [_given(one, there) for one in callback["inputs"]],
        "changedPropIds": [],
        "state": [_given(one, there) for one in callback["state"]],
    }
    return Ask(callback["output"].strip("."), payload, not callback["prevent_initial_call"])


def _outputs(written: str) -> list[dict[str, str]]:
    """``..a.x...b.y..`` and ``a.x`` as ids and properties; the mark of a doubled output is not part of the id."""
    parts = written.strip(".").split("...")
    return [dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in parts]


def _given(wanted: Mapping[str, str], there: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    id_ = wanted["id"]
    out = {"id": json.loads(id_) if id_.startswith("{") else id_, "property": wanted["property"]}
    value = there.get(id_, {}).get(wanted["property"])
    return out if value is None else {**out, "value": value}


def _properties(layout: Any) -> dict[str, dict[str, Any]]:
    """Properties of every component with an id; ids that are dictionaries become JSON, as Dash writes them."""
    return {_id(one["id"]): one for one in _components(layout) if "id" in one}


def _components(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for part in node:
            yield from _components(part)
    elif isinstance(node, dict):
        if "props" in node:
            yield node["props"]
        for part in node.values():
            yield from _components(part)


def _id(given: Any) -> str:
    return json.dumps(given, sort_keys=True, separators=(",", ":")) if isinstance(given, dict) else str(given)


def name(output: str) -> str:
    """A short name of a callback: its first output, without the mark of a doubled one."""
    return re.sub(r"@.*", "", output.split("...", maxsplit=1)[0])
