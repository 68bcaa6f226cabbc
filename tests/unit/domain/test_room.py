"""The room of the default plant by the weather outside, against the plant's rules worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plant_kit import default_plant

ROOM = default_plant().room
NAN = float("nan")


@pytest.mark.parametrize(
    ("outside", "room"), [(-5, 22), (22, 22), (35.9, 22), (36, 22), (38, 24), (40, 26), (40.1, 26.1), (NAN, NAN)]
)
def test_the_room_is_held_until_36_and_then_follows(outside, room):
    np.testing.assert_allclose(ROOM.temperature_c(np.array([outside])), [room])


@pytest.mark.parametrize(
    ("outside", "pct", "room"),
    [
        (20, 40, 40),
        (20, 60, 60),
        (20, 90, 60),
        (35.9, 90, 60),
        (36, 90, 90),
        (36, 30, 30),
        (NAN, 90, NAN),
        (20, NAN, NAN),
    ],
)
def test_humidity_is_held_at_60_while_hvac_holds(outside, pct, room):
    np.testing.assert_allclose(ROOM.humidity_pct(np.array([outside]), np.array([pct])), [room])


@pytest.mark.parametrize(("outside", "kw"), [(-5, 0), (22, 0), (23, 0.8), (32, 8), (42, 16), (NAN, 0)])
def test_extra_cooling_grows_with_each_degree_above_22(outside, kw):
    np.testing.assert_allclose(ROOM.cooling_kw(np.array([outside])), [kw])
