"""What somebody asks of a plan: days, targets, what is running, locked, out of order; as data and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import InvalidInput
from chocofactory.planning.problem import LONGEST_DAYS, SLOTS_MIN, Commitment, Outage

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SECONDS = 120.0
MOST_BATCHES = 1000


@dataclass(frozen=True)
class Order:
    """A plan that is asked for.

    ``day`` is its first local day: today from now on, a later day from its midnight, a past day as it
    could have been planned at its midnight. None: from now on where a plan is in force, else from the next midnight.
    ``days`` None: as many as prices reach, seven at most. ``targets`` replace the plant's on the
    days that they name. ``stock`` and ``running`` None: as the plan in force has them, if it was kept until then.
    ``locks`` names batches of the plan in force that stay when they are.
    """

    day: date | None = None
    days: int | None = None
    slot_min: int = 15
    targets: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    stock: Mapping[str, int] | None = None
    running: tuple[Commitment, ...] | None = None
    locks: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()
    closed: tuple[tuple[datetime, datetime], ...] = ()
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.days is not None and not 1 <= self.days <= LONGEST_DAYS:
            raise InvalidInput("A plan has 1 to {most} days, not {days}.", most=LONGEST_DAYS, days=self.days)
        if self.slot_min not in SLOTS_MIN:
            raise InvalidInput("Batches start every 15 or 30 minutes, not every {minutes}.", minutes=self.slot_min)
        if not 0 < self.seconds <= MOST_SECONDS:
            raise InvalidInput(
                "Solving may take up to {most} seconds, not {seconds}.", most=MOST_SECONDS, seconds=self.seconds
            )
        counts = [n for each in self.targets.values() for n in each.values()]
        if any(not 0 <= n <= MOST_BATCHES for n in counts):
            raise InvalidInput("Targets are 0 to {most} batches.", most=MOST_BATCHES)
        for start, end in [*self.closed, *((outage.start, outage.end) for outage in self.outages)]:
            if end <= start:
                raise InvalidInput("The end {last} lies before the start {first}.", first=start, last=end)
        _check_running(self.running or ())


def _check_running(running: tuple[Commitment, ...]) -> None:
    names = [each.name for each in running]
    for each in running:
        if names.count(each.name) > 1:
            raise InvalidInput("Two running batches are called {batch}.", batch=each.name)
        whole = all(not start.second and not start.microsecond for start in each.starts)
        if not whole or any(later <= start for start, later in pairwise(each.starts)):
            raise InvalidInput(
                "{batch} must name when its blocks start in their order, to the minute.", batch=each.name
            )


def to_json(order: Order) -> dict[str, Any]:
    """An order as the parameters of a job run."""
    return {
        "date": order.day and order.day.isoformat(),
        "days": order.days,
        "slot_minutes": order.slot_min,
        "targets": {day.isoformat(): dict(counts) for day, counts in order.targets.items()},
        "stock": None if order.stock is None else dict(order.stock),
        "running": None if order.running is None else [commitment_to_json(each) for each in order.running],
        "locks": list(order.locks),
        "outages": [outage_to_json(each) for each in order.outages],
        "closed": [{"start": start.isoformat(), "end": end.isoformat()} for start, end in order.closed],
        "time_limit_s": order.seconds,
    }


def from_json(given: Mapping[str, Any]) -> Order:
    """The order of such parameters; what is left out has its default.

    Raises
    ------
    InvalidInput
        They are not in this form.

    """
    try:
        return Order(
            day=date.fromisoformat(given["date"]) if given.get("date") else None,
            days=given.get("days"),
            slot_min=given.get("slot_minutes") or 15,
            targets={date.fromisoformat(day): dict(counts) for day, counts in (given.get("targets") or {}).items()},
            stock=None if given.get("stock") is None else dict(given["stock"]),
            running=None
            if given.get("running") is None
            else tuple(commitment_from_json(each) for each in given["running"]),
            locks=tuple(given.get("locks") or ()),
            outages=tuple(outage_from_json(each) for each in given.get("outages") or ()),
            closed=tuple((moment(each["start"]), moment(each["end"])) for each in given.get("closed") or ()),
            seconds=given.get("time_limit_s") or 30.0,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("The order of a plan cannot be read: {reason}", reason=str(error)) from error


def commitment_to_json(commitment: Commitment) -> dict[str, Any]:
    """A running or locked batch."""
    starts = [start.isoformat() for start in commitment.starts]
    return {"name": commitment.name, "product": commitment.product, "starts": starts}


def commitment_from_json(given: Mapping[str, Any]) -> Commitment:
    """The same batch again."""
    return Commitment(given["name"], given["product"], tuple(moment(start) for start in given["starts"]))


def outage_to_json(outage: Outage) -> dict[str, Any]:
    """An outage."""
    return {
        "machine": outage.machine,
        "units": outage.units,
        "start": outage.start.isoformat(),
        "end": outage.end.isoformat(),
    }


def outage_from_json(given: Mapping[str, Any]) -> Outage:
    """The same outage again."""
    return Outage(given["machine"], int(given.get("units", 1)), moment(given["start"]), moment(given["end"]))


def moment(written: str) -> datetime:
    """An ISO 8601 time; without offset it is the wall clock's."""
    found = datetime.fromisoformat(written)
    return found if found.tzinfo else found.replace(tzinfo=MADRID)
