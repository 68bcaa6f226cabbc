import csv
import dataclasses
import io
import json
from datetime import date, timedelta

import pytest

from chocofactory.api import siar, siar_schemas
from chocofactory.domain.measurements import SIAR_DAILY
from chocofactory.services import imports
from chocofactory.services.siar import ETL
from tests.siar_files import as_siar, blank, row

FIRST = date(2024, 7, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(10)]
PATHS = (
    *("/siar/historical", "/analysis/siar-summary", "/analysis/seasonal-patterns", "/analysis/critical-thresholds"),
)


@pytest.fixture
def factory(factory):
    """SIAR's job runs in a thread here, not in a process of its own."""
    factory.jobs.register([dataclasses.replace(factory.jobs.kinds[ETL], heavy=False)])
    return factory


@pytest.fixture
def folder(factory):
    place = factory.settings.data_dir / "siar"
    place.mkdir()
    return place


@pytest.fixture
def kept(factory, folder):
    """Ten days of station 9 and, a year before, eight of station 17, one of them blank; and what the run came to."""
    before = [day.replace(year=2023) for day in DAYS[:8]]
    (folder / "a.csv").write_bytes(as_siar(*(row(day, TempMax=f"{30 + n},5") for n, day in enumerate(DAYS))))
    rows = [row(day, station="23;17", EtPMon="") for day in before[:7]]
    (folder / "b.csv").write_bytes(as_siar(*rows, blank(before[7], station="23;17")))
    files = [str(path) for path in sorted(folder.iterdir())]
    return factory.jobs.run(ETL, {"files": files}, "test")


def ended(factory, answer):
    factory.jobs._threads.shutdown(wait=True)
    return factory.jobs.state.run(answer.get_json()["id"])


def upload(client, *files, path="/api/v1/siar/etl"):
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    return client.post(path, data=data, content_type="multipart/form-data")


def left_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("path", ["/api/v1/siar/etl", "/siar/etl"])
def test_uploaded_files_are_brought_in_and_the_run_can_be_watched(client, factory, path):
    files = ("one.csv", as_siar(*map(row, DAYS[:4]))), ("two.csv", as_siar(*map(row, DAYS[4:])))
    answer = upload(client, *files, path=path)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/jobs/runs/{answer.get_json()['id']}"
    assert (answer.get_json()["kind"], answer.get_json()["requested_by"]) == ("etl_siar", "api")
    assert ended(factory, answer).state == "succeeded"
    watched = client.get(answer.headers["Location"]).get_json()
    assert watched["params"] == {"files": ["one.csv", "two.csv"], "remove": True}
    assert watched["result"]["totals"]["new"] == 10
    assert left_in(factory.uploads) == []


def test_a_folder_of_the_server_is_brought_in(client, factory, folder):
    (folder / "a.csv").write_bytes(as_siar(row(FIRST)))
    (folder / "notes.txt").write_text("not a table")
    answer = client.post("/siar/etl", json={"folder": "siar"})
    assert answer.status_code == 202
    assert ended(factory, answer).result["totals"]["new"] == 1
    assert (folder / "a.csv").exists()
    assert str(folder) not in client.get(answer.headers["Location"]).text


@pytest.mark.parametrize(
    "place",
    [
        *("..", "../outside", "siar/../../outside", "OUTSIDE", "/", "link", "links", "circle"),
        *("nowhere", "siar/a.csv", "empty", "\0", "x" * 999),
    ],
)
def test_no_folder_but_one_below_the_data_folder_is_brought_in(client, factory, folder, tmp_path_factory, place):
    root = factory.settings.data_dir
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.csv").write_bytes(as_siar(row(FIRST)))
    (folder / "a.csv").write_bytes(as_siar(row(FIRST)))
    (root / "link").symlink_to(outside)
    (root / "circle").symlink_to(root / "circle")
    (root / "empty").mkdir()
    (root / "links").mkdir()
    (root / "links" / "a.csv").symlink_to(outside / "secret.csv")
    answer = client.post("/siar/etl", json={"folder": place.replace("OUTSIDE", str(outside))})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert factory.jobs.recent(ETL) == []


@pytest.mark.parametrize(
    ("send", "status"),
    [
        ({"json": {}}, 422),
        ({"json": {"folder": 7}}, 422),
        ({"json": {"folder": "siar", "recursive": True}}, 422),
        ({"json": ["siar"]}, 422),
        ({"data": "{folder", "content_type": "application/json"}, 400),
        ({"data": "folder=siar", "content_type": "text/plain"}, 415),
        ({"data": "", "content_type": None}, 415),
        ({"data": {}, "content_type": "multipart/form-data"}, 422),
        ({"data": {"files": "text"}, "content_type": "multipart/form-data"}, 422),
        ({"data": {"files": (io.BytesIO(b""), "empty.csv")}, "content_type": "multipart/form-data"}, 422),
    ],
)
def test_what_is_no_upload_and_no_folder_is_refused(client, factory, folder, send, status):
    answer = client.post("/siar/etl", **send)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.get_json()["detail"]
    assert left_in(factory.uploads) == []


def test_an_upload_beyond_the_limit_is_a_413(client, factory, monkeypatch):
    monkeypatch.setattr(siar, "LARGEST_UPLOAD_BYTES", 3_000)
    assert upload(client, ("a.csv", as_siar(row(FIRST)))).status_code == 202
    answer = upload(client, ("a.csv", as_siar(*map(row, DAYS))))
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_the_limit_is_the_one_of_all_uploads():
    assert siar.LARGEST_UPLOAD_BYTES == imports.LARGEST_UPLOAD_BYTES


def test_a_second_run_at_the_same_time_is_a_409_that_names_the_first(client, factory):
    busy = factory.jobs._create(ETL, {}, "cli")
    answer = upload(client, ("a.csv", as_siar(row(FIRST))))
    assert answer.status_code == 409
    assert busy.id in answer.get_json()["detail"]
    assert left_in(factory.uploads) == []


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_days_hold_all_24_columns_and_null_where_nothing_was_said(client, prefix):
    body = client.get(f"{prefix}/siar/historical?station=23/17&limit=1").get_json()
    (day,) = body["days"]
    assert set(day) == {"province", "station", "date", "year", "day_of_year", *SIAR_DAILY.field_names, "kind", "source"}
    assert (day["province"], day["station"], day["date"], day["year"], day["day_of_year"]) == (
        *("23", "17", "2023-07-01"),
        *(2023, 182),
    )
    assert (day["temperature_max_c"], day["wind_max_time"], day["et0_mm"]) == (30.25, "13:04", None)
    assert (day["kind"], day["source"]) == ("observed", "file:b.csv")
    siar_schemas.HistoryAnswer.model_validate(body)


@pytest.mark.usefixtures("kept")
def test_parts_of_the_list_follow_each_other_until_all_is_told(client):
    address, told = "/api/v1/siar/historical?limit=4&start_date=2023-07-03", []
    while address:
        body = client.get(address).get_json()
        assert body["total_records"] == 15
        told += [(day["date"], day["station"]) for day in body["days"]]
        address = body["next"]
    assert len(told) == 15
    assert told == sorted(told)
    assert told[0] == ("2023-07-03", "17")


@pytest.mark.usefixtures("kept")
def test_the_same_days_come_as_csv(client):
    answer = client.get("/siar/historical?limit=2&end_date=2024-07-02", headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="siar_2023-07-01_2024-07-02.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    days = client.get("/siar/historical?end_date=2024-07-02").get_json()["days"]
    assert len(rows) == len(days) == 9
    for told, day in zip(rows, days, strict=True):
        assert told.keys() == day.keys()
        for name, value in day.items():
            same = told[name] if value is None or isinstance(value, str) else type(value)(told[name])
            assert same == ("" if value is None else value)


@pytest.mark.usefixtures("kept")
def test_an_analysis_is_about_the_station_with_the_newest_days_and_says_so(client):
    for path in PATHS[1:]:
        body = client.get(f"/api/v1{path}").get_json()
        assert [station["station"] for station in body["stations"]] == ["23/9"]
        assert (body["total_records"], body["pooled"], body["kind"], body["data_source"]) == (
            *(10, False),
            *("observed", "siar"),
        )
        assert body["analysis_period"] == {"start": "2024-07-01", "end": "2024-07-10"}
        assert body["reason"] is None
    body = client.get("/analysis/siar-summary?pooled=true").get_json()
    assert [(station["station"], station["days"]) for station in body["stations"]] == [("23/9", 10), ("23/17", 7)]
    assert body["total_records"] == 17
    assert client.get("/analysis/siar-summary?station=17").get_json()["total_records"] == 7


@pytest.mark.usefixtures("kept")
def test_the_summary_tells_hot_days_months_and_percentiles(client):
    body = client.get("/analysis/siar-summary").get_json()
    assert body["status"] == "ok"
    assert body["hot_days"] == {"above_c": 35, "days": 5, "of": 10}
    assert body["seasonal_insights"]["best_month"] == {
        "month": 7,
        "name": "July",
        "efficiency_score": 100,
        "avg_temp": 20.5,
        "optimal_days": 10,
        "critical_days": 5,
    }
    assert body["critical_thresholds"]["temperature"] == {"p90": 20.5, "p95": 20.5, "p99": 20.5}
    assert body["critical_thresholds"]["temperature_max"] == {"p90": 38.6, "p95": 39.05, "p99": 39.41}
    assert "correlations" not in body


@pytest.mark.usefixtures("kept")
def test_limits_can_be_chosen(client):
    query = "temperature_from_c=20.5&temperature_to_c=20.5&humidity_from_pct=50&humidity_to_pct=50&hot_above_c=38.5"
    body = client.get(f"/analysis/seasonal-patterns?{query}").get_json()
    assert body["limits"] == {"temperature_c": [20.5, 20.5], "humidity_pct": [50, 50], "hot_above_c": 38.5}
    july = body["all_months"][6]
    assert (july["month"], july["name"], july["efficiency"], july["optimal_days"]) == (7, "July", 100, 10)
    assert (july["critical_days"], july["days"], july["reason"]) == (1, 10, None)
    body = client.get("/analysis/seasonal-patterns?temperature_to_c=20.4").get_json()
    assert body["all_months"][6]["efficiency"] == 0
    assert len(body["all_months"]) == 12


@pytest.mark.usefixtures("kept")
def test_a_month_that_nobody_measured_is_null_with_a_reason(client):
    months = client.get("/analysis/seasonal-patterns").get_json()["all_months"]
    for month in months[:6] + months[7:]:
        assert (month["efficiency"], month["temp"], month["humidity"], month["days"]) == (None, None, None, 0)
        assert month["reason"]


@pytest.mark.usefixtures("kept")
def test_thresholds_name_their_variable_and_unit(client):
    body = client.get("/analysis/critical-thresholds").get_json()
    assert len(body["thresholds"]) == 9
    assert body["thresholds"][0] == {
        "variable": "temperature_max_c",
        "percentile": 90,
        "threshold_value": 38.6,
        "unit": "degC",
        "occurrences": 1,
        "days": 10,
        "description": "Highest air temperature of the day: 90 % of the days do not exceed it.",
    }
    assert body["humidity"] == {"p90": 50, "p95": 50, "p99": 50}


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_store_answers_with_nulls_and_the_reason(client, path):
    body = client.get(path).get_json()
    assert body["total_records"] == 0
    assert body["reason"] == siar.NOTHING
    assert "NaN" not in json.dumps(body)
    if path != "/siar/historical":
        assert (body["kind"], body["data_source"], body["analysis_period"]) == (None, None, None)
    measured = {"efficiency", "temp", "humidity", "threshold_value", "p90", "p95", "p99", "best_month", "worst_month"}
    assert set(values_of(body, measured)) <= {None}


def values_of(value, names):
    """Whatever stands under these names, however deep."""
    if isinstance(value, list):
        return [found for part in value for found in values_of(part, names)]
    if not isinstance(value, dict):
        return []
    here = [part for name, part in value.items() if name in names and not isinstance(part, dict)]
    return here + [found for part in value.values() for found in values_of(part, names)]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("path", PATHS)
def test_a_range_without_days_says_so(client, path):
    body = client.get(f"{path}?start_date=2024-08-01").get_json()
    assert (body["total_records"], body["reason"]) == (0, siar.OUT_OF_RANGE)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        *((path, "start_date=2024-07-02&end_date=2024-07-01", 422) for path in PATHS),
        *((path, "station=5", 404) for path in PATHS),
        *((path, "station=J09", 422) for path in PATHS),
        *((path, "start_date=yesterday", 422) for path in PATHS),
        *((path, "region=south", 422) for path in PATHS),
        ("/siar/historical", "limit=0", 422),
        ("/siar/historical", "limit=999999", 422),
        ("/siar/historical", "offset=-1", 422),
        ("/analysis/siar-summary", "station=9&pooled=true", 422),
        ("/analysis/seasonal-patterns", "temperature_from_c=nan", 422),
        ("/analysis/seasonal-patterns", "temperature_from_c=26", 422),
        ("/analysis/seasonal-patterns", "humidity_to_pct=101", 422),
    ],
)
def test_a_wrong_question_is_a_problem_that_says_why(client, path, query, status):
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.get_json()["detail"]


@pytest.mark.parametrize("query", ["start_date=0001-01-01", "end_date=9999-12-31"])
@pytest.mark.usefixtures("kept")
def test_any_day_may_stand_at_an_open_end(client, query):
    assert client.get(f"/siar/historical?{query}").get_json()["total_records"] == 17


def test_openapi_tells_of_every_path(client):
    paths = client.get("/api/docs/openapi.json").get_json()["paths"]
    assert {f"/api/v1{path}" for path in (*PATHS, "/siar/etl")} <= set(paths)
    body = paths["/api/v1/siar/etl"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    assert "text/csv" in paths["/api/v1/siar/historical"]["get"]["responses"]["200"]["content"]
