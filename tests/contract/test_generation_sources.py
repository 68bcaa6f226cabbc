"""Real files of generation are read whole; all sources keep the same promises."""

import csv
import gzip
import math
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, StoppedClock, day_grid
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, NotPublished
from chocofactory.domain.generation import NATIONAL, published_at
from chocofactory.domain.measurements import DAILY
from chocofactory.sources.demo import Demo
from chocofactory.sources.generation_files import BY_HOUR, read_generation
from chocofactory.sources.ree import Ree
from tests.fakes import wavy_generation, wavy_prices
from tests.loopback import Loopback, ReePlayer, Waits

FIRST, LAST_OUT = date(2025, 3, 1), date(2025, 11, 30)


def rows_of(path):
    """The file read with nothing but the standard library."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as lines:
        yield from csv.DictReader(lines)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "count"), [("esios544_demand_forecast_mw.csv.gz", 43_820), ("esios_peninsula_hourly_mw.csv.gz", 43_703)]
)
def test_every_hour_of_a_real_file_is_read_to_the_last_digit(data_dir, name, count):
    path = data_dir / "generation" / name
    found = read_generation(path)
    rows = list(rows_of(path))
    assert (found.rows, found.blank, found.repeated, found.rejected) == (count, 0, 0, [])
    columns = [column for column in rows[0] if column != "timestamp_utc"]
    assert [part.series for part in found.parts] == [BY_HOUR[column] for column in columns]
    for part, column in zip(found.parts, columns, strict=True):
        assert [time.to_pydatetime() for time in part.frame.index] == [
            datetime.fromisoformat(row["timestamp_utc"]) for row in rows
        ]
        assert part.frame["energy_mwh"].tolist() == [float(row[column]) for row in rows]


@pytest.mark.realdata
def test_every_day_of_combined_cycle_is_read_to_the_last_digit(data_dir):
    path = data_dir / "generation" / "combined_cycle_daily_mwh.csv"
    found = read_generation(path)
    (part,) = found.parts
    rows = list(rows_of(path))
    assert (found.rows, len(part.frame), found.rejected) == (1107, 1107, [])
    assert part.frame["energy_mwh"].tolist() == [float(row["gas_gen_mwh"]) for row in rows]
    assert part.frame["share"].tolist() == [float(row["gas_gen_percentage"]) for row in rows]
    assert [time.tz_convert(MADRID).date().isoformat() for time in part.frame.index] == [row["date"] for row in rows]
    assert part.frame["energy_mwh"].agg(["min", "max"]).tolist() == pytest.approx([36_838, 357_781], abs=1)


@pytest.mark.realdata
def test_zeros_after_the_blackout_of_april_2025_are_kept(data_dir):
    found = read_generation(data_dir / "generation" / "esios_peninsula_hourly_mw.csv.gz")
    by_name = {next(iter(part.series.keys.values())): part.frame["energy_mwh"] for part in found.parts}
    assert math.isclose(by_name["scheduled"][datetime(2025, 4, 28, 11, tzinfo=UTC)], 0)
    assert {name: int((energy == 0).sum()) for name, energy in by_name.items()}["nuclear"] == 32


@pytest.mark.realdata
def test_the_two_files_of_the_demand_forecast_differ_in_three_repeated_hours_alone(data_dir):
    """The one that has one value for both runs of the hour that October repeats, lacks the second of them."""
    asked = BY_HOUR["demand_forecast_544_mw"]
    one, both = (
        next(
            part.frame["energy_mwh"]
            for part in read_generation(data_dir / "generation" / name).parts
            if part.series == asked
        )
        for name in ("esios544_demand_forecast_mw.csv.gz", "esios_peninsula_hourly_mw.csv.gz")
    )
    shared = one.index.intersection(both.index)
    odd = shared[one[shared] != both[shared]]
    assert [f"{hour:%Y-%m-%d %H}" for hour in odd] == ["2021-10-31 00", "2023-10-29 00", "2025-10-26 00"]
    assert both.index.difference(one.index).equals(odd + timedelta(hours=1))


@contextmanager
def keeping_promises(kind):
    """Each source with generation up to ``LAST_OUT``."""
    if kind is Demo:
        yield Demo(7, StoppedClock(published_at(LAST_OUT)))
        return
    waits = Waits()
    player = ReePlayer(wavy_prices(FIRST, FIRST), generation=wavy_generation(FIRST, LAST_OUT))
    with Loopback(player) as server:
        settings = load_settings(http_pause_s=0, http_attempts=2, ree_url=server.url)
        yield Ree(settings, sleep=waits.sleep, monotonic=waits.monotonic)


@pytest.mark.parametrize("kind", [Ree, Demo])
@pytest.mark.parametrize("first", [date(2025, 3, 29), date(2025, 7, 1), date(2025, 10, 25)])
def test_published_days_are_whole_and_in_the_promised_form(kind, first):
    last = first + timedelta(days=2)
    with keeping_promises(kind) as source:
        found = source.generation(first, last)
        assert source.system == NATIONAL
    assert {"combined_cycle", "wind", "nuclear"} <= set(found)
    for technology, frame in found.items():
        assert technology == technology.lower()
        assert (str(frame.index.tz), frame.index.name, frame.index.unit) == ("UTC", "time", "us")
        assert list(frame.columns) == ["energy_mwh", "share"]
        assert frame.dtypes.tolist() == [float, float]
        assert len(frame)
        assert frame.index.is_monotonic_increasing
        assert frame.index.isin(day_grid(first, last, DAILY)).all()
    assert found["wind"].index.equals(day_grid(first, last, DAILY))
    shares = pd.concat(frame["share"] for frame in found.values()).groupby(level=0).sum()
    assert shares.tolist() == pytest.approx([1] * 3)


@pytest.mark.parametrize("kind", [Ree, Demo])
def test_what_is_not_out_is_said_to_be_so_and_a_range_ends_with_what_is(kind):
    day = LAST_OUT + timedelta(days=1)
    with keeping_promises(kind) as source:
        with pytest.raises(NotPublished) as caught:
            source.generation(day, day)
        assert caught.value.source == source.name
        found = source.generation(LAST_OUT, LAST_OUT + timedelta(days=5))
        assert found["wind"].index.equals(day_grid(LAST_OUT, LAST_OUT, DAILY))
        with pytest.raises(InvalidInput):
            source.generation(day, LAST_OUT)
