"""How favourable an hour is for production: a rule of the plant, from price and room climate."""

from __future__ import annotations

from dataclasses import dataclass

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
