"""Every recorded answer of AEMET and OpenWeatherMap is parsed to known values or refused by its right name."""

import json
import math
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import responses

from chocofactory.core.config import load_settings
from chocofactory.core.errors import KeyRefused, MalformedAnswer, NotPublished, RateLimited, SourceDown, SourceError
from chocofactory.sources.aemet import Aemet
from chocofactory.sources.openweather import STEP, OpenWeather, parse_forecast
from tests.loopback import Reply, Waits
from tests.weather_kit import forecast, player, weather_at

pytestmark = pytest.mark.realdata

# For each recorded answer of AEMET and question: the station, the days, and of what is parsed the number of rows and,
# by field, the first and the last value as they stand in the file; or the error that it must raise. Two of them hold
# several stations, of which only the one asked for counts.
SNOW, OCTOBER = (date(2021, 1, 8), date(2021, 1, 9)), (date(2019, 10, 1), date(2019, 10, 31))
ANY_DAY = (date(2021, 1, 8), date(2021, 1, 8))


def one_day(text):
    return (date.fromisoformat(text), date.fromisoformat(text))


AEMET = {
    ("obs_estacion_3195_madrid_23h.json", "3195"): (
        SNOW,
        (23, {"temperature_c": (0.1, -0.7), "pressure_hpa": (929.9, 924.6), "precipitation_mm": (1.2, 7.0)}),
    ),
    ("obs_2025_fint_with_offset.iso-8859-15.json", "3013"): (
        one_day("2025-12-01"),
        (1, {"temperature_c": (1.7, 1.7), "humidity_pct": (94, 94), "wind_direction_deg": (225, 225)}),
    ),
    ("obs_2025_fint_with_offset.iso-8859-15.json", "3021Y"): (
        one_day("2025-12-01"),
        (1, {"temperature_c": (5.4, 5.4), "pressure_hpa": (math.nan, math.nan), "precipitation_mm": (0.2, 0.2)}),
    ),
    ("obs_2025_fint_with_offset.iso-8859-15.json", "C929I"): (
        one_day("2025-12-01"),
        (1, {"temperature_c": (20.7, 20.7), "sea_level_pressure_hpa": (1021.5, 1021.5)}),
    ),
    ("obs_2025_fint_with_offset.iso-8859-15.json", "5279X"): (one_day("2025-12-01"), MalformedAnswer),
    ("obs_estacion_5429X_cordoba.iso-8859-15.json", "5429X"): (
        one_day("2021-11-13"),
        (1, {"temperature_c": (19.6, 19.6), "wind_direction_deg": (4, 4), "pressure_hpa": (math.nan, math.nan)}),
    ),
    ("obs_estacion_5783_sevilla.json", "5783"): (
        one_day("2018-09-28"),
        (1, {"temperature_c": (31.4, 31.4), "pressure_hpa": (1013.6, 1013.6), "wind_ms": (3.3, 3.3)}),
    ),
    ("obs_two_stations_alicante_2018.json", "8019"): (
        one_day("2018-11-09"),
        (1, {"temperature_c": (13.8, 13.8), "wind_ms": (4.8, 4.8)}),
    ),
    ("obs_two_stations_alicante_2018.json", "8025"): (
        one_day("2018-11-09"),
        (1, {"temperature_c": (13.5, 13.5), "wind_direction_deg": (261, 261)}),
    ),
    ("clima_diario_3194U_madrid.json", "3194U"): (
        OCTOBER,
        (8, {"temperature_mean_c": (19.0, 14.3), "temperature_max_c": (28.1, 17.9), "precipitation_mm": (0, 15)}),
    ),
    ("clima_diario_5910_rota.json", "5910"): (
        one_day("2023-01-11"),
        (1, {"temperature_mean_c": (13.6, 13.6), "pressure_max_hpa": (1027.5, 1027.5), "gust_direction_deg": (0, 0)}),
    ),
    ("clima_diario_8178D_albacete.json", "8178D"): (
        one_day("2022-01-01"),
        (1, {"temperature_min_c": (0.8, 0.8), "gust_ms": (13.1, 13.1), "gust_direction_deg": (270, 270)}),
    ),
    ("error_200_empty_body_missing_key.txt", "5279X"): (ANY_DAY, KeyRefused),
    ("error_401_invalid_key.json", "5279X"): (ANY_DAY, KeyRefused),
    ("error_404_no_data.json", "5279X"): (ANY_DAY, NotPublished),
    ("error_429_rate_limit.iso-8859-15.json", "5279X"): (ANY_DAY, RateLimited),
    # An address at opendata.aemet.es is not on the host that is asked here.
    ("step1_ok.json", "5279X"): (ANY_DAY, MalformedAnswer),
    # Descriptions, which we never ask for.
    ("estacion_inventario_5270B_jaen.iso-8859-15.json", "5270B"): (ANY_DAY, MalformedAnswer),
    ("metadatos_observacion_convencional.json", "5279X"): (ANY_DAY, MalformedAnswer),
    ("openapi_aemet_api_specs.json", "5279X"): (ANY_DAY, MalformedAnswer),
}
FIRST_STEP = ("error_", "step1_")
REFUSED, MALFORMED = (KeyRefused, KeyRefused), (MalformedAnswer, MalformedAnswer)

# For each recorded answer of OpenWeatherMap what it is as current weather and as a forecast. All but the first were
# recorded in kelvin, or are answers or pieces of answers to questions that we do not ask.
OPENWEATHER = {
    "baotnq_current_9.json": ((1, {"temperature_c": (4.58, 4.58), "wind_direction_deg": (322, 322)}), MalformedAnswer),
    "baotnq_onecall_1857.json": MALFORMED,
    "error_400_bad_coord.json": MALFORMED,
    "error_401_invalid_key.json": REFUSED,
    "error_401_onecall_subscription.json": REFUSED,
    "macksm3_current_2020_08_06.json": MALFORMED,
    "macksm3_forecast_2020_08_06.json": MALFORMED,
    "pyopenweathermap_free_current.json": MALFORMED,
    "pyopenweathermap_free_forecast.json": MALFORMED,
    "pyopenweathermap_onecall_current.json": MALFORMED,
    "pyopenweathermap_onecall_hourly.json": MALFORMED,
    "pyopenweathermap_onecall_minutely.json": MALFORMED,
    "pyowm_FORECAST_MALFORMED_JSON.json": MALFORMED,
    "pyowm_FORECAST_NOT_FOUND_JSON.json": (MalformedAnswer, NotPublished),
    "pyowm_INTERNAL_SERVER_ERROR_JSON.json": (SourceDown, SourceDown),
    "pyowm_OBSERVATION_JSON.json": MALFORMED,
    "pyowm_OBSERVATION_MALFORMED_JSON.json": MALFORMED,
    "pyowm_OBSERVATION_NOT_FOUND_JSON.json": (NotPublished, NotPublished),
    "pyowm_ONE_CALL_HISTORY_JSON.json": MALFORMED,
    "pyowm_ONE_CALL_JSON.json": MALFORMED,
    "pyowm_THREE_HOURS_FORECAST_JSON.json": MALFORMED,
    "pyowm_THREE_HOURS_FORECAST_NOT_FOUND_JSON.json": (NotPublished, NotPublished),
    "pyowm_onecall_test_data_bozen.json": MALFORMED,
    "pyowm_onecall_test_data_hostorical_bozen.json": MALFORMED,
    "sambollano_forecast_5day3h_2021_05_04.json": MALFORMED,
}
RECORDED_AT = datetime(2023, 12, 4, 22, 50, 37, tzinfo=UTC)


@pytest.fixture
def samples(data_dir):
    return data_dir / "api_samples"


def in_two_steps(name, body):
    """The server's answers to a question that AEMET answers with this file."""

    def answer(request):
        if name.startswith(FIRST_STEP) or "/sh/" in request.path:
            return Reply(200, body)
        address = f"http://{request.headers['host']}/opendata/sh/208c3ca3"
        return Reply.of_json({"descripcion": "exito", "estado": 200, "datos": address, "metadatos": address})

    return answer


def agrees(ask, expected):
    if not isinstance(expected, tuple):
        with pytest.raises(expected) as caught:
            ask()
        assert type(caught.value) is expected
        return
    frame = ask()
    rows, fields = expected
    assert len(frame) == rows
    for field, ends in fields.items():
        assert frame[field].iloc[[0, -1]].tolist() == pytest.approx(ends, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize(("name", "station"), AEMET, ids=lambda part: part)
def test_a_recorded_answer_of_aemet_means_what_it_says(samples, name, station):
    (first, last), expected = AEMET[name, station]
    body = (samples / "aemet" / name).read_bytes()
    with weather_at(in_two_steps(name, body), Aemet, aemet_station=station) as (source, _):
        agrees(lambda: (source.daily if name.startswith("clima") else source.observations)(first, last), expected)


@pytest.mark.parametrize(("name", "station"), AEMET, ids=lambda part: part)
def test_a_recorded_answer_of_aemet_to_another_question_is_refused(samples, name, station):
    (first, last), _ = AEMET[name, station]
    body = (samples / "aemet" / name).read_bytes()
    with weather_at(in_two_steps(name, body), Aemet, aemet_station=station) as (source, _):
        with pytest.raises(SourceError):
            (source.observations if name.startswith("clima") else source.daily)(first, last)
        with pytest.raises(SourceError):
            source.forecast()


@pytest.mark.parametrize("name", [name for name, _ in AEMET if name.startswith("obs")])
def test_recorded_observations_of_other_days_are_not_published(samples, name):
    station = next(station for known, station in AEMET if known == name)
    body = (samples / "aemet" / name).read_bytes()
    with weather_at(in_two_steps(name, body), Aemet, aemet_station=station) as (source, _), pytest.raises(NotPublished):
        source.observations(date(2024, 2, 1), date(2024, 2, 9))


@pytest.mark.parametrize("name", OPENWEATHER)
@pytest.mark.parametrize("question", ["observations", "forecast"])
def test_a_recorded_answer_of_openweathermap_means_what_it_says(samples, name, question):
    expected = OPENWEATHER[name][question == "forecast"]
    body = (samples / "openweathermap" / name).read_bytes()
    day = date(2023, 12, 4)
    with weather_at(Reply(200, body), OpenWeather, RECORDED_AT) as (source, _):
        agrees(lambda: source.observations(day, day) if question == "observations" else source.forecast(), expected)


@pytest.mark.parametrize(("folder", "names"), [("aemet", {n for n, _ in AEMET}), ("openweathermap", set(OPENWEATHER))])
def test_no_recorded_answer_is_left_out(samples, folder, names):
    assert names == {path.name for path in (samples / folder).iterdir()}


def test_the_recorded_hours_are_those_that_the_file_tells(samples):
    """23 hours that end at 14 h one day and 12 h the next, each an hour earlier here than its ``fint``."""
    name = "obs_estacion_3195_madrid_23h.json"
    body = (samples / "aemet" / name).read_bytes()
    with weather_at(in_two_steps(name, body), Aemet, aemet_station="3195") as (source, _):
        frame = source.observations(*SNOW)
    assert frame.index.equals(pd.date_range("2021-01-08T13:00Z", "2021-01-09T11:00Z", freq="h", unit="us", name="time"))
    assert round(frame["precipitation_mm"].sum(), 1) == 41.6
    assert frame["wind_ms"].isna().all()


@pytest.mark.parametrize("name", ["macksm3_forecast_2020_08_06.json", "sambollano_forecast_5day3h_2021_05_04.json"])
def test_a_recorded_forecast_is_read_whole_once_its_kelvin_are_degrees(samples, name):
    payload = json.loads((samples / "openweathermap" / name).read_text(encoding="utf-8"))
    for step in payload["list"]:
        step["main"]["temp"] -= 273.15
    frame = parse_forecast(payload)
    assert len(frame) == 41
    for step in payload["list"]:
        at = datetime.strptime(step["dt_txt"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        row, before = frame.loc[at], frame.loc[at - STEP]
        assert row["temperature_c"] == step["main"]["temp"]
        assert row[["humidity_pct", "pressure_hpa", "sea_level_pressure_hpa"]].tolist() == [
            step["main"][key] for key in ("humidity", "grnd_level", "sea_level")
        ]
        assert row[["wind_ms", "wind_direction_deg"]].tolist() == [step["wind"]["speed"], step["wind"]["deg"] % 360]
        assert before["precipitation_mm"] == step.get("rain", {}).get("3h", 0)
        assert before["precipitation_probability_pct"] == pytest.approx(100 * step["pop"])


@responses.activate
def test_the_recorded_first_step_leads_to_the_data(samples):
    """With the real addresses: what the recorded first step names is on the host that is asked."""
    step = (samples / "aemet" / "step1_ok.json").read_bytes()
    data = (samples / "aemet" / "obs_estacion_5783_sevilla.json").read_bytes()
    base = "https://opendata.aemet.es/opendata"
    responses.get(f"{base}/api/observacion/convencional/datos/estacion/5783", body=step)
    second = responses.get(f"{base}/sh/208c3ca3", body=data)
    waits = Waits()
    settings = load_settings(aemet_key="a key", aemet_station="5783", http_pause_s=0)
    source = Aemet(settings, sleep=waits.sleep, monotonic=waits.monotonic)
    day = date(2018, 9, 28)
    assert source.observations(day, day)["temperature_c"].tolist() == [31.4]
    assert second.call_count == 1


# What the other tests are played with has the keys and the kinds of values of the real thing.


def played(kind, ask):
    """What the player answers to a question, decoded."""
    told = []
    play = player()

    def overheard(request):
        told.append(play(request))
        return told[-1]

    with weather_at(overheard, kind) as (source, _):
        ask(source)
    return [json.loads(reply.body.decode("iso-8859-15" if kind is Aemet else "utf-8")) for reply in told]


def kinds(row):
    return {key: type(value) for key, value in row.items()}


def test_aemet_is_played_in_the_recorded_form(samples):
    def recorded(name):
        return json.loads((samples / "aemet" / name).read_bytes().decode("iso-8859-15"))

    day = date(2025, 12, 1)
    step, observations = played(Aemet, lambda source: source.observations(day, day))
    assert kinds(step) == kinds(recorded("step1_ok.json"))
    real = recorded("obs_2025_fint_with_offset.iso-8859-15.json")[1]
    assert kinds(observations[0]).items() <= kinds(real).items()
    assert len(observations[0]["fint"]) == len(real["fint"])
    _, days = played(Aemet, lambda source: source.daily(day - timedelta(days=20), day - timedelta(days=10)))
    assert kinds(days[0]).items() <= kinds(recorded("clima_diario_5910_rota.json")[0]).items()


def test_openweathermap_is_played_in_the_recorded_form(samples):
    def recorded(name):
        return json.loads((samples / "openweathermap" / name).read_text(encoding="utf-8"))

    (now,) = played(OpenWeather, lambda source: source.observations(date(2025, 12, 1), date(2025, 12, 1)))
    assert kinds(now).items() <= kinds(recorded("pyopenweathermap_free_current.json")).items()
    (steps,) = played(OpenWeather, forecast)
    real = recorded("sambollano_forecast_5day3h_2021_05_04.json")
    assert kinds(steps) == kinds(real)
    assert len(steps["list"]) == len(real["list"]) == 40
    assert set(steps["list"][0]) <= set(real["list"][0])
