"""What came of filling gaps, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.domain.measurements import MEASUREMENTS, Series
from components import names, text
from components.text import _

if TYPE_CHECKING:
    from collections.abc import Mapping


def backfill_lines(result: Mapping[str, Any]) -> list[str]:
    """Of each series that lacked anything, or was asked for: what was asked, what came, and why the rest did not."""
    lines = []
    for line in result["backfill"]:
        if line["asked"] or line["not_available"]:
            lines += [_asked(line), *(_why(line, part) for part in line["not_available"])]
    return lines or [_("Nothing is missing.")]


def _asked(line: Mapping[str, Any]) -> str:
    if line["empty"]:
        return _("{series}: nothing was asked for", series=_series(line))
    counts = {name: text.number(line[name]) for name in ("missing", "asked", "got")}
    told = _("{series}: {missing} missing, {asked} asked for, {got} came", series=_series(line), **counts)
    if changed := line["counts"]["changed"]:
        told = _("{told}; {changed} had changed", told=told, changed=text.number(changed))
    return told


def _why(line: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    reason = names.told(part["message"], part["fields"])
    if line["empty"]:
        return reason
    return _("{n} not available: {why}", n=text.number(part["intervals"]), why=reason)


def _series(line: Mapping[str, Any]) -> str:
    measurement = MEASUREMENTS[line["measurement"]]
    return names.series(Series(measurement, line["keys"], timedelta(seconds=line["resolution_s"])))
