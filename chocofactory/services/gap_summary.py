"""The state of all series in one answer: what is missing, how badly, what can be had of it, and from where."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import HOUR, local
from chocofactory.domain.measurements import WEATHER_OBSERVATION, price_series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chocofactory.domain.gaps import Gap
    from chocofactory.services.recovery import Recoveries, Recovery

SEVERITIES = ("minor", "moderate", "critical")


def gap_summary(recoveries: Recoveries) -> dict[str, Any]:
    """What is missing of every series, with sums over all; moments are local ones.

    Raises
    ------
    StoreError
        The store cannot say what is there.

    """
    found = recoveries.all()
    lines = [_line(one) for one in found]
    weather = [one for one in found if one.series.measurement is WEATHER_OBSERVATION]
    totals = {name: sum(line[name] for line in lines) for name in ("missing", "recoverable", "not_available")}
    held = [line for line in lines if line["status"] != "empty"]
    return {
        "status": "empty" if not held else "gaps" if any(line["total_gaps"] for line in held) else "complete",
        "series": lines,
        "total_gaps": sum(line["total_gaps"] for line in lines),
        "severities": {name: sum(line["severities"][name] for line in lines) for name in SEVERITIES},
        **totals,
        "ree_prices": _newest(one for one in found if one.series == price_series()),
        "weather_data": _newest(weather),
    }


def _line(one: Recovery) -> dict[str, Any]:
    """One series: what is expected and present, its gaps counted by severity, the longest, and what can be had."""
    gaps = one.found.gaps if one.found else []
    longest = max(gaps, key=lambda gap: gap.end - gap.start, default=None)
    return {
        "series": str(one.series),
        "measurement": one.series.measurement.name,
        "keys": dict(one.series.keys),
        "status": "empty" if one.found is None else "gaps" if gaps else "complete",
        "start": local(one.found.start) if one.found else None,
        "end": local(one.found.end) if one.found else None,
        "expected": one.found.expected if one.found else 0,
        "present": one.found.present if one.found else 0,
        "missing": len(one.lacking),
        "total_gaps": len(gaps),
        "severities": {name: sum(gap.severity == name for gap in gaps) for name in SEVERITIES},
        "longest": _told(longest) if longest else None,
        "recoverable": len(one.times),
        "recoverable_days": len(one.days),
        "sources": list(one.sources),
        "not_available": sum(len(each.times) for each in one.lost if not each.covered),
        "reasons": [{"intervals": len(each.times), "reason": str(each.reason)} for each in one.lost],
    }


def _told(gap: Gap) -> dict[str, Any]:
    return {
        "start_time": local(gap.start),
        "end_time": local(gap.end),
        "duration_hours": round((gap.end - gap.start) / HOUR, 2),
        "missing_records": gap.count,
        "severity": gap.severity,
    }


def gap_list(recoveries: Iterable[Recovery]) -> list[dict[str, Any]]:
    """Every gap, series by series, in order of time."""
    return [
        {"series": str(one.series), "measurement": one.series.measurement.name, **_told(gap)}
        for one in recoveries
        for gap in (one.found.gaps if one.found else ())
    ]


def _newest(several: Iterable[Recovery]) -> dict[str, Any]:
    """How far the best of several series reaches: its newest interval, and the hours since that ought to be there."""
    held = [one.found for one in several if one.found and one.found.present]
    if not held:
        return {"status": "empty", "latest_data": None, "gap_hours": None}
    reaches = [
        (found.gaps[-1].start if found.gaps and found.gaps[-1].end >= found.end else found.end, found) for found in held
    ]
    until, found = max(reaches, key=lambda reach: reach[0])
    behind = max(found.end - until, timedelta())
    return {
        "status": "late" if behind else "up_to_date",
        "latest_data": local(until - found.series.resolution),
        "gap_hours": round(behind / HOUR, 2),
    }
