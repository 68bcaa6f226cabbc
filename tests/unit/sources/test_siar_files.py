"""Files of the SIAR network, written by hand; the real ones are in the integration tests."""

import gzip
import io
from datetime import date

import pandas as pd
import pytest

from chocofactory.core.errors import InvalidInput, MalformedFile
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.sources import text_files
from chocofactory.sources.siar import COLUMNS, read_siar
from tests.siar_files import HEADER, as_siar, blank, file, row

MONDAY, TUESDAY, WEDNESDAY = date(2024, 7, 1), date(2024, 7, 2), date(2024, 7, 3)
LINARES = ("23", "9")


def read(content, **more):
    return read_siar(io.BytesIO(content.encode() if isinstance(content, str) else content), "siar.csv", **more)


def reasons(found):
    return {fault["line"]: fault["message"].format(**fault["fields"]) for fault in found.rejected}


def test_every_field_of_the_measurement_has_its_column():
    assert [column.header for column in COLUMNS] == HEADER.split(";")
    assert tuple(column.name for column in COLUMNS[5:]) == SIAR_DAILY.field_names


def test_all_values_of_a_day_come_out_under_their_names():
    found = read(as_siar(row(MONDAY)))
    (frame,) = found.stations.values()
    assert frame.to_dict("records") == [
        {
            "temperature_mean_c": 20.5,
            "temperature_max_c": 30.25,
            "temperature_max_time": "16:57",
            "temperature_min_c": 10.0,
            "temperature_min_time": "05:30",
            "humidity_mean_pct": 50.0,
            "humidity_max_pct": 90.1,
            "humidity_max_time": "06:00",
            "humidity_min_pct": 20.2,
            "humidity_min_time": "17:10",
            "wind_ms": 1.5,
            "wind_direction_deg": 230.7,
            "wind_max_ms": 6.1,
            "wind_max_time": "13:04",
            "wind_max_direction_deg": 262.0,
            "radiation_mj_m2": 21.3,
            "precipitation_mm": 0.0,
            "effective_precipitation_mm": 0.0,
            "et0_mm": 4.12,
        }
    ]
    assert (found.rows, found.kept, found.blank, found.repeated, found.rejected) == (1, 1, 0, 0, [])


@pytest.mark.parametrize(
    ("day", "start"), [(date(2024, 7, 1), "2024-06-30T22:00Z"), (date(2024, 1, 1), "2023-12-31T23:00Z")]
)
def test_a_day_begins_at_local_midnight(day, start):
    frame = read(as_siar(row(day))).stations[LINARES]
    assert (list(frame.index), frame.index.name, frame.index.dtype) == (
        [pd.Timestamp(start)],
        "time",
        "datetime64[us, UTC]",
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_encodings_and_line_ends_make_no_difference(encoding, ends, pack):
    rows = row(MONDAY), row(TUESDAY)
    found = read(pack(file(*rows, ends=ends).encode(encoding)))
    assert found.stations[LINARES].equals(read(as_siar(*rows)).stations[LINARES])


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("Año", "Ano").replace("Dia", "Día").replace("Mínima", "Minima").replace("Mín", "Min"),
        HEADER.upper(),
        HEADER.encode().decode("latin-1"),
        HEADER.encode("ascii", "replace").decode(),
        HEADER.replace(" ", ""),
        ";".join(f'"{name}"' for name in HEADER.split(";")),
    ],
    ids=["other accents", "upper case", "wrongly decoded", "letters lost", "no spaces", "quoted"],
)
def test_the_names_of_columns_need_only_be_alike(header):
    assert read(file(row(MONDAY), header=header)).kept == 1


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("Temp Max", "Temp Min", 1), r"column 7 is called 'Temp Min \(ºC\)', not Temp Max \(ºC\)"),
        (HEADER.replace("Hora Temp Max", "Temp Max"), "column 8 is called 'Temp Max', not Hora Temp Max"),
        (HEADER.replace("Fecha;Año", "Año;Fecha"), "column 3 is called 'Año', not Fecha"),
        (HEADER.replace("Velviento (m/s)", "VelVientoMax (m/s)"), "column 16"),
        (HEADER.removesuffix(";EtPMon"), "23 columns instead of 24"),
        ("timestamp_utc,price_eur_kwh", "2 columns instead of 24"),
        (row(MONDAY), "column 1 is called '23', not IdProvincia"),
    ],
)
def test_another_table_is_refused_with_what_is_wrong(header, reason):
    with pytest.raises(MalformedFile, match=rf"siar\.csv is no table of daily SIAR data: .*{reason}"):
        read(file(row(MONDAY), header=header))


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", "\ufeff".encode("utf-16-le"), "\r\n".encode("utf-16-le")])
def test_an_empty_file_is_refused(content):
    with pytest.raises(MalformedFile, match=r"siar\.csv is empty"):
        read(content)


def test_a_header_alone_holds_no_day():
    with pytest.raises(MalformedFile, match=r"siar\.csv holds no day"):
        read(as_siar())


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(4000), as_siar(row(MONDAY))[:-1]])
def test_a_file_that_is_no_text_is_refused(content):
    with pytest.raises(MalformedFile, match="not a text file"):
        read(content)


def test_a_file_beyond_all_size_is_refused(monkeypatch):
    monkeypatch.setattr(text_files, "LARGEST_FILE_BYTES", 1_000_000)
    with pytest.raises(MalformedFile, match="more than 1 MB"):
        read(as_siar(row(MONDAY)) * 5_000)


def test_what_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(InvalidInput, match="There is no file"):
        read_siar(tmp_path / "nothing.csv")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_siar(tmp_path)
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_siar(loop)


def test_a_day_without_values_is_blank_and_a_missing_value_is_missing():
    found = read(as_siar(blank(MONDAY), row(TUESDAY, TempMedia="", HoraTempMax="", EtPMon="")))
    frame = found.stations[LINARES]
    assert (found.rows, found.kept, found.blank) == (2, 1, 1)
    missing = frame.columns[frame.isna().iloc[0]]
    assert list(missing) == ["temperature_mean_c", "temperature_max_time", "et0_mm"]


def test_a_file_of_blank_days_alone_holds_nothing_and_is_no_fault():
    found = read(as_siar(blank(MONDAY), blank(TUESDAY)))
    assert (found.stations, found.rows, found.kept, found.blank) == ({}, 2, 0, 2)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(MONDAY, TempMedia="warm"), r"'warm' is not a number (Temp Media (ºC))"),
        (row(MONDAY, TempMedia="1.020,5"), "'1.020,5' is not a number"),
        (row(MONDAY, EtPMon="inf"), "'inf' is not a number (EtPMon)"),
        (row(MONDAY, EtPMon="-"), "'-' is not a number (EtPMon)"),
        (row(MONDAY, HumedadMedia="100,1"), "100,1 cannot be, only 0 to 100 (Humedad Media (%))"),
        (row(MONDAY, HumedadMin="-0,1"), "-0,1 cannot be"),
        (row(MONDAY, TempMax="300,4"), "300,4 cannot be, only -40 to 55 (Temp Max (ºC))"),
        (row(MONDAY, DirViento="361"), "361 cannot be"),
        (row(MONDAY, Precipitac="-1"), "-1 cannot be"),
        (row(MONDAY, TempMax="9"), "Temp Max (ºC) and the mean or the other extreme contradict each other"),
        (row(MONDAY, TempMedia="", TempMax="9"), "Temp Max (ºC) and the mean or the other extreme"),
        (row(MONDAY, HumedadMedia="95"), "Humedad Max (%) and the mean or the other extreme"),
        (row(MONDAY, VelVientoMax="1"), "VelVientoMax (m/s) and the mean or the other extreme"),
        (row(MONDAY, HoraTempMax="25:00"), "'25:00' is not a time of day (Hora Temp Max)"),
        (row(MONDAY, HoraVel="=1+1"), "'=1+1' is not a time of day (Hora VelMax)"),
        (row(MONDAY, Fecha="2024-07-01"), "'2024-07-01' is not a day, DD/MM/YYYY"),
        (row(MONDAY, Fecha="31/06/2024"), "'31/06/2024' is not a day"),
        (row(MONDAY, Fecha=""), "'' is not a day"),
        (row(MONDAY, Fecha="01/07/1924"), "outside the days that can be known, 1990-01-01 to 2024-12-31"),
        (row(date(2025, 1, 1)), "outside the days that can be known, 1990-01-01 to 2024-12-31"),
        (row(MONDAY, Fecha="07/01/2024"), "year '2024' and day '183' of the year are not those of '07/01/2024'"),
        (row(MONDAY, Año="2023"), "year '2023' and day '183'"),
        (row(MONDAY, Dia="183,0"), "day '183,0'"),
        (row(MONDAY, station="23;J09"), "'J09' is not the number of a province or a station"),
        (row(MONDAY, station=";9"), "'' is not the number"),
        (row(MONDAY) + ";", "25 fields instead of 24"),
        ("23;9;01/07/2024", "3 fields instead of 24"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_told_by_line(bad, reason):
    found = read(as_siar(row(TUESDAY), bad, row(WEDNESDAY)), last=date(2024, 12, 31))
    assert (found.rows, found.kept) == (3, 2)
    assert list(reasons(found)) == [3]
    assert reasons(found)[3].startswith("siar.csv, line 3: ")
    assert reason in reasons(found)[3]


def test_decimal_points_are_read_as_well():
    assert read(file(row(MONDAY, TempMedia="20.5"))).stations[LINARES]["temperature_mean_c"].tolist() == [20.5]


def test_a_day_that_is_said_twice_alike_counts_once():
    found = read(as_siar(row(MONDAY), row(MONDAY), row(TUESDAY)))
    assert (found.rows, found.kept, found.repeated, found.rejected) == (3, 2, 1, [])


def test_a_day_that_is_said_twice_and_differently_is_not_believed_at_all():
    found = read(as_siar(row(MONDAY), row(TUESDAY), row(WEDNESDAY), row(MONDAY, EtPMon="")))
    assert found.kept == 2
    assert reasons(found) == {
        2: "siar.csv, line 2: line 5 has other values for the same station and day.",
        5: "siar.csv, line 5: line 2 has other values for the same station and day.",
    }


def test_the_stations_of_one_file_are_kept_apart():
    found = read(as_siar(row(TUESDAY), row(MONDAY, station="23;017"), row(MONDAY, station="14;9"), row(MONDAY)))
    assert {station: len(frame) for station, frame in found.stations.items()} == {
        ("23", "9"): 2,
        ("23", "17"): 1,
        ("14", "9"): 1,
    }
    assert found.stations[LINARES].index.is_monotonic_increasing


def test_a_file_of_bad_rows_is_refused_with_the_first_line():
    days = [day.date() for day in pd.date_range("2000-01-01", periods=400)]
    with pytest.raises(MalformedFile, match=r"more than 100, cannot be used\. The first: .*, line 301"):
        read(as_siar(*map(row, days[:299]), *(row(day, TempMedia="x") for day in days[299:])))
    with pytest.raises(MalformedFile, match=r"more than half of the rows.*line 2"):
        read(as_siar(row(MONDAY, TempMedia="x"), row(TUESDAY, TempMedia="x"), row(WEDNESDAY)))
