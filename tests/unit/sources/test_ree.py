"""Every trap of apidatos, with small answers written by hand in the form that it answers in."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, KeyRefused, MalformedAnswer, NotPublished, SourceDown
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources.ree import Ree, parse_prices
from tests.fakes import wavy_prices
from tests.loopback import Loopback, ReePlayer, Reply, Waits

DAY = date(2025, 3, 12)
NO_DATA = {
    "errors": [
        {
            "code": 502,
            "status": "502",
            "title": "Bad response from ESIOS",
            "detail": "There are no data for the selected filters.",
        }
    ]
}


def payload(values, *, block="1001", title="PVPC"):
    """An answer written by hand: pairs of time and EUR/MWh in one block."""
    rows = [{"value": value, "percentage": 1, "datetime": at} for at, value in values]
    return {"data": {"id": "mer13"}, "included": [{"type": title, "id": block, "attributes": {"values": rows}}]}


def hours(day=DAY, count=None, start=50.0):
    grid = day_grid(day).tz_convert(MADRID)[:count]
    return [(at.isoformat(timespec="milliseconds"), start + number) for number, at in enumerate(grid)]


def parsed(values, market=PVPC, first=DAY, last=DAY, **more):
    return parse_prices(payload(values, **more), market, first, last)


@contextmanager
def ree_at(answer, **settings):
    waits = Waits()
    patient = {"http_pause_s": 0, "http_read_timeout_s": 5, **settings}
    with Loopback(answer) as server:
        yield Ree(load_settings(ree_url=server.url, **patient), sleep=waits.sleep, monotonic=waits.monotonic), server


def test_prices_become_eur_per_kwh_without_dust():
    frame = parsed([("2025-03-12T00:00:00.000+01:00", 116.33), ("2025-03-12T01:00:00.000+01:00", 0.07)])
    assert frame["price_eur_kwh"].tolist() == [0.11633, 0.00007]
    assert frame.index[0] == datetime(2025, 3, 11, 23, tzinfo=UTC)
    assert (frame.index.name, str(frame.index.tz)) == ("time", "UTC")
    assert frame.attrs["resolution"] == timedelta(hours=1)


@settings(deadline=None)
@given(st.integers(-50_000, 500_000))
def test_any_price_of_two_decimals_is_exact(cents):
    frame = parsed([("2025-03-12T00:00:00.000+01:00", cents / 100)])
    assert frame["price_eur_kwh"].iloc[0] == float(f"{cents}e-5")


@pytest.mark.parametrize("price", [0, 0.0, -12.5, 954.01, 4000])
def test_no_price_is_dropped_for_being_odd(price):
    assert parsed([("2025-03-12T00:00:00.000+01:00", price)])["price_eur_kwh"].tolist() == [price / 1000]


def test_blocks_are_known_by_id_whatever_they_are_called():
    both = payload(hours(), title="Spot market price (€/MWh)")
    both["included"] += payload(hours(start=10.0), block="600", title="PVPC")["included"]
    assert parse_prices(both, PVPC, DAY, DAY)["price_eur_kwh"].iloc[0] == 0.05
    assert parse_prices(both, SPOT, DAY, DAY)["price_eur_kwh"].iloc[0] == 0.01


def test_the_extra_hour_of_an_inclusive_end_is_cut():
    frame = parsed([*hours(), ("2025-03-13T00:00:00.000+01:00", 999.0)])
    assert len(frame) == 24
    assert frame["price_eur_kwh"].max() < 0.1


@pytest.mark.parametrize(("day", "count"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_days_of_clock_changes_are_whole(day, count):
    frame = parsed(hours(day), first=day, last=day)
    assert frame.index.equals(day_grid(day))
    assert len(frame) == count


def test_the_repeated_hour_keeps_both_of_its_prices():
    frame = parsed(
        [("2025-10-26T02:00:00.000+02:00", 10.0), ("2025-10-26T02:00:00.000+01:00", 20.0)],
        first=date(2025, 10, 26),
        last=date(2025, 10, 26),
    )
    assert frame["price_eur_kwh"].to_dict() == {
        pd.Timestamp("2025-10-26T00:00Z"): 0.01,
        pd.Timestamp("2025-10-26T01:00Z"): 0.02,
    }


def test_a_partial_day_stays_partial():
    assert len(parsed(hours(count=17))) == 17


def test_null_prices_are_absent_rows():
    values = hours()
    values[5] = (values[5][0], None)
    frame = parsed(values)
    assert frame.index.equals(day_grid(DAY).delete(5))


def test_nothing_but_nulls_is_not_published():
    with pytest.raises(NotPublished):
        parsed([(at, None) for at, _ in hours()])


def test_values_in_any_order_come_out_sorted():
    assert parsed(hours()[::-1]).equals(parsed(hours()))


def test_an_hour_given_twice_alike_counts_once():
    assert len(parsed(hours() + hours())) == 24


def test_an_hour_with_two_prices_is_malformed():
    with pytest.raises(MalformedAnswer, match="two prices for 2025-03-12T05:00"):
        parsed([*hours(), ("2025-03-12T06:00:00.000+01:00", 1.0)])


def test_a_stale_answer_is_never_taken_for_the_day_asked():
    with pytest.raises(MalformedAnswer, match=r"answered for 2025-03-10T23.*asked for 2025-03-12"):
        parsed(hours(DAY - timedelta(days=1)))


def test_quarter_hours_say_so():
    grid = day_grid(DAY, resolution=timedelta(minutes=15))
    frame = parsed([(at.isoformat(), 100.8275) for at in grid], market=SPOT, block="600")
    assert frame.attrs["resolution"] == timedelta(minutes=15)
    assert len(frame) == 96
    assert frame["price_eur_kwh"].unique().tolist() == [0.1008275]


def test_quarter_hours_with_a_hole_are_still_quarter_hours():
    grid = day_grid(DAY, resolution=timedelta(minutes=15)).delete([4, 5, 40])
    assert parsed([(at.isoformat(), 1.0) for at in grid]).attrs["resolution"] == timedelta(minutes=15)


@pytest.mark.parametrize(
    "times",
    [
        ["00:00", "01:00", "02:00", "02:15", "02:30"],
        ["00:00", "00:30", "01:00"],
        ["00:00", "00:07"],
        ["00:20"],
    ],
    ids=["mixed", "half hours", "crooked", "one crooked"],
)
def test_other_steps_are_refused(times):
    with pytest.raises(MalformedAnswer, match="neither hours nor quarter-hours"):
        parsed([(f"2025-03-12T{at}:00.000+01:00", 1.0) for at in times])


@pytest.mark.parametrize("stamp", ["2025-03-12T00:00:00", "yesterday", "", None, 1741734000])
def test_a_time_without_its_offset_is_malformed(stamp):
    with pytest.raises(MalformedAnswer, match="a time with its offset"):
        parsed([(stamp, 50.0)])


@pytest.mark.parametrize("price", ["50.0", True, float("nan"), float("inf"), {}, []])
def test_a_price_that_is_no_number_is_malformed(price):
    with pytest.raises(MalformedAnswer, match="where a number belongs"):
        parsed([("2025-03-12T00:00:00.000+01:00", price)])


def test_an_answer_without_the_market_is_not_published():
    with pytest.raises(NotPublished, match="spot_es"):
        parsed(hours(), market=SPOT)


@pytest.mark.parametrize("odd", [None, [], {}, {"included": None}, {"included": [{}]}, {"included": {"id": "1001"}}, 7])
def test_an_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_prices(odd, PVPC, DAY, DAY)


def test_it_asks_for_the_peninsula_hour_by_hour():
    with ree_at(Reply.of_json(payload(hours()))) as (ree, server):
        ree.prices(PVPC, DAY, DAY)
    assert server.requests[0].path == "/es/datos/mercados/precios-mercados-tiempo-real"
    assert server.requests[0].query == {
        "start_date": "2025-03-12T00:00",
        "end_date": "2025-03-12T23:59",
        "time_trunc": "hour",
        "geo_limit": "peninsular",
        "geo_ids": "8741",
    }


def test_no_data_yet_is_asked_once_and_is_no_outage():
    with ree_at(Reply.of_json(NO_DATA, 502)) as (ree, server):
        for number in range(1, 6):
            with pytest.raises(NotPublished, match="ree has no pvpc_20td prices for 2025-03-12"):
                ree.prices(PVPC, DAY, DAY)
            assert len(server.requests) == number


def test_another_502_is_an_outage_and_tried_again():
    with ree_at([Reply.of_json({"errors": [{"detail": "Gateway"}]}, 502), Reply.of_json(payload(hours()))]) as (ree, s):
        assert len(ree.prices(PVPC, DAY, DAY)) == 24
    assert len(s.requests) == 2


def test_an_outage_is_said_after_all_tries():
    with ree_at(Reply.of_html("<h1>Bad Gateway</h1>", 502), http_attempts=3) as (ree, server):
        with pytest.raises(SourceDown, match="502"):
            ree.prices(PVPC, DAY, DAY)
        assert len(server.requests) == 3


def test_a_block_page_is_a_refusal_not_a_wrong_key():
    with ree_at(Reply.of_html("<html>Incapsula incident</html>", 403)) as (ree, server):
        with pytest.raises(KeyRefused, match="this address"):
            ree.prices(PVPC, DAY, DAY)
        assert len(server.requests) == 1


def test_a_page_with_status_200_is_malformed():
    with ree_at(Reply.of_html("<html>Mantenimiento</html>")) as (ree, _), pytest.raises(MalformedAnswer, match="page"):
        ree.prices(PVPC, DAY, DAY)


def test_half_a_body_is_asked_for_again():
    whole = Reply.of_json(payload(hours()))
    with ree_at([Reply(200, whole.body, way="half"), whole]) as (ree, _):
        assert len(ree.prices(PVPC, DAY, DAY)) == 24


@pytest.mark.parametrize(("first", "last"), [(DAY, DAY + timedelta(days=31)), (DAY, DAY - timedelta(days=1))])
def test_more_than_a_month_or_less_than_a_day_is_not_asked(first, last):
    with ree_at(Reply.of_json({})) as (ree, server), pytest.raises(InvalidInput, match="1 to 31 days"):
        ree.prices(PVPC, first, last)
    assert server.requests == []


def test_an_unknown_market_is_not_asked():
    with ree_at(Reply.of_json({})) as (ree, server), pytest.raises(InvalidInput, match="gas"):
        ree.prices("gas", DAY, DAY)
    assert server.requests == []


def test_a_month_with_a_clock_change_arrives_whole():
    truth = wavy_prices(date(2025, 2, 27), date(2025, 4, 2))
    first, last = date(2025, 3, 1), date(2025, 3, 31)
    with ree_at(ReePlayer(truth)) as (ree, _):
        frame = ree.prices(PVPC, first, last)
    assert frame.index.equals(day_grid(first, last))
    assert frame["price_eur_kwh"].tolist() == truth.reindex(frame.index).tolist()
