"""How good forecasts were: errors and bands of models by lead day, hour and month, and beside each other."""

from __future__ import annotations

from dataclasses import fields
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID
from chocofactory.forecasting.ensemble import ENSEMBLE
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS, LEVELS, QUANTILES
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.significance import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from chocofactory.forecasting.predictions import Predictions

    Numbers = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]

ALL, LEAD_DAY, HOUR, MONTH = "all", "lead_day", "hour", "month"
"""How scores are grouped: all hours, and by lead day (1 to 7), hour of the wall clock and local month (``2025-03``)."""
REFERENCES = (Naive.name, ENSEMBLE)
"""The models beside which every other is put."""
_BELOW = tuple(f"below_{name.removeprefix('p')}" for name in QUANTILES)
_REST = ("bias", "pinball", "coverage_50", "width_50", "coverage_90", "width_90", *_BELOW)
_MEANS = ("mae", "square", "naive", *_REST)
_SCORES = ("mae", "rmse", "rmae", *_REST)
_COMPARED = tuple(each.name for each in fields(Comparison))
_MEDIAN = LEVELS.index(0.5)
_BANDS = {50: (1, 3), 90: (0, 4)}


def scores(made: Predictions) -> pd.DataFrame:
    """Scores of each model, over all hours that are known and by group.

    Returns
    -------
    DataFrame
        Columns ``model``, ``group``, ``key`` (of the group: see ``ALL`` ...), ``n`` (hours); ``mae``, ``rmse`` and
        ``bias`` (forecast minus price) of the median, ``pinball`` (the loss of all five quantiles, their mean),
        ``width_50`` and ``width_90``, all [EUR/kWh]; ``rmae``, the mean absolute error divided by that of the naive
        model on the same hours (NaN without it); ``coverage_50`` and ``coverage_90``, shares of prices in the bands,
        their edges included; ``below_05`` ... ``below_95``, shares of prices at or below each quantile.

    """
    reference = made.of(Naive.name)[:, _MEDIAN] if Naive.name in made.quantiles else np.full_like(made.truth, np.nan)
    groups = _groups(made)
    frames = []
    for model in made.quantiles:
        said = made.of(model)
        known = np.isfinite(said).all(axis=1) & np.isfinite(made.truth)
        parts = _parts(said, made.truth, np.abs(reference - made.truth))[known]
        frames += [_means(parts, group[known], keys).assign(model=model, group=name) for name, group, keys in groups]
    return pd.concat(frames, ignore_index=True)[["model", "group", "key", "n", *_SCORES]]


def report(made: Predictions, refit_days: int) -> dict[str, Any]:
    """Scores and comparisons as JSON has them; what is not known is None.

    Returns
    -------
    dict
        ``first`` and ``last`` origin, ``origins`` (how many), ``refit_days``; ``scores``: the rows of ``scores``;
        ``comparisons``: of each ``model`` ``versus`` those of ``REFERENCES``, over the hours that both forecast, as
        ``significance.Comparison`` (``difference`` is called ``difference_eur_kwh``; None with too few origins);
        ``comparisons_day_1``: the same on lead day 1 alone.

    """
    records = scores(made).to_dict(orient="records")
    return {
        "first": made.origins[0].isoformat(),
        "last": made.origins[-1].isoformat(),
        "origins": len(made.origins),
        "refit_days": refit_days,
        "scores": [{str(name): _plain(value) for name, value in record.items()} for record in records],
        "comparisons": list(_comparisons(made, LEAD_DAYS)),
        "comparisons_day_1": list(_comparisons(made, 1)),
    }


def losses(made: Predictions, model: str, other: str, lead_days: int = LEAD_DAYS) -> tuple[Numbers, Numbers]:
    """Mean absolute errors [EUR/kWh] of two models at each origin, over the hours of its first days that both forecast.

    NaN for origins of which no such hour is known.
    """
    errors = np.abs(np.stack([made.of(name)[:, _MEDIAN] for name in (model, other)]) - made.truth)
    known = np.isfinite(errors).all(axis=0) & (made.hours.lead < lead_days)
    rows, n = made.hours.row[known], len(made.origins)
    count = np.bincount(rows, minlength=n)
    totals = np.stack([np.bincount(rows, each[known], minlength=n) for each in errors])
    one, two = np.divide(totals, count, out=np.full((2, n), np.nan), where=count > 0)
    return one, two


def _comparisons(made: Predictions, lead_days: int) -> Iterator[dict[str, Any]]:
    apart = (made.origins[-1] - made.origins[0]).days / max(len(made.origins) - 1, 1)
    overlap = ceil(LEAD_DAYS / max(apart, 1.0))
    for reference in REFERENCES:
        for model in made.quantiles:
            if reference in made.quantiles and model not in {reference, Naive.name}:
                found = compare(*losses(made, model, reference, lead_days), overlap)
                values = {name: found and _plain(getattr(found, name)) for name in _COMPARED}
                difference = values.pop("difference")
                yield {"model": model, "versus": reference, "difference_eur_kwh": difference, **values}


def _groups(made: Predictions) -> list[tuple[str, Places, list[Any]]]:
    """Of each grouping its name, the number of each hour's group, and the keys of the groups."""
    hours = made.hours
    wall = hours.time.tz_convert(MADRID)
    months, month = np.unique(wall.year.to_numpy(np.int64) * 100 + wall.month.to_numpy(np.int64), return_inverse=True)
    return [
        (ALL, np.zeros_like(hours.lead), [ALL]),
        (LEAD_DAY, hours.lead, list(range(1, LEAD_DAYS + 1))),
        (HOUR, hours.hour, list(range(HOURS))),
        (MONTH, month.astype(np.int64), [f"{number // 100}-{number % 100:02d}" for number in months.tolist()]),
    ]


def _parts(said: Numbers, truth: Numbers, naive: Numbers) -> Numbers:
    """What is averaged, in the order of ``_MEANS``, of each hour: shape (hours, means)."""
    error = said[:, _MEDIAN] - truth
    short = truth[:, None] - said
    pinball = np.maximum(short * np.array(LEVELS), short * (np.array(LEVELS) - 1)).mean(axis=1)
    columns = [np.abs(error), error**2, naive, error, pinball]
    for low, high in _BANDS.values():
        columns += [(truth >= said[:, low]) & (truth <= said[:, high]), said[:, high] - said[:, low]]
    return np.column_stack([*columns, truth[:, None] <= said])


def _means(parts: Numbers, group: Places, keys: list[Any]) -> pd.DataFrame:
    """Scores of the groups that have hours, from what is averaged of each hour and the number of its group."""
    count = np.bincount(group, minlength=len(keys))
    sums = np.stack([np.bincount(group, column, minlength=len(keys)) for column in parts.T], axis=1)
    there = count > 0
    means = pd.DataFrame(sums[there] / count[there, None], columns=list(_MEANS))
    means["rmse"] = np.sqrt(means.pop("square"))
    naive = means.pop("naive")
    means["rmae"] = means["mae"] / naive.where(naive > 0)
    return means.assign(key=[key for key, wanted in zip(keys, there, strict=True) if wanted], n=count[there])


def _plain(value: Any) -> Any:
    """A value as JSON has it: no number that is none."""
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return value
