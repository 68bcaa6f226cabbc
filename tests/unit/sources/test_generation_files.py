"""Files of generation, written by hand; the real ones are in the contract tests."""

import gzip
import io
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from chocofactory.core.clock import MADRID, day_start
from chocofactory.core.errors import InvalidInput, MalformedFile
from chocofactory.sources.generation_files import BY_HOUR, read_generation

DAILY = "date,datetime,gas_gen_mwh,gas_gen_percentage\n"
TWO_DAYS = (
    DAILY + "2025-03-29,2025-03-29T00:00:00.000+01:00,1000.5,0.1\n2025-03-30,2025-03-30T00:00:00.000+01:00,2000,0.25\n"
)
HOURLY = (
    "timestamp_utc,demand_scheduled_545_mw,demand_forecast_544_mw,ccgt_550_mw,wind_551_mw,hydro_546_mw,nuclear_549_mw\n"
)
TWO_HOURS = HOURLY + "2025-03-12T00:00:00Z,23317,23573.17,2523.5,6978.5,-576.33,0\n2025-03-12T01:00:00Z,1,2,3,4,5,6\n"
FORECAST = "timestamp_utc,demand_forecast_544_mw\n2025-03-12T00:00:00Z,23573.17\n"
NOW = datetime(2025, 3, 12, 10, 30, tzinfo=MADRID)


def read(text, **more):
    content = text if isinstance(text, bytes) else text.encode()
    return read_generation(io.BytesIO(content), "generation.csv", **more)


def parts(found):
    return {str(part.series): part.frame for part in found.parts}


def test_combined_cycle_by_day_keeps_energy_and_share():
    found = read(TWO_DAYS)
    (frame,) = parts(found).values()
    assert list(parts(found)) == ["generation{technology=combined_cycle, system=national}@24h"]
    assert frame.to_dict("list") == {"energy_mwh": [1000.5, 2000.0], "share": [0.1, 0.25]}
    assert [time.to_pydatetime() for time in frame.index] == [day_start(date(2025, 3, day)) for day in (29, 30)]
    assert (frame.index.name, str(frame.index.tz), frame.index.unit) == ("time", "UTC", "us")
    assert (found.rows, found.blank, found.repeated, found.rejected) == (2, 0, 0, [])


def test_power_by_hour_is_the_energy_of_the_hour_column_by_column():
    found = {series: frame["energy_mwh"].tolist() for series, frame in parts(read(TWO_HOURS)).items()}
    assert found == {
        "demand{kind=scheduled, system=peninsula}@1h": [23317, 1],
        "demand{kind=forecast_latest, system=peninsula}@1h": [23573.17, 2],
        "generation{technology=combined_cycle, system=peninsula}@1h": [2523.5, 3],
        "generation{technology=wind, system=peninsula}@1h": [6978.5, 4],
        "generation{technology=hydro, system=peninsula}@1h": [-576.33, 5],
        "generation{technology=nuclear, system=peninsula}@1h": [0, 6],
    }


@pytest.mark.parametrize("column", BY_HOUR)
def test_any_one_column_is_a_file(column):
    (part,) = read(f"timestamp_utc,{column}\n2025-03-12T00:00:00Z,5\n").parts
    assert part.series == BY_HOUR[column]


def test_blank_cells_are_absent_and_rows_of_blanks_are_counted():
    found = read(TWO_HOURS + "2025-03-12T02:00:00Z,,,7,,,\n2025-03-12T03:00:00Z,,,,,,\n")
    assert [len(frame) for frame in parts(found).values()] == [2, 2, 3, 2, 2, 2]
    assert (found.rows, found.blank, found.rejected) == (4, 1, [])
    found = read(TWO_DAYS + "2025-04-01,2025-04-01T00:00:00+02:00,,0.3\n2025-04-02,2025-04-02T00:00:00+02:00,5,\n")
    (frame,) = parts(found).values()
    np.testing.assert_array_equal(frame["share"], [0.1, 0.25, np.nan])
    assert found.blank == 1


def test_a_column_of_blanks_is_no_part():
    found = read("timestamp_utc,wind_551_mw,ccgt_550_mw\n2025-03-12T00:00:00Z,5,\n")
    assert list(parts(found)) == ["generation{technology=wind, system=peninsula}@1h"]


def test_gzip_is_known_by_content(tmp_path):
    path = tmp_path / "generation.csv"
    path.write_bytes(gzip.compress(FORECAST.encode()))
    assert read_generation(path).parts[0].frame.equals(read(FORECAST).parts[0].frame)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-03-31,2025-03-31T00:00:00.000+01:00,5,0.1", "is not the midnight at which a day begins"),
        ("2025-03-31,2025-03-31,5,0.1", "is not a time with its offset"),
        ("2025-03-31,2025-03-31T00:00:00,5,0.1", "is not a time with its offset"),
        ("2025-03-31,2025-03-31T00:00:00+02:00,much,0.1", "'much' is not a number"),
        ("2025-03-31,2025-03-31T00:00:00+02:00,5,26.8", "'26.8' is no share between 0 and 1"),
        ("2025-03-31,2025-03-31T00:00:00+02:00,5,0.1,7", "5 fields instead of 4"),
        ("1999-03-31,1999-03-31T00:00:00+02:00,5,0.1", "lies before 2000-01-01"),
        ("0001-03-31,0001-03-31T00:00:00+02:00,5,0.1", "line 4: "),
        ("9999-12-31,9999-12-31T00:00:00+01:00,5,0.1", "is not known yet"),
    ],
)
def test_a_day_that_cannot_be_used_is_rejected_with_its_line_and_reason(row, reason):
    found = read(TWO_DAYS + row + "\n")
    assert len(found.parts[0].frame) == 2
    (fault,) = found.rejected
    assert fault["line"] == 4
    assert reason in fault["message"].format(**fault["fields"])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-03-12T02:30:00Z,1,1,1,1,1,1", "is not the start of an hour"),
        ("12/03/2025 02:00,1,1,1,1,1,1", "is not a time with its offset"),
        ("2025-03-12T02:00:00Z,1,1,1,x,1,1", "'x' is not a number"),
        ("2025-03-12T02:00:00Z,1", "2 fields instead of 7"),
    ],
)
def test_an_hour_that_cannot_be_used_is_rejected_as_a_whole(row, reason):
    found = read(TWO_HOURS + row + "\n")
    assert [len(frame) for frame in parts(found).values()] == [2] * 6
    (fault,) = found.rejected
    assert fault["line"] == 4
    assert reason in fault["message"].format(**fault["fields"])


def test_a_day_that_is_not_over_is_rejected_as_the_part_that_it_is():
    text = TWO_DAYS + "2025-03-31,2025-03-31T00:00:00.000+02:00,5,0.1\n"
    end = day_start(date(2025, 4, 1))
    assert read(text, now=end).rejected == []
    found = read(text, now=end - timedelta(seconds=1))
    assert [fault["line"] for fault in found.rejected] == [4]
    assert len(found.parts[0].frame) == 2


def test_generation_ends_with_the_hours_that_are_over_and_demand_with_tomorrow():
    lines = ["timestamp_utc,wind_551_mw,demand_forecast_544_mw"]
    lines += ["2025-03-12T08:00:00Z,5,6", "2025-03-12T09:00:00Z,5,6", "2025-03-12T10:00:00Z,,6"]
    lines += ["2025-03-13T22:00:00Z,,6", "2025-03-13T23:00:00Z,,6", "2025-03-13T23:00:00Z,,"]
    found = read("\n".join(lines), now=NOW)
    assert [fault["line"] for fault in found.rejected] == [3, 6, 7]
    assert [len(frame) for frame in parts(found).values()] == [1, 3]


def test_rows_that_agree_count_once_and_others_are_a_fault_of_the_file():
    again = "2025-03-12T01:00:00Z,1,2,3,4,5,6\n"
    found = read(TWO_HOURS + again)
    assert (found.rows, found.repeated) == (3, 1)
    with pytest.raises(MalformedFile, match=r"generation.csv, line 4: another value for 2025-03-12T01:00"):
        read(TWO_HOURS + again.replace("6", "7"))


def test_rows_in_any_order_come_out_sorted():
    head, *rows = TWO_HOURS.splitlines()
    assert all(
        one.frame.equals(other.frame)
        for one, other in zip(read("\n".join([head, *rows[::-1]])).parts, read(TWO_HOURS).parts, strict=True)
    )


@pytest.mark.parametrize(
    "content",
    [
        "timestamp_utc,price_eur_kwh\n2025-03-12T00:00:00Z,0.1\n",
        "timestamp_utc\n2025-03-12T00:00:00Z\n",
        TWO_HOURS.replace("nuclear_549_mw", "fusion_mw"),
        "date,gas_gen_mwh\n2025-03-12,5\n",
        "<html></html>",
    ],
    ids=["prices", "times alone", "a column that is not known", "no time", "page"],
)
def test_files_of_another_kind_are_refused(content):
    with pytest.raises(MalformedFile, match="none of the headers"):
        read(content)


def test_files_without_any_value_are_refused():
    for text in (DAILY, HOURLY, HOURLY + "2025-03-12T00:00:00Z,,,,,,\n"):
        with pytest.raises(MalformedFile, match="holds no value"):
            read(text)
    with pytest.raises(MalformedFile, match="empty"):
        read("")
    with pytest.raises(MalformedFile, match="line 2: '5' is not a time"):
        read("timestamp_utc,wind_551_mw\n5,5\n")


def test_a_file_of_mostly_unusable_rows_is_refused():
    with pytest.raises(MalformedFile, match=r"cannot be used\. The first: .*, line 3"):
        read(FORECAST + "x,1\ny,2\n")


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InvalidInput, match="There is no file"):
        read_generation(tmp_path / "nothing.csv")
