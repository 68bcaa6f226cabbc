"""Every plan of a tiny problem, tried one by one and minute by minute; written from what a plan must keep alone.

It shares no arithmetic with the planner: times are minutes since the start of the plan, limits are looked at in every
minute, and batches are placed in all ways there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from chocofactory.core.clock import MADRID

MINUTE = timedelta(minutes=1)


@dataclass
class Best:
    """The least backlog, the least cost of plans with that, and all of those as (cost, sum of finishing minutes)."""

    backlog: int | None = None
    plans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def cost(self):
        return min(cost for cost, _ in self.plans)

    def earliest_within(self, more):
        """The least sum of finishing times among plans that cost no more than ``more`` above the cheapest."""
        return min(finish for cost, finish in self.plans if cost <= self.cost + more)


class Brute:
    def __init__(self, problem):
        self.problem, self.plant = problem, problem.plant
        self.size = (problem.end - problem.start) // MINUTE
        moments = [problem.start + place * MINUTE for place in range(self.size)]
        walls = [moment.astimezone(MADRID) for moment in moments]
        self.price = np.repeat(problem.price_eur_kwh, 15)
        self.outside, self.humid = np.repeat(problem.outside_c, 15), np.repeat(problem.outside_pct, 15)
        self.staffed = np.array([self._staffed(moment, here) for moment, here in zip(moments, walls, strict=True)])
        self.auxiliary = np.array(
            [
                sum(
                    each.power_kw
                    for each in self.plant.auxiliaries
                    if each.start <= at.hour * 60 + at.minute < each.end
                )
                for at in walls
            ]
        )
        room = self.plant.room
        hot = self.outside >= room.until_outside_c
        self.room_c = np.where(hot, self.outside - room.relief_c, room.setpoint_c)
        self.room_pct = np.where(hot, self.humid, np.minimum(self.humid, room.humidity_max_pct))
        over = self.outside - room.cooling_above_c
        self.cooling = np.where(over > 0, room.cooling_kw_per_c * over, 0.0)
        self.usable = [self._usable(block) for block in self.plant.blocks]
        self.day_ends = {}
        for place, here in enumerate(walls):
            self.day_ends[here.date()] = place + 1

    def _staffed(self, moment, here):
        if any(start <= moment < end for start, end in self.problem.closed):
            return False
        minute = here.hour * 60 + here.minute
        return any(
            here.weekday() in shift.weekdays and shift.start <= minute < shift.end for shift in self.plant.shifts
        )

    def _usable(self, block):
        units = np.full(self.size, block.units)
        for outage in self.problem.outages:
            if outage.machine in {stage.machine for stage in block.stages}:
                for quarter in range(0, self.size, 15):
                    begin = self.problem.start + quarter * MINUTE
                    if outage.start < begin + 15 * MINUTE and outage.end > begin:
                        units[quarter : quarter + 15] -= outage.units
        return np.maximum(units, 0)

    def minute(self, moment):
        return (moment - self.problem.start) // MINUTE

    def until(self, place, product, start):
        length, slot = self.plant.blocks[place].minutes(product), self.problem.slot_min
        slots = length // slot + (1 if length % slot else 0)
        return start + slots * slot

    def may_start(self, place, product, start):
        """What a block keeps by itself, whatever else runs."""
        block = self.plant.blocks[place]
        end = start + block.minutes(product)
        if start < 0 or start % self.problem.slot_min or end > self.size:
            return False
        if block.attended and not all(self.staffed[start:end]):
            return False
        if block.room_max_c is not None and any(self.room_c[each] > block.room_max_c for each in range(start, end)):
            return False
        return not self.room_pct[start] > self.plant.room.start_humidity_max_pct

    def stands_wrong(self, commitment):
        """Whether the first block of what is running breaks a limit of its own, in what is left of it."""
        block, start = self.plant.blocks[0], self.minute(commitment.starts[0])
        left = range(max(start, 0), max(start + block.minutes(commitment.product), 0))
        hot = block.room_max_c is not None and any(self.room_c[each] > block.room_max_c for each in left)
        humid = start >= 0 and self.room_pct[start] > self.plant.room.start_humidity_max_pct
        return hot or humid or (block.attended and not all(self.staffed[each] for each in left))

    def follows(self, place, product, before, start):
        """Whether a block may start at a minute when the one before it started at another."""
        block = self.plant.blocks[place - 1]
        latest = before + block.minutes(product) + block.max_wait_min
        return self.until(place - 1, product, before) <= start <= latest

    def ways(self, product, standing=()):
        """All starts of a batch that each limit of its own allows."""
        found = [tuple(standing)]
        for place in range(len(standing), len(self.plant.blocks)):
            found = [
                (*way, start)
                for way in found
                for start in range(0, self.size, self.problem.slot_min)
                if self.may_start(place, product, start) and (not way or self.follows(place, product, way[-1], start))
            ]
        return found

    def load(self, product, starts):
        """What a batch claims: power by minute [kW], and units by block and minute."""
        power, units = np.zeros(self.size), np.zeros((len(self.plant.blocks), self.size), dtype=int)
        for place, start in enumerate(starts):
            block, minute = self.plant.blocks[place], start
            units[place, max(start, 0) : max(self.until(place, product, start), 0)] += 1
            for stage in block.stages:
                for _ in range(stage.minutes[product]):
                    if 0 <= minute < self.size:
                        power[minute] += stage.power_kw + (self.cooling[minute] if block.extra_cooling else 0)
                    minute += 1
        return power, units

    def fits(self, power, units):
        mean = (power + self.auxiliary).reshape(-1, 15).mean(axis=1)
        return mean.max() <= self.plant.contracted_kw + 1e-7 and all(
            (units[place] <= usable).all() for place, usable in enumerate(self.usable)
        )

    def finish(self, product, starts):
        return starts[-1] + self.plant.blocks[-1].minutes(product)

    def backlog(self, finished):
        """Summed over days and products; ``finished`` has (product, minute)."""
        total = 0
        for product in self.plant.product_names:
            asked = -self.problem.stock.get(product, 0)
            for day, end in self.day_ends.items():
                asked += self.problem.targets.get(day, {}).get(product, 0)
                total += max(0, asked - sum(name == product and at <= end for name, at in finished))
        return total

    def wanted(self, product):
        asked = sum(day.get(product, 0) for day in self.problem.targets.values()) - self.problem.stock.get(product, 0)
        return max(0, asked - sum(each.product == product for each in self.problem.commitments))

    def solve(self):
        """The best of all plans; its ``backlog`` is None where there is none."""
        best = Best()
        fixed = [
            (each.product, self.ways(each.product, [self.minute(start) for start in each.starts]))
            for each in self.problem.commitments
        ]
        choices = {name: [(way, *self.load(name, way)) for way in self.ways(name)] for name in self.plant.product_names}
        power, units = np.zeros(self.size), np.zeros((len(self.plant.blocks), self.size), dtype=int)
        self._stand(best, fixed, choices, power, units, [])
        return best

    def _stand(self, best, fixed, choices, power, units, finished):
        if fixed:
            (product, ways), *rest = fixed
            for way in ways:
                more_power, more_units = self.load(product, way)
                done = [*finished, (product, self.finish(product, way))]
                self._stand(best, rest, choices, power + more_power, units + more_units, done)
            return
        if self.fits(power, units):
            self._place(best, choices, list(choices), 0, self.wanted(next(iter(choices))), power, units, finished)

    def _place(self, best, choices, products, first, left, power, units, finished):
        """Add batches of the first product, in order of their ways; then those of the next one."""
        if left:
            for place in range(first, len(choices[products[0]])):
                way, more_power, more_units = choices[products[0]][place]
                both = power + more_power, units + more_units
                if self.fits(*both):
                    done = [*finished, (products[0], self.finish(products[0], way))]
                    self._place(best, choices, products, place, left - 1, *both, done)
        if len(products) > 1:
            self._place(best, choices, products[1:], 0, self.wanted(products[1]), power, units, finished)
            return
        self._note(best, power, finished)

    def _note(self, best, power, finished):
        backlog = self.backlog(finished)
        if best.backlog is None or backlog < best.backlog:
            best.backlog, best.plans = backlog, []
        if backlog == best.backlog:
            best.plans.append((float(power @ self.price) / 60, float(sum(at for _, at in finished))))

    def faults(self, batches):
        """What a plan, given as (product, starts) with how many of the starts stand, breaks."""
        found = []
        power, units = np.zeros(self.size), np.zeros((len(self.plant.blocks), self.size), dtype=int)
        for product, starts, standing in batches:
            way = [self.minute(start) for start in starts]
            for place in range(standing, len(way)):
                if not self.may_start(place, product, way[place]):
                    found.append((product, place, "start"))
                if place and not self.follows(place, product, way[place - 1], way[place]):
                    found.append((product, place, "wait"))
            more = self.load(product, way)
            power, units = power + more[0], units + more[1]
        return found if self.fits(power, units) else [*found, "power or units"]
