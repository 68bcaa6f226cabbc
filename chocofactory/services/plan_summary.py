"""How plans are made and what a plant can do at most, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chocofactory.domain.plant import MINUTES_A_DAY
from chocofactory.planning.planner import GAP, SECONDS
from chocofactory.planning.problem import LONGEST_DAYS, SLOTS_MIN
from chocofactory.planning.solver import NAME
from chocofactory.services.plan_orders import MOST_SECONDS
from chocofactory.services.plant_files import plant_record

if TYPE_CHECKING:
    from chocofactory.domain.plant import Block, Plant

ALGORITHM = "Mixed-integer program on quarter-hours; every plan is checked again, minute by minute, by another program."
OBJECTIVES = (
    "Least backlog: batches that are due and not finished, summed over the days.",
    "Then least cost of energy, at published prices and the medians of the forecast.",
    "Then the earliest finishing times.",
)
_WEEK_MIN = 7 * MINUTES_A_DAY


def method_record(plant: Plant) -> dict[str, Any]:
    """Method, horizon, limits and capacity of the plans for a plant, and the plant itself."""
    told = plant_record(plant)
    staffed = staffed_minutes(plant)
    room = plant.room
    return {
        "algorithm": ALGORITHM,
        "objectives": list(OBJECTIVES),
        "solver": {
            "name": NAME,
            "optimal_gap": GAP,
            "default_time_limit_s": SECONDS,
            "longest_time_limit_s": MOST_SECONDS,
        },
        "optimization_horizon": {"least_days": 1, "most_days": LONGEST_DAYS, "slot_minutes": list(SLOTS_MIN)},
        "production_capacity": {
            "staffed_hours_a_week": staffed / 60,
            "targets_a_week": {
                name: sum(due[name] for due in told["targets"].values()) for name in plant.product_names
            },
            "most_batches_a_week": {
                block.name: {name: _most(block, name, staffed) for name in plant.product_names}
                for block in plant.blocks
            },
        },
        "constraints": {
            "process_sequence": [stage.name for block in plant.blocks for stage in block.stages],
            "units": {block.name: block.units for block in plant.blocks},
            "attended": [block.name for block in plant.blocks if block.attended],
            "max_wait_min": {block.name: block.max_wait_min for block in plant.blocks[:-1]},
            "room_temperature_max_c": {block.name: block.room_max_c for block in plant.blocks},
            "start_humidity_max_pct": room.start_humidity_max_pct,
            "contracted_kw": plant.contracted_kw,
        },
        "plant": told,
    }


def staffed_minutes(plant: Plant) -> int:
    """Minutes of a week without holidays in which somebody is there."""
    there: set[int] = set()
    for shift in plant.shifts:
        length = shift.end - shift.start
        for day in shift.weekdays:
            begin = day * MINUTES_A_DAY + shift.start
            there.update(minute % _WEEK_MIN for minute in range(begin, begin + length))
    return len(there)


def _most(block: Block, product: str, staffed: int) -> int:
    """Batches of a product that a block can hold in a week if it did nothing else: more than this is never planned."""
    return block.units * ((staffed if block.attended else _WEEK_MIN) // block.minutes(product))
