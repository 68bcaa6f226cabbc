"""Rows as lines, and text that needs no quoting."""

from __future__ import annotations

import re
from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given

from chocofactory.domain.measurements import ENERGY_PRICE, SIAR_DAILY
from chocofactory.store.lines import decoded, encoded, line, lines, resolution_of, tags_of, times_of
from tests.contract_kit import HOUR, NOW

_ANY = st.text(st.characters(codec=None, categories=None))


@given(text=_ANY)
@example("")
@example("%")
@example("\udc80%41\\")
def test_any_text_comes_back_and_needs_no_quoting(text):
    assert decoded(encoded(text)) == text
    assert not re.search(r'[\s,="\\\x00-\x1f]', encoded(text))
    assert encoded(text)


@given(one=_ANY, other=_ANY)
def test_no_two_texts_are_written_alike(one, other):
    assert (encoded(one) == encoded(other)) == (one == other)


@pytest.mark.parametrize("text", ["pvpc_20td", "file:prices-2025.csv", "13:40", "España", "demo"])
def test_common_text_reads_as_it_is(text):
    assert encoded(text) == text


def test_tags_tell_keys_resolution_and_issue():
    assert tags_of({"market": "a b"}, HOUR, NOW) == {
        "market": "a%20b",
        "resolution": "3600s",
        "issued_at": "2025-03-02T09:30:00.123456+00:00",
    }
    assert tags_of({}) == {}


@given(seconds=st.integers(1, 10**8), micros=st.integers(0, 999_999))
def test_any_resolution_comes_back(seconds, micros):
    length = timedelta(seconds=seconds, microseconds=micros)
    assert resolution_of(tags_of({}, length)["resolution"]) == length


def test_a_row_is_one_line_without_what_is_missing():
    values = [np.array([0.1 + 0.2, np.nan, 5e-324]), np.array([np.nan, -0.0, 1e300]), np.array([1.0, 0.0, np.nan])]
    times = np.array([0, 1, 2])
    written = lines(ENERGY_PRICE, {"zone": "z", "market": "m"}, times, values, {"source": 'a"b', "written_at": 7})
    assert written == [
        'energy_price,market=m,zone=z price_eur_kwh=0.30000000000000004,suspect=t,source="a%22b",written_at=7i 0',
        'energy_price,market=m,zone=z first_price_eur_kwh=-0.0,suspect=f,source="a%22b",written_at=7i 1',
        'energy_price,market=m,zone=z price_eur_kwh=5e-324,first_price_eur_kwh=1e+300,source="a%22b",written_at=7i 2',
    ]


def test_text_fields_are_encoded_and_missing_ones_left_out():
    texts = {"temperature_max_time": ["13:40", None], "temperature_min_time": ["", None]}
    given_text = {name: np.array(column, dtype=object) for name, column in texts.items()}
    missing = {"text": np.array([None, None], dtype=object), "number": np.full(2, np.nan)}
    columns = [given_text.get(field.name, missing.get(field.kind)) for field in SIAR_DAILY.fields]
    first, second = lines(SIAR_DAILY, {}, np.array([0, 1]), columns, {"written_at": 1})
    assert first.startswith('siar_daily temperature_max_time="13:40",temperature_min_time="%",')
    assert second == "siar_daily written_at=1i 1"


def test_a_point_of_our_own_is_a_line_too():
    assert line("meta", {"b": "2", "a": "1"}, {"kind": "real", "count": 3}) == 'meta,a=1,b=2 kind="real",count=3i 0'


def test_times_are_read_to_the_microsecond():
    column = pd.Series(["2025-03-01T00:00:00Z", "1969-12-31T23:59:59.999999Z"])
    assert times_of(column).tolist() == [1_740_787_200_000_000, -1]
