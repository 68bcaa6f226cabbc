from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from chocofactory.domain.gaps import Gap
from components import listings
from components.text import speaking

NOW = datetime(2025, 3, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english():
    with speaking("en"):
        yield


def words(component):
    if component is None:
        return ""
    if isinstance(component, (str, int, float)):
        return str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(words(part) for part in component)
    return words(getattr(component, "children", None))


def run(**more):
    plain = {"kind": "ingest_prices", "state": "succeeded", "created_at": NOW, "requested_by": "cli"}
    nothing = {"message": "", "message_fields": {}, "result": None, "error": None}
    return SimpleNamespace(**{**plain, **nothing, **more})


def day(written, state="complete", suspect=None):
    return {"day": written, "state": state, "suspect": suspect}


def market(days, errors=()):
    return {"market": "pvpc_20td", "days": days, "counts": {"new": 24, "changed": 1}, "errors": list(errors)}


def test_gaps_come_newest_first_and_a_long_list_says_that_it_is_cut():
    many = [Gap(NOW + timedelta(days=n), NOW + timedelta(days=n, hours=1), 1, "minor") for n in range(120)]
    told = words(listings.gaps_table(many))
    assert "120 gaps; the newest 100 are listed." in told
    assert told.index("9 Jul 2025") < told.index("8 Jul 2025")
    assert "12 Mar 2025" not in told
    assert "Nothing is missing" in words(listings.gaps_table([]))


def test_a_run_says_when_who_and_what_came_of_it():
    done = run(message="Done: {new} new, {changed} changed hours.", message_fields={"new": 3, "changed": 0})
    failed = run(state="failed", error={"code": "x", "message": "{source} is down.", "fields": {"source": "ree"}})
    told = words(listings.runs_table([done, failed], NOW + timedelta(minutes=5)))
    for part in ("Fetch prices", "5 minutes ago", "command line", "Done: 3 new", "REE is down."):
        assert part in told


def test_a_result_names_what_is_lacking_doubtful_and_failed():
    error = {"code": "x", "message": "{source} is down.", "fields": {"source": "ree"}}
    days = [day("2025-03-10"), day("2025-03-11", "partial"), day("2025-03-12", suspect="repeats_day_before")]
    told = words(listings.run_result(run(result={"markets": [market(days, [error])], "errors": []})))
    assert "PVPC 2.0TD: 2 of 3 days complete, 24 new and 1 changed hours" in told
    assert "Tuesday 11 March 2025: there in part" in told
    assert "Wednesday 12 March 2025: kept, but it looks like a stale answer" in told
    assert "REE is down." in told
    assert "10 March" not in told


def test_a_long_list_of_lacking_days_is_cut_with_their_number():
    days = [day(f"2025-03-{n:02d}", "missing") for n in range(1, 21)]
    told = words(listings.run_result(run(result={"markets": [market(days)], "errors": []})))
    assert "and 12 more days" in told


def test_a_file_of_siar_days_tells_its_days():
    fault = {"line": 7, "message": "{value} is no number.", "fields": {"value": "abc"}}
    file = {"file": "a.csv", "rows": 365, "kept": 363, "new": 363, "changed": 0, "blank": 1, "rejected": [fault]}
    told = words(listings.run_result(run(result={"files": [file], "errors": []})))
    assert "a.csv: 365 days, 363 new, 0 changed; 1 blank, 1 lines rejected" in told
    assert "line 7: abc is no number." in told


def test_a_file_tells_its_rows_and_the_first_rejected_lines():
    fault = {"line": 7, "message": "{value} is no number.", "fields": {"value": "abc"}}
    file = {"file": "a.csv", "rows": 1200, "new": 1199, "changed": 1, "blank": 2, "rejected": [fault], "suspect": {}}
    bad = {"file": "b.csv", "code": "x", "message": "{name} is empty.", "fields": {"name": "b.csv"}}
    told = words(listings.run_result(run(result={"files": [file], "errors": [bad]})))
    assert "a.csv: 1,200 prices, 1,199 new, 1 changed; 2 blank, 1 lines rejected" in told
    assert "line 7: abc is no number." in told
    assert "b.csv: b.csv is empty." in told


def test_a_run_that_goes_on_has_no_result():
    assert listings.run_result(run(state="running")) is None


def test_a_backfill_tells_of_each_series_what_was_asked_what_came_and_why_the_rest_did_not():
    def line(measurement, keys, **more):
        plain = {"measurement": measurement, "keys": keys, "resolution_s": 3600, "missing": 0, "asked": 0, "got": 0}
        return {**plain, "empty": False, "counts": {"changed": 0}, "not_available": [], **more}

    price = {"market": "pvpc_20td", "zone": "peninsula"}
    lost = {"message": "{source} has the last {hours} hours alone.", "fields": {"source": "aemet", "hours": 24}}
    lines = [
        line("energy_price", price, missing=1480, asked=1480, got=1480, counts={"changed": 3}),
        line(
            "weather_observation",
            {"provider": "aemet", "station": "5279X"},
            missing=23,
            not_available=[{"intervals": 23, **lost}],
        ),
    ]
    told = words(listings.run_result(run(kind="backfill", result={"backfill": lines})))
    assert "PVPC 2.0TD, by hour: 1,480 missing, 1,480 asked for, 1,480 came; 3 had changed" in told
    assert "23 missing, 0 asked for, 0 came" in told
    assert "23 not available: AEMET has the last 24 hours alone." in told
    whole = line("energy_price", price)
    assert words(listings.run_result(run(result={"backfill": [whole]}))) == "Nothing is missing."
