"""The plan of one day by the original system's path, on ordinary days and on those on which the clock changes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.api.optimize_schemas import DailyAnswer, SummaryAnswer
from chocofactory.api.window_schemas import WindowsAnswer
from chocofactory.core.clock import MADRID, day_grid
from tests.plans_kit import at_work, events, plant_of_every_day, utc
from tests.rest_kit import client_of

PLANS = "/api/v1/optimize/production"


@pytest.fixture(scope="module")
def factory(tmp_path_factory):
    built = at_work(tmp_path_factory.mktemp("daily"))
    yield built
    built.close()


@pytest.fixture(scope="module")
def client(factory):
    return client_of(factory)


def problem(answer, status):
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.get_data()
    assert answer.get_json()["detail"]


SPRING, AUTUMN = date(2025, 3, 30), date(2024, 10, 27)


@pytest.fixture(scope="module", params=[(SPRING, 23), (AUTUMN, 25)], ids=["spring", "autumn"])
def changing(request, tmp_path_factory):
    """A client a day before the clock changes, that day and its hours; in a plant that never closes."""
    folder = tmp_path_factory.mktemp("changing")
    day, hours = request.param
    now = datetime(day.year, day.month, day.day, 10, 30, tzinfo=MADRID) - timedelta(days=1)
    factory = at_work(folder, now, plant=plant_of_every_day(folder))
    yield client_of(factory), day, hours, factory
    factory.close()


def test_the_calendar_of_a_plan_holds_its_blocks_on_a_day_on_which_the_clock_changes(changing):
    client, day, _hours, _factory = changing
    begins = datetime(day.year, day.month, day.day, 0, 30, tzinfo=MADRID).astimezone(UTC)
    starts = [begins.isoformat(), (begins + timedelta(minutes=30)).isoformat()]
    name = "a name of forty letters is folded 123456"
    running = [{"name": name, "product": "standard", "starts": starts}]
    targets = {day.isoformat(): {"standard": 3, "premium": 1}}
    body = {"date": day.isoformat(), "days": 1, "targets": targets, "running": running}
    answer = client.post(PLANS, json=body)
    plan = answer.get_json()
    assert (answer.status_code, plan["violations"], plan["shortfalls"]) == (201, [], [])
    calendar = client.get(answer.headers["Location"], headers={"Accept": "text/calendar"})
    assert calendar.mimetype == "text/calendar"
    told = events(calendar.get_data())
    blocks = {
        (f"{batch['batch_id']} {block['block']} {block['unit']}", block["start"], block["end"])
        for batch in plan["batches"]
        for block in batch["blocks"]
    }
    read = {
        (
            event["SUMMARY"],
            *(utc(event[edge]).astimezone(MADRID).isoformat() for edge in ("DTSTART", "DTEND")),
        )
        for event in told
    }
    assert read == blocks
    assert len({event["UID"] for event in told}) == len(told) == 12
    minutes = sorted((utc(event["DTEND"]) - utc(event["DTSTART"])) / timedelta(minutes=1) for event in told)
    assert minutes == [24] * 4 + [62] * 4 + [300] * 3 + [600]
    mine = next(event for event in told if event["SUMMARY"] == f"{name} conching 1")
    assert utc(mine["DTEND"]) == begins + timedelta(minutes=330)
    assert "standard, 240.0 kWh" in mine["DESCRIPTION"]


def test_the_plan_of_a_day_has_the_hours_that_the_day_has(changing):
    client, day, hours, factory = changing
    answer = client.post(f"/optimize/production/daily?target_date={day}&target_kg=110")
    DailyAnswer.model_validate(answer.get_json())
    told = answer.get_json()["optimization"]
    rows = told["hourly_timeline"]
    assert [row["time"] for row in rows] == [hour.isoformat() for hour in day_grid(day).tz_convert(MADRID)]
    assert len(rows) == hours
    prices = prices_of(client, 168)
    assert [row["price_eur_kwh"] for row in rows] == pytest.approx([prices[row["time"]] for row in rows], abs=1e-8)
    for row in rows:
        start = datetime.fromisoformat(row["time"]).astimezone(UTC)
        at_work_then = {
            batch["batch_id"]
            for batch in told["plan"]["batches"]
            for stage in batch["processes"]
            if (begin := datetime.fromisoformat(stage["start_time"])) < start + timedelta(hours=1)
            and begin + timedelta(minutes=stage["duration_minutes"]) > start
        }
        assert set((row["active_batch"] or "").split(", ")) - {""} == at_work_then
        assert row["is_production_hour"] is bool(at_work_then)
        assert row["climate_status"] in ("good", "limited", "closed", "unknown")
    assert factory.clock.now() < datetime.fromisoformat(rows[0]["time"])


def daily(client, query):
    answer = client.post(f"{PLANS}/daily{query}")
    assert answer.status_code == 201, answer.get_data()
    return answer.get_json()["optimization"]


@pytest.mark.parametrize(
    ("query", "asked", "kg"),
    [
        ("", {"standard": 4, "premium": 1}, None),
        ("?target_kg=0", {"standard": 0, "premium": 0}, 0),
        ("?target_kg=0.001", {"standard": 1, "premium": 0}, 0.001),
        ("?target_kg=50", {"standard": 1, "premium": 0}, 50),
        ("?target_kg=50.01", {"standard": 2, "premium": 0}, 50.01),
        ("?target_kg=250&target_date=2025-03-28", {"standard": 4, "premium": 1}, 250),
        ("?target_kg=400&target_date=2025-03-27", {"standard": 4, "premium": 4}, 400),
        ("?target_kg=1000&target_date=2025-03-30", {"standard": 15, "premium": 5}, 1000),
        ("?target_date=2025-03-30", {"standard": 0, "premium": 0}, None),
        ("?target_kg=30000", {"standard": 480, "premium": 120}, 30000),
    ],
)
def test_kilograms_are_whole_batches_of_the_days_mix_and_none_is_dropped_silently(client, query, asked, kg):
    told = daily(client, query)
    assert (told["asked"]["by_product"], told["target_kg"]) == (asked, kg)
    assert told["num_batches"] == told["asked"]["batches"] == sum(asked.values())
    assert told["asked"]["kg"] == 50 * sum(asked.values()) >= (kg or 0)
    assert told["planned"]["batches"] == len(told["plan"]["batches"])
    missing = sum(short["batches"] for short in told["unscheduled"])
    assert told["planned"]["batches"] + missing == told["num_batches"]
    assert all(short["limits"] for short in told["unscheduled"])


def test_the_plan_of_a_day_counts_every_kilowatt_hour_at_its_price(client):
    told = daily(client, "?target_kg=100")
    for batch in told["plan"]["batches"]:
        energy = sum(stage["energy_kwh"] for stage in batch["processes"])
        assert batch["total_energy_kwh"] == pytest.approx(energy, abs=0.01) == pytest.approx(287.6)
        weighted = sum(stage["energy_kwh"] * stage["avg_price_eur_kwh"] for stage in batch["processes"]) / energy
        assert batch["avg_price_eur_kwh"] == pytest.approx(weighted, abs=1e-5)
        assert batch["total_cost_eur"] == pytest.approx(batch["total_energy_kwh"] * weighted, abs=0.01)
        assert batch["processes"][0]["start_minute"] == 0
    saved, usual = told["savings"], told["baseline"]
    assert usual["total_energy_kwh"] == pytest.approx(2 * 287.6)
    assert usual["total_cost"] - saved["absolute_eur"] == pytest.approx(told["plan"]["total_cost_eur"], abs=1e-3)
    assert saved["percent"] == pytest.approx(100 * saved["absolute_eur"] / usual["total_cost"], abs=0.01)


@pytest.mark.parametrize(
    "query",
    [
        *("?target_kg=-1", "?target_kg=100001", "?target_kg=nan", "?target_kg=inf", "?target_kg=much"),
        *("?target_kg=100000", "?target_date=tomorrow", "?target_date=9999-12-31", "?kg=5", "?target_date=2025-05-01"),
    ],
)
def test_a_day_that_cannot_be_planned_is_a_422_that_says_why(client, query):
    problem(client.post(f"{PLANS}/daily{query}"), 422)


def test_the_summary_tells_the_plant_and_what_bounds_it(client, factory):
    for path in (f"{PLANS}/summary", "/optimize/production/summary"):
        told = client.get(path).get_json()
        SummaryAnswer.model_validate(told)
        assert told["constraints"]["contracted_kw"] == factory.plant.contracted_kw
        assert told["production_capacity"]["staffed_hours_a_week"] == 5 * 16 + 8
        assert told["production_capacity"]["most_batches_a_week"]["conching"] == {
            "standard": 2 * (168 // 5),
            "premium": 2 * (168 // 10),
        }
        assert told["production_capacity"]["targets_a_week"] == {"standard": 17, "premium": 6}
        assert told["optimization_horizon"] == {"least_days": 1, "most_days": 7, "slot_minutes": [15, 30]}


def prices_of(client, hours):
    told = client.post("/predict/prices", json={"horizon": hours}).get_json()["predictions"]
    return {row["timestamp"]: row["price_eur_kwh"] for row in told}


@pytest.mark.parametrize("prefix", ["/api/v1", ""])
@pytest.mark.parametrize("days", [1, 2, 7])
def test_windows_are_as_cheap_and_as_dear_as_their_hours_and_none_overlap(client, prefix, days):
    told = client.get(f"{prefix}/insights/optimal-windows?days={days}").get_json()
    WindowsAnswer.model_validate(told)
    prices = prices_of(client, 24 * days)
    mean = sum(prices.values()) / len(prices)
    seen = []
    for window in told["optimal_windows"] + told["avoid_windows"]:
        start = datetime.fromisoformat(window["datetime"])
        hours = [(start.astimezone(UTC) + timedelta(hours=n)).astimezone(MADRID).isoformat() for n in range(5)]
        assert window["avg_price_eur_kwh"] == pytest.approx(sum(prices[hour] for hour in hours) / 5, abs=1e-6)
        assert window["hours"][:2] == hours[0][11:13]
        seen += hours
    assert len(seen) == len(set(seen))
    good = [window["avg_price_eur_kwh"] for window in told["optimal_windows"]]
    bad = [window["avg_price_eur_kwh"] for window in told["avoid_windows"]]
    assert (good, bad) == (sorted(good), sorted(bad, reverse=True))
    assert max(good) < mean < min(bad)
    ends = list(prices.values())
    assert good[0] == pytest.approx(min(sum(ends[n : n + 5]) / 5 for n in range(len(ends) - 4)), abs=1e-6)
    for window in told["optimal_windows"]:
        worth = 240 * (mean - window["avg_price_eur_kwh"])
        assert window["estimated_savings_eur"] == pytest.approx(worth, abs=1e-3)
    summary = told["summary"]
    assert (summary["total_optimal_hours"], summary["total_avoid_hours"]) == (5 * len(good), 5 * len(bad))
    assert (summary["best_price"], summary["worst_price"]) == pytest.approx((min(ends), max(ends)), abs=1e-6)
    assert (summary["product"], summary["process"], summary["energy_kwh"]) == ("standard", "conching", 240)


def test_a_week_of_windows_is_the_default(client):
    assert (
        client.get("/insights/optimal-windows").get_json() == client.get("/insights/optimal-windows?days=7").get_json()
    )


@pytest.mark.parametrize("query", ["days=0", "days=8", "days=x", "days=1.5", "hours=3"])
def test_windows_reach_seven_days_at_most(client, query):
    problem(client.get(f"/insights/optimal-windows?{query}"), 422)
