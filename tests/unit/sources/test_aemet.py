"""Observations and climatology of AEMET, with small data written by hand in the form of the recorded ones."""

import math
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import day_start
from chocofactory.core.errors import MalformedAnswer, NotPublished
from chocofactory.domain.measurements import WEATHER_DAILY, WEATHER_OBSERVATION, Series
from chocofactory.sources.aemet import parse_daily, parse_observations
from chocofactory.store.base import checked

DAY = date(2025, 12, 1)
STATION = "5279X"


def observed(fint="2025-12-01T11:00:00+0000", **sensors):
    return {"idema": STATION, "fint": fint, "ubi": "LINARES", **({"ta": 9.8} | sensors)}


def parsed(*rows, first=DAY, last=DAY):
    return parse_observations(list(rows), STATION, first, last)


def climate(fecha="2025-11-26", **values):
    return {"fecha": fecha, "indicativo": STATION, "nombre": "LINARES", "altitud": "436", **({"tmed": "11,4"} | values)}


def parsed_day(*rows, first=date(2025, 11, 1), last=date(2025, 11, 30)):
    return parse_daily(list(rows), STATION, first, last)


# Observations


def test_the_end_of_the_hour_becomes_its_start():
    frame = parsed(observed())
    assert frame.index.tolist() == [datetime(2025, 12, 1, 10, tzinfo=UTC)]
    assert (frame.index.name, frame.index.unit) == ("time", "us")


def test_a_time_without_zone_is_utc_as_older_answers_had_it():
    assert parsed(observed("2025-12-01T11:00:00")).index.equals(parsed(observed()).index)


def test_every_sensor_finds_its_field():
    frame = parsed(observed(ta=9.8, hr=71.0, pres=965.2, pres_nmar=1016.4, vv=1.4, dv=225.0, prec=0.2, vmax=4.0))
    assert frame.iloc[0].to_dict() == {
        "temperature_c": 9.8,
        "humidity_pct": 71,
        "pressure_hpa": 965.2,
        "sea_level_pressure_hpa": 1016.4,
        "wind_ms": 1.4,
        "wind_direction_deg": 225,
        "precipitation_mm": 0.2,
    }


def test_an_absent_or_silent_sensor_is_missing_and_not_zero():
    row = parsed(observed(hr=None)).iloc[0]
    assert row["temperature_c"] == 9.8
    assert row.drop("temperature_c").isna().all()


def test_an_hour_in_which_no_sensor_spoke_is_no_row():
    assert len(parsed(observed(), observed("2025-12-01T12:00:00", ta=None))) == 1


def test_nothing_but_silent_hours_is_not_published():
    with pytest.raises(NotPublished, match="aemet has no weather for 2025-12-01 to 2025-12-01"):
        parsed(observed(ta=None))


def test_the_midnight_that_ends_a_day_belongs_to_it():
    """23:00Z is local midnight in winter: what ends then is the last hour of the day, what ends later is the next."""
    rows = [observed("2025-12-01T23:00:00"), observed("2025-12-02T00:00:00"), observed("2025-11-30T23:00:00")]
    assert parsed(*rows).index.tolist() == [datetime(2025, 12, 1, 22, tzinfo=UTC)]


def test_days_that_are_gone_are_not_published():
    with pytest.raises(NotPublished):
        parsed(observed(), first=date(2025, 11, 1), last=date(2025, 11, 2))


def test_no_rows_are_not_published():
    with pytest.raises(NotPublished):
        parsed()


def test_other_stations_may_stand_beside_ours():
    assert parsed(observed(), {**observed(ta=30.0), "idema": "3013"})["temperature_c"].tolist() == [9.8]


def test_other_stations_do_not_stand_for_ours():
    with pytest.raises(MalformedAnswer, match="aemet answered for 3013, not for 5279X"):
        parsed({**observed(), "idema": "3013"})


def test_rows_in_any_order_come_out_sorted():
    rows = [observed(f"2025-12-01T{hour:02}:00:00", ta=float(hour)) for hour in (9, 7, 8)]
    assert parsed(*rows)["temperature_c"].tolist() == [7, 8, 9]


def test_an_hour_given_twice_alike_counts_once():
    assert len(parsed(observed(), observed())) == 1


def test_what_one_row_of_an_hour_leaves_out_the_other_adds():
    assert parsed(observed(), observed(hr=71.0)).iloc[0][["temperature_c", "humidity_pct"]].tolist() == [9.8, 71]


def test_an_hour_with_two_temperatures_is_malformed():
    with pytest.raises(MalformedAnswer, match="two values of temperature_c for 2025-12-01T10"):
        parsed(observed(), observed(ta=9.9))


@pytest.mark.parametrize("fint", ["2025-12-01T11:10:00", "2025-12-01T11:00:01+0000"])
def test_a_time_off_the_hour_is_malformed(fint):
    with pytest.raises(MalformedAnswer, match="where no interval starts"):
        parsed(observed(fint))


@pytest.mark.parametrize("fint", [None, "", "yesterday", 20251201, "0001-01-01T00:00:00"])
def test_a_time_that_is_none_is_malformed(fint):
    with pytest.raises(MalformedAnswer, match="where a time belongs"):
        parsed(observed(fint))


@pytest.mark.parametrize("value", ["9.8", "9,8", True, math.nan, math.inf, [], {}])
def test_a_value_that_is_no_number_is_malformed(value):
    with pytest.raises(MalformedAnswer, match="where a number belongs"):
        parsed(observed(ta=value))


@pytest.mark.parametrize(
    "sensor",
    [
        {"ta": 60.1},
        {"ta": -60.1},
        {"ta": 283.0},
        {"hr": -0.1},
        {"hr": 105.1},
        {"pres": 96520.0},
        {"pres": 0.0},
        {"pres_nmar": 1100.1},
        {"vv": -1.0},
        {"vv": 130.0},
        {"dv": 360.1},
        {"dv": -1.0},
        {"prec": -0.1},
        {"prec": 1600.0},
    ],
)
def test_a_value_that_cannot_be_is_never_stored(sensor):
    with pytest.raises(MalformedAnswer, match="which cannot be"):
        parsed(observed(**sensor))


def test_a_sensor_that_is_broken_for_an_hour_costs_that_value_alone():
    hours = [f"2025-12-01T{hour:02d}:00:00+0000" for hour in range(1, 13)]
    rows = [observed(fint, ta=10.0 + place, hr=180.0 if place == 3 else 60.0) for place, fint in enumerate(hours)]
    frame = parsed(*rows)
    assert frame["humidity_pct"].isna().tolist() == [place == 3 for place in range(12)]
    assert frame["temperature_c"].notna().all()
    kelvin = [observed(fint, ta=290.0 if place < 3 else 10.0) for place, fint in enumerate(hours)]
    with pytest.raises(MalformedAnswer, match=r"290\.0 as temperature_c, which cannot be"):
        parsed(*kelvin)  # a quarter of them: this is no broken sensor


@pytest.mark.parametrize("sensor", [{"ta": 47.6}, {"ta": -32.0}, {"hr": 100.0}, {"vv": 0.0}, {"pres": 762.0}])
def test_no_value_is_refused_for_being_rare(sensor):
    ((name, value),) = sensor.items()
    field = {"ta": "temperature_c", "hr": "humidity_pct", "vv": "wind_ms", "pres": "pressure_hpa"}[name]
    assert parsed(observed(**sensor))[field].tolist() == [value]


def test_a_sensor_in_fog_shows_saturation_and_no_more():
    assert parsed(observed(hr=102.0))["humidity_pct"].tolist() == [100]


def test_north_has_one_name():
    rows = [observed(dv=360.0), observed("2025-12-01T12:00:00", dv=0.0)]
    assert parsed(*rows)["wind_direction_deg"].tolist() == [0, 0]


@pytest.mark.parametrize("odd", [None, {}, [None], [[]], ["idema"], 7, [{"ta": 1.0}], [observed(), {}]])
def test_an_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_observations(odd, STATION, DAY, DAY)


def test_what_is_parsed_can_be_stored():
    series = Series(WEATHER_OBSERVATION, {"provider": "aemet", "station": STATION})
    assert len(checked(series, parsed(observed(), observed("2025-12-01T12:00:00", hr=50.0)), None)) == 2


# Climatology


def test_numbers_have_a_decimal_comma():
    row = parsed_day(
        climate(tmed="-1,4", tmax="17,0", tmin="-6", hrMedia="66", hrMax="95", hrMin="30", velmedia="2,5", racha="13,1")
    ).iloc[0]
    assert row["temperature_mean_c"] == -1.4
    assert row["temperature_max_c"] == 17
    assert row["temperature_min_c"] == -6
    assert row[["humidity_mean_pct", "humidity_max_pct", "humidity_min_pct"]].tolist() == [66, 95, 30]
    assert row[["wind_ms", "gust_ms"]].tolist() == [2.5, 13.1]


def test_pressure_sunshine_and_times_find_their_fields():
    row = parsed_day(climate(presMax="970,5", presMin="966,3", sol="5,9", horatmax="14:20", horatmin="06:50")).iloc[0]
    assert row[["pressure_max_hpa", "pressure_min_hpa", "sunshine_h"]].tolist() == [970.5, 966.3, 5.9]
    assert row[["temperature_max_time", "temperature_min_time"]].tolist() == ["14:20", "06:50"]


@pytest.mark.parametrize(
    ("prec", "fallen", "trace"),
    [("0,0", 0, False), ("6,0", 6, False), ("Ip", 0, True), ("Acum", None, None), ("", None, None), (None, None, None)],
)
def test_rain_may_be_a_trace_or_be_counted_with_the_next_day(prec, fallen, trace):
    row = parsed_day(climate(prec=prec)).iloc[0]
    if fallen is None:
        assert math.isnan(row["precipitation_mm"])
        assert row["precipitation_trace"] is pd.NA
    else:
        assert row["precipitation_mm"] == fallen
        assert bool(row["precipitation_trace"]) == trace


@pytest.mark.parametrize(
    ("dir_", "degrees"), [("27", 270), ("36", 0), ("01", 10), ("99", None), ("88", None), ("", None)]
)
def test_the_gust_s_direction_is_in_tens_of_degrees(dir_, degrees):
    found = parsed_day(climate(dir=dir_))["gust_direction_deg"].iloc[0]
    assert math.isnan(found) if degrees is None else found == degrees


@pytest.mark.parametrize("text", ["Varias", "", None])
def test_several_times_are_none(text):
    assert pd.isna(parsed_day(climate(horatmax=text))["temperature_max_time"].iloc[0])


def test_a_day_starts_at_its_local_midnight():
    frame = parsed_day(climate("2025-03-30"), climate("2025-03-31"), first=date(2025, 3, 1), last=date(2025, 3, 31))
    assert frame.index.tolist() == [datetime(2025, 3, 29, 23, tzinfo=UTC), datetime(2025, 3, 30, 22, tzinfo=UTC)]


def test_days_that_were_not_asked_for_are_cut():
    frame = parsed_day(climate("2025-11-26"), climate("2025-12-01"), climate("2025-10-31"))
    assert frame.index.tolist() == [day_start(date(2025, 11, 26))]


def test_only_days_that_were_not_asked_for_are_malformed():
    with pytest.raises(MalformedAnswer, match=r"answered for 2025-12-01T23.*asked for 2025-11-01 to 2025-11-30"):
        parsed_day(climate("2025-12-02"))


@pytest.mark.parametrize("rows", [[], [climate(tmed="")]])
def test_no_day_or_no_value_is_not_published(rows):
    with pytest.raises(NotPublished):
        parsed_day(*rows)


def test_a_day_with_two_means_is_malformed():
    with pytest.raises(MalformedAnswer, match="two values"):
        parsed_day(climate(), climate(tmed="11,5"))


@pytest.mark.parametrize("text", ["Ip", "Acum", "11,4 C", "1.000,5", "--", ","])
def test_words_where_a_number_belongs_are_malformed(text):
    with pytest.raises(MalformedAnswer, match="where a number belongs"):
        parsed_day(climate(tmax=text))


@pytest.mark.parametrize(
    "values", [{"tmax": "60,1"}, {"prec": "1500,1"}, {"sol": "24,1"}, {"presMin": "499,9"}, {"dir": "37"}]
)
def test_a_day_that_cannot_be_is_never_stored(values):
    with pytest.raises(MalformedAnswer, match="which cannot be"):
        parsed_day(climate(**values))


@pytest.mark.parametrize("odd", [None, {}, [None], 7, [observed()], [climate(horatmax=14)]])
def test_a_climatology_of_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_daily(odd, STATION, DAY - timedelta(days=30), DAY)


def test_a_parsed_climatology_can_be_stored():
    series = Series(WEATHER_DAILY, {"provider": "aemet", "station": STATION}, timedelta(days=1))
    frame = parsed_day(climate(prec="Ip", horatmax="14:20"), climate("2025-11-27", prec="Acum", horatmax="Varias"))
    stored = checked(series, frame, None)
    assert stored["precipitation_trace"].tolist() == [True, pd.NA]
    assert set(frame.columns) == set(WEATHER_DAILY.field_names)
