"""HiGHS behind a small interface: columns and rows are collected, then solved for one objective after another.

Huangfu and Hall (2018), Parallelizing the dual revised simplex method, Math. Prog. Comp. 10; its branch-and-bound is
exact up to the relative gap that is asked for.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chocofactory.planning.problem import Numbers

NAME = f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"


@dataclass
class Columns:
    """Variables: not below zero, with an upper bound, whole numbers or any."""

    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.upper)

    def add(self, count: int, upper: float = math.inf, *, integer: bool = False) -> npt.NDArray[np.int64]:
        """Add some that are alike; returns their places."""
        first = len(self)
        self.upper += [upper] * count
        self.integer += [integer] * count
        return np.arange(first, first + count)

    def add_one(self, upper: float = math.inf) -> int:
        """Add one that may be any number; returns its place."""
        return int(self.add(1, upper)[0])


@dataclass
class Rows:
    """Constraints: lower <= sum of coefficient times column <= upper."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    columns: list[int] = field(default_factory=list)
    coefficients: list[float] = field(default_factory=list)

    def add(self, terms: Sequence[tuple[int, float]], lower: float, upper: float) -> None:
        """Add one of (column, coefficient) terms."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.columns += [column for column, _ in terms]
        self.coefficients += [coefficient for _, coefficient in terms]
        self.starts.append(len(self.columns))


@dataclass(frozen=True)
class Solved:
    """What a solve came to: ``values`` of all columns, or None where there is no solution (``infeasible``) or none yet.

    ``bound`` is what no solution can be below, ``proven`` that it is met within the gap.
    """

    values: Numbers | None
    objective: float
    bound: float
    proven: bool
    infeasible: bool

    @property
    def gap(self) -> float:
        """The relative distance of objective and bound."""
        if self.values is None:
            return math.inf
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


class Solver:
    """One programme, solved for several objectives; later ones start from the solution before."""

    def __init__(self, columns: Columns, rows: Rows, *, seconds: float, gap: float) -> None:
        self._until = time.perf_counter() + seconds
        self._size = len(columns)
        self._zero_fits = all(lower <= 0 <= upper for lower, upper in zip(rows.lower, rows.upper, strict=True))
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.silent()
        for option, value in (("threads", 1), ("random_seed", 1), ("mip_rel_gap", gap), ("mip_abs_gap", 1e-6)):
            self._highs.setOptionValue(option, value)
        matrix = sparse.csr_matrix(
            (rows.coefficients, rows.columns, rows.starts), shape=(len(rows.lower), len(columns))
        ).tocsc()
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(columns), len(rows.lower)
        program.col_cost_ = np.zeros(len(columns))
        program.col_lower_ = np.zeros(len(columns))
        program.col_upper_ = np.array(columns.upper)
        program.row_lower_, program.row_upper_ = np.array(rows.lower), np.array(rows.upper)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
        program.a_matrix_.value_ = matrix.data
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        program.integrality_ = [kinds[whole] for whole in columns.integer]
        self._highs.passModel(program)

    @property
    def seconds_left(self) -> float:
        """Until the time is up."""
        return self._until - time.perf_counter()

    def minimise(self, objective: Numbers, begin: Numbers | None = None, seconds: float = math.inf) -> Solved:
        """Solve for an objective, from a known solution if there is one, in the time that is left."""
        if not self._size:  # HiGHS calls a programme without columns neither solved nor without solution
            return self._empty()
        every = np.arange(self._size, dtype=np.int32)
        self._highs.changeColsCost(self._size, every, objective)
        more = max(0.05, min(seconds, self.seconds_left))
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + more)  # its clock is never set back
        if begin is not None:
            known = highspy.HighsSolution()
            known.col_value = begin.tolist()
            self._highs.setSolution(known)
        self._highs.run()
        return self._solved()

    def require(self, weights: Numbers, most: float) -> None:
        """Add the constraint that a weighted sum is no more than ``most``."""
        places = np.flatnonzero(weights).astype(np.int32)
        self._highs.addRow(-math.inf, most, len(places), places, weights[places])

    def _empty(self) -> Solved:
        if self._zero_fits:
            return Solved(np.zeros(0), 0.0, 0.0, proven=True, infeasible=False)
        return Solved(None, math.inf, math.inf, proven=True, infeasible=True)

    def _solved(self) -> Solved:
        status = self._highs.getModelStatus()
        info = self._highs.getInfo()
        none = highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible
        if status in none:
            return Solved(None, math.inf, math.inf, proven=True, infeasible=True)
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return Solved(None, math.inf, info.mip_dual_bound, proven=False, infeasible=False)
        values = np.array(self._highs.getSolution().col_value)
        bound = info.mip_dual_bound if math.isfinite(info.mip_dual_bound) else -math.inf
        proven = status == highspy.HighsModelStatus.kOptimal
        return Solved(values, info.objective_function_value, bound, proven=proven, infeasible=False)
