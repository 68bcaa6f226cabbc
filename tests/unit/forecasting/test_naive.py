"""Same hour last week."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.naive import Naive
from tests.forecast_kit import made_up_history


def test_every_hour_costs_what_it_cost_a_week_before() -> None:
    history = made_up_history(date(2024, 3, 3))
    said = Naive().predict(history)

    for lead in range(7):
        for hour in range(24):
            assert (
                said[lead, hour]
                == history.pvpc.loc[f"2024-02-{26 + lead}" if lead < 4 else f"2024-03-0{lead - 3}", hour]
            )


def test_seven_days_are_enough_and_six_are_not() -> None:
    history = made_up_history(date(2024, 1, 7))
    assert np.array_equal(Naive().predict(history), history.pvpc.to_numpy())
    with pytest.raises(InvalidInput):
        Naive().predict(history.before(date(2024, 1, 7)))


def test_what_it_says_is_its_own(tmp_path) -> None:
    history = made_up_history(date(2024, 3, 3))
    member = Naive()
    member.fit(history)
    member.save(tmp_path)
    Naive.load(tmp_path).predict(history)[:] = 0
    assert history.pvpc.to_numpy().min() > 0
