"""From what somebody asks to a problem that can be solved: prices, weather, and what goes on from the plan in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from chocofactory.core.clock import day_bounds, day_start, local_date
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.planning.problem import LONGEST_DAYS, Commitment, Problem
from chocofactory.services.stored_plans import Inputs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy as np
    import numpy.typing as npt

    from chocofactory.domain.plant import Plant
    from chocofactory.planning.plan import Batch, Plan
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
        start = self._start(order, now, in_force)
        past = start if start < now else None
        last = self._last(order, start, past)
        self._check(order, in_force)
        end = day_bounds(last)[1]
        _check_within(order.running or (), end)
        grid = pd.date_range(start, end, freq="15min", inclusive="left", unit="us", name="time")
        forecast = self.forecasts.until(end, past)
        prices = _along(forecast, grid)
        hours = self.weather.hours(start.replace(minute=0), end)
        weather = hours.reindex(grid.floor("h")).set_axis(grid)
        running, stock = carried(in_force, start, order.locks) if in_force else ((), {})
        problem = Problem(
            plant=self.plant,
            start=start,
            last=last,
            slot_min=order.slot_min,
            price_eur_kwh=prices["price_eur_kwh"].to_numpy(dtype=float),
            outside_c=weather["temperature_c"].to_numpy(dtype=float),
            outside_pct=weather["humidity_pct"].to_numpy(dtype=float),
            targets=self._targets(order, local_date(start), last),
            stock=dict(order.stock) if order.stock is not None else stock,
            commitments=order.running if order.running is not None else running,
            outages=order.outages,
            closed=order.closed,
        )
        places = pd.DatetimeIndex(forecast.frame.index).get_indexer(grid.floor("h"))
        inputs = Inputs(prices, weather, forecast.issued_at, forecast.model, forecast.version)
        return Posed(problem, inputs, forecast.paths[:, places])

    def _start(self, order: Order, now: datetime, in_force: Plan | None) -> datetime:
        today = local_date(now)
        if order.day is None and in_force is None:
            return day_start(today + timedelta(days=1))
        if order.day is not None and order.day != today:
            return day_start(order.day)
        return _next_slot(now, order.slot_min)

    def _last(self, order: Order, start: datetime, past: datetime | None) -> date:
        first = local_date(start)
        reach = self.forecasts.reach(past)
        if order.days is not None:
            return first + timedelta(days=order.days - 1)
        last = min(first + timedelta(days=LONGEST_DAYS - 1), reach)
        if last < first:
            raise InvalidInput("Prices can be told until {last} only.", last=reach.isoformat())
        return last

    def _targets(self, order: Order, first: date, last: date) -> dict[date, Mapping[str, int]]:
        due: dict[date, Mapping[str, int]] = dict(self.plant.targets_due(first, last))
        for day, counts in order.targets.items():
            if day not in due:
                raise InvalidInput("{day} is not a day of the plan.", day=day.isoformat())
            due[day] = {**dict.fromkeys(self.plant.product_names, 0), **counts}
        return due

    def _check(self, order: Order, in_force: Plan | None) -> None:
        """Refuse what the plant does not know."""
        products = [name for counts in order.targets.values() for name in counts]
        products += [*(order.stock or {}), *(each.product for each in order.running or ())]
        machines = {stage.machine for block in self.plant.blocks for stage in block.stages}
        for name in products:
            if name not in self.plant.product_names:
                raise InvalidInput("The plant makes no {product}.", product=name)
        for outage in order.outages:
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


def _check_within(running: tuple[Commitment, ...], end: datetime) -> None:
    for each in running:
        if any(start >= end for start in each.starts):
            raise InvalidInput("{batch} starts after the end of the plan.", batch=each.name)


def carried(plan: Plan, start: datetime, locks: tuple[str, ...] = ()) -> tuple[tuple[Commitment, ...], dict[str, int]]:
    """What goes on from a plan that was followed until ``start``: batches running or locked, and the stock.

    The stock is what was finished less what was due before the local day of ``start``; below zero it is owed.
    """
    problem = plan.problem
    running = [
        Commitment(batch.name, batch.product, starts)
        for batch in plan.batches
        if batch.end > start and (starts := _standing(batch, start, batch.name in locks))
    ]
    first = local_date(start)
    before = [day for day in problem.days if day < first]
    stock = {
        product: problem.stock.get(product, 0)
        + sum(batch.product == product and _whole(plan, batch) and batch.end <= start for batch in plan.batches)
        - sum(problem.targets.get(day, {}).get(product, 0) for day in before)
        for product in problem.plant.product_names
    }
    return tuple(running), stock


def _standing(batch: Batch, start: datetime, locked: bool) -> tuple[datetime, ...]:
    """Starts of a batch's blocks that are past, or all where it is locked."""
    return tuple(run.start for run in batch.runs if locked or run.start < start)


def _whole(plan: Plan, batch: Batch) -> bool:
    return len(batch.runs) == len(plan.problem.plant.blocks)


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
