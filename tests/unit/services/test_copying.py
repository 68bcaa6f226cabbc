"""Copying a store: everything goes over as it is, and no difference stays unseen."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import StoreUnavailable
from chocofactory.domain.measurements import (
    DAILY,
    ENERGY_PRICE,
    MEASUREMENTS,
    PRICE_FORECAST,
    SIAR_DAILY,
    SPOT,
    Series,
    price_series,
)
from chocofactory.services.copying import Difference, compare, copy
from chocofactory.store.base import OutboxState, WriteCounts
from chocofactory.store.sqlite import SqliteSeriesStore
from tests.contract_kit import EVER, HOUR, LATER, NOW, PRICES, START, hours, write


@pytest.fixture
def stores(tmp_path):
    made = [SqliteSeriesStore(tmp_path / f"{name}.db", "real") for name in ("source", "target")]
    yield made
    for store in made:
        store.close()


def fill(store):
    """A bit of everything: revisions, unknown first values, text, quarter-hours, forecasts, several sources, months."""
    write(store, hours(range(48), start=START - 24 * HOUR))
    write(store, hours([9.0], start=START), source="esios", at=LATER)
    write(store, hours([1, 2], start=START + 900 * HOUR, first_price_eur_kwh=[np.nan, 0.5]), source="file:a b.csv")
    write(store, hours([1, 2, 3, 4], step=HOUR / 4, suspect=[True] * 4), price_series(SPOT, resolution=HOUR / 4))
    station = Series(SIAR_DAILY, {"province": "23", "station": "9"}, DAILY)
    index = pd.DatetimeIndex([day_bounds(date(2025, 5, day))[0] for day in (1, 2)])
    write(store, pd.DataFrame({"temperature_max_time": ["13:40", ""], "et0_mm": [np.nan, 1]}, index), station, "siar")
    forecast = Series(PRICE_FORECAST, {"market": "m", "zone": "z"})
    frame = hours([0.1, 0.2]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    for issue in (NOW, LATER):
        write(store, frame, forecast, issued_at=issue)


def test_every_row_of_every_series_arrives_as_it_is(stores):
    source, target = stores
    fill(source)
    told = []
    outcome = copy(source, target, lambda percent, message, **fields: told.append((percent, message.format(**fields))))
    assert outcome.equal
    assert {line["series"]: line["new"] for line in outcome.series} == {
        str(series): len(source.read(series.measurement, *EVER, resolution=series.resolution, **series.keys))
        for series in source.series()
    }
    assert source.series() == target.series()
    for measurement in MEASUREMENTS.values():
        pd.testing.assert_frame_equal(source.read(measurement, *EVER), target.read(measurement, *EVER))
    assert [percent for percent, _ in told] == sorted(percent for percent, _ in told)
    assert 0 <= told[0][0] < told[-1][0] < 100
    assert "Copying energy_price{market=pvpc_20td, zone=peninsula}@1h, 2025-02" in dict(told).values()


def test_copying_again_changes_nothing(stores):
    source, target = stores
    fill(source)
    copy(source, target)
    revision = target.revision()
    again = copy(source, target)
    assert again.equal
    assert sum(line["new"] + line["changed"] for line in again.series) == 0
    assert target.revision() == revision


def test_an_empty_store_is_copied_to_an_empty_one(stores):
    assert copy(*stores).as_dict() == {"equal": True, "series": [], "differences": [], "aside_rows": 0}


def test_each_kind_of_difference_is_counted(stores):
    source, target = stores
    copy(source, target)
    write(source, hours([1, 2, 3, 4, 5]))
    write(target, hours([1, 2.5], start=START + HOUR), source="esios")
    write(target, hours([3]), price_series("only here"))
    write(target, hours([4], start=START + 3 * HOUR), source="ree", at=LATER)
    write(target, hours([7], start=START + 2000 * HOUR))
    found = compare(source, target)
    assert found == [
        Difference(str(PRICES), missing=2, extra=1, changed=2, first_values=0, origin=1, first=START.isoformat()),
        Difference(
            str(price_series("only here")),
            missing=0,
            extra=1,
            changed=0,
            first_values=0,
            origin=0,
            first=START.isoformat(),
        ),
    ]


def test_a_missing_value_differs_from_a_known_one_and_not_from_a_missing_one(stores):
    source, target = stores
    for store, suspect in ((source, [True, None, None, False]), (target, [None, None, True, False])):
        write(store, hours([1, 2, 3, 4], suspect=pd.array(suspect, dtype="boolean")))
    assert [line.changed for line in compare(source, target)] == [2]


def test_issues_of_a_forecast_are_told_apart(stores):
    source, target = stores
    forecast = Series(PRICE_FORECAST, {"market": "m", "zone": "z"})
    frame = hours([0.1, 0.2]).rename(columns={"price_eur_kwh": "p50_eur_kwh"})
    write(source, frame, forecast, issued_at=NOW)
    write(target, frame, forecast, issued_at=LATER)
    (line,) = compare(source, target)
    assert (line.missing, line.extra, line.changed) == (2, 2, 0)


def test_what_only_waits_for_the_target_is_not_copied(stores, monkeypatch):
    source, target = stores
    write(source, hours([1, 2]))
    monkeypatch.setattr(target, "write", lambda *_, **__: WriteCounts(queued=2))
    with pytest.raises(StoreUnavailable, match=r"2 rows of energy_price.* wait for it"):
        copy(source, target)


def test_what_waits_for_the_source_is_brought_in_first(stores, monkeypatch):
    source, target = stores
    waiting = OutboxState(1, 2, 100, 1000, NOW)
    monkeypatch.setattr(source, "outbox", lambda: waiting)
    with pytest.raises(StoreUnavailable, match="2 rows still wait"):
        copy(source, target)
    monkeypatch.setattr(source, "outbox", lambda: OutboxState(0, 0, 0, 1000))
    monkeypatch.setattr(source, "replay", lambda: write(source, hours([1, 2])).total)
    assert [line["new"] for line in copy(source, target).series] == [2]


def test_what_the_source_has_set_aside_is_told_and_never_called_equal(stores, monkeypatch):
    source, target = stores
    write(source, hours([1, 2]))
    monkeypatch.setattr(source, "outbox", lambda: OutboxState(0, 0, 0, 1000, None, 1, 100, "wrong type"))
    outcome = copy(source, target)
    assert (outcome.equal, outcome.aside_rows, outcome.differences) == (False, 100, [])
    assert outcome.as_dict()["aside_rows"] == 100


def test_rows_that_differ_take_the_values_of_the_source(stores):
    source, target = stores
    write(source, hours([1, 2]), at=LATER)
    write(target, hours([1, 3]), source="esios")
    outcome = copy(source, target)
    assert [line["changed"] for line in outcome.series] == [1]
    assert target.read(ENERGY_PRICE, *EVER)["price_eur_kwh"].tolist() == [1, 2]
    (line,) = outcome.differences  # the first value of one, and where the other came from, are not made up
    assert (line.changed, line.first_values, line.origin, line.first) == (0, 1, 1, START.isoformat())
    assert copy(source, target).differences == [line]  # nor by another copy
    assert timedelta(0) == source.read(ENERGY_PRICE, *EVER).index[0] - START
