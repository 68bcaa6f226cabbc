"""How favourable an hour is for production: a rule of the plant, from price and room climate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from chocofactory.core.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from chocofactory.domain.plant import Plant

    Numbers = npt.NDArray[np.float64]

Level = Literal["optimal", "moderate", "reduced", "halt"]
"""Classes of hours, the best first."""
LEVELS: tuple[Level, ...] = ("optimal", "moderate", "reduced", "halt")
_DIGITS = 6
"""Decimals of a score: what lies beyond is noise of the arithmetic, and must not decide a class."""
_LEAST_LOSS = 0.5
"""Points that a part must cost to be named as a reason."""

Curve = tuple[tuple[float, float], ...]
"""Points of a piecewise linear function, by rising argument; constant outside them."""


@dataclass(frozen=True)
class Scoring:
    """Weights and curves of the score, and the limits of its classes; see ``plant.toml``."""

    price_weight: float
    temperature_weight: float
    humidity_weight: float
    price_eur_kwh: Curve
    room_c: Curve
    room_pct: Curve
    optimal_from: float
    moderate_from: float
    reduced_from: float
    finish_only_above_eur_kwh: float


@dataclass(frozen=True)
class Recommendation:
    """How favourable an hour is, and why.

    ``score`` is 0 ... 100, None where price or weather is unknown; ``level`` is its class, None where that is unknown
    too (a hard limit that is surely broken means halt, whatever else is unknown). ``room_c`` and ``room_pct`` are the
    climate of the room [degC, %], None where it is unknown. ``price_points``, ``temperature_points`` and
    ``humidity_points`` are what each part adds to the score, None where unknown. ``reasons`` is never empty.
    """

    score: float | None
    level: Level | None
    room_c: float | None
    room_pct: float | None
    price_points: float | None
    temperature_points: float | None
    humidity_points: float | None
    reasons: tuple[Message, ...]


def score(plant: Plant, price_eur_kwh: float, outside_c: float, outside_pct: float) -> Recommendation:
    """How favourable one hour is at a price [EUR/kWh] and weather outside [degC, %]; NaN is unknown."""
    row = scores(plant, *(np.array([value], dtype=float) for value in (price_eur_kwh, outside_c, outside_pct))).iloc[0]
    numbers = {name: _known(row[name]) for name in _NUMBERS}
    return Recommendation(level=row["level"], reasons=row["reasons"], **numbers)


def scores(plant: Plant, price_eur_kwh: Numbers, outside_c: Numbers, outside_pct: Numbers) -> pd.DataFrame:
    """How favourable many hours are; the three arrays [EUR/kWh, degC, %] are of one length, NaN is unknown.

    Returns
    -------
    DataFrame
        A row for each hour: ``score``, ``level``, ``room_c``, ``room_pct``, ``price_points``, ``temperature_points``,
        ``humidity_points``, ``reasons`` as in ``Recommendation``; unknown numbers are NaN, an unknown level None.

    """
    rule = plant.scoring
    room_c = plant.room.temperature_c(outside_c)
    room_pct = plant.room.humidity_pct(outside_c, outside_pct)
    parts = {
        "price_points": _points(rule.price_weight, rule.price_eur_kwh, price_eur_kwh),
        "temperature_points": _points(rule.temperature_weight, rule.room_c, room_c),
        "humidity_points": _points(rule.humidity_weight, rule.room_pct, room_pct),
    }
    total = np.round(np.sum(list(parts.values()), axis=0), _DIGITS)
    frame = pd.DataFrame({"score": total, "room_c": room_c, "room_pct": room_pct, **parts})
    frame["price_eur_kwh"], frame["outside_c"], frame["outside_pct"] = price_eur_kwh, outside_c, outside_pct
    hot, damp = _broken(plant, room_c, room_pct)
    level = _levels(rule, total, price_eur_kwh, np.any([*hot.values(), damp], axis=0))
    frame["level"] = pd.Series(level, dtype=object)
    why = [
        tuple(_reasons(plant, row, [name for name, over in hot.items() if over[place]], bool(damp[place])))
        for place, row in enumerate(frame.itertuples())
    ]
    frame["reasons"] = pd.Series(why, dtype=object)
    return frame[["score", "level", *_NUMBERS[1:], "reasons"]]


def _points(weight: float, curve: Curve, values: Numbers) -> Numbers:
    """What a part adds to the score; NaN where its value is unknown."""
    at, share = zip(*curve, strict=True)
    return np.asarray(np.where(np.isnan(values), np.nan, 100 * weight * np.interp(values, at, share)))


def _broken(plant: Plant, room_c: Numbers, room_pct: Numbers) -> tuple[dict[str, npt.NDArray[np.bool_]], Any]:
    """Where the room is too hot for each block that has a limit, and where it is too damp to start any."""
    hot = {block.name: room_c > block.room_max_c for block in plant.blocks if block.room_max_c is not None}
    return hot, room_pct > plant.room.start_humidity_max_pct


def _levels(
    rule: Scoring, total: Numbers, price_eur_kwh: Numbers, broken: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    dear = price_eur_kwh > rule.finish_only_above_eur_kwh
    chosen = np.select(
        [
            broken,
            np.isnan(total),
            (total >= rule.optimal_from) & ~dear,
            (total >= rule.moderate_from) & ~dear,
            total >= rule.reduced_from,
        ],
        [3, -1, 0, 1, 2],
        default=3,
    )
    named: npt.NDArray[np.object_] = np.array([*LEVELS, None], dtype=object)[chosen]
    return named


def _reasons(plant: Plant, hour: Any, hot: list[str], damp: bool) -> Iterator[Message]:
    """All that speaks against an hour, the gravest first; or that nothing does."""
    rule = plant.scoring
    limits = {block.name: block.room_max_c for block in plant.blocks}
    for block in hot:
        yield Message(
            "The room is at {room:.1f} °C: {block} must not run above {limit:g} °C.",
            room=hour.room_c,
            block=block,
            limit=limits[block],
        )
    if damp:
        limit = plant.room.start_humidity_max_pct
        yield Message(
            "The room is at {room:.0f} % humidity: nothing may start above {limit:g} %.",
            room=hour.room_pct,
            limit=limit,
        )
    yield from _unknown(hour)
    if hour.price_eur_kwh > rule.finish_only_above_eur_kwh:
        limit = rule.finish_only_above_eur_kwh
        yield Message("The price is above {limit:g} €/kWh: finish what runs, start nothing.", limit=limit)
    if hour.score < rule.reduced_from:
        yield Message("The score is below {limit:g} points: nothing should run.", limit=rule.reduced_from)
    lost = list(_losses(rule, hour))
    yield from lost
    if hour.level == LEVELS[0] and not lost:
        yield Message("Price, temperature and humidity are all as good as can be.")


def _unknown(hour: Any) -> Iterator[Message]:
    if np.isnan(hour.price_eur_kwh):
        yield Message("The price of this hour is unknown, and so is its score.")
    if np.isnan(hour.outside_c):
        yield Message("The temperature outside is unknown in this hour, and so is its score.")
    if np.isnan(hour.outside_pct):
        yield Message("The humidity outside is unknown in this hour, and so is its score.")


def _losses(rule: Scoring, hour: Any) -> Iterator[Message]:
    """What each part costs against the best it could be."""
    if (lost := 100 * rule.price_weight - hour.price_points) >= _LEAST_LOSS:
        yield Message(
            "The price of {price:.4f} €/kWh costs {lost:.0f} of {most:.0f} points.",
            price=hour.price_eur_kwh,
            lost=lost,
            most=100 * rule.price_weight,
        )
    if (lost := 100 * rule.temperature_weight - hour.temperature_points) >= _LEAST_LOSS:
        yield Message(
            "The room's temperature of {room:.1f} °C costs {lost:.0f} of {most:.0f} points.",
            room=hour.room_c,
            lost=lost,
            most=100 * rule.temperature_weight,
        )
    if (lost := 100 * rule.humidity_weight - hour.humidity_points) >= _LEAST_LOSS:
        yield Message(
            "The room's humidity of {room:.0f} % costs {lost:.0f} of {most:.0f} points.",
            room=hour.room_pct,
            lost=lost,
            most=100 * rule.humidity_weight,
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


_NUMBERS = ("score", "room_c", "room_pct", "price_points", "temperature_points", "humidity_points")
