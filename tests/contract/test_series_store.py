"""What every series store promises, checked against plain dictionaries."""

from __future__ import annotations

import math
from datetime import date, timedelta

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import given, settings

from chocofactory.core.clock import day_bounds
from chocofactory.domain.measurements import (
    ENERGY_PRICE,
    MEASUREMENTS,
    PVPC,
    SIAR_DAILY,
    Series,
)
from chocofactory.store.base import WriteCounts
from tests.contract_kit import EVER, HOUR, LATER, NOW, START, everything, hours, write

# --- writing and reading back


def test_what_was_written_is_read_back_with_its_keys_source_and_time_of_writing(store):
    values = [0.1, -0.00002, 0.0, 0.95, 0.1 + 0.2]
    assert write(store, hours(values)) == WriteCounts(new=5)
    frame = everything(store)
    assert list(frame.columns) == [
        "market",
        "zone",
        "resolution",
        "price_eur_kwh",
        "first_price_eur_kwh",
        "suspect",
        "source",
        "written_at",
    ]
    assert frame["price_eur_kwh"].tolist() == values  # to the last bit
    assert frame.index.tolist() == [pd.Timestamp(START) + i * pd.Timedelta(HOUR) for i in range(5)]
    assert (frame.index.name, str(frame.index.tz)) == ("time", "UTC")
    assert set(frame["market"]) == {PVPC}
    assert set(frame["source"]) == {"ree"}
    assert set(frame["written_at"]) == {pd.Timestamp(NOW)}
    assert set(frame["resolution"]) == {pd.Timedelta(HOUR)}


def test_the_end_of_a_range_is_exclusive_and_its_start_inclusive(store):
    write(store, hours([1, 2, 3, 4]))
    frame = store.read(ENERGY_PRICE, START + HOUR, START + 3 * HOUR)
    assert frame["price_eur_kwh"].tolist() == [2, 3]


def test_rows_may_come_in_any_order_and_in_any_zone(store):
    local = hours([1, 2, 3]).tz_convert("Europe/Madrid").iloc[[2, 0, 1]]
    write(store, local)
    frame = everything(store)
    assert frame["price_eur_kwh"].tolist() == [1, 2, 3]
    assert frame.index[0] == pd.Timestamp(START)


def test_nanosecond_indexes_are_taken_and_keep_their_times(store):
    frame = hours([1, 2])
    frame.index = frame.index.as_unit("ns")
    write(store, frame)
    assert everything(store).index.tolist() == hours([1, 2]).index.tolist()


def test_an_empty_answer_has_the_same_columns_and_kinds_of_dtype(store):
    for measurement in MEASUREMENTS.values():
        empty = store.read(measurement, *EVER)
        series = Series(measurement, dict.fromkeys(measurement.keys, "x"), timedelta(days=1))
        row = pd.DataFrame(
            {f.name: [{"number": 1.5, "text": "13:40", "flag": True}[f.kind]] for f in measurement.fields},
            index=pd.DatetimeIndex([day_bounds(date(2025, 5, 1))[0]]),
        )
        store.write(series, row, source="ree", written_at=NOW, issued_at=NOW if measurement.issued else None)
        full = store.read(measurement, *EVER)
        assert len(empty) == 0
        assert len(full) == 1
        assert [dtype.name for dtype in empty.dtypes] == [dtype.name for dtype in full.dtypes]
        assert list(empty.columns) == list(full.columns)
        assert empty.index.dtype == full.index.dtype
        assert empty.index.name == "time"


def test_text_and_flags_come_back_as_they_are_and_missing_ones_as_missing(store):
    index = pd.DatetimeIndex([day_bounds(date(2025, 5, day))[0] for day in (1, 2, 3)])
    station = Series(SIAR_DAILY, {"province": "23", "station": "9"}, timedelta(days=1))
    texts = ["13:40", None, "ñ'; DROP TABLE series; --\x00€"]
    write(
        store, pd.DataFrame({"temperature_mean_c": [20.5, 21, np.nan], "temperature_max_time": texts}, index), station
    )
    frame = everything(store, SIAR_DAILY)
    assert [None if pd.isna(x) else x for x in frame["temperature_max_time"]] == texts
    assert frame["temperature_min_time"].isna().all()
    assert frame["temperature_mean_c"].tolist()[:2] == [20.5, 21]
    assert math.isnan(frame["temperature_mean_c"].iloc[2])

    write(store, hours([1, 2, 3], suspect=pd.array([True, False, None], dtype="boolean")))
    suspect = everything(store)["suspect"]
    assert suspect.iloc[0] is np.True_ or suspect.iloc[0] is True
    assert not suspect.iloc[1]
    assert suspect.iloc[2] is pd.NA


def test_an_empty_frame_writes_nothing_and_makes_no_series(store):
    before = store.revision()
    assert write(store, hours([])) == WriteCounts()
    assert store.series() == []
    assert store.revision() == before


# --- upserts


def test_writing_the_same_again_changes_nothing_not_even_source_and_revision(store):
    write(store, hours([1, 2]))
    before, revision = everything(store), store.revision()
    assert write(store, hours([1, 2]), source="esios", at=LATER) == WriteCounts(unchanged=2)
    pd.testing.assert_frame_equal(everything(store), before)
    assert store.revision() == revision


def test_a_revised_value_is_counted_and_carries_its_new_source_alone(store):
    write(store, hours([1, 2]))
    assert write(store, hours([1, 5, 7]), source="esios", at=LATER) == WriteCounts(new=1, changed=1, unchanged=1)
    frame = everything(store)
    assert frame["price_eur_kwh"].tolist() == [1, 5, 7]
    assert frame["source"].tolist() == ["ree", "esios", "esios"]
    assert frame["written_at"].tolist() == [pd.Timestamp(NOW), pd.Timestamp(LATER), pd.Timestamp(LATER)]


def test_nan_means_not_given_and_keeps_what_is_stored(store):
    write(store, hours([1, 2], suspect=[True, False]))
    frame = hours([np.nan, 3], suspect=pd.array([False, None], dtype="boolean"))
    assert write(store, frame) == WriteCounts(changed=2)
    kept = everything(store)
    assert kept["price_eur_kwh"].tolist() == [1, 3]
    assert kept["suspect"].tolist() == [False, False]


def test_the_first_value_is_remembered_when_the_price_is_revised(store):
    write(store, hours([1, 2]))
    write(store, hours([10, 2, 3]))
    write(store, hours([20, 2, 3]))
    frame = everything(store)
    assert frame["price_eur_kwh"].tolist() == [20, 2, 3]
    assert frame["first_price_eur_kwh"].tolist() == [1, 2, 3]


def test_a_first_value_that_is_given_counts_and_one_that_is_given_as_unknown_stays_unknown(store):
    write(store, hours([1, 2], first_price_eur_kwh=[0.5, np.nan]))
    assert everything(store)["first_price_eur_kwh"].isna().tolist() == [False, True]
    write(store, hours([3, 4]))
    frame = everything(store)
    assert frame["first_price_eur_kwh"].iloc[0] == 0.5
    assert math.isnan(frame["first_price_eur_kwh"].iloc[1])


def test_a_first_value_fills_an_unknown_one_but_never_replaces_a_known_one(store):
    write(store, hours([1, 2], first_price_eur_kwh=[0.5, np.nan]))
    counts = write(store, hours([1, 2], first_price_eur_kwh=[9, 9]))
    assert counts == WriteCounts(changed=1, unchanged=1)
    assert everything(store)["first_price_eur_kwh"].tolist() == [0.5, 9]


_cell = st.sampled_from([math.nan, 0.0, 0.1, 0.2, -0.3])
_flag = st.sampled_from([None, True, False])


@st.composite
def _write(draw):
    times = draw(st.lists(st.integers(0, 7), min_size=1, max_size=6, unique=True))
    columns = draw(st.sets(st.sampled_from(ENERGY_PRICE.field_names), min_size=1))
    rows = {}
    for time in times:
        row = {name: draw(_flag if name == "suspect" else _cell) for name in sorted(columns)}
        if any(not _missing(value) for value in row.values()):
            rows[time] = row
    return rows, draw(st.sampled_from(["ree", "esios", "file:a.csv"]))


_delete = st.tuples(st.integers(0, 7), st.integers(0, 8))


def _missing(value):
    return value is None or value != value  # noqa: PLR0124


def _apply(model, rows, source, at):
    """One write on a plain dict, as the contract words it; returns the counts."""
    new = changed = 0
    for time, given_row in rows.items():
        if time not in model:
            first = given_row.get("first_price_eur_kwh", given_row.get("price_eur_kwh"))
            model[time] = {
                "price_eur_kwh": given_row.get("price_eur_kwh"),
                "first_price_eur_kwh": first,
                "suspect": given_row.get("suspect"),
                "by": (source, at),
            }
            new += 1
            continue
        kept, touched = model[time], False
        for name, value in given_row.items():
            settled = name == "first_price_eur_kwh" and not _missing(kept[name])
            if not _missing(value) and not settled and (_missing(kept[name]) or kept[name] != value):
                kept[name], touched = value, True
        if touched:
            kept["by"] = (source, at)
            changed += 1
    return WriteCounts(new, changed, len(rows) - new - changed)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(steps=st.lists(st.one_of(_write(), _delete), min_size=1, max_size=8))
def test_any_history_of_writes_and_deletes_leaves_what_a_plain_dict_would_hold(backend, steps):
    store = backend.open(backend.place())
    model = {}
    for number, step in enumerate(steps):
        at, revision = NOW + number * HOUR, store.revision()
        if isinstance(step[0], dict):
            rows, source = step
            frame = pd.DataFrame.from_dict(rows, orient="index")
            frame.index = pd.DatetimeIndex([START + i * HOUR for i in frame.index], tz="UTC")
            counts = _apply(model, rows, source, at)
            assert write(store, frame, source=source, at=at) == counts
            touched = counts.new + counts.changed
        else:
            first, end = step
            gone = [time for time in model if first <= time < end]
            for time in gone:
                del model[time]
            touched = store.delete(ENERGY_PRICE, START + first * HOUR, START + end * HOUR)
            assert touched == len(gone)
        assert (store.revision() > revision) == bool(touched)
    found = everything(store)
    assert [int((time - START) / HOUR) for time in found.index] == sorted(model)
    for row, kept in zip(found.to_dict("records"), (model[time] for time in sorted(model)), strict=True):
        for name in ENERGY_PRICE.field_names:
            assert _missing(kept[name]) if pd.isna(row[name]) else kept[name] == row[name]
        assert (row["source"], row["written_at"].to_pydatetime()) == kept["by"]
    store.close()
