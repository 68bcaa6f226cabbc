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

    ``day`` is its first local day: today from now on, a later day from its midnight, a past day as it could have been
    planned at its midnight. None: from now on where a plan is followed, else from the next midnight. ``days`` None: as
    many as prices reach, seven at most. ``targets`` replace the plant's, by day and product. ``stock``, ``running``,
    ``outages`` and ``closed`` None: as the plan that is followed until then has them. ``locks`` names batches of that
    plan that stay when they are, ``lost`` batches of it that are given up when the new one begins: what runs or was
    locked ends there, and is owed again. A ``trial`` never comes into force; nor does a plan of a past day, unless it
    is meant to stand for one that was made then (``as_made_then``, what a demonstration begins with).
    """

    day: date | None = None
    days: int | None = None
    slot_min: int = 15
    targets: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    stock: Mapping[str, int] | None = None
    running: tuple[Commitment, ...] | None = None
    locks: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    outages: tuple[Outage, ...] | None = None
    closed: tuple[tuple[datetime, datetime], ...] | None = None
    seconds: float = 30.0
    trial: bool = False
    as_made_then: bool = False

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
        for start, end in [*(self.closed or ()), *((outage.start, outage.end) for outage in self.outages or ())]:
            if end <= start:
                raise InvalidInput("The end {last} lies before the start {first}.", first=start, last=end)
        if any(outage.units < 1 for outage in self.outages or ()):
            raise InvalidInput("An outage takes at least one unit.")
        _check_running(self.running or ())
        for name in self.lost:
            if name in self.locks or name in {each.name for each in self.running or ()}:
                raise InvalidInput("{batch} cannot be lost and stay.", batch=name)


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
        "lost": list(order.lost),
        "outages": None if order.outages is None else [outage_to_json(each) for each in order.outages],
        "closed": None
        if order.closed is None
        else [{"start": start.isoformat(), "end": end.isoformat()} for start, end in order.closed],
        "time_limit_s": order.seconds,
        "trial": order.trial,
        "as_made_then": order.as_made_then,
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
            lost=tuple(given.get("lost") or ()),
            outages=None
            if given.get("outages") is None
            else tuple(outage_from_json(each) for each in given["outages"]),
            closed=None
            if given.get("closed") is None
            else tuple((moment(each["start"]), moment(each["end"])) for each in given["closed"]),
            seconds=given.get("time_limit_s") or 30.0,
            trial=bool(given.get("trial", False)),
            as_made_then=bool(given.get("as_made_then", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("The order of a plan cannot be read: {reason}", reason=str(error)) from error


def commitment_to_json(commitment: Commitment) -> dict[str, Any]:
    """A running or locked batch."""
    starts = [start.isoformat() for start in commitment.starts]
    return {"name": commitment.name, "product": commitment.product, "starts": starts, "units": list(commitment.units)}


def commitment_from_json(given: Mapping[str, Any]) -> Commitment:
    """The same batch again."""
    starts = tuple(moment(start) for start in given["starts"])
    return Commitment(given["name"], given["product"], starts, tuple(given.get("units") or ()))


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
