import csv
import io

from chocofactory.services.exports import records_csv


def test_records_become_rows_that_any_reader_takes_apart_again():
    records = [
        {"timestamp": "2025-12-01T00:00:00+01:00", "price_eur_kwh": 0.1, "model": 'a "quoted", name', "version": None},
        {"timestamp": "2025-12-01T01:00:00+01:00", "price_eur_kwh": -0.05, "model": "", "version": "v7"},
    ]
    rows = list(csv.DictReader(io.StringIO(records_csv(records))))
    assert [list(row) for row in rows] == [list(record) for record in records]
    assert rows == [{key: "" if value is None else str(value) for key, value in record.items()} for record in records]
