"""All weather sources keep the same promises, against servers on loopback that play AEMET and OpenWeatherMap."""

import logging
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import day_grid, local_date
from chocofactory.core.errors import (
    InvalidInput,
    KeyRefused,
    MalformedAnswer,
    NotPublished,
    RateLimited,
    SourceDown,
    SourceTimeout,
)
from chocofactory.domain.measurements import WEATHER_FORECAST, Series
from chocofactory.domain.weather import Part, blend, hourly
from chocofactory.sources.aemet import Aemet
from chocofactory.sources.base import DailySource, ForecastSource, IssuedForecast, ObservationSource, PriceSource
from chocofactory.sources.openweather import OpenWeather
from chocofactory.store.base import checked
from tests import weather_player as truth
from tests.loopback import Reply
from tests.weather_kit import KEY, NAMES, NOW, QUESTIONS, TODAY, daily, forecast, observed, player, weather_at

HOUR = timedelta(hours=1)
SPRING, AUTUMN = datetime(2025, 3, 29, 20, 30, tzinfo=UTC), datetime(2025, 10, 25, 20, 30, tzinfo=UTC)
PAGE = Reply.of_html("<html>Mantenimiento</html>")

# What goes wrong at a step of a question, what it must be called, and whether it is worth another try.
FAULTS = {
    "503": (Reply.of_html("<h1>Service Unavailable</h1>", 503), SourceDown, True),
    "hang": (Reply(way="hang"), SourceTimeout, True),
    "reset": (Reply(way="reset"), SourceDown, True),
    "half a body": (Reply(200, b'{"estado": 200, "cod": 200}' * 9, way="half"), SourceDown, True),
    "429": (Reply.of_json({}, 429), RateLimited, True),
    "429 inside 200": (Reply.of_json({"estado": 429, "cod": 429}), RateLimited, True),
    "500 inside 200": (Reply.of_json({"estado": 500, "cod": "500"}), SourceDown, True),
    "401": (Reply.of_json({}, 401), KeyRefused, False),
    "401 inside 200": (Reply.of_json({"estado": 401, "cod": "401"}), KeyRefused, False),
    "403": (Reply.of_html("<h1>Forbidden</h1>", 403), KeyRefused, False),
    "a page": (PAGE, MalformedAnswer, False),
    "a page and 404": (Reply.of_html("<h1>Not found</h1>", 404), MalformedAnswer, False),
    "cut JSON": (Reply(200, b'[{"idema": "5279X", "fi'), MalformedAnswer, False),
    "another form": (Reply.of_json({"answer": 42}), MalformedAnswer, False),
    "a number": (Reply.of_json(42), MalformedAnswer, False),
}
STEPS = [(kind, ask, step) for kind, ask in QUESTIONS for step in range(2 if kind is Aemet else 1)]
STEP_NAMES = [f"{kind.name} {ask.__name__} {step}" for kind, ask, step in STEPS]


def patience(fault, seconds):
    """Only a server that never answers is waited for less than usual: a busy machine is slow with the others, too."""
    return {"http_read_timeout_s": seconds} if fault == "hang" else {}


def with_fault(fault, step, times):
    """The player, but the first ``times`` requests of this step (0 or 1) get ``fault``."""
    play = player()
    left = [times]

    def answer(request):
        if ("/sh/" in request.path) == bool(step) and left[0]:
            left[0] -= 1
            return fault
        return play(request)

    return answer


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "ask", "step"), STEPS, ids=STEP_NAMES)
def test_what_goes_wrong_has_its_name(kind, ask, step, fault):
    reply, error, _ = FAULTS[fault]
    with (
        weather_at(with_fault(reply, step, 9), kind, **patience(fault, 0.2)) as (source, _),
        pytest.raises(error) as caught,
    ):
        ask(source)
    assert type(caught.value) is error
    assert caught.value.source == source.name


@pytest.mark.parametrize("fault", [name for name, (_, _, again) in FAULTS.items() if again])
@pytest.mark.parametrize(("kind", "ask", "step"), STEPS, ids=STEP_NAMES)
def test_what_passes_is_tried_again(kind, ask, step, fault):
    with weather_at(with_fault(FAULTS[fault][0], step, 1), kind, **patience(fault, 1)) as (source, server):
        ask(source)
    assert len(server.requests) == (3 if kind is Aemet else 2)


@pytest.mark.parametrize("fault", [name for name, (_, _, again) in FAULTS.items() if not again])
@pytest.mark.parametrize(("kind", "ask", "step"), STEPS, ids=STEP_NAMES)
def test_what_does_not_pass_is_not_tried_again(kind, ask, step, fault):
    with weather_at(with_fault(FAULTS[fault][0], step, 1), kind) as (source, server):
        with pytest.raises(FAULTS[fault][1]):
            ask(source)
        assert len(server.requests) == step + 1


@pytest.mark.parametrize(("kind", "ask"), QUESTIONS, ids=NAMES)
def test_an_outage_begins_and_ends(kind, ask):
    play = player()
    with weather_at(play, kind) as (source, _):
        play.outage = True
        with pytest.raises(SourceDown):
            ask(source)
        play.outage = False
        ask(source)


@pytest.mark.parametrize(
    ("kind", "ask", "step", "error"),
    [(kind, ask, step, KeyRefused if kind is Aemet and step == 0 else MalformedAnswer) for kind, ask, step in STEPS],
    ids=STEP_NAMES,
)
def test_an_empty_answer_is_a_missing_key_where_that_is_how_it_is_said(kind, ask, step, error):
    with weather_at(with_fault(Reply(200), step, 9), kind) as (source, _), pytest.raises(error):
        ask(source)


@pytest.mark.parametrize(("kind", "ask"), QUESTIONS, ids=NAMES)
@pytest.mark.parametrize("key", [None, "wrong"])
def test_without_a_key_or_with_a_wrong_one_it_is_refused(kind, ask, key):
    keys = {"aemet_key": key, "openweather_key": key}
    with weather_at(player(), kind, **keys) as (source, server), pytest.raises(KeyRefused):
        ask(source)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("kind", "ask"), QUESTIONS, ids=NAMES)
def test_the_key_goes_along_and_is_told_nobody(kind, ask, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with weather_at(player(), kind) as (source, server):
        ask(source)
        told = [repr(vars(source))]
    request = server.requests[0]
    assert (request.headers.get("api_key") if kind is Aemet else request.query.get("appid")) == KEY
    for fault, (reply, _, _) in FAULTS.items():
        with weather_at(reply, kind, http_attempts=1, **patience(fault, 0.2)) as (source, _):
            with pytest.raises(Exception, match=source.name) as caught:
                ask(source)
            told += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
            assert caught.value.__cause__ is None
    told += [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    told += capsys.readouterr()
    assert not [text for text in told if KEY in text]


def test_the_services_find_what_each_source_has():
    kinds = (PriceSource, ObservationSource, ForecastSource, DailySource)
    found = {}
    for source in (Aemet, OpenWeather):
        with weather_at(player(), source) as (built, _):
            found[built.name] = [isinstance(built, kind) for kind in kinds]
    assert found == {"aemet": [False, True, True, True], "openweather": [False, True, True, False]}


# AEMET's two steps


@pytest.mark.parametrize("ask", [observed, daily, forecast])
@pytest.mark.parametrize("address", ["https://evil.example/sh/1", "http://localhost:{port}/sh/1", "ftp://x/sh", "//x"])
def test_data_on_another_host_are_never_asked_for(ask, address):
    def answer(request):
        port = request.headers["host"].split(":")[1]
        return Reply.of_json({"descripcion": "exito", "estado": 200, "datos": address.format(port=port)})

    with weather_at(answer, Aemet) as (source, server), pytest.raises(MalformedAnswer):
        ask(source)
    assert all(request.path.startswith("/opendata/api/") for request in server.requests)
    assert not [request for request in server.requests if request.headers["host"].startswith("localhost")]


@pytest.mark.parametrize("datos", [None, 7, [], {}])
def test_a_first_step_without_an_address_is_malformed(datos):
    with (
        weather_at(Reply.of_json({"estado": 200, "datos": datos}), Aemet) as (source, _),
        pytest.raises(MalformedAnswer, match="form"),
    ):
        observed(source)


@pytest.mark.parametrize("ask", [observed, daily, forecast])
@pytest.mark.parametrize("gone", [Reply.of_json({"descripcion": "datos expirados", "estado": 404}), Reply(404)])
def test_data_that_are_gone_are_not_taken_for_none(ask, gone):
    with (
        weather_at(with_fault(gone, 1, 9), Aemet) as (source, server),
        pytest.raises(MalformedAnswer, match="an address at which there is nothing"),
    ):
        ask(source)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [200, 404])
def test_no_data_are_said_to_be_that_and_asked_for_once(status):
    none = Reply.of_json({"descripcion": "No hay datos que satisfagan esos criterios", "estado": 404}, status)
    with weather_at(none, Aemet) as (source, server):
        for number in range(1, 6):
            with pytest.raises(NotPublished):
                (observed, daily, forecast)[number % 3](source)
            assert len(server.requests) == number


def test_a_minute_s_limit_passes():
    play = player()
    with weather_at(play, Aemet) as (source, _):
        play.limited = True
        with pytest.raises(RateLimited):
            observed(source)
        play.limited = False
        observed(source)


def test_aemet_is_asked_as_it_wants_to_be():
    with weather_at(player(), Aemet) as (source, server):
        observed(source)
        source.daily(date(2025, 11, 1), date(2025, 11, 2))
        source.forecast()
    asked = [request.path.removeprefix("/opendata/api/") for request in server.requests[::2]]
    days = "fechaini/2025-11-01T00:00:00UTC/fechafin/2025-11-02T23:59:59UTC"
    assert asked == [
        "observacion/convencional/datos/estacion/5279X",
        f"valores/climatologicos/diarios/datos/{days}/estacion/5279X",
        "prediccion/especifica/municipio/horaria/23055",
    ]


@pytest.mark.parametrize(("first", "last"), [(date(2025, 1, 1), date(2025, 2, 1)), (TODAY, TODAY - timedelta(days=1))])
def test_more_than_a_month_of_climatology_is_not_asked(first, last):
    with weather_at(player(), Aemet) as (source, server), pytest.raises(InvalidInput, match="1 to 31 days"):
        source.daily(first, last)
    assert server.requests == []


# OpenWeatherMap's one


def test_openweathermap_is_asked_for_degrees_at_the_plant():
    with weather_at(player(), OpenWeather, latitude=38.5, longitude=-3.25) as (source, server):
        observed(source)
        source.forecast()
    assert [request.path for request in server.requests] == ["/data/2.5/weather", "/data/2.5/forecast"]
    for request in server.requests:
        assert request.query == {"lat": "38.5", "lon": "-3.25", "units": "metric", "appid": KEY}


def test_the_past_and_the_future_are_not_asked_of_openweathermap():
    with weather_at(player(), OpenWeather) as (source, server):
        for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=1)):
            with pytest.raises(NotPublished):
                observed(source, day, day)
    assert server.requests == []


# Values


def test_hours_of_aemet_carry_the_weather_of_their_start():
    with weather_at(player(), Aemet) as (source, _):
        frame = observed(source, TODAY - timedelta(days=1), TODAY)
    over = NOW.replace(minute=0)
    assert over - frame.index[0] <= Aemet.reach
    assert frame.index.tolist() == [over - back * HOUR for back in range(12, 0, -1)]
    assert frame["temperature_c"].tolist() == [truth.temperature_c(at) for at in frame.index]
    assert frame["precipitation_mm"].tolist() == [truth.rain_mm(at) for at in frame.index]
    assert frame["pressure_hpa"].isna().all()


def test_of_a_range_only_the_days_asked_for_arrive():
    with weather_at(player(), Aemet) as (source, _):
        frame = observed(source)
    assert frame.index.tolist() == day_grid(TODAY).tolist()[:8]


def test_climatology_ends_with_what_is_out():
    with weather_at(player(), Aemet) as (source, _):
        frame = source.daily(date(2025, 11, 1), date(2025, 11, 30))
    assert frame.index.equals(day_grid(date(2025, 11, 1), date(2025, 11, 27), timedelta(days=1)))
    assert frame["precipitation_trace"].sum() == 5
    assert int(frame["temperature_min_time"].isna().sum()) == 3


@pytest.mark.parametrize("now", [NOW, SPRING, AUTUMN, datetime(2025, 12, 30, 23, 10, tzinfo=UTC)])
def test_a_local_forecast_arrives_in_utc_whatever_the_clocks_do(now):
    with weather_at(player(now), Aemet) as (source, _):
        found = source.forecast()
    hours = [now.replace(minute=0) + n * HOUR for n in range(48)]
    frame = found.frame.loc[hours[0] : hours[-1]]
    assert frame.index.tolist() == hours
    assert found.issued_at == now
    assert frame["temperature_c"].tolist() == [round(truth.temperature_c(at)) for at in hours]
    assert frame["wind_direction_deg"].tolist() == [truth.wind_deg(at) for at in hours]
    assert frame["wind_ms"].tolist() == pytest.approx([truth.wind_ms(at) for at in hours], abs=0.01)
    # The first two hours of a day belong to a span of the day before, which a forecast from midnight on does not have.
    missing = [at for at, chance in frame["precipitation_probability_pct"].items() if chance != 35]
    assert missing == [at for at in hours[:2] if local_date(now) != local_date(at - 2 * HOUR)]


@pytest.mark.parametrize("now", [NOW, SPRING, AUTUMN])
def test_a_forecast_in_steps_arrives_as_issued(now):
    with weather_at(player(now), OpenWeather, now) as (source, _):
        found = source.forecast()
    assert (found.issued_at, found.resolution) == (now, 3 * HOUR)
    assert len(found.frame) == 41
    states = found.frame.iloc[1:]
    assert states["temperature_c"].tolist() == [truth.temperature_c(at) for at in states.index]
    assert states.index[0] - now <= 3 * HOUR
    for at, rain in found.frame["precipitation_mm"].iloc[:-1].items():
        assert rain == pytest.approx(sum(truth.rain_mm(at + n * HOUR) for n in range(3)))


@pytest.mark.parametrize(("kind", "ask"), QUESTIONS, ids=NAMES)
def test_frames_have_the_promised_form(kind, ask):
    with weather_at(player(), kind) as (source, _):
        found = ask(source)
    frame = found.frame if isinstance(found, IssuedForecast) else found
    assert (str(frame.index.tz), frame.index.name, frame.index.unit) == ("UTC", "time", "us")
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    assert frame.notna().any(axis=1).all()
    if isinstance(found, IssuedForecast):
        series = Series(WEATHER_FORECAST, {"provider": source.name, "place": source.place}, found.resolution)
        assert len(checked(series, frame, found.issued_at)) == len(frame)


@pytest.mark.parametrize("now", [NOW, SPRING, AUTUMN])
def test_two_forecasts_make_one_of_120_hours(now):
    """AEMET's 48 hours, then OpenWeatherMap's steps brought to hours; pressure is OpenWeatherMap's all along."""
    parts = []
    for kind in (Aemet, OpenWeather):
        with weather_at(player(now), kind, now) as (source, _):
            found = source.forecast()
        parts.append(Part(source.name, *hourly(found.frame, found.resolution), found.issued_at))
    grid = pd.DatetimeIndex([now.replace(minute=0) + n * HOUR for n in range(118)], name="time").as_unit("us")
    one = blend(parts, grid)
    heat = one.frame["temperature_c"]
    assert heat.notna().all()
    assert one.origin["temperature_c"].tolist() == ["aemet"] * 48 + ["openweather"] * 70
    assert set(one.origin["pressure_hpa"].dropna()) == {"openweather"}
    assert not one.interpolated["temperature_c"].iloc[:48].any()
    late = one.interpolated["temperature_c"].iloc[48:]
    assert [at.hour % 3 != 0 for at in late.index] == late.tolist()
    assert [abs(value - truth.temperature_c(at)) < 1 for at, value in heat.items()] == [True] * 118
    assert one.issued_at == {"aemet": now, "openweather": now}
