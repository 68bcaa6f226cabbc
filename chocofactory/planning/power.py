"""What a plan draws in each quarter-hour, as the meter will see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.planning.problem import QUARTER

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    from chocofactory.planning.plan import Plan

    Numbers = npt.NDArray[np.float64]


def power_kw(plan: Plan) -> pd.DataFrame:
    """Mean power [kW] of each quarter-hour of the plan's grid.

    Returns
    -------
    DataFrame
        Index ``time`` (UTC, the problem's grid); columns ``production_kw`` (the stages), ``cooling_kw`` (extra cooling
        of the room), ``auxiliary_kw`` and their sum, ``total_kw``.

    """
    problem = plan.problem
    cooled = {block.name for block in problem.plant.blocks if block.extra_cooling}
    watts = {stage.name: stage.power_kw for block in problem.plant.blocks for stage in block.stages}
    production, cooling = np.zeros(len(problem.grid)), np.zeros(len(problem.grid))
    for run in (run for batch in plan.batches for run in batch.runs):
        for stage in run.stages:
            production += watts[stage.name] * _share(plan, stage.start, stage.end)
        if run.block in cooled:
            cooling += problem.cooling_kw * _share(plan, run.start, run.end)
    parts = {"production_kw": production, "cooling_kw": cooling, "auxiliary_kw": problem.auxiliary_kw}
    return pd.DataFrame({**parts, "total_kw": sum(parts.values())}, index=problem.grid)


def _share(plan: Plan, start: datetime, end: datetime) -> Numbers:
    """Which part of each quarter-hour lies between two moments."""
    problem = plan.problem
    places = np.arange(len(problem.grid))
    first, last = (start - problem.start) / QUARTER, (end - problem.start) / QUARTER
    share: Numbers = np.clip(np.minimum(last, places + 1) - np.maximum(first, places), 0, 1)
    return share
