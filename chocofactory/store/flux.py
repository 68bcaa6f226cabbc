"""Every Flux text of the program.

The texts are put together from the constants here and from names in ``domain.measurements`` alone. Whatever is asked
for (bucket, measurement, times, tags) goes beside the text as a typed parameter, so that no value is ever read as Flux.
The server resolves parameters before it plans: filters on them reach the index as those on literals do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = Literal["rows", "times", "count", "first", "last"]

EARLIEST = datetime(1677, 9, 22, tzinfo=UTC)
LATEST = datetime(2262, 4, 11, tzinfo=UTC)
"""The times that InfluxDB can keep lie between these."""

_FROM = """\
from(bucket: bucket)
  |> range(start: start, stop: stop)
  |> filter(fn: (r) => r._measurement == measurement)"""
_TAG = """
  |> filter(fn: (r) => r["{name}"] == tag_{name})"""
_ONE_FIELD = """
  |> filter(fn: (r) => r._field == "written_at")"""  # the one that every row has
_SHAPES: dict[Shape, str] = {
    "rows": """
  |> drop(columns: ["_start", "_stop", "_measurement"])
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> group()""",
    "times": _ONE_FIELD
    + """
  |> keep(columns: ["_time"])""",
    "count": _ONE_FIELD
    + """
  |> count()
  |> group()
  |> sum()""",
    "first": _ONE_FIELD
    + """
  |> first()
  |> group()
  |> min(column: "_time")
  |> keep(columns: ["_time"])""",
    "last": _ONE_FIELD
    + """
  |> last()
  |> group()
  |> max(column: "_time")
  |> keep(columns: ["_time"])""",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Question:
    """A text and the values of its parameters; ``bucket`` is added by who asks."""

    text: str
    params: Mapping[str, str | datetime]


def question(shape: Shape, measurement: str, start: datetime, stop: datetime, tags: Mapping[str, str]) -> Question:
    """Ask for points of a measurement with ``start <= time < stop`` whose tags have these values.

    ``shape`` says what of them: whole ``rows`` in one table, whatever series they belong to; their ``times``; their
    ``count``; the ``first`` or the ``last`` time.
    """
    params: dict[str, str | datetime] = {"measurement": measurement, "start": start, "stop": stop}
    params |= {f"tag_{name}": value for name, value in tags.items()}
    return Question(_text(shape, tuple(sorted(tags))), params)


@cache
def _text(shape: Shape, tags: tuple[str, ...]) -> str:
    odd = [name for name in tags if not _NAME.fullmatch(name)]
    if odd:
        msg = f"{odd} cannot be names of tags"
        raise ValueError(msg)
    return _FROM + "".join(_TAG.format(name=name) for name in tags) + _SHAPES[shape] + "\n"
