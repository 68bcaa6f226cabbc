"""ESIOS with and without a token, with small answers written by hand in the form that it answers in."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, KeyRefused, MalformedAnswer, NotPublished
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.sources.esios import Esios, EsiosArchive, parse_archive, parse_indicator
from tests.fakes import wavy_prices
from tests.loopback import Loopback, ReePlayer, Reply, Waits

DAY = date(2025, 3, 12)
SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)


def indicator(number=1001, places=(8741,), day=DAY):
    """An answer written by hand; each geography is 100 EUR/MWh dearer than the one before."""
    values = [
        {
            "value": 10.0 + hour + 100 * rank,
            "datetime": at.tz_convert(MADRID).isoformat(timespec="milliseconds"),
            "datetime_utc": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "geo_id": place,
        }
        for rank, place in enumerate(places)
        for hour, at in enumerate(day_grid(day))
    ]
    return {"indicator": {"id": number, "values": values}}


def archive(day=DAY, labels=None, price="116,33"):
    """A file of the daily archive written by hand; rows rise by 1 EUR/MWh."""
    count = len(day_grid(day))
    labels = labels or [hour for hour in range(25) if count != 23 or hour != 2][:count]
    rows = [
        {"Dia": f"{day:%d/%m/%Y}", "Hora": f"{hour:02}-{hour + 1:02}", "PCB": f"{number},33", "CYM": "999,99"}
        for number, hour in enumerate(labels)
    ]
    rows[0]["PCB"] = price
    return {"PVPC": rows}


@contextmanager
def served(kind, answer, **settings):
    waits = Waits()
    with Loopback(answer) as server:
        found = load_settings(esios_url=server.url, http_pause_s=0, **settings)
        yield kind(found, sleep=waits.sleep, monotonic=waits.monotonic), server


def test_only_the_peninsula_counts_among_five_geographies():
    frame = parse_indicator(indicator(places=(8742, 8741, 8743, 8744, 8745)), PVPC, DAY, DAY)
    assert frame["price_eur_kwh"].iloc[0] == 0.11
    assert len(frame) == 24


def test_spot_is_indicator_600_of_spain():
    frame = parse_indicator(indicator(600, places=(1, 2, 3)), SPOT, DAY, DAY)
    assert frame["price_eur_kwh"].iloc[0] == 0.21


def test_the_repeated_hour_keeps_both_prices_although_its_utc_is_given_twice():
    answer = indicator(day=AUTUMN)
    answer["indicator"]["values"][3]["datetime_utc"] = answer["indicator"]["values"][2]["datetime_utc"]
    frame = parse_indicator(answer, PVPC, AUTUMN, AUTUMN)
    assert frame.index.equals(day_grid(AUTUMN))
    assert frame["price_eur_kwh"].iloc[2:4].tolist() == [0.012, 0.013]


@pytest.mark.parametrize("number", [600, 1739, 10211, "1001"])
def test_another_indicator_is_malformed(number):
    with pytest.raises(MalformedAnswer, match="instead of 1001"):
        parse_indicator(indicator(number), PVPC, DAY, DAY)


def test_invented_geographies_are_malformed():
    with pytest.raises(MalformedAnswer, match="8741"):
        parse_indicator(indicator(places=(1234, 5678)), PVPC, DAY, DAY)


def test_no_values_is_not_published():
    with pytest.raises(NotPublished):
        parse_indicator({"indicator": {"id": 1001, "values": []}}, PVPC, DAY, DAY)


@pytest.mark.parametrize("odd", [None, [], {}, {"indicator": {}}, {"indicator": {"id": 1001, "values": [{}]}}])
def test_an_unknown_form_of_indicator_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_indicator(odd, PVPC, DAY, DAY)


def test_the_token_goes_in_its_header_and_nowhere_else():
    with served(Esios, Reply.of_json(indicator()), esios_token="my-token") as (esios, server):
        esios.prices(PVPC, DAY, DAY)
    asked = server.requests[0]
    assert asked.path == "/indicators/1001"
    assert asked.query == {"start_date": "2025-03-12T00:00", "end_date": "2025-03-12T23:59"}
    assert asked.headers["x-api-key"] == "my-token"
    assert asked.headers["accept"] == "application/json; application/vnd.esios-api-v1+json"


def test_a_refused_token_is_said():
    with (
        served(Esios, Reply(401, b"HTTP Token: Access denied.\n"), esios_token="old") as (esios, _),
        pytest.raises(KeyRefused, match="our key"),
    ):
        esios.prices(PVPC, DAY, DAY)


@pytest.mark.parametrize("market", [PVPC, SPOT])
def test_indicators_cover_days_of_clock_changes(market):
    truth = wavy_prices(date(2025, 10, 20), date(2025, 10, 30))
    with served(Esios, ReePlayer(truth, truth), esios_token="t") as (esios, _):
        frame = esios.prices(market, date(2025, 10, 25), date(2025, 10, 27))
    assert frame["price_eur_kwh"].tolist() == truth.reindex(day_grid(date(2025, 10, 25), date(2025, 10, 27))).tolist()


def test_the_archive_writes_decimal_commas():
    frame = parse_archive(archive(), DAY)
    assert frame["price_eur_kwh"].tolist()[:2] == [0.11633, 0.00133]
    assert frame.index.equals(day_grid(DAY))
    assert frame.attrs["resolution"] == timedelta(hours=1)


@pytest.mark.parametrize(("day", "count"), [(SPRING, 23), (AUTUMN, 25)])
def test_archive_rows_are_hours_by_their_order(day, count):
    frame = parse_archive(archive(day, price="0,33"), day)
    assert frame.index.equals(day_grid(day))
    assert frame["price_eur_kwh"].tolist() == [float(f"{number}.33e-3") for number in range(count)]


@pytest.mark.parametrize(
    "labels", [range(23), [*range(23), 24, 25], [1, 0, *range(2, 24)], [0, 0, *range(2, 24)]], ids=str
)
def test_rows_that_do_not_make_the_day_are_refused(labels):
    with pytest.raises(MalformedAnswer, match="rows for a day of 24 hours"):
        parse_archive(archive(labels=list(labels)), DAY)


def test_a_day_of_25_hours_with_24_rows_is_refused():
    with pytest.raises(MalformedAnswer, match="24 rows for a day of 25 hours"):
        parse_archive(archive(AUTUMN, labels=list(range(24))), AUTUMN)


def test_the_archive_of_another_day_is_refused():
    with pytest.raises(MalformedAnswer, match="answered for 11/03/2025"):
        parse_archive(archive(DAY - timedelta(days=1)), DAY)


def test_the_tariff_before_june_2021_is_refused():
    rows = [{"Dia": "12/03/2025", "Hora": "00-01", "GEN": "123,33", "NOC": "73,28", "VHC": "78,13"}]
    with pytest.raises(MalformedAnswer, match="June 2021"):
        parse_archive({"PVPC": rows}, DAY)


def test_blank_prices_of_the_archive_are_absent():
    assert parse_archive(archive(price=""), DAY).index.equals(day_grid(DAY)[1:])


@pytest.mark.parametrize("price", ["1.163,3", "116.33", "free", "1,2,3"])
def test_prices_that_are_written_otherwise_are_refused(price):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_archive(archive(price=price), DAY)


def test_a_negative_hour_is_kept():
    assert parse_archive(archive(price="-3,50"), DAY)["price_eur_kwh"].iloc[0] == -0.0035


def test_a_table_of_nothing_but_zeros_is_not_published():
    zeros = archive()
    for row in zeros["PVPC"]:
        row["PCB"] = "0,00"
    with pytest.raises(NotPublished):
        parse_archive(zeros, DAY)


def test_a_single_zero_is_a_price():
    assert parse_archive(archive(price="0,00"), DAY)["price_eur_kwh"].iloc[0] == 0


@pytest.mark.parametrize("odd", [None, [], {}, {"PVPC": None}, {"PVPC": [{}]}, {"PVPC": [7]}])
def test_an_unknown_form_of_archive_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_archive(odd, DAY)


def test_the_archive_says_in_a_message_that_a_day_is_not_out():
    with (
        served(EsiosArchive, Reply.of_json({"message": "No values for specified archive"})) as (source, server),
        pytest.raises(NotPublished, match="esios_archive has no pvpc_20td prices for 2025-03-12"),
    ):
        source.prices(PVPC, DAY, DAY)
    assert server.requests[0].path == "/archives/70/download_json"
    assert server.requests[0].query["date"] == "2025-03-12"
    assert "x-api-key" not in server.requests[0].headers


def test_the_archive_has_one_day_and_no_spot():
    with served(EsiosArchive, Reply.of_json({})) as (source, server):
        with pytest.raises(InvalidInput, match="1 to 1 days"):
            source.prices(PVPC, DAY, DAY + timedelta(days=1))
        with pytest.raises(InvalidInput, match="spot_es"):
            source.prices(SPOT, DAY, DAY)
    assert server.requests == []
