"""AEMET's hourly forecast, with small data written by hand: no answer of it was recorded.

They have the form in which it is published: hours and spans on the wall clock, numbers as text, blanks beyond the end.
"""

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import MalformedAnswer, NotPublished
from chocofactory.domain.measurements import WEATHER_FORECAST, Series
from chocofactory.sources.aemet_forecast import parse_forecast
from chocofactory.store.base import checked

HOUR = timedelta(hours=1)
PLAIN, SPRING, AUTUMN = date(2025, 12, 1), date(2025, 3, 30), date(2025, 10, 26)
SPANS = ("0208", "0814", "1420", "2002")


def hourly(**values):
    """Values by hour: ``hourly(h07="9")``."""
    return [{"value": value, "periodo": hour[1:]} for hour, value in values.items()]


def day(on=PLAIN, **values):
    return {**values, "fecha": f"{on}T00:00:00", "orto": "08:10", "ocaso": "17:55"}


def town(*days, **more):
    head = {"origen": {"productor": "AEMET"}, "elaborado": "2025-12-01T07:25:49", "nombre": "Linares"}
    return [{**head, "prediccion": {"dia": list(days)}, "id": "23055", "version": "1.0", **more}]


def issued(*days, **more):
    return parse_forecast(town(*days, **more), "23055", source="aemet")


def values(found, field):
    """The values that are there, by UTC time as text."""
    return {f"{at:%d %H}": value for at, value in found.frame[field].items() if not math.isnan(value)}


def wind(hour, direction, kmh):
    return [{"direccion": [direction], "velocidad": [kmh], "periodo": hour}, {"value": "35", "periodo": hour}]


def test_hours_are_local_and_mark_their_start():
    found = issued(day(temperatura=hourly(h00="7", h10="-3")))
    assert values(found, "temperature_c") == {"30 23": 7, "01 09": -3}
    assert found.resolution == HOUR
    assert (found.frame.index.name, found.frame.index.unit) == ("time", "us")


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2025-12-01T07:25:49", datetime(2025, 12, 1, 6, 25, 49, tzinfo=UTC)),
        ("2025-07-01T07:25:49", datetime(2025, 7, 1, 5, 25, 49, tzinfo=UTC)),
        ("2025-07-01T07:25:49+00:00", datetime(2025, 7, 1, 7, 25, 49, tzinfo=UTC)),
    ],
)
def test_the_time_of_issue_is_local_too(stamp, utc):
    assert issued(day(temperatura=hourly(h10="9")), elaborado=stamp).issued_at == utc


def test_every_list_finds_its_field():
    found = issued(
        day(
            temperatura=hourly(h10="9"),
            humedadRelativa=hourly(h10="71"),
            precipitacion=hourly(h10="0.5"),
            vientoAndRachaMax=wind("10", "SO", "18"),
            probPrecipitacion=[{"value": "45", "periodo": "0814"}],
            sensTermica=hourly(h10="99"),
            estadoCielo=[{"value": "46n", "periodo": "10", "descripcion": "Cubierto con lluvia escasa"}],
        )
    )
    assert found.frame.loc["2025-12-01T09:00Z"].to_dict() == {
        "temperature_c": 9,
        "humidity_pct": 71,
        "precipitation_mm": 0.5,
        "wind_ms": 5,
        "wind_direction_deg": 225,
        "precipitation_probability_pct": 45,
    }


def test_lists_that_are_not_there_are_missing_values():
    found = issued(day(temperatura=hourly(h10="9")))
    assert found.frame.drop(columns="temperature_c").isna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "degrees"),
    [("N", 0), ("NE", 45), ("E", 90), ("SE", 135), ("S", 180), ("SO", 225), ("O", 270), ("NO", 315)],
)
def test_wind_comes_from_where_its_name_says(name, degrees):
    found = issued(day(vientoAndRachaMax=wind("10", name, "7")))
    assert values(found, "wind_direction_deg") == {"01 09": degrees}
    assert values(found, "wind_ms") == {"01 09": 1.944}


def test_calm_comes_from_nowhere():
    found = issued(day(vientoAndRachaMax=wind("10", "C", "0")))
    assert values(found, "wind_direction_deg") == {}
    assert values(found, "wind_ms") == {"01 09": 0}


def test_an_unknown_direction_is_malformed():
    with pytest.raises(MalformedAnswer, match="'W' where a wind direction belongs"):
        issued(day(vientoAndRachaMax=wind("10", "W", "7")))


def test_a_trace_of_rain_is_no_measurable_amount():
    assert values(issued(day(precipitacion=hourly(h10="Ip", h11="0,2"))), "precipitation_mm") == {
        "01 09": 0,
        "01 10": 0.2,
    }


def test_a_span_counts_for_each_of_its_hours_and_may_end_tomorrow():
    chances = [{"value": str(10 * n), "periodo": span} for n, span in enumerate(SPANS, 1)]
    found = values(issued(day(probPrecipitacion=chances)), "precipitation_probability_pct")
    expected = {}
    for chance, first, last in ((10, 2, 8), (20, 8, 14), (30, 14, 20), (40, 20, 26)):
        for hour in range(first, last):
            at = datetime(2025, 12, 1, tzinfo=UTC) + (hour - 1) * HOUR
            expected[f"{at:%d %H}"] = chance
    assert found == expected
    assert len(found) == 24


@pytest.mark.parametrize(("span", "hours"), [("0024", 24), ("1224", 12), ("0012", 12), ("1201", 13)])
def test_spans_of_other_lengths(span, hours):
    found = issued(day(probPrecipitacion=[{"value": "5", "periodo": span}]))
    assert len(found.frame) == hours


def test_the_last_evening_of_a_year_runs_into_the_next():
    found = issued(day(date(2025, 12, 31), probPrecipitacion=[{"value": "5", "periodo": "2002"}]))
    assert found.frame.index[[0, -1]].tolist() == [
        datetime(2025, 12, 31, 19, tzinfo=UTC),
        datetime(2026, 1, 1, 0, tzinfo=UTC),
    ]


def test_blanks_are_missing():
    found = issued(day(temperatura=hourly(h10="9", h11=""), probPrecipitacion=[{"value": "", "periodo": "2002"}]))
    assert values(found, "temperature_c") == {"01 09": 9}
    assert len(found.frame) == 1


# The days on which clocks change, 23 and 25 hours long


def test_in_spring_the_hour_that_does_not_exist_is_left_out():
    found = issued(day(SPRING, temperatura=hourly(h01="1", h02="99", h03="3")))
    assert values(found, "temperature_c") == {"30 00": 1, "30 01": 3}


def test_in_spring_spans_meet_and_miss_no_hour():
    before = day(SPRING - timedelta(days=1), probPrecipitacion=[{"value": "40", "periodo": "2002"}])
    found = issued(before, day(SPRING, probPrecipitacion=[{"value": "10", "periodo": "0208"}]))
    assert values(found, "precipitation_probability_pct") == {
        **{f"29 {hour}": 40 for hour in range(19, 24)},
        "30 00": 40,
        **{f"30 {hour:02}": 10 for hour in range(1, 6)},
    }


def test_in_autumn_the_hour_that_comes_twice_is_told_apart_by_its_order():
    twice = [*hourly(h01="1", h02="2"), *hourly(h02="20", h03="3")]
    found = issued(day(AUTUMN, temperatura=twice))
    assert values(found, "temperature_c") == {"25 23": 1, "26 00": 2, "26 01": 20, "26 02": 3}


def test_in_autumn_wind_is_told_apart_too_and_gusts_do_not_count():
    found = issued(day(AUTUMN, vientoAndRachaMax=[*wind("02", "N", "18"), *wind("02", "S", "36")]))
    assert values(found, "wind_ms") == {"26 00": 5, "26 01": 10}
    assert values(found, "wind_direction_deg") == {"26 00": 0, "26 01": 180}


def test_in_autumn_the_hour_given_once_is_the_first():
    found = issued(day(AUTUMN, temperatura=hourly(h01="1", h02="2", h03="3")))
    assert values(found, "temperature_c") == {"25 23": 1, "26 00": 2, "26 02": 3}


def test_in_autumn_spans_meet_and_miss_no_hour():
    before = day(AUTUMN - timedelta(days=1), probPrecipitacion=[{"value": "40", "periodo": "2002"}])
    found = issued(before, day(AUTUMN, probPrecipitacion=[{"value": "10", "periodo": "0208"}]))
    assert values(found, "precipitation_probability_pct") == {
        **{f"25 {hour}": 40 for hour in range(18, 24)},
        **{f"26 {hour:02}": 10 for hour in range(7)},
    }


@pytest.mark.parametrize(("on", "count"), [(SPRING, 23), (PLAIN, 24), (AUTUMN, 25)])
def test_a_whole_day_has_as_many_hours_as_it_has(on, count):
    start = datetime(on.year, on.month, on.day, tzinfo=MADRID).astimezone(UTC)
    labels = [f"{(start + n * HOUR).astimezone(MADRID):%H}" for n in range(count)]
    found = issued(day(on, temperatura=[{"value": str(n), "periodo": label} for n, label in enumerate(labels)]))
    assert found.frame.index.tolist() == [start + n * HOUR for n in range(count)]
    assert found.frame["temperature_c"].tolist() == list(range(count))


# Refusals


def test_an_hour_given_twice_otherwise_is_malformed():
    with pytest.raises(MalformedAnswer, match="two values of temperature_c"):
        issued(day(temperatura=[*hourly(h10="9"), *hourly(h10="8")]))


def test_another_municipality_is_never_taken_for_ours():
    with pytest.raises(MalformedAnswer, match="aemet answered for 32054, not for 23055"):
        issued(day(temperatura=hourly(h10="9")), id="32054")


@pytest.mark.parametrize("given", ["04013", 4013])
def test_a_number_of_a_municipality_may_have_lost_its_zero(given):
    found = parse_forecast(town(day(temperatura=hourly(h10="9")), id=given), "04013", source="aemet")
    assert len(found.frame) == 1


@pytest.mark.parametrize("data", [[], town(), town(day()), town(day(temperatura=hourly(h10="")))])
def test_a_forecast_without_values_is_not_published(data):
    with pytest.raises(NotPublished, match="aemet has no forecast for 23055"):
        parse_forecast(data, "23055", source="aemet")


@pytest.mark.parametrize(
    "values",
    [
        {"temperatura": hourly(h10="warm")},
        {"temperatura": hourly(h10="283")},
        {"humedadRelativa": hourly(h10="200")},
        {"precipitacion": hourly(h10="-1")},
        {"vientoAndRachaMax": wind("10", "N", "500")},
        {"probPrecipitacion": [{"value": "101", "periodo": "0814"}]},
        {"temperatura": hourly(h24="9")},
        {"temperatura": hourly(h0814="9")},
        {"temperatura": [{"value": "9", "periodo": 10}]},
        {"temperatura": [{"periodo": "10"}]},
        {"temperatura": "9"},
        {"probPrecipitacion": [{"value": "5", "periodo": "0830"}]},
        {"probPrecipitacion": [{"value": "5", "periodo": "10"}]},
        {"vientoAndRachaMax": [{"direccion": [], "velocidad": [], "periodo": "10"}]},
        {"vientoAndRachaMax": [{"direccion": "N", "velocidad": 7, "periodo": "10"}]},
    ],
)
def test_what_cannot_be_read_is_malformed(values):
    with pytest.raises(MalformedAnswer):
        issued(day(**values))


@pytest.mark.parametrize(
    "odd", [None, {}, 7, "x", [None], [{}], [town(), town()], town(elaborado="soon"), town({"fecha": "x"}), town(None)]
)
def test_an_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer):
        parse_forecast(odd, "23055", source="aemet")


def test_what_is_parsed_can_be_stored():
    found = issued(day(temperatura=hourly(h10="9"), vientoAndRachaMax=wind("10", "C", "0")))
    series = Series(WEATHER_FORECAST, {"provider": "aemet", "place": "23055"}, found.resolution)
    assert len(checked(series, found.frame, found.issued_at)) == 1
