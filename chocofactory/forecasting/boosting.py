"""Gradient-boosted trees: one model of all hours and lead days, in units of the level and spread of the last 28 days.

The trees see neither the season nor how dear a month is: told so, they recall single months of the few years that there
are, and are wrong by some hundredths more. Nor do they see spot prices, which told them nothing that PVPC had not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from chocofactory.forecasting.days import REST_DAY, USUAL_DAYS, Calendar, in_units, mean_before, need_days, usual
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS, LEAST_DAYS

if TYPE_CHECKING:
    from pathlib import Path

    import lightgbm
    import numpy.typing as npt

    from chocofactory.forecasting.days import Rows
    from chocofactory.forecasting.history import History

    Numbers = npt.NDArray[np.float64]

WINDOW_DAYS = 1_100
"""Origins before the last so many days are not learnt from."""
STRIDE_DAYS = 2
"""Every second origin is learnt from: their forecasts overlap, and the fit takes half the time."""
SEEDS = (1, 2)
"""The forecast is the mean of one model for each."""
_ROUNDS = 150
_FARTHEST = 5.0
"""Prices farther than so many spreads from the level count as if they were there."""
_NEAR_DAYS = 5
"""Holidays farther away than this are all alike."""
_ALIKE = 3
_PARAMETERS: dict[str, Any] = {
    "objective": "huber",
    "alpha": 0.5,
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class Boosting:
    """Says what an hour costs from the same hour of the days before, days of its kind, and how yesterday went.

    Days that a history filled count as any other. A forecast follows from the last 56 days alone.
    """

    name = "boosting"

    def __init__(self) -> None:
        self._trees: list[lightgbm.Booster] = []

    def fit(self, history: History) -> None:
        """Learn from the last 1,100 days of a history.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        import lightgbm

        need_days(history, self.name)
        recent = history.pvpc.iloc[-(WINDOW_DAYS + USUAL_DAYS) :]
        values = recent.to_numpy(dtype=float)
        origins = np.arange(len(values) - 1, USUAL_DAYS - 1, -STRIDE_DAYS)[::-1]
        table = _table(values, Calendar.of(recent.index[0], len(values) + LEAD_DAYS), origins)
        targets = origins[:, None] + np.arange(LEAD_DAYS)
        known = targets < len(values)
        prices = in_units(values[np.where(known, targets, 0)], *usual(values, origins))
        data = lightgbm.Dataset(
            table[known].reshape(-1, table.shape[-1]), np.clip(prices, -_FARTHEST, _FARTHEST)[known].ravel()
        )
        self._trees = [lightgbm.train(_PARAMETERS | {"seed": seed}, data, _ROUNDS) for seed in SEEDS]

    def predict(self, history: History) -> Numbers:
        """Expected prices [EUR/kWh] of the seven days that follow a history, by hour of the wall clock: shape (7, 24).

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        recent = history.pvpc.iloc[-LEAST_DAYS:]
        values = recent.to_numpy(dtype=float)
        origin = np.array([LEAST_DAYS])
        table = _table(values, Calendar.of(recent.index[0], LEAST_DAYS + LEAD_DAYS), origin)
        rows = table.reshape(-1, table.shape[-1])
        said = np.mean([np.asarray(trees.predict(rows, num_threads=1)) for trees in self._trees], axis=0)
        level, spread = usual(values, origin)
        return np.asarray(said.reshape(LEAD_DAYS, HOURS) * spread + level)

    def save(self, folder: Path) -> None:
        """Write the trees into an empty folder, in LightGBM's own text format."""
        for seed, trees in zip(SEEDS, self._trees, strict=True):
            (folder / f"trees-{seed}.txt").write_text(trees.model_to_string(num_iteration=-1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; the same history then gives the same forecast to the last bit.

        Raises
        ------
        ValueError, OSError
            The files are not what ``save`` wrote.

        """
        import lightgbm

        made = cls()
        for seed in SEEDS:
            text = (folder / f"trees-{seed}.txt").read_text(encoding="utf-8")
            if "end of trees" not in text or "end of parameters" not in text:
                msg = f"trees-{seed}.txt is no whole model"
                raise ValueError(msg)
            try:
                made._trees.append(lightgbm.Booster(model_str=text))
            except lightgbm.basic.LightGBMError as error:
                msg = f"trees-{seed}.txt is no model"
                raise ValueError(msg) from error
        return made


def _table(values: Numbers, calendar: Calendar, origins: Rows) -> npt.NDArray[np.float32]:
    """What the trees see of each origin, lead day and hour: shape (origins, 7, 24, features).

    ``values`` [EUR/kWh] has a row a day and ``calendar`` seven more; of prices only those before an origin play a part.
    """
    units, lead = usual(values, origins), np.arange(LEAD_DAYS)
    week = mean_before(values, origins, 7)
    hours = [values[origins - back] for back in (1, 2, 3)] + [week, mean_before(values, origins, USUAL_DAYS)]
    weeks = [values[origins[:, None] + lead - 7 * back] for back in (1, 2, 3)]
    weeks = [*weeks[:2], np.mean(weeks, axis=0), _alike(values, calendar, origins)]
    means = [values[origins - back].mean(axis=1) for back in (1, 2, 3)]
    days = [in_units(of_day, *units) for of_day in (values[origins - 1].min(1), values[origins - 1].max(1), *means)]
    days += [(means[0] - week.mean(axis=1)) / units[1]]
    marks = (calendar.kind, calendar.bridge, calendar.eve, calendar.morrow, np.minimum(calendar.distance, _NEAR_DAYS))
    columns: list[npt.NDArray[Any]] = [in_units(of_hour, *units)[:, None, :] for of_hour in hours]
    columns += [in_units(of_week, *units) for of_week in weeks]
    columns += [of_day[:, None, None] for of_day in (*days, calendar.kind[origins], calendar.kind[origins - 1])]
    columns += [mark[origins[:, None] + lead][:, :, None] for mark in marks]
    columns += [lead[None, :, None], np.arange(HOURS)[None, None, :]]
    shape = (len(origins), LEAD_DAYS, HOURS)
    return np.stack([np.broadcast_to(column, shape).astype(np.float32) for column in columns], axis=-1)


def _alike(values: Numbers, calendar: Calendar, origins: Rows) -> Numbers:
    """Means by hour of the last three days before an origin that were like the one to be forecast: (origins, 7, 24).

    Working days are like each other, and so are Saturdays, and Sundays with holidays.
    """
    group = np.maximum(calendar.kind - (REST_DAY - 2), 0)
    means = np.empty((3, len(origins), HOURS))
    for of_group in range(3):
        days = np.flatnonzero(group[: len(values)] == of_group)
        past = np.maximum(np.searchsorted(days, origins)[:, None] + np.arange(-_ALIKE, 0), 0)  # few at the beginning
        means[of_group] = values[days[past]].mean(axis=1)
    wanted = group[origins[:, None] + np.arange(LEAD_DAYS)]
    return np.asarray(means[wanted, np.arange(len(origins))[:, None]])
