from datetime import date

import pytest

from chocofactory.core.errors import MalformedFile, RateLimited, SourceTimeout, StoreUnavailable
from chocofactory.services.jobs import JobKind, Outcome
from tests.fakes import wavy_prices

RANGE = "start_date=2025-03-10&end_date=2025-03-12"


def problem(answer, status):
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == status
    assert body["reference"] == answer.headers["X-Request-ID"]
    assert body["type"].startswith("urn:chocofactory:problem:")
    return body


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_prices_of_a_range_hold_both_ends_in_local_time(client, prefix):
    body = client.get(f"{prefix}/ree/prices?{RANGE}").get_json()
    known = wavy_prices(date(2025, 3, 10), date(2025, 3, 12)).tolist()
    assert [record["price_eur_kwh"] for record in body["prices"]] == known
    assert body["prices"][0] == {
        "timestamp": "2025-03-10T00:00:00+01:00",
        "price_eur_kwh": known[0],
        "price_kwh": known[0],
        "tariff_period": "P3",
        "kind": "published",
        "source": "ree",
    }
    assert body["prices"][-1]["timestamp"] == "2025-03-12T23:00:00+01:00"
    assert (body["total_records"], body["expected_records"]) == (72, 72)
    assert body["average_price"] == pytest.approx(sum(known) / 72)
    assert (body["min_price"], body["max_price"]) == (min(known), max(known))
    assert body["period"] == {"start": "2025-03-10", "end": "2025-03-12"}


def test_one_date_means_one_day(client):
    assert client.get("/api/v1/ree/prices?start_date=2025-03-11").get_json()["total_records"] == 24


def test_prices_of_one_tariff_period(client):
    body = client.get(f"/api/v1/ree/prices?{RANGE}&tariff_period=P1").get_json()
    hours = {record["timestamp"][11:13] for record in body["prices"]}
    assert hours == {"10", "11", "12", "13", "18", "19", "20", "21"}
    assert body["total_records"] == body["expected_records"] == 24


def test_missing_prices_are_missing_and_not_zero(client):
    body = client.get("/api/v1/ree/prices?start_date=2024-02-01").get_json()
    assert (body["prices"], body["total_records"], body["expected_records"]) == ([], 0, 24)
    assert body["average_price"] is None
    assert body["min_price"] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "start_date=2025-13-01",
        "start_date=yesterday",
        "start_date=1741824000",
        "start_date=2025-03-12&end_date=2025-03-10",
        "start_date=2024-01-01&end_date=2025-01-01",
        "start_date=2025-03-10&tariff_period=P9",
        "start_date=2025-03-10&market=gas",
        "start_date=2025-03-10&limit=5",
        "start_date=9999-12-31",
        "start_date=0001-01-01",
    ],
)
def test_a_wrong_question_is_a_422_that_says_why(client, query):
    body = problem(client.get(f"/api/v1/ree/prices?{query}"), 422)
    assert body["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/nope", "/api/nope", "/api", "/api/v1/", "/ree/nope", "/ree", "/ree/prices/", "/jobs/nope"),
        *("/api//v1/ree/prices", "/ree//prices"),
        *("/dashboard", "/dashboard/complete", "/weather/x", "/optimize", "/analysis", "/gaps", "/insights"),
        *("/predict", "/predict/x", "/aemet", "/siar", "/scheduler", "/alerts", "/models/", "/logs"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_unknown_rest_paths_are_404_problems_and_not_pages(client, path, method):
    problem(client.open(path, method=method), 404)


@pytest.mark.parametrize("path", ["/health", "/ready", "/version", "/ree/prices", "/jobs/runs/x", "/api/v1/health"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_wrong_methods_are_405_problems_with_the_allowed_ones(client, path, method):
    answer = client.open(path, method=method)
    problem(answer, 405)
    assert sorted(answer.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS"]


@pytest.mark.parametrize("path", ["/health", "/ree/prices", "/jobs/runs/x", "/api/v1/health"])
def test_options_tell_the_methods_and_nothing_else(client, path):
    answer = client.options(path)
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_the_page_of_jobs_and_its_rest_share_a_root(client):
    assert client.get("/jobs").mimetype == "text/html"
    assert client.get("/jobs/").mimetype == "text/html"
    problem(client.get("/jobs/x"), 404)


def test_pages_stay_pages(client):
    answer = client.get("/prices")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert client.get("/healthy").mimetype == "text/html"


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
def test_a_run_can_be_watched(client, factory, prefix):
    def work(params, report):
        report(30, "Reading {name}", name="a.csv")
        return Outcome({"rows": 1})

    factory.jobs.register([JobKind("read", work)])
    run = factory.jobs.run("read", {"x": 1}, "cli")
    body = client.get(f"{prefix}/jobs/runs/{run.id}").get_json()
    assert (body["state"], body["progress"], body["message"]) == ("succeeded", 100, "Reading a.csv")
    assert body["result"] == {"rows": 1}
    problem(client.get(f"{prefix}/jobs/runs/unknown"), 404)


def test_a_failed_run_says_why_in_words_and_no_path_of_this_machine(client, factory):
    def work(params, report):
        raise MalformedFile("{name} is empty.", name="a.csv")

    factory.jobs.register([JobKind("read", work)])
    run = factory.jobs.run("read", {"files": ["/srv/secret place/a.csv", "b.csv"], "remove": True}, "cli")
    answer = client.get(f"/jobs/runs/{run.id}")
    assert "secret" not in answer.text
    assert answer.get_json()["params"] == {"files": ["a.csv", "b.csv"], "remove": True}
    assert answer.get_json()["error"] == {
        "code": "malformed-file",
        "detail": "a.csv is empty.",
        "message": "{name} is empty.",
        "fields": {"name": "a.csv"},
    }


def test_a_backtest_names_its_files_and_not_where_they_lie(client, factory):
    def work(params, report):
        return Outcome({"origins": 3, "written": [params["json"], params["predictions"]], "files": [{"rows": 2}]})

    factory.jobs.register([JobKind("try", work)])
    paths = {"json": "/srv/secret place/scores.json", "predictions": "/srv/secret place/rows.csv"}
    answer = client.get(f"/jobs/runs/{factory.jobs.run('try', {'every': 1, **paths}, 'cli').id}")
    assert "secret" not in answer.text
    body = answer.get_json()
    assert body["params"] == {"every": 1, "json": "scores.json", "predictions": "rows.csv"}
    assert body["result"] == {"origins": 3, "written": ["scores.json", "rows.csv"], "files": [{"rows": 2}]}


def test_a_backtest_without_files_names_none(client, factory):
    factory.jobs.register([JobKind("try", lambda params, report: Outcome({"written": []}))])
    run = factory.jobs.run("try", {"json": None, "predictions": None}, "cli")
    body = client.get(f"/jobs/runs/{run.id}").get_json()
    assert (body["params"], body["result"]) == ({"json": None, "predictions": None}, {"written": []})


def test_health_is_alive_and_ready_tells_each_part(client):
    assert client.get("/health").get_json()["status"] == "alive"
    body = client.get("/ready").get_json()
    assert body["ready"] is True
    assert {part["name"] for part in body["parts"]} == {"series_store", "state_store"}
    assert client.get("/version").get_json()["mode"] == "live"


def test_ready_is_503_when_a_needed_part_is_down(client, factory, monkeypatch):
    def down():
        raise StoreUnavailable("The store at {path} is locked.", path="x")

    monkeypatch.setattr(factory._store, "check", down)
    answer = client.get("/ready")
    assert answer.status_code == 503
    (part,) = [part for part in answer.get_json()["parts"] if not part["ok"]]
    assert (part["name"], part["detail"]) == ("series_store", "The store at x is locked.")


@pytest.mark.parametrize(("name", "part"), [("series.db", "series_store"), ("state.db", "state_store")])
def test_ready_is_503_when_a_store_was_moved_away(client, factory, name, part):
    folder = factory.settings.mode_dir
    (folder / name).rename(folder / "elsewhere.db")
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert [each["name"] for each in answer.get_json()["parts"] if not each["ok"]] == [part]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("locked"), 503),
        (SourceTimeout("{source} hangs", source="ree"), 504),
        (RateLimited("{source} says wait", source="ree", retry_after_s=7), 503),
        (ZeroDivisionError("inner secret"), 500),
    ],
)
def test_each_error_has_its_status_and_no_inner_text(client, factory, monkeypatch, error, status):
    def broken(*_):
        raise error

    monkeypatch.setattr(type(factory.prices), "listing", broken)
    answer = client.get("/ree/prices?start_date=2025-03-10")
    body = problem(answer, status)
    assert "secret" not in str(body)
    if isinstance(error, RateLimited):
        assert int(answer.headers["Retry-After"]) >= 7


def test_a_given_request_id_is_kept_and_a_forged_one_is_not(client):
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    assert client.get("/health", headers={"X-Request-ID": "a b\tc"}).headers["X-Request-ID"] != "a b\tc"


def test_openapi_documents_the_canonical_paths_only(client):
    document = client.get("/api/docs/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    assert {"/api/v1/ree/prices", "/api/v1/jobs/runs/{run_id}"} <= set(document["paths"])


def test_openapi_documents_errors_as_they_are_sent(client):
    document = client.get("/api/docs/openapi.json").get_json()
    assert document["components"]["securitySchemes"] == {}
    operations = [each for path in document["paths"].values() for each in path.values()]
    answers = [(status, answer) for each in operations for status, answer in each["responses"].items()]
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refused = [answer["content"] for status, answer in answers if status in {"404", "409", "422", "502"}]
    assert refused == [problem] * len(refused)
    assert {status for status, answer in answers if "application/problem+json" in answer.get("content", {})} == {
        *("404", "409", "413", "415", "422", "500", "502", "503", "504"),
    }


def test_a_body_beyond_all_size_is_refused_before_it_is_read(client):
    answer = client.post("/weather/ingest", data=b"{" + b" " * 1_000_000 + b"}", content_type="application/json")
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    small = client.post("/weather/ingest", data=b"{" + b" " * 900_000 + b"}", content_type="application/json")
    assert small.status_code == 409  # no source is set up
