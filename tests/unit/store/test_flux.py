"""Flux texts: put together from constants, whatever is asked for."""

from __future__ import annotations

from typing import get_args

import hypothesis.strategies as st
import pytest
from hypothesis import given

from chocofactory.domain.measurements import MEASUREMENTS
from chocofactory.store.flux import Shape, question
from tests.contract_kit import EVER


@given(value=st.text(min_size=1), other=st.text(min_size=1), shape=st.sampled_from(get_args(Shape)))
def test_no_value_changes_the_text_of_a_question(value, other, shape):
    one = question(shape, value, *EVER, {"market": value, "zone": other})
    two = question(shape, other, *EVER, {"zone": value, "market": other})
    assert one.text == two.text
    assert one.params["tag_market"] == one.params["measurement"] == value


@pytest.mark.parametrize("name", ['x"] == ""', "", "Market", "a b", "a\n"])
def test_a_tag_with_a_name_that_is_no_name_is_a_defect_and_not_asked_for(name):
    with pytest.raises(ValueError, match="cannot be names of tags"):
        question("rows", "energy_price", *EVER, {name: "x"})


def test_every_key_of_every_measurement_can_be_asked_for():
    for measurement in MEASUREMENTS.values():
        tags = dict.fromkeys([*measurement.keys, "resolution", "issued_at"], "x")
        assert all(f'r["{name}"] == tag_{name}' in question("rows", "m", *EVER, tags).text for name in tags)
