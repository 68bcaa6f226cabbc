"""What a plan is called in words: products, blocks, stages, units, runs; and its time axis on the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds, local_date
from chocofactory.domain.measurements import HOURLY
from chocofactory.planning.reasons import DUE
from chocofactory.planning.starts import HORIZON, HUMIDITY, OUTAGE, POWER, STAFF, TEMPERATURE, TOO_SOON, UNITS, WAIT
from components import text
from components.text import N_, _
from components.theme import PRODUCT_COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Batch, BlockRun, Plan
    from components.theme import Theme

_NAMES: Mapping[str, str] = {
    "standard": N_("standard"),
    "premium": N_("premium"),
    "preparation": N_("preparation"),
    "conching": N_("conching"),
    "finishing": N_("finishing"),
    "mixing": N_("mixing"),
    "rolling": N_("rolling"),
    "tempering": N_("tempering"),
    "moulding": N_("moulding"),
    "mixer": N_("mixer"),
    "roller": N_("roller"),
    "conche": N_("conche"),
    "temperer": N_("temperer"),
    "moulder": N_("moulder"),
}
_LIMITS: Mapping[str, str] = {
    STAFF: N_("nobody is there for all of {block}"),
    TEMPERATURE: N_("the room would be too hot for {block}"),
    HUMIDITY: N_("the room would be too humid to start {block}"),
    OUTAGE: N_("a machine of {block} is out of order"),
    HORIZON: N_("it would end after the last day of the plan"),
    UNITS: N_("every unit of {block} is taken"),
    POWER: N_("{block} would exceed the contracted power"),
    WAIT: N_("it would wait too long after {block}"),
    TOO_SOON: N_("{block} would not be done yet"),
    DUE: N_("it would be finished after its day"),
}
_ONE_DAY_H = 25
_LONG_H = 60
"""An axis longer than this [h] names its days alone."""
_STEP_H = {True: 3, False: 6}


@dataclass(frozen=True)
class Span:
    """The stretch of time that a figure shows: ``start`` to ``end`` (UTC, exclusive), counted in elapsed hours."""

    start: datetime
    end: datetime

    @property
    def length(self) -> float:
        """How long it is [h]."""
        return (self.end - self.start) / HOURLY

    def place(self, moment: datetime) -> float:
        """Where a moment lies on the axis [h]."""
        return float((moment - self.start) / HOURLY)

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies inside."""
        return self.start <= moment < self.end

    def cut(self, start: datetime, end: datetime) -> tuple[float, float] | None:
        """The places of a stretch as far as it lies inside; None where nothing does."""
        left, right = max(start, self.start), min(end, self.end)
        return (self.place(left), self.place(right)) if left < right else None

    def midnights(self) -> list[float]:
        """Where local days begin."""
        return [self.place(day_bounds(day)[0]) for day in self._days()[1:]]

    def ticks(self, *, wide: bool) -> dict[str, Any]:
        """Hours of the wall clock, the day under its midnight; over many days their names alone, in their middles."""
        if self.length > _LONG_H:
            return self._day_ticks(wide=wide)
        hours = pd.date_range(self.start, self.end, freq="h", inclusive="left").tz_convert(MADRID)
        step = _STEP_H[wide] * (2 if self.length > _ONE_DAY_H else 1)
        shown = [stamp for stamp in hours if stamp.hour % step == 0]
        labels = [
            f"{stamp:%H}" + (f"<br><b>{text.day(stamp.date(), 'short')}</b>" if stamp.hour == 0 else "")
            for stamp in shown
        ]
        return {"tickvals": [self.place(stamp) for stamp in shown], "ticktext": labels, "tickangle": 0}

    def _day_ticks(self, *, wide: bool) -> dict[str, Any]:
        middles, labels = [], []
        for day in self._days():
            cut = self.cut(*day_bounds(day))
            if cut is not None and cut[1] - cut[0] >= min(12, self.length / 4):
                words = text.day(day, "short").split()
                middles.append(sum(cut) / 2)
                labels.append(" ".join(words) if wide else "<br>".join(words[:2]))
        return {"tickvals": middles, "ticktext": labels, "tickangle": 0}

    def _days(self) -> list[date]:
        first, last = local_date(self.start), local_date(self.end - pd.Timedelta(microseconds=1))
        return [stamp.date() for stamp in pd.date_range(first, last)]


def span_of(plan: Plan, day: date | None) -> Span:
    """A local day, or all days of a plan."""
    if day is not None:
        return Span(*day_bounds(day))
    return Span(day_bounds(plan.problem.first)[0], plan.problem.end)


def called(name: str) -> str:
    """A product, block, stage or machine; one that the default plant has not keeps the name that its file gives it."""
    return _(_NAMES[name]) if name in _NAMES else name


def heading(name: str) -> str:
    """The same where a sentence or a row begins."""
    words = called(name)
    return words[:1].upper() + words[1:]


def unit(block: str, number: int) -> str:
    """A unit of a block: ``Conching 2``."""
    return f"{heading(block)} {number}"


def limit_words(limit: str, block: str) -> str:
    """Why a block cannot start then: a limit of ``planning.starts`` or ``planning.reasons``, in words."""
    return _(_LIMITS[limit], block=called(block)) if limit in _LIMITS else limit


def euros(value: float | None, digits: int = 2) -> str:
    """An amount of money: ``142,10 €``."""
    return text.quantity(value, "€", digits)


def run_sentence(batch: Batch, run: BlockRun) -> str:
    """What a bar of the plan is told as: which batch, where, when, what it draws and costs."""
    words = _(
        "Batch {batch} ({product}) on {unit}: {day}, {hours}, {energy}, {cost}",
        batch=batch.name,
        product=called(batch.product),
        unit=unit(run.block, run.unit),
        day=text.day(local_date(run.start), "short"),
        hours=text.hours(run.start, run.end),
        energy=text.quantity(run.energy_kwh, "kWh", 1),
        cost=euros(run.cost_eur),
    )
    return words if run.planned else words + "<br>" + _("running or locked")


def product_colours(plant: Plant, theme: Theme) -> dict[str, str]:
    """A colour for each product of a plant, in their order."""
    colours: Sequence[str] = PRODUCT_COLOURS[theme]
    return {name: colours[place % len(colours)] for place, name in enumerate(plant.product_names)}
