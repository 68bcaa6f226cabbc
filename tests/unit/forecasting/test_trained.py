"""What trained models expect: the right errors on the right day, and a day told from spot taken as known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.forecasting.backtest import follow
from chocofactory.forecasting.ensemble import parts, weights
from chocofactory.forecasting.history import History
from chocofactory.forecasting.trained import Trained, with_from_spot

ORIGIN = date(2025, 3, 13)


class Shifted:
    """Says the mean of yesterday for every hour, and something more."""

    def __init__(self, name: str, more: float) -> None:
        self.name, self.more = name, more

    def fit(self, history: History) -> None:
        """Nothing is to be learnt."""

    def predict(self, history: History) -> np.ndarray:
        return np.full((7, 24), history.pvpc.to_numpy()[-1].mean() + self.more)


def history(origin: date = ORIGIN, *, spot: bool = False) -> History:
    """Prices whose daily level walks at random, mostly a little up and now and then far down."""
    grid = day_grid(origin - timedelta(days=200), origin - timedelta(days=1))
    days = (grid.tz_convert(MADRID).tz_localize(None).normalize() - pd.Timestamp(origin)).days.to_numpy()
    chance = np.random.default_rng(3)
    steps = np.where(chance.random(201) < 0.2, -0.04, 0.01)
    level = 0.3 + np.cumsum(steps)
    pvpc = pd.Series(level[days + 200] + 0.002 * chance.normal(size=len(grid)), index=grid)
    return History.of(pvpc, (pvpc - 0.05) / 1.13 if spot else None, origin)


@pytest.fixture(scope="module")
def known() -> History:
    return history()


@pytest.fixture(scope="module")
def trained(known: History) -> Trained:
    members: dict[str, Any] = {"lear": Shifted("lear", 0.0), "kernel": Shifted("kernel", 0.02)}
    past = follow(members, known, ORIGIN - timedelta(days=120), ORIGIN)
    return Trained(members, past)


def widths(quantiles: np.ndarray) -> np.ndarray:
    """Mean width of the 90 % band of each day."""
    return (quantiles[..., 4] - quantiles[..., 0]).mean(axis=1)


def test_the_ensemble_is_the_weighted_mean_of_its_parts(trained: Trained, known: History) -> None:
    points = trained.expect(known).quantiles[..., 2]

    shares = weights(trained.roll.told(known).before(ORIGIN), parts(trained.members), ORIGIN)
    yesterday = known.pvpc.to_numpy()[-1].mean()
    assert points == pytest.approx(np.repeat((yesterday + 0.02 * shares[1])[:, None], 24, axis=1))
    assert (shares[0] != 0.5).any()


def test_each_day_is_as_unsure_as_its_own_lead(trained: Trained, known: History) -> None:
    assert (
        widths(trained.expect(known, model="lear").quantiles)[6]
        > 1.2 * widths(trained.expect(known, model="lear").quantiles)[0]
    )


def test_days_beyond_the_seventh_are_as_unsure_as_it(trained: Trained, known: History) -> None:
    wide = widths(trained.expect(known, 10, "lear").quantiles)

    assert len(wide) == 10
    assert wide[7:] == pytest.approx(np.repeat(wide[6], 3), rel=0.05)


def test_scenarios_are_wrong_to_the_side_to_which_the_past_was(trained: Trained, known: History) -> None:
    expected = trained.expect(known, model="lear")

    roll = trained.roll.told(known).before(ORIGIN)
    errors = (roll.truth - roll.points["lear"]) / roll.scale[:, None, None]
    whole = np.isfinite(errors).all(axis=(1, 2))
    spread = expected.paths - expected.quantiles[..., 2]
    assert len(expected.paths) == whole.sum()
    scale = spread[0, 0, 0] / errors[whole][0, 0, 0]
    assert scale > 0
    assert spread == pytest.approx(scale * errors[whole])


def test_a_day_told_from_spot_is_known_to_the_days_after_it() -> None:
    known = history(spot=True)
    members: dict[str, Any] = {"lear": Shifted("lear", 0.0)}
    past = with_from_spot(follow(members, known, ORIGIN - timedelta(days=60), ORIGIN), known)
    told = Trained(members, past).expect(known, spot=np.full(24, 0.4))

    assert told.from_spot
    first = told.quantiles[0, :, 2]
    assert first.mean() == pytest.approx(0.4 * 1.13 + 0.05, abs=0.05)
    assert told.quantiles[1:, :, 2] == pytest.approx(np.full((6, 24), first.mean()))
    assert widths(told.quantiles)[0] < 0.5 * widths(told.quantiles)[1]


def test_a_roll_catches_up_to_the_end_of_a_history(trained: Trained) -> None:
    later = history(ORIGIN + timedelta(days=9))
    served = trained.caught_up(later)

    assert served.roll.origins[-1] == later.origin
    assert served.roll.origins[: len(trained.roll)] == trained.roll.origins
    place = served.roll.origins.index(ORIGIN + timedelta(days=5))
    said = trained.members["kernel"].predict(later.before(ORIGIN + timedelta(days=5)))
    assert (served.roll.points["kernel"][place] == said).all()
    assert trained.caught_up(later.before(ORIGIN)) is trained
