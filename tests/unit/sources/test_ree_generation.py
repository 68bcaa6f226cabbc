"""Generation of apidatos: no answer is recorded, so these are written by hand in the form that is described."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import MADRID, day_grid, day_start
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, KeyRefused, MalformedAnswer, NotPublished, RateLimited, SourceDown
from chocofactory.domain.measurements import DAILY, PVPC
from chocofactory.sources.ree import Ree
from chocofactory.sources.ree_generation import TECHNOLOGIES, parse_generation, spelled
from tests.fakes import wavy_generation, wavy_prices
from tests.loopback import Loopback, ReePlayer, Reply, Waits

DAY = date(2025, 12, 10)
GAS, WIND = "Ciclo combinado", "Eólica"


def block(name, *rows, **attributes):
    """One technology: triples of time, MWh and share."""
    values = [{"value": value, "percentage": share, "datetime": at} for at, value, share in rows]
    return {"type": name, "id": "10", "attributes": {"title": name, "values": values, **attributes}}


def payload(*blocks):
    return {"data": {"type": "Generación por tecnología", "id": "gen1"}, "included": list(blocks)}


def at(day=DAY):
    return day_start(day).astimezone(MADRID).isoformat(timespec="milliseconds")


def parsed(*blocks, first=DAY, last=DAY):
    return parse_generation(payload(*blocks), first, last, source="ree")


@contextmanager
def ree_at(answer, **settings):
    waits = Waits()
    patient = {"http_pause_s": 0, "http_read_timeout_s": 5, **settings}
    with Loopback(answer) as server:
        yield Ree(load_settings(ree_url=server.url, **patient), sleep=waits.sleep, monotonic=waits.monotonic), server


def test_energy_and_share_of_a_day_come_by_technology():
    found = parsed(block(GAS, (at(), 104717.0, 0.16)), block(WIND, (at(), 200000.5, 0.3055)))
    assert set(found) == {"combined_cycle", "wind"}
    frame = found["combined_cycle"]
    assert frame.to_dict("list") == {"energy_mwh": [104717.0], "share": [0.16]}
    assert frame.index[0] == datetime(2025, 12, 9, 23, tzinfo=UTC)
    assert (frame.index.name, str(frame.index.tz), frame.index.unit) == ("time", "UTC", "us")
    assert frame.dtypes.tolist() == [float, float]


@pytest.mark.parametrize(
    ("name", "technology"),
    [
        ("Eólica", "wind"),
        ("EOLICA", "wind"),
        ("Eo\u0301lica", "wind"),
        (" Turbinación  bombeo ", "pumped_storage"),
        ("Solar fotovoltaica", "solar_photovoltaic"),
        ("Motores diésel", "diesel_engines"),
        ("Fuel + Gas", "fuel_gas"),
        ("Hidroeólica", "hydro_wind"),
        ("Residuos no renovables", "non_renewable_waste"),
    ],
)
def test_technologies_are_known_whatever_their_capitals_and_accents(name, technology):
    assert set(parsed(block(name, (at(), 1.0, 0.1)))) == {technology}


def test_a_technology_that_is_new_keeps_its_own_name():
    assert set(parsed(block("Fusión (ITER), núcleo", (at(), 1.0, 0.1)))) == {"fusion_iter_nucleo"}


def test_names_of_technologies_are_spelled_as_they_are_looked_up():
    assert all(spelled(name) == name for name in [*TECHNOLOGIES, *TECHNOLOGIES.values()])


@given(st.text())
def test_any_name_is_spelled_in_letters_digits_and_single_underscores(name):
    assert all(part.isalnum() and part.isascii() for part in spelled(name).split("_") if spelled(name))


@pytest.mark.parametrize(
    "total", [block("Generación total", (at(), 9e5, 1)), block("Total", (at(), 9e5, 1), type="total")]
)
def test_the_total_is_no_technology(total):
    assert set(parsed(block(GAS, (at(), 1.0, 0.1)), total)) == {"combined_cycle"}


def test_a_sum_of_technologies_is_none():
    both = block("Generación renovable", (at(), 2.0, 0.2), composite=True)
    assert set(parsed(block(GAS, (at(), 1.0, 0.1), composite=False), both)) == {"combined_cycle"}


def test_zero_is_a_value_and_null_is_absent():
    tomorrow = DAY + timedelta(days=1)
    found = parsed(block(GAS, (at(), 0, 0), (at(tomorrow), None, None)), last=tomorrow)
    assert found["combined_cycle"]["energy_mwh"].tolist() == [0.0]


def test_a_null_share_does_not_cost_the_energy():
    frame = parsed(block(GAS, (at(), 5.0, None)))["combined_cycle"]
    np.testing.assert_array_equal(frame.to_numpy(), [[5.0, np.nan]])


def test_a_technology_may_lack_days_that_others_have():
    days = [DAY + timedelta(days=n) for n in range(3)]
    found = parsed(
        block(GAS, *((at(day), 1.0, 0.1) for day in days)), block("Fuel + Gas", (at(DAY), 1.0, 0.1)), last=days[2]
    )
    assert [len(found[name]) for name in ("combined_cycle", "fuel_gas")] == [3, 1]


def test_a_block_without_values_is_left_out():
    assert set(parsed(block(GAS, (at(), 1.0, 0.1)), block("Carbón"))) == {"combined_cycle"}


def test_the_extra_day_of_an_inclusive_end_is_cut():
    after = DAY + timedelta(days=1)
    assert parsed(block(GAS, (at(), 1.0, 0.1), (at(after), 2.0, 0.1)))["combined_cycle"]["energy_mwh"].tolist() == [1.0]


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 3, 31), date(2025, 10, 26), date(2025, 10, 27)])
def test_days_around_clock_changes_begin_at_their_own_midnight(day):
    (time,) = parsed(block(GAS, (at(day), 1.0, 0.1)), first=day, last=day)["combined_cycle"].index
    assert time == day_start(day)


@pytest.mark.parametrize(
    "stamp", ["2025-12-10T00:00:00.000Z", "2025-12-10T12:00:00.000+01:00", "2025-12-10T00:30+01:00"]
)
def test_a_day_that_begins_at_no_local_midnight_is_malformed(stamp):
    with pytest.raises(MalformedAnswer, match="midnight"):
        parsed(block(GAS, (stamp, 1.0, 0.1)))


@pytest.mark.parametrize("stamp", ["2025-12-10T00:00:00", "yesterday", None, 1741734000])
def test_a_time_without_its_offset_is_malformed(stamp):
    with pytest.raises(MalformedAnswer, match="a time with its offset"):
        parsed(block(GAS, (stamp, 1.0, 0.1)))


@pytest.mark.parametrize("value", ["50.0", True, float("nan"), float("inf"), {}])
def test_a_value_that_is_no_number_is_malformed(value):
    for row in ((at(), value, 0.1), (at(), 1.0, value)):
        with pytest.raises(MalformedAnswer, match="where a number belongs"):
            parsed(block(GAS, row))


@pytest.mark.parametrize("share", [16.0, 1.0001, -2])
def test_a_share_in_per_cent_is_malformed(share):
    with pytest.raises(MalformedAnswer, match="shares lie between 0 and 1"):
        parsed(block(GAS, (at(), 1.0, share)))


def test_rows_that_agree_count_once_and_others_are_malformed():
    assert len(parsed(block(GAS, (at(), 1.0, 0.1), (at(), 1.0, 0.1)))["combined_cycle"]) == 1
    with pytest.raises(MalformedAnswer, match="two values of combined_cycle for 2025-12-09T23"):
        parsed(block(GAS, (at(), 1.0, 0.1)), block("CICLO COMBINADO", (at(), 2.0, 0.1)))


def test_a_stale_answer_is_never_taken_for_the_day_asked():
    with pytest.raises(MalformedAnswer, match=r"answered for 2025-12-08T23.*asked for 2025-12-10"):
        parsed(block(GAS, (at(DAY - timedelta(days=1)), 1.0, 0.1)))


@pytest.mark.parametrize(
    "blocks", [(), (block(GAS),), (block(GAS, (at(), None, None)),), (block("Generación total", (at(), 1, 1)),)]
)
def test_an_answer_without_any_value_is_not_published(blocks):
    with pytest.raises(NotPublished, match="no generation"):
        parsed(*blocks)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        7,
        {"included": None},
        {"included": [{}]},
        {"included": {"type": GAS}},
        payload({"type": 7, "attributes": {}}),
        payload({"type": GAS, "attributes": {"values": [{"value": 1}]}}),
        payload(block(" ", (at(), 1.0, 0.1))),
    ],
)
def test_an_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_generation(odd, DAY, DAY, source="ree")


def test_it_asks_for_the_country_day_by_day():
    with ree_at(Reply.of_json(payload(block(GAS, (at(), 1.0, 0.1))))) as (ree, server):
        ree.generation(DAY, DAY)
    assert server.requests[0].path == "/es/datos/generacion/estructura-generacion"
    assert server.requests[0].query == {
        "start_date": "2025-12-10T00:00",
        "end_date": "2025-12-10T23:59",
        "time_trunc": "day",
    }


def test_no_data_yet_is_asked_once_and_is_no_outage():
    with ree_at(ReePlayer(wavy_prices(DAY, DAY))) as (ree, server):
        for number in range(1, 6):
            with pytest.raises(NotPublished, match="ree has no generation of 2025-12-10"):
                ree.generation(DAY, DAY)
            assert len(server.requests) == number


def test_outages_and_refusals_are_told_by_their_names():
    for reply, error in (
        (Reply.of_html("<h1>Bad Gateway</h1>", 502), SourceDown),
        (Reply.of_html("<p>no</p>", 403), KeyRefused),
    ):
        with ree_at(reply, http_attempts=2) as (ree, _), pytest.raises(error):
            ree.generation(DAY, DAY)


@pytest.mark.parametrize(("first", "last"), [(DAY, DAY + timedelta(days=31)), (DAY, DAY - timedelta(days=1))])
def test_more_than_a_month_or_less_than_a_day_is_not_asked(first, last):
    with ree_at(Reply.of_json({})) as (ree, server), pytest.raises(InvalidInput, match="1 to 31 days"):
        ree.generation(first, last)
    assert server.requests == []


def test_prices_and_generation_share_one_budget_of_requests():
    with ree_at(ReePlayer(wavy_prices(DAY, DAY), generation=wavy_generation(DAY, DAY)), http_hourly_limit=2) as (
        ree,
        server,
    ):
        ree.prices(PVPC, DAY, DAY)
        ree.generation(DAY, DAY)
        for ask in (lambda: ree.prices(PVPC, DAY, DAY), lambda: ree.generation(DAY, DAY)):
            with pytest.raises(RateLimited):
                ask()
    assert len(server.requests) == 2


def test_an_outage_found_by_one_spares_the_other_the_asking():
    with ree_at(Reply.of_html("<h1>Service Unavailable</h1>", 503), http_attempts=1) as (ree, server):
        for _ in range(3):
            with pytest.raises(SourceDown):
                ree.prices(PVPC, DAY, DAY)
        with pytest.raises(SourceDown, match="left alone"):
            ree.generation(DAY, DAY)
    assert len(server.requests) == 3


@settings(max_examples=5)
@given(st.dates(date(2022, 1, 1), date(2025, 11, 1)))
def test_a_month_arrives_whole_and_its_shares_add_up_to_one(first):
    last = first + timedelta(days=30)
    truth = wavy_generation(first - timedelta(days=3), last + timedelta(days=3))
    with ree_at(ReePlayer(wavy_prices(DAY, DAY), generation=truth)) as (ree, _):
        found = ree.generation(first, last)
    grid = day_grid(first, last, DAILY)
    assert set(found) == {"combined_cycle", "wind", "nuclear", "fuel_gas"}
    for name, technology in ((GAS, "combined_cycle"), (WIND, "wind"), ("Fuel + Gas", "fuel_gas")):
        pd.testing.assert_series_equal(
            found[technology]["energy_mwh"], truth.loc[grid, name].dropna(), check_names=False, check_freq=False
        )
    assert pd.concat(frame["share"] for frame in found.values()).groupby(level=0).sum().round(12).eq(1).all()
