"""The reference of all settings, written from the settings themselves."""

from __future__ import annotations

from typing import Any

from chocofactory.core.config import Settings, variable

_GENERAL = "General"
_GROUPS = {
    "Sources": ("ree_", "esios_", "aemet_", "openweather_", "latitude", "longitude", "http_"),
    "InfluxDB": ("influx_", "outbox_"),
    "Keeping data complete": ("catch_up_",),
    "Forecasting": ("train_",),
    "What runs by itself": ("scheduler", "cadence"),
    "Demo": ("demo_",),
    "Logs": ("log_",),
}
_HEAD = """\
# Configuration

Every setting is an environment variable, or a line `NAME=value` in a file `.env` in the working folder; the environment
comes first. An empty value counts as not given. A wrong value, or a `CHOCO_` variable that is no setting, stops the
start with a sentence that names it. `chocofactory config` shows what is in force, secrets hidden.

This page is written by `make docs`.
"""
_TABLE = "| Variable | Default | Meaning | Values |\n| --- | --- | --- | --- |\n"


def as_markdown() -> str:
    """All settings as a Markdown page: a table a group, with default, meaning and values; secrets are marked."""
    groups: dict[str, list[str]] = {name: [] for name in (_GENERAL, *_GROUPS)}
    for field, schema in Settings.model_json_schema()["properties"].items():
        groups[_group(field)].append(_row(field, schema))
    return "\n".join([_HEAD, *(f"## {name}\n\n{_TABLE}{''.join(rows)}" for name, rows in groups.items() if rows)])


def _group(field: str) -> str:
    return next((name for name, prefixes in _GROUPS.items() if field.startswith(prefixes)), _GENERAL)


def _row(field: str, schema: dict[str, Any]) -> str:
    default = schema.get("default")
    cells = (
        f"`{variable(field)}`",
        "not set" if default is None else f"`{default}`",
        schema["description"],
        _allowed(field, schema),
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _allowed(field: str, schema: dict[str, Any]) -> str:
    kind: dict[str, Any] = next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), schema)
    if "enum" in kind:
        return " or ".join(f"`{value}`" for value in kind["enum"])
    if kind["type"] in {"integer", "number"}:
        return " ".join([{"integer": "whole number", "number": "number"}[kind["type"]], *_bounds(kind)])
    if field.endswith("_url"):
        return "http or https address"
    formats = {"path": "path", "date-time": "moment with offset", "password": "**secret**"}
    return formats.get(kind.get("format", ""), "text")


def _bounds(kind: dict[str, Any]) -> list[str]:
    words = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}
    return [f"{word} {kind[key]:g}" for key, word in words.items() if key in kind]
