"""From what somebody asks to a problem that can be solved: prices, weather, and what goes on from the plan in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from chocofactory.core.clock import day_bounds, day_start, local_date
from chocofactory.core.errors import Conflict, InvalidInput, NotFound
from chocofactory.planning.problem import LONGEST_DAYS, Commitment, Problem
from chocofactory.services.carrying import carried, changed_targets, closed_ahead, done, outages_ahead, standing
from chocofactory.services.stored_plans import Inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy as np
    import numpy.typing as npt

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Plan
    from chocofactory.services.expected_weather import ExpectedWeather
    from chocofactory.services.forecasts import Forecast, Forecasts
    from chocofactory.services.plan_orders import Order


@dataclass(frozen=True)
class Posed:
    """A problem with its inputs, and price scenarios along its grid, shape (scenarios, quarter-hours) [EUR/kWh]."""

    problem: Problem
    inputs: Inputs
    paths: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problems:
    """Makes problems of orders for one plant."""

    plant: Plant
    forecasts: Forecasts
    weather: ExpectedWeather

    def pose(self, order: Order, now: datetime, in_force: Plan | None) -> Posed:
        """The problem of an order, as it stands now.

        ``in_force`` is the plan that has been followed until the start of the new one; None: there is none.

        Raises
        ------
        InvalidInput
            Prices do not reach as far as is asked, or a product, machine or batch is not known.
        NotFound
            There are no prices, as ``Forecasts.until``.

        """
        start = self.start(order, now, followed=in_force is not None)
        past = start if start < now else None
        self._check(order, in_force)
        _check_lost(order, start, in_force)
        running, stock = self._begin(order, start, in_force)
        last = self._last(order, start, past, running)
        end = day_bounds(last)[1]
        self._check_within(running, start, end)
        grid = pd.date_range(start, end, freq="15min", inclusive="left", unit="us", name="time")
        forecast = self.forecasts.until(end, past)
        prices = _along(forecast, grid)
        hours = self.weather.hours(start.replace(minute=0), end)
        weather = hours.reindex(grid.floor("h")).set_axis(grid)
        problem = Problem(
            plant=self.plant,
            start=start,
            last=last,
            slot_min=order.slot_min,
            price_eur_kwh=prices["price_eur_kwh"].to_numpy(dtype=float),
            outside_c=weather["temperature_c"].to_numpy(dtype=float),
            outside_pct=weather["humidity_pct"].to_numpy(dtype=float),
            targets=self._targets(order, start, last, in_force),
            stock=stock,
            commitments=running,
            outages=order.outages if order.outages is not None else outages_ahead(in_force, start),
            closed=order.closed if order.closed is not None else closed_ahead(in_force, start),
            lost=order.lost,
        )
        places = pd.DatetimeIndex(forecast.frame.index).get_indexer(grid.floor("h"))
        inputs = Inputs(prices, weather, forecast.issued_at, forecast.model, forecast.version)
        return Posed(problem, inputs, forecast.paths[:, places])

    def start(self, order: Order, now: datetime, *, followed: bool) -> datetime:
        """When the plan of an order begins; ``followed`` says whether there is a plan that it goes on from."""
        today = local_date(now)
        if order.day is None and not followed:
            return day_start(today + timedelta(days=1))
        if order.day is not None and order.day != today:
            return day_start(order.day)
        return _next_slot(now, order.slot_min)

    def _begin(
        self, order: Order, start: datetime, in_force: Plan | None
    ) -> tuple[tuple[Commitment, ...], dict[str, int]]:
        """What runs or is locked at the start, and the stock."""
        running, stock = carried(in_force, start, order.locks, order.lost) if in_force else ((), {})
        running = order.running if order.running is not None else running
        for each in running:
            if each.product not in self.plant.product_names or len(each.starts) > len(self.plant.blocks):
                raise Conflict(
                    "{batch} runs by another plant than this one: tell what is running and the stock.", batch=each.name
                )
        return running, dict(order.stock) if order.stock is not None else stock

    def _last(self, order: Order, start: datetime, past: datetime | None, running: tuple[Commitment, ...]) -> date:
        """The last day; one more than was asked for where that is needed to finish what runs in the evening."""
        first = local_date(start)
        reach = self.forecasts.reach(past)
        if order.days is not None:
            last = first + timedelta(days=order.days - 1)
            carried_ = () if order.running is not None or order.trial else running
            open_ = any(len(each.starts) < len(self.plant.blocks) for each in carried_)
            return last + timedelta(days=1) if open_ and order.days == 1 and last < reach else last
        last = min(first + timedelta(days=LONGEST_DAYS - 1), reach)
        if last < first:
            raise InvalidInput("Prices can be told until {last} only.", last=reach.isoformat())
        return last

    def _targets(
        self, order: Order, start: datetime, last: date, in_force: Plan | None
    ) -> dict[date, Mapping[str, int]]:
        """The plant's, changed as the plan that is followed had them changed, and as this order does.

        Without a plan that was followed nobody knows what was made on a day under way: nothing counts as due on it.
        """
        first = local_date(start)
        due: dict[date, Mapping[str, int]] = dict(self.plant.targets_due(first, last))
        if in_force is not None:
            due |= {day: counts for day, counts in changed_targets(in_force).items() if day in due}
        elif order.stock is None and start > day_start(first):
            due[first] = dict.fromkeys(self.plant.product_names, 0)
        for day, counts in order.targets.items():
            if day not in due:
                raise InvalidInput("{day} is not a day of the plan.", day=day.isoformat())
            due[day] = {**due[day], **counts}
        return due

    def _check(self, order: Order, in_force: Plan | None) -> None:
        """Refuse what the plant does not know."""
        products = [name for counts in order.targets.values() for name in counts]
        products += [*(order.stock or {}), *(each.product for each in order.running or ())]
        machines = {stage.machine for block in self.plant.blocks for stage in block.stages}
        for name in products:
            if name not in self.plant.product_names:
                raise InvalidInput("The plant makes no {product}.", product=name)
        for outage in order.outages or ():
            if outage.machine not in machines:
                raise InvalidInput("The plant has no machine {machine}.", machine=outage.machine)
        for each in order.running or ():
            if not 1 <= len(each.starts) <= len(self.plant.blocks):
                raise InvalidInput(
                    "{batch} must name when 1 to {most} of its blocks start.",
                    batch=each.name,
                    most=len(self.plant.blocks),
                )
        known = {batch.name for batch in in_force.batches} if in_force else set()
        for name in order.locks:
            if name not in known:
                raise InvalidInput("The plan in force has no batch {batch} that could be locked.", batch=name)

    def _check_within(self, running: tuple[Commitment, ...], start: datetime, end: datetime) -> None:
        """Refuse what must stay when it is and does not fit: such a batch would neither count nor be told as short."""
        blocks = self.plant.blocks
        for each in running:
            if any(begun >= end for begun in each.starts):
                raise InvalidInput("{batch} starts after the end of the plan.", batch=each.name)
            ends = each.starts[-1] + timedelta(minutes=blocks[len(each.starts) - 1].minutes(each.product))
            if len(each.starts) == len(blocks) and each.starts[-1] >= start and ends > end:
                raise InvalidInput(
                    "{batch} is kept as planned and ends only after the plan: plan more days, or do not keep it.",
                    batch=each.name,
                )


def _check_lost(order: Order, start: datetime, in_force: Plan | None) -> None:
    """Refuse to lose what does not run at the start: it is not known, done already, or for the new plan to decide."""
    known = {batch.name: batch for batch in in_force.batches} if in_force else {}
    for name in order.lost:
        if in_force is None or name not in known:
            raise InvalidInput("The plan in force has no batch {batch} that could be lost.", batch=name)
        if done(in_force, known[name], start):
            raise InvalidInput(
                "{batch} is finished before the new plan begins: say how much stock there is instead.", batch=name
            )
        if name not in {batch.name for batch in standing(in_force, start)}:
            raise InvalidInput(
                "{batch} has not begun when the new plan begins: there is nothing of it to lose.", batch=name
            )


def _along(forecast: Forecast, grid: pd.DatetimeIndex) -> pd.DataFrame:
    """Prices of a forecast along a grid of quarter-hours."""
    hours = forecast.frame.reindex(grid.floor("h")).set_axis(grid)
    if hours["p50"].isna().any():
        missing = grid[hours["p50"].isna().to_numpy()][0]
        raise NotFound("There is no price for {moment}.", moment=missing.isoformat())
    named = hours.rename(columns={"p50": "price_eur_kwh"})
    frame: pd.DataFrame = named[["p05", "price_eur_kwh", "p95", "kind", "period"]]
    return frame.astype({"kind": "str", "period": "str"})


def _next_slot(now: datetime, slot_min: int) -> datetime:
    """The first start of a slot that is not past."""
    whole = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    slot = timedelta(minutes=slot_min)
    return whole + -((whole - now) // slot) * slot
