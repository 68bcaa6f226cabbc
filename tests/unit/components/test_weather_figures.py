"""What the chart and the card of the weather hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.domain.weather import Part, blend
from chocofactory.services.weather import Outlook, Reading, Value
from components import cards, text, weather_cards
from components.weather_figures import weather_strip
from tests.fakes import hourly_weather

HOUR = timedelta(hours=1)
NOW = datetime(2025, 12, 1, 9, 20, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _observed(**values):
    return blend([Part("aemet", hourly_weather(THIS_HOUR - 3 * HOUR, values))])


def _forecast(interpolated=None, **values):
    frame = hourly_weather(THIS_HOUR, values)
    marks = pd.DataFrame(dict.fromkeys(values, interpolated), index=frame.index) if interpolated else None
    return blend([Part("openweather", frame, marks, issued_at=NOW)])


def test_observed_is_solid_forecast_dashed_and_now_a_line():
    both = {"temperature_c": [1, 2, 3], "humidity_pct": [50, 60, 70]}
    figure = weather_strip(_observed(**both), _forecast(**both), NOW)
    lines = [(trace.yaxis, trace.name, trace.line.dash, list(trace.x), list(trace.y)) for trace in figure.data]
    assert lines == [
        ("y", "observed", "solid", [0, 1, 2], [1, 2, 3]),
        ("y", "forecast", "dash", [3, 4, 5], [1, 2, 3]),
        ("y2", "observed", "solid", [0, 1, 2], [50, 60, 70]),
        ("y2", "forecast", "dash", [3, 4, 5], [50, 60, 70]),
    ]
    assert figure.layout.shapes[0].x0 == pytest.approx(3 + 20 / 60)
    assert "now 10:20" in figure.layout.annotations[0].text


def test_a_hole_stays_a_hole():
    observed = _observed(temperature_c=[1, np.nan, 3])
    trace = weather_strip(observed, _forecast(temperature_c=[4]), NOW).data[0]
    assert np.isnan(trace.y[1])
    assert not trace.connectgaps


def test_hovers_say_whose_a_value_is_and_what_lies_between_two():
    figure = weather_strip(_observed(temperature_c=[1]), _forecast([False, True], temperature_c=[4, 5]), NOW)
    first, second = figure.data[1].hovertext
    assert first == "Mon 1 Dec, 10:00: 4.0 °C, forecast (OpenWeatherMap)"
    assert second.endswith("<br>between two issued values")
    assert figure.data[0].hovertext[0].endswith("observed (AEMET)")


def test_without_any_observation_the_forecast_is_drawn_alone():
    nothing = blend([])
    figure = weather_strip(nothing, _forecast(temperature_c=[4, 5]), NOW)
    assert [trace.name for trace in figure.data] == ["forecast"]


def test_the_night_of_25_hours_keeps_them_all():
    start = datetime(2025, 10, 25, 22, tzinfo=UTC)
    night = blend([Part("aemet", hourly_weather(start, {"temperature_c": range(25)}), issued_at=start)])
    figure = weather_strip(blend([]), night, start)
    assert list(figure.data[0].x) == list(range(25))
    ticks = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert ticks[7] == "06"  # six o'clock is seven hours after midnight


def _reading(*, stale=False, **values):
    from chocofactory.domain.measurements import WEATHER_OBSERVATION

    told = {
        field.name: Value(field, values.get(field.name), "aemet" if field.name in values else None, "observed")
        for field in WEATHER_OBSERVATION.fields
    }
    return Reading(THIS_HOUR - HOUR, THIS_HOUR, told, stale)


def test_the_card_tells_value_unit_provider_and_age_and_names_what_is_missing():
    card = str(weather_cards.weather_now_card(_reading(temperature_c=21.4, humidity_pct=55.0), NOW))
    for told in (
        "Outside, 09:00",
        "21.4",
        "°C",
        "Relative humidity: 55 %",
        "Wind: not reported",
        "AEMET",
        "20 minutes ago",
    ):
        assert told in card
    assert "no longer the weather" in str(weather_cards.weather_now_card(_reading(stale=True, temperature_c=1.0), NOW))
    assert "Nothing observed in 24 hours." in str(weather_cards.weather_now_card(None, NOW))


def test_the_twin_lists_the_forecast_first_then_what_was_observed():
    outlook = Outlook(NOW, None, _whole(_observed(temperature_c=[1, 2])), _whole(_forecast(temperature_c=[4])))
    words = str(weather_cards.weather_twin(outlook))
    assert words.index("4.0") < words.index("1.0")
    assert "OpenWeatherMap, issued 1 Dec 2025, 10:20" in str(weather_cards.issued_words(outlook))
    none = Outlook(NOW, None, outlook.observed, _whole(blend([])))
    assert "No forecast is in force." in str(weather_cards.issued_words(none))


def _whole(found):
    from chocofactory.domain.measurements import WEATHER_FORECAST
    from chocofactory.services.weather import _whole as whole

    return whole(found, WEATHER_FORECAST)


class _Outbox:
    entries, rows, bytes, limit_bytes, age_s = 2, 48, 1_000, 100_000, 300.0
    aside_entries, aside_rows, aside_reason = 1, 24, "field type conflict"


def test_the_outbox_tells_what_waits_since_when_and_what_was_refused():
    card = str(cards.outbox_card(_Outbox()))
    for told in ("48 rows wait", "5 minutes ago", "1.0 % of its room", "24 rows were refused: field type conflict"):
        assert told in card
    empty = _Outbox()
    empty.entries = empty.rows = empty.aside_entries = 0
    empty.age_s = None
    assert "nothing waits" in str(cards.outbox_card(empty))
