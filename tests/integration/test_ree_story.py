"""Autumn 2021, played again: REE and ESIOS over HTTP on loopback, with the prices and days that were recorded then.

The clock stands at noon of Saturday 30 October and is moved by hand; Sunday 31 October has 25 hours.
"""

import json
import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
import structlog

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, day_bounds, day_grid
from chocofactory.core.config import Settings
from chocofactory.core.logs import configure_logs
from chocofactory.domain.measurements import ENERGY_PRICE, PVPC, SPOT, price_series
from chocofactory.domain.prices import DayState
from chocofactory.sources.files import read_prices
from tests.fakes import wavy_generation
from tests.loopback import Loopback, ReePlayer, recorded_prices
from tests.rest_kit import client_of
from tests.schedule_kit import catch_up

pytestmark = pytest.mark.realdata

FRIDAY, SATURDAY, SUNDAY = date(2021, 10, 29), date(2021, 10, 30), date(2021, 10, 31)
WEEK_AGO = date(2021, 10, 23)
TOKEN = "a1b2c3-hush-hush"


@dataclass
class Story:
    """The application with its clock, and the outside world that it asks."""

    factory: bootstrap.Factory
    clock: StoppedClock
    ree: ReePlayer
    esios: ReePlayer
    asked: list[Any]
    client: Any

    def at(self, hour: int, minute: int = 0, day: date = SATURDAY) -> None:
        self.clock.at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID)

    def ingest(self, first: date, last: date, *markets: str, force: bool = False) -> dict[str, Any]:
        """A run as a button starts it, as REST then tells of it."""
        params = {"first": first.isoformat(), "last": last.isoformat(), "force": force, "markets": list(markets)}
        return self.get(f"/api/v1/jobs/runs/{self.factory.jobs.run('ingest_prices', params, 'test').id}")

    def catch_up(self) -> dict[str, Any] | None:
        """The scheduler's turn: the run that it made, if it made one."""
        before = {run.id for run in self.factory.jobs.recent()}
        catch_up(self.factory, wait=True)
        made = [run.id for run in self.factory.jobs.recent() if run.id not in before]
        return self.get(f"/api/v1/jobs/runs/{made[0]}") if made else None

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    def prices(self, day: date, market: str = PVPC) -> list[float]:
        return [row["price_eur_kwh"] for row in self.records(day, market)]

    def records(self, day: date, market: str = PVPC) -> list[dict[str, Any]]:
        return self.get(f"/api/v1/ree/prices?start_date={day}&market={market}")["prices"]

    def tomorrow(self) -> DayState:
        return self.factory.prices.outlook().tomorrow.state

    def sources(self) -> dict[str, dict[str, Any]]:
        return {source["name"]: source for source in self.get("/ready")["sources"]}


@pytest.fixture(scope="module")
def played(data_dir):
    """October 2021 [EUR/kWh by UTC time]: recorded answers of REE, and the files for the days between them."""
    out = {}
    for market, block, name in ((PVPC, "1001", "pvpc_20td_peninsula"), (SPOT, "600", "spot_es")):
        prices = read_prices(data_dir / "prices" / f"{name}.csv.gz").frame["price_eur_kwh"]
        start, end = day_bounds(date(2021, 10, 1), date(2021, 11, 5))
        recorded = recorded_prices(data_dir / "api_samples" / "ree_apidatos", block)
        both = recorded.combine_first(prices).sort_index()
        out[market] = both[(both.index >= start) & (both.index < end)].round(8)
    return out


@pytest.fixture
def tell(tmp_path, played):
    """Begin a story; prices of PVPC may be played differently, and settings may be given."""
    opened = []

    def begin(pvpc=None, **settings) -> Story:
        pvpc = played[PVPC] if pvpc is None else pvpc
        generated = wavy_generation(WEEK_AGO, SATURDAY)
        players = [ReePlayer(pvpc, played[SPOT], until=SATURDAY, generation=generated) for _ in range(2)]
        servers = [Loopback(player) for player in players]
        opened.extend(server.__exit__ for server in servers)
        quick = {"http_attempts": 2, "http_pause_s": 0, "http_backoff_s": 0, "log_level": "ERROR"}
        given = Settings(
            _env_file=None,
            data_dir=tmp_path,
            ree_url=servers[0].url,
            esios_url=servers[1].url,
            **{**quick, **settings},
        )
        configure_logs(given)
        clock = StoppedClock(datetime(2021, 10, 30, 12, tzinfo=MADRID))
        factory = bootstrap.build(given, clock=clock)
        opened.append(lambda *_: factory.close())
        factory.generation_ingestion.ingest(WEEK_AGO, FRIDAY)  # there already: most stories are about prices
        asked = _Joined(server.requests for server in servers)
        return Story(factory, clock, *players, asked, client_of(factory))

    yield begin
    for close in reversed(opened):
        close(None, None, None)
    logging.getLogger().handlers[:] = []
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


class _Joined(list):
    """Several growing lists, read as one."""

    def __init__(self, lists) -> None:
        super().__init__()
        self._lists = list(lists)

    def __iter__(self):
        return (item for each in self._lists for item in each)

    def __len__(self) -> int:
        return sum(map(len, self._lists))


def of_day(prices: pd.Series, day: date) -> list[float]:
    return prices.reindex(day_grid(day)).tolist()


def test_the_first_ingest_brings_the_recorded_days_of_both_markets(tell, played, data_dir):
    story = tell()
    run = story.ingest(WEEK_AGO, SATURDAY)
    assert (run["state"], run["error"], run["progress"]) == ("succeeded", None, 100)
    assert [(m["market"], m["counts"]["new"], m["complete"]) for m in run["result"]["markets"]] == [
        (PVPC, 8 * 24, True),
        (SPOT, 8 * 24, True),
    ]
    for day in pd.date_range(WEEK_AGO, SATURDAY):
        assert story.prices(day.date()) == of_day(played[PVPC], day.date())
        assert story.prices(day.date(), SPOT) == of_day(played[SPOT], day.date())
    raw = json.loads((data_dir / "api_samples/ree_apidatos/aiopvpc_PRICES_APIDATOS_2021_10_30.json").read_text())
    (block,) = (block for block in raw["included"] if block["id"] == "1001")
    wanted = [row["value"] for row in block["attributes"]["values"]][:24]
    assert [1000 * price for price in story.prices(SATURDAY)] == pytest.approx(wanted, abs=1e-6)
    assert {row["source"] for row in story.records(SATURDAY)} == {"ree"}
    assert story.sources()["ree"]["state"] == "ok"
    assert story.factory.health.light(PVPC).level == "good"


def test_asking_again_asks_nobody_and_changes_nothing(tell):
    story = tell()
    story.ingest(WEEK_AGO, SATURDAY)
    asked, revision = len(story.asked), story.factory._store.revision()
    run = story.ingest(WEEK_AGO, SATURDAY)
    nothing = {"new": 0, "changed": 0, "unchanged": 0, "queued": 0}
    assert [market["counts"] for market in run["result"]["markets"]] == [nothing] * 2
    assert story.catch_up() is None
    assert (len(story.asked), story.factory._store.revision()) == (asked, revision)


def test_tomorrow_is_not_asked_for_before_a_quarter_past_eight_in_the_evening(tell):
    story = tell()
    story.ingest(WEEK_AGO, SATURDAY)
    asked = len(story.asked)
    story.at(20, 14)
    run = story.ingest(SUNDAY, SUNDAY, PVPC)
    assert (run["state"], run["error"]["code"]) == ("failed", "not-published")
    assert len(story.asked) == asked
    assert story.tomorrow() is DayState.NOT_YET
    story.at(20, 16)
    story.ingest(SUNDAY, SUNDAY, PVPC)
    assert len(story.asked) > asked


def test_what_the_source_does_not_have_yet_is_waited_for_then_late_and_at_last_there(tell, played):
    story = tell()
    story.ingest(WEEK_AGO, SATURDAY)
    story.at(20, 16)
    run = story.catch_up()
    assert (run["state"], run["error"]["code"]) == ("failed", "not-published")
    assert story.records(SUNDAY) == []
    assert story.tomorrow() is DayState.NOT_YET
    assert story.factory.health.light(PVPC).level == "good"
    assert story.sources()["ree"]["state"] == story.sources()["esios_archive"]["state"] == "ok"  # they did answer
    story.at(21, 1)
    assert story.tomorrow() is DayState.LATE
    assert story.factory.health.light(PVPC).level == "late"
    story.ree.until = SUNDAY
    run = story.catch_up()
    assert (run["state"], run["requested_by"]) == ("succeeded", "scheduler")
    assert story.tomorrow() is DayState.COMPLETE
    assert story.prices(SUNDAY) == of_day(played[PVPC], SUNDAY)
    hours = [row["timestamp"][11:] for row in story.records(SUNDAY)]
    assert hours[1:5] == ["01:00:00+02:00", "02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"]
    assert len(hours) == len(story.prices(SUNDAY, SPOT)) == 25
    assert story.factory.health.light(PVPC).level == "good"


def test_generation_of_a_day_is_fetched_at_noon_of_the_next(tell):
    story = tell()
    story.ingest(WEEK_AGO, SATURDAY)
    story.ree.until = SUNDAY
    story.at(11, 59, day=SUNDAY)
    assert story.catch_up()["kind"] == "ingest_prices"
    assert story.catch_up() is None
    story.at(12, day=SUNDAY)
    run = story.catch_up()
    assert (run["kind"], run["state"], run["requested_by"]) == ("ingest_generation", "succeeded", "scheduler")
    assert [(day["day"], day["state"]) for day in run["result"]["days"]] == [(SATURDAY.isoformat(), "complete")]
    energy = wavy_generation(SATURDAY, SATURDAY).iloc[0].dropna().tolist()
    assert sorted(story.factory.generation.frame(SATURDAY, SATURDAY)["energy_mwh"]) == sorted(energy)
    assert story.factory.generation.mix(SATURDAY).sum() == pytest.approx(1)


def test_while_ree_is_down_the_archive_of_esios_serves(tell, played):
    story = tell()
    story.ree.outage = True
    run = story.ingest(FRIDAY, SATURDAY, PVPC)
    assert run["state"] == "succeeded"
    (market,) = run["result"]["markets"]
    assert [error["code"] for error in market["errors"]] == ["source-down"]
    assert [day["sources"] for day in market["days"]] == [["esios_archive"]] * 2
    assert {row["source"] for row in story.records(FRIDAY)} == {"esios_archive"}
    cents = [round(1000 * price, 2) for price in of_day(played[PVPC], FRIDAY)]  # EUR/MWh, as the archive has them
    assert [1000 * price for price in story.prices(FRIDAY)] == pytest.approx(cents, abs=0.0051)
    sources = story.sources()
    assert (sources["ree"]["state"], sources["esios_archive"]["state"]) == ("failing", "ok")
    assert "HTTP 503" in sources["ree"]["last_error"]
    assert story.get("/ready")["ready"] is True


def test_an_outage_of_all_is_shown_with_its_error_and_ends(tell, played):
    story = tell()
    story.ingest(WEEK_AGO, FRIDAY)
    story.ree.outage = story.esios.outage = True
    run = story.catch_up()
    assert run["state"] == "failed"
    assert run["error"]["code"] == "source-down"
    assert story.records(SATURDAY) == []
    assert story.factory.prices.outlook().today.state is DayState.MISSING
    assert story.factory.health.light(PVPC).level == "down"
    assert {source["state"] for source in story.sources().values()} == {"failing"}
    assert story.prices(FRIDAY) == of_day(played[PVPC], FRIDAY)  # what was there stays
    story.at(12, 30)
    story.ree.outage = story.esios.outage = False
    assert story.catch_up()["state"] == "succeeded"
    assert story.prices(SATURDAY) == of_day(played[PVPC], SATURDAY)
    ree = story.sources()["ree"]
    assert ree["state"] == "ok"
    assert ree["last_success_at"] > ree["last_error_at"]
    assert story.factory.health.light(PVPC).level == "good"


def test_a_revision_is_learned_by_force_and_keeps_the_first_price(tell, played):
    story = tell()
    story.ingest(FRIDAY, SATURDAY, PVPC)
    story.ree.revise(FRIDAY, by_eur_mwh=5)
    asked = len(story.asked)
    story.ingest(FRIDAY, SATURDAY, PVPC)
    assert len(story.asked) == asked
    (market,) = story.ingest(FRIDAY, SATURDAY, PVPC, force=True)["result"]["markets"]
    assert market["counts"] == {"new": 0, "changed": 24, "unchanged": 24, "queued": 0}
    first = of_day(played[PVPC], FRIDAY)
    assert story.prices(FRIDAY) == pytest.approx([price + 0.005 for price in first], abs=1e-9)
    frame = story.factory.prices.frame(FRIDAY, SATURDAY)
    assert frame["first_price_eur_kwh"].tolist() == [*first, *of_day(played[PVPC], SATURDAY)]


def test_a_day_that_came_in_part_is_completed_later(tell, played):
    whole = played[PVPC]
    evening = day_grid(FRIDAY)[19:]
    story = tell(whole.drop(evening))
    run = story.ingest(FRIDAY, FRIDAY, PVPC)
    assert run["state"] == "partial"
    (market,) = run["result"]["markets"]
    (day,) = market["days"]
    assert (day["state"], day["present"], day["expected"]) == ("partial", 19, 24)
    (gap,) = story.factory.gaps.find(price_series(), FRIDAY, FRIDAY).gaps
    assert (pd.Timestamp(gap.start), gap.count) == (evening[0], 5)
    story.ree._prices[PVPC] = whole
    (market,) = story.ingest(FRIDAY, FRIDAY, PVPC)["result"]["markets"]
    assert market["counts"] == {"new": 5, "changed": 0, "unchanged": 19, "queued": 0}
    assert story.prices(FRIDAY) == of_day(whole, FRIDAY)
    assert story.factory.gaps.find(price_series(), FRIDAY, FRIDAY).gaps == []


def test_yesterdays_prices_given_again_are_kept_flagged_and_put_right_by_force(tell, played):
    stale = played[PVPC].copy()
    stale[day_grid(SATURDAY)] = of_day(stale, FRIDAY)
    story = tell(stale)
    (market,) = story.ingest(FRIDAY, SATURDAY, PVPC)["result"]["markets"]
    assert [day["suspect"] for day in market["days"]] == [None, "repeats_day_before"]
    assert story.prices(SATURDAY) == story.prices(FRIDAY) == of_day(stale, FRIDAY)
    assert story.factory.prices.frame(FRIDAY, SATURDAY)["suspect"].tolist() == [False] * 24 + [True] * 24
    story.ree._prices[PVPC] = played[PVPC]
    (market,) = story.ingest(SATURDAY, SATURDAY, PVPC, force=True)["result"]["markets"]
    assert market["days"][0]["suspect"] is None
    assert market["counts"]["changed"] == 24
    assert story.prices(SATURDAY) == of_day(played[PVPC], SATURDAY)
    assert not story.factory.prices.frame(SATURDAY, SATURDAY)["suspect"].any()


def test_the_token_reaches_esios_and_nothing_else(tell, tmp_path, capfd):
    story = tell(esios_token=TOKEN, log_level="DEBUG")
    story.ree.outage = True
    assert story.ingest(FRIDAY, FRIDAY)["state"] == "succeeded"
    assert {row["source"] for row in story.records(FRIDAY)} == {"esios"}
    with_key = {request.path for request in story.asked if TOKEN in json.dumps(request.headers)}
    assert with_key == {"/indicators/1001", "/indicators/600"}
    assert all(TOKEN not in json.dumps(request.query) for request in story.asked)
    story.esios.outage = True
    failed = story.ingest(SATURDAY, SATURDAY)
    assert failed["state"] == "failed"
    said = capfd.readouterr()
    assert "asking again" in said.err
    assert "source failed" in said.err
    assert "answered" in said.err
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    told = json.dumps([failed, story.sources()])
    assert TOKEN not in said.err + said.out + told + repr(story.factory.settings)
    assert TOKEN.encode() not in kept
    assert len(story.factory._store.read(ENERGY_PRICE, *day_bounds(FRIDAY), market=SPOT)) == 24
