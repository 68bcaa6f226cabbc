"""What trained models say together: who speaks for each day, and whose errors, of which lead day, lie around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chocofactory.forecasting.backtest import Roll, scale, truth
from chocofactory.forecasting.ensemble import ENSEMBLE, combined
from chocofactory.forecasting.from_spot import FromSpot
from chocofactory.forecasting.intervals import quantiles
from chocofactory.forecasting.trained import FROM_SPOT, Trained
from tests.forecast_kit import made_up_history

if TYPE_CHECKING:
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.trained import Expected

ORIGIN, ORIGINS = date(2024, 6, 10), 100
FULL = made_up_history()
HISTORY = FULL.before(ORIGIN)
SPOT = FULL.spot.loc[str(ORIGIN)].to_numpy()
SCALE = float(HISTORY.pvpc.to_numpy()[-28:].std())
OFFSETS = {"lear": 0.01, "kernel": -0.02}


@dataclass
class Above:
    """A member that expects of each day the last known one and so much more: one day of its week is like the other."""

    name: str
    offset: float

    def predict(self, history: History) -> np.ndarray:
        return np.tile(history.pvpc.to_numpy()[-1] + self.offset, (7, 1))


def made_up_roll() -> Roll:
    """Models wrong by skewed errors, growing with the days ahead; lear is the better one at first, kernel later.

    It goes on for ten days after the origin, which must not be seen there.
    """
    chance = np.random.default_rng(11)
    origins = tuple(ORIGIN + timedelta(days=10 - n) for n in range(ORIGINS, 0, -1))
    came = truth(FULL, origins)
    growth = {"lear": np.linspace(1, 2.2, 7), "kernel": np.linspace(1.2, 1.9, 7), FROM_SPOT: np.full(7, 0.3)}
    points = {
        name: came - 0.01 * size[:, None] * (chance.gamma(1.5, size=came.shape) - 1) for name, size in growth.items()
    }
    points[FROM_SPOT][:, 1:] = np.nan
    return Roll(origins, points, came, scale(FULL, origins))


ROLL = made_up_roll()
TRAINED = Trained({name: Above(name, offset) for name, offset in OFFSETS.items()}, ROLL)  # type: ignore[arg-type]


def shares(lead: int) -> list[float]:
    """How much lear and kernel count: one known error after the other."""
    known = [row for row, origin in enumerate(ROLL.origins) if origin + timedelta(days=lead) < ORIGIN]
    wrong = [
        np.mean([np.abs(ROLL.truth[n, lead] - ROLL.points[name][n, lead]).mean() / ROLL.scale[n] for n in known])
        for name in OFFSETS
    ]
    strength = [error**-12 for error in wrong]
    return [each / sum(strength) for each in strength]


def paths_by_hand(points: np.ndarray, said: list[tuple[str, int]]) -> np.ndarray:
    """The points and what each past week was above its forecast: in the spread of prices now, not of then."""
    rolled = ROLL.including(ENSEMBLE, combined(ROLL, list(OFFSETS)))
    made = []
    for row, origin in enumerate(ROLL.origins):
        if origin + timedelta(days=max(lead for _, lead in said)) < ORIGIN:
            path = [
                point + (rolled.truth[row, lead] - rolled.points[name][row, lead]) / rolled.scale[row] * SCALE
                for point, (name, lead) in zip(points, said, strict=True)
            ]
            made.append(path)
    return np.array(made)


def bands(points: np.ndarray, said: list[tuple[str, int]]) -> np.ndarray:
    """Quantiles around each day, one by one."""
    rolled = ROLL.including(ENSEMBLE, combined(ROLL, list(OFFSETS)))
    rows = [
        quantiles(point[None, :], [lead], rolled, name, ORIGIN, SCALE)[0]
        for point, (name, lead) in zip(points, said, strict=True)
    ]
    return np.stack(rows)


def points_of(expected: Expected) -> np.ndarray:
    return expected.quantiles[:, :, 2]


def test_the_ensemble_is_asked_first_where_it_has_parts() -> None:
    assert TRAINED.names == ("ensemble", "lear", "kernel")
    assert not TRAINED.expect(HISTORY).from_spot


def test_members_of_the_ensemble_count_by_how_wrong_they_were_on_each_lead_day() -> None:
    expected = TRAINED.expect(HISTORY)

    last = HISTORY.pvpc.to_numpy()[-1]
    counted = [shares(lead) for lead in range(7)]
    assert counted[0][0] > 0.6
    assert counted[6][0] < 0.4
    for lead, (lear, kernel) in enumerate(counted):
        by_hand = last + lear * OFFSETS["lear"] + kernel * OFFSETS["kernel"]
        assert points_of(expected)[lead] == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("model", ["lear", "kernel", "ensemble"])
def test_around_each_day_lie_the_errors_of_its_own_lead_day(model: str) -> None:
    expected = TRAINED.expect(HISTORY, model=model)
    said = [(model, lead) for lead in range(7)]

    assert expected.quantiles == pytest.approx(bands(points_of(expected), said), abs=1e-12)
    assert expected.paths == pytest.approx(paths_by_hand(points_of(expected), said), abs=1e-12)
    width = (expected.quantiles[:, :, 4] - expected.quantiles[:, :, 0]).mean(axis=1)
    assert width[6] > 1.4 * width[0]


def test_scenarios_are_skewed_as_the_prices_were_around_their_forecasts() -> None:
    expected = TRAINED.expect(HISTORY, model="lear")

    apart = expected.paths - points_of(expected)
    assert ((apart - apart.mean()) ** 3).mean() > apart.std() ** 3
    assert apart.max() > 2 * -apart.min()


def test_a_day_told_from_its_spot_prices_is_known_to_the_days_after_it() -> None:
    expected = TRAINED.expect(HISTORY, model="lear", spot=SPOT)

    first = FromSpot().predict(HISTORY, SPOT)
    assert expected.from_spot
    assert points_of(expected)[0] == pytest.approx(first, abs=1e-12)
    assert points_of(expected)[1:] == pytest.approx(np.tile(first + OFFSETS["lear"], (6, 1)), abs=1e-12)
    assert np.abs(first - HISTORY.pvpc.to_numpy()[-1]).max() > 0.005


def test_after_a_day_told_from_its_spot_prices_the_members_begin_with_their_first_lead_day() -> None:
    expected = TRAINED.expect(HISTORY, model="kernel", spot=SPOT)
    said = [(FROM_SPOT, 0), *(("kernel", lead) for lead in range(6))]

    assert expected.quantiles == pytest.approx(bands(points_of(expected), said), abs=1e-12)
    assert expected.paths == pytest.approx(paths_by_hand(points_of(expected), said), abs=1e-12)


@pytest.mark.parametrize("spot", [None, SPOT])
def test_days_beyond_the_week_build_on_it_and_are_as_unsure_as_its_last_day(spot: np.ndarray | None) -> None:
    expected = TRAINED.expect(HISTORY, days=16, model="lear", spot=spot)
    own = [("lear", min(day, 6)) for day in range(16)]
    said = own if spot is None else [(FROM_SPOT, 0), *own[:-1]]

    points, begin = points_of(expected), 0 if spot is None else 1
    for week in range(2):
        day = begin + 7 * week
        before = points[day - 1] if day else HISTORY.pvpc.to_numpy()[-1]
        assert points[day : day + 7] == pytest.approx(np.tile(before + OFFSETS["lear"], (7, 1)), abs=1e-12)
    around = expected.quantiles - points[:, :, None]
    last = begin + 6
    for day in range(last + 1, 16):
        assert around[day] == pytest.approx(around[last], abs=1e-12)
    assert expected.quantiles == pytest.approx(bands(points, said), abs=1e-12)
    assert expected.paths == pytest.approx(paths_by_hand(points, said), abs=1e-12)
