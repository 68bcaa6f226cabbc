"""Price files as people have them, written by hand; the real ones are in the contract tests."""

import gzip
import io
import tracemalloc
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.errors import InvalidInput, MalformedFile
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources import text_files
from chocofactory.sources.files import read_prices

PLAIN = "timestamp_utc,price_eur_kwh\n2025-03-12T00:00:00Z,0.1\n2025-03-12T01:00:00Z,0.2\n"
HEAD = "id;name;geoid;geoname;value;datetime\n"


def read(text, *, encoding="utf-8", name="prices.csv"):
    content = text if isinstance(text, bytes) else text.encode(encoding)
    return read_prices(io.BytesIO(content), name)


def export(*rows, indicator=1001, place=8741):
    return HEAD + "".join(f"{indicator};PVPC T. 2.0TD;{place};Península;{value};{at}\n" for at, value in rows)


def values(found):
    return {at.strftime("%d %H:%M"): price for at, price in found.frame["price_eur_kwh"].items()}


def test_the_plain_form_of_pvpc_is_taken_as_it_stands():
    found = read(PLAIN)
    assert found.market == PVPC
    assert found.resolution == timedelta(hours=1)
    assert values(found) == {"12 00:00": 0.1, "12 01:00": 0.2}
    assert (found.frame.index.name, str(found.frame.index.tz)) == ("time", "UTC")
    assert list(found.frame.columns) == ["price_eur_kwh"]
    assert (found.rows, found.blank, found.elsewhere, found.repeated, found.rejected) == (2, 0, 0, 0, [])


def test_the_first_published_price_comes_along_and_may_be_blank():
    found = read(
        "timestamp_utc,price_eur_kwh,price_first_published_eur_kwh\n"
        "2025-03-12T00:00:00Z,0.1,0.15\n2025-03-12T01:00:00Z,0.2,\n"
    )
    assert list(found.frame.columns) == ["price_eur_kwh", "first_price_eur_kwh"]
    np.testing.assert_array_equal(found.frame["first_price_eur_kwh"], [0.15, np.nan])
    assert (found.blank, found.rejected) == (0, [])


def test_the_plain_form_of_spot_is_in_eur_per_mwh():
    found = read("timestamp_utc,price_es_eur_mwh\n2025-10-01T00:00:00Z,105.8275\n2025-10-01T01:00:00Z,-0.01\n")
    assert found.market == SPOT
    assert list(values(found).values()) == [0.1058275, -0.00001]


@pytest.mark.parametrize(("indicator", "place", "market"), [(1001, 8741, PVPC), (600, 3, SPOT)])
def test_an_export_names_its_market_by_indicator(indicator, place, market):
    found = read(export(("2025-03-12T00:00:00+01:00", "116.33"), indicator=indicator, place=place))
    assert found.market == market
    assert values(found) == {"11 23:00": 0.11633}


def test_decimal_commas_and_dots_for_thousands_are_read():
    found = read(export(("2025-03-12T00:00:00+01:00", "1.116,33"), ("2025-03-12T01:00:00+01:00", "116,3")))
    assert list(values(found).values()) == [1.11633, 0.1163]


def test_a_number_that_could_mean_two_things_is_not_guessed():
    found = read(export(("2025-03-12T00:00:00+01:00", "1,234.50"), ("2025-03-12T01:00:00+01:00", "116,3")))
    assert list(values(found).values()) == [0.1163]
    assert [fault["line"] for fault in found.rejected] == [2]


def test_only_the_peninsula_of_an_export_counts():
    rows = export(("2025-03-12T00:00:00+01:00", 50)) + "1001;PVPC;8742;Canarias;70;2025-03-12T00:00:00+01:00\n"
    found = read(rows)
    assert list(values(found).values()) == [0.05]
    assert (found.rows, found.elsewhere) == (2, 1)


def test_an_export_without_the_peninsula_is_refused():
    with pytest.raises(MalformedFile, match="8741"):
        read(export(("2025-03-12T00:00:00+01:00", 50), place=8742))


@pytest.mark.parametrize("indicator", [1002, 10211, ""])
def test_an_export_of_another_indicator_is_refused(indicator):
    with pytest.raises(MalformedFile, match="1001"):
        read(export(("2025-03-12T00:00:00+01:00", 50), indicator=indicator))


def test_an_export_of_two_markets_is_refused():
    both = export(("2025-03-12T00:00:00+01:00", 50)) + "600;spot;3;España;70;2025-03-12T00:00:00+01:00\n"
    with pytest.raises(MalformedFile, match="1001, 600"):
        read(both)


def test_the_repeated_hour_of_october_keeps_both_prices():
    found = read(export(("2025-10-26T02:00:00+02:00", 10), ("2025-10-26T02:00:00+01:00", 20)))
    assert values(found) == {"26 00:00": 0.01, "26 01:00": 0.02}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_make_no_difference(encoding, ends):
    text = export(("2025-03-12T00:00:00+01:00", "50,5")).replace("\n", ends)
    assert values(read(text, encoding=encoding)) == {"11 23:00": 0.0505}


def test_gzip_is_known_by_content(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes(gzip.compress(PLAIN.encode()))
    plain = tmp_path / "prices.csv.gz"
    plain.write_text(PLAIN, encoding="utf-8")
    assert read_prices(path).frame.equals(read_prices(str(plain)).frame)


def test_quotes_spaces_and_blank_lines_are_tolerated():
    found = read('"timestamp_utc" , "price_eur_kwh"\n\n"2025-03-12 00:00" , 0.1 \n\n\n')
    assert values(found) == {"12 00:00": 0.1}
    assert found.rows == 1


def test_blank_prices_are_absent_and_counted():
    found = read(PLAIN + "2025-03-12T02:00:00Z,\n2025-03-12T03:00:00Z,0.4\n")
    assert list(values(found)) == ["12 00:00", "12 01:00", "12 03:00"]
    assert (found.rows, found.blank) == (4, 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-03-12T02:00:00Z,free", "'free' is not a number"),
        ("2025-03-12T02:00:00Z,inf", "'inf' is not a number"),
        ("2025-03-12T02:00:00Z,1e999", "'1e999' is not a number"),
        ("2025-03-12T02:00:00Z,1_0", "'1_0' is not a number"),
        ("12/03/2025 02:00,0.3", "'12/03/2025 02:00' is not a time"),
        ("2025-13-12T02:00:00Z,0.3", "'2025-13-12T02:00:00Z' is not a time"),
        ("2025-03-12,0.3", "'2025-03-12' is not a time"),
        ("2025-03-12T02:07:00Z,0.3", "not the start of an hour"),
        ("2025-03-12T02:00:00Z", "1 fields instead of 2"),
        ("2025-03-12T02:00:00Z,0,3", "3 fields instead of 2"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_told_by_line(row, reason):
    found = read(f"{PLAIN}{row}\n2025-03-12T03:00:00Z,0.4\n")
    assert list(values(found)) == ["12 00:00", "12 01:00", "12 03:00"]
    assert [fault["line"] for fault in found.rejected] == [4]
    assert reason in found.rejected[0]["message"].format(**found.rejected[0]["fields"])
    assert found.rows == 4


def test_an_export_needs_offsets_in_its_times():
    with pytest.raises(MalformedFile, match="line 2: '2025-03-12T00:00:00' is not a time with its offset"):
        read(export(("2025-03-12T00:00:00", 50)))


def test_a_file_of_unreadable_rows_is_refused_with_the_first_line():
    rows = "".join(f"2025-03-12T00:00:00Z,x{number}\n" for number in range(text_files.MOST_REJECTED + 1))
    with pytest.raises(MalformedFile, match=r"more than 100, cannot be used\. The first: .*, line 4"):
        read(PLAIN + rows)


def test_a_file_is_refused_when_more_than_half_of_its_rows_cannot_be_used():
    read(PLAIN + "x,1\ny,1\n")
    with pytest.raises(MalformedFile, match=r"more than half of the rows.*line 4"):
        read(PLAIN + "x,1\ny,1\nz,1\n")


@pytest.mark.parametrize(
    ("column", "before", "first"),
    [
        ("price_eur_kwh", "2021-05-31T21:00:00Z", "2021-05-31T22:00:00Z"),
        ("price_es_eur_mwh", "2014-12-31T22:00:00Z", "2014-12-31T23:00:00Z"),
    ],
)
def test_rows_before_the_first_local_day_of_their_market_are_rejected(column, before, first):
    found = read(f"timestamp_utc,{column}\n{before},50\n{first},60\n")
    assert found.frame.index.tolist() == [pd.Timestamp(first)]
    assert [fault["line"] for fault in found.rejected] == [2]
    assert "lies before" in found.rejected[0]["message"]


def test_rows_that_nobody_can_know_yet_are_rejected():
    text = PLAIN + "2025-03-13T22:00:00Z,0.3\n2025-03-13T23:00:00Z,0.4\n"
    assert len(read(text).frame) == 4
    found = read_prices(io.BytesIO(text.encode()), "a.csv", until=datetime(2025, 3, 13, 23, tzinfo=UTC))
    assert list(values(found)) == ["12 00:00", "12 01:00", "13 22:00"]
    assert [fault["message"].format(**fault["fields"]) for fault in found.rejected] == [
        "a.csv, line 5: '2025-03-13T23:00:00Z' lies in the future: prices end before 2025-03-14."
    ]


@pytest.mark.parametrize("year", ["0001", "1970", "2100", "9999"])
def test_years_out_of_all_reason_are_rejected(year):
    found = read(PLAIN + f"{year}-03-12T00:00:00Z,0.3\n")
    assert len(found.frame) == 2
    assert [fault["line"] for fault in found.rejected] == [4]


def test_no_price_is_too_strange_to_be_kept():
    assert list(values(read(PLAIN + "2025-03-12T02:00:00Z,-99\n2025-03-12T03:00:00Z,1e6\n")).values())[2:] == [-99, 1e6]


def test_rows_that_agree_count_once():
    found = read(PLAIN + "2025-03-12T01:00:00Z,0.2\n")
    assert len(found.frame) == 2
    assert found.repeated == 1


def test_rows_that_disagree_are_a_fault_of_the_file_with_its_line():
    with pytest.raises(MalformedFile, match=r"prices.csv, line 4: another value for 2025-03-12T01:00"):
        read(PLAIN + "2025-03-12T01:00:00Z,0.3\n")


def test_quarter_hours_say_so_and_mixtures_are_refused():
    quarters = "".join(f"2025-10-01T00:{minute:02}:00Z,0.1\n" for minute in (0, 15, 30, 45))
    assert read("timestamp_utc,price_eur_kwh\n" + quarters).resolution == timedelta(minutes=15)
    with pytest.raises(MalformedFile, match="mixes hours and quarter-hours"):
        read(PLAIN + quarters)


def test_rows_in_any_order_come_out_sorted():
    head, *rows = PLAIN.splitlines()
    assert read("\n".join([head, *rows[::-1]])).frame.equals(read(PLAIN).frame)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(content):
    with pytest.raises(MalformedFile, match=r"prices.csv is empty"):
        read(content)


def test_a_header_alone_holds_no_price():
    with pytest.raises(MalformedFile, match="no price"):
        read("timestamp_utc,price_eur_kwh\n")
    with pytest.raises(MalformedFile):
        read(HEAD)


@pytest.mark.parametrize(
    "content",
    ["a,b\n1,2\n", "<html></html>", "timestamp_utc,price\n", b"\x89PNG\r\n\x1a\n,;", "timestamp_utc,timestamp_utc\n"],
)
def test_files_of_another_kind_are_refused(content):
    with pytest.raises(MalformedFile):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 20,
        b"\x7fELF\x02\x01\x01" + bytes(500),
        PLAIN.encode("utf-16-le")[:-1],
        PLAIN.encode("utf-16")[:-1],
        PLAIN.encode("utf-32"),
        PLAIN.encode().replace(b"0.2", b"0\x002"),
    ],
    ids=["every byte", "program", "cut off", "marked and cut off", "utf-32", "a zero"],
)
def test_a_binary_file_is_no_text(content):
    with pytest.raises(MalformedFile, match="not a text file"):
        read(content)


def test_a_quotation_mark_that_is_never_closed_is_a_fault_of_the_file():
    rows = "2025-03-12T02:00:00Z,0.3\n" * 10_000
    with pytest.raises(MalformedFile, match="quotation mark"):
        read(PLAIN + '"' + rows)


def test_a_damaged_gzip_is_refused():
    packed = gzip.compress(PLAIN.encode() * 50)
    for broken in (packed[: len(packed) // 2], packed[:-6] + b"xxxxxx", packed[:12] + b"\0" * 20):
        with pytest.raises(MalformedFile, match="damaged gzip"):
            read(broken)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip bomb"])
def test_a_file_beyond_all_size_is_refused(monkeypatch, packed):
    monkeypatch.setattr(text_files, "LARGEST_FILE_BYTES", 1_000_000)
    content = b"0" * 1_100_000
    with pytest.raises(MalformedFile, match="more than 1 MB"):
        read(gzip.compress(content) if packed else content)


def test_a_gzip_bomb_is_not_unpacked_beyond_the_limit(monkeypatch):
    monkeypatch.setattr(text_files, "LARGEST_FILE_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(40_000_000), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(MalformedFile, match="more than 1 MB"):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_huge_line_is_refused_with_its_number():
    with pytest.raises(MalformedFile, match="line 4: too long"):
        read(PLAIN + "2" * 5000)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InvalidInput, match="There is no file"):
        read_prices(tmp_path / "nothing.csv")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_prices(tmp_path)


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=50))
def test_values_are_those_of_the_file_to_the_last_digit(prices):
    grid = pd.date_range("2025-03-12", periods=len(prices), freq="h", tz="UTC")
    text = "".join(f"{at:%Y-%m-%dT%H:%M:%SZ},{price!r}\n" for at, price in zip(grid, prices, strict=True))
    assert read("timestamp_utc,price_eur_kwh\n" + text).frame["price_eur_kwh"].tolist() == prices
