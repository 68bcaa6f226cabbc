"""Real files of generation are read whole, and played REE tells what went into it."""

import csv
import gzip
import math
from datetime import UTC, datetime

import pytest

from chocofactory.core.clock import MADRID
from chocofactory.sources.generation_files import BY_HOUR, read_generation

pytestmark = pytest.mark.realdata


def rows_of(path):
    """The file read with nothing but the standard library."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as lines:
        yield from csv.DictReader(lines)


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


def test_zeros_after_the_blackout_of_april_2025_are_kept(data_dir):
    found = read_generation(data_dir / "generation" / "esios_peninsula_hourly_mw.csv.gz")
    by_name = {next(iter(part.series.keys.values())): part.frame["energy_mwh"] for part in found.parts}
    assert math.isclose(by_name["scheduled"][datetime(2025, 4, 28, 11, tzinfo=UTC)], 0)
    assert {name: int((energy == 0).sum()) for name, energy in by_name.items()}["nuclear"] == 32
