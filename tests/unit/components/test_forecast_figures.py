"""What the figures of a forecast hold: values, bands, borders and sentences, hour by hour."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, day_grid, day_start
from chocofactory.domain.tariff import tariff
from components import text
from components.forecast_figures import fan_chart, week_heatmap
from components.forecast_words import sentences, week
from components.theme import PALETTES
from tests.fakes import wavy_prices
from tests.week_kit import made

MORNING = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)  # 09:20 in Madrid, a Monday
CLOCKS_BACK = datetime(2025, 10, 24, 11, 34, tzinfo=UTC)  # Friday; Sunday has 25 hours
CLOCKS_ON = datetime(2026, 3, 27, 8, 5, tzinfo=UTC)  # Friday; Sunday has 23 hours


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _published(now: datetime, days_ahead: int = 0, lacking: slice | None = None) -> pd.Series:
    today = now.astimezone(MADRID).date()
    known = wavy_prices(today - timedelta(days=20), today + timedelta(days=days_ahead))
    return known if lacking is None else known.drop(known.index[lacking])


def _past(known: pd.Series) -> pd.DataFrame:
    frame = known.rename("price_eur_kwh").to_frame()
    return frame.assign(kind="published", period=tariff("2.0TD").label(pd.DatetimeIndex(frame.index)))


def _week(now=MORNING, *, days_ahead=0, lacking=None, said=None, ago=None, **more):
    known = _published(now, days_ahead, lacking)
    return week(_past(known), made(now, known, **more).frame, now, said, ago)


def _trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def _steps(trace) -> list[float]:
    """The values of a line that is drawn in steps, one an hour."""
    points = list(zip(trace.x, trace.y, strict=True))
    return [y for (x, y), (next_x, __) in pairwise(points) if x is not None and next_x == x + 1]


def test_the_fan_begins_with_two_days_that_are_over_and_ends_with_seven_to_come():
    figure = fan_chart(_week())
    known = _published(MORNING)
    start = pd.Timestamp("2025-11-29T08:00Z")
    assert figure.layout.xaxis.range == (0, 48 + 168)
    actual, ahead = _trace(figure, "actual"), _trace(figure, "published, to come")
    assert _steps(actual) == known[start : start + timedelta(hours=48)].tolist()
    assert _steps(ahead) == known[start + timedelta(hours=49) :].tolist()
    assert (ahead.x[0], ahead.x[-1]) == (49, 48 + 15)
    assert ahead.y[0] == _steps(actual)[-1]


def test_the_forecast_is_dashed_and_joined_to_what_is_published():
    shown = _week()
    figure = fan_chart(shown)
    line = _trace(figure, "forecast")
    assert line.line.dash == "dash"
    assert (line.x[0], line.x[-1]) == (63, 216)
    assert line.y[0] == _steps(_trace(figure, "published, to come"))[-1]
    median = shown.frame["price"].to_numpy()[63:]
    assert list(line.y[1:-1]) == median.tolist()
    assert list(line.x[1:-1]) == [place + 0.5 for place in range(63, 216)]


@pytest.mark.parametrize(("name", "low", "high"), [("90 % of cases", "p05", "p95"), ("50 % of cases", "p25", "p75")])
def test_bands_reach_from_quantile_to_quantile_and_cover_the_hours_of_the_model_alone(name, low, high):
    known = _published(MORNING)
    frame = made(MORNING, known).frame
    band = _trace(fan_chart(_week()), name)
    half = len(band.x) // 2
    ahead = frame[frame["kind"] == "forecast"]
    assert list(band.y[1 : half - 1]) == ahead[high].tolist()
    assert list(band.y[half + 1 : -1]) == ahead[low].tolist()[::-1]
    assert (min(band.x), max(band.x)) == (63, 216)


def test_now_is_a_line_at_the_elapsed_time_and_the_cheapest_stretch_is_shaded():
    start = datetime(2025, 12, 4, 11, tzinfo=UTC)
    figure = fan_chart(_week(), window=(start, start + timedelta(hours=5)))
    accent = PALETTES["light"].accent
    lines = [shape.x0 for shape in figure.layout.shapes if shape.line.color == accent and shape.y0 == 0]
    assert lines == [pytest.approx(48 + 20 / 60)]
    assert [(box.x0, box.x1) for box in figure.layout.shapes if box.type == "rect"] == [(48 + 75, 48 + 80)]
    assert "Cheapest: Thu 4 Dec, 12:00\u201317:00" in figure.layout.title.subtitle.text
    assert "now 09:20" in figure.layout.annotations[0].text


def test_hours_told_from_the_spot_price_are_a_line_of_their_own():
    shown = _week(from_spot=True)
    figure = fan_chart(shown)
    spot, rest = _trace(figure, "from the spot price"), _trace(figure, "forecast")
    assert (spot.x[0], spot.x[-1], rest.x[0]) == (63, 87, 87)
    assert spot.fill == "tozeroy"
    told = sentences(shown)
    assert [place for place, words in enumerate(told) if "day-ahead price" in words] == list(range(63, 87))


def test_without_hours_from_the_spot_price_there_is_no_such_line():
    assert "from the spot price" not in [trace.name for trace in fan_chart(_week()).data]


def test_what_was_said_days_ago_is_a_line_of_its_own_over_the_hours_that_are_shown():
    issued = MORNING - timedelta(days=3)
    said = made(issued, _published(issued)).frame.query("lead_day > 0")
    shown = _week(said=said, ago=3)
    line = _trace(fan_chart(shown), "said 3 days ago")
    assert line.line.dash == "dot"
    first = (said.index[0] - shown.times[0]) / pd.Timedelta(hours=1)
    expected = said["p50"][said.index >= shown.times[0]]
    assert line.x[0] == max(first, 0)
    assert list(line.y[1:-1]) == expected.tolist()
    place = 60
    words = sentences(shown)[place]
    assert words.endswith(f"said 3 days ago: {said['p50'].loc[shown.times[place]]:.4f} €/kWh")


def test_every_hour_answers_to_the_mouse_with_a_sentence():
    shown = _week()
    figure = fan_chart(shown)
    hours = _trace(figure, "hours")
    assert list(hours.x) == [place + 0.5 for place in range(216)]
    known, frame = _published(MORNING), made(MORNING, _published(MORNING)).frame
    eight, nine = known["2025-12-01T07:00Z"], known["2025-12-01T08:00Z"]
    assert hours.hovertext[47] == f"Monday 1 December, 08:00\u201309:00: it was {eight:.4f} €/kWh, period P2"
    assert hours.hovertext[48] == f"Now, 09:00\u201310:00: {nine:.4f} €/kWh, period P2"
    assert "it will be" in hours.hovertext[49]
    first = frame.iloc[15]
    assert hours.hovertext[63] == (
        f"Tuesday 2 December, 00:00\u201301:00: about {first['p50']:.4f} €/kWh, period P3"
        f"<br>nine times in ten between {first['p05']:.3f} and {first['p95']:.3f} €/kWh"
    )


def test_simulated_prices_say_so():
    told = sentences(_week(kind="simulated"))
    assert "simulated, not a real price" in told[50]
    assert "simulated" not in told[100]


def test_hours_that_are_missing_are_hatched_and_never_zero():
    shown = _week(lacking=slice(-40, -37))  # before the present hour
    figure = fan_chart(shown)
    hatched = next(
        trace for trace in figure.data if getattr(trace.marker, "pattern", None) and trace.marker.pattern.shape
    )
    places = np.flatnonzero(np.isnan(shown.frame["price"].to_numpy(dtype=float)))
    assert len(places) == 3
    assert list(hatched.x) == (places + 0.5).tolist()
    assert 0 not in _steps(_trace(figure, "actual"))
    assert all("no data" in sentences(shown)[place] for place in places)


def test_the_fan_shows_prices_below_zero():
    known = _published(MORNING) - 0.13
    figure = fan_chart(week(_past(known), made(MORNING, known).frame, MORNING))
    bottom, top = figure.layout.yaxis.range
    assert bottom < known.min() < 0 < known.max() < top


@pytest.mark.parametrize(
    ("now", "sunday", "hours"), [(CLOCKS_BACK, date(2025, 10, 26), 25), (CLOCKS_ON, date(2026, 3, 29), 23)]
)
def test_the_night_in_which_clocks_change_keeps_its_hours(now, sunday, hours):
    shown = _week(now)
    figure = week_heatmap(shown)
    cloud = figure.data[0]
    row = [name.split()[0] for name in figure.layout.yaxis.ticktext].index("Sun")
    prices = [value for value in cloud.z[row] if not np.isnan(value)]
    inside = shown.frame["price"].reindex(day_grid(sunday))
    assert prices == pytest.approx(inside.tolist())
    assert len(prices) == hours
    starts = [re.search(r", (\d\d:\d\d)", words)[1] for words in cloud.hovertext[row] if words]
    assert starts == [f"{moment.tz_convert(MADRID):%H:%M}" for moment in day_grid(sunday)]
    assert len(figure.layout.xaxis.tickvals) == len(figure.layout.xaxis.ticktext) == 8
    midnights = [shape.x0 for shape in fan_chart(shown).layout.shapes if shape.line.color == PALETTES["light"].line]
    assert hours in np.diff(midnights)


@pytest.mark.parametrize("wide", [True, False])
def test_the_week_holds_each_price_at_its_day_and_hour(wide):
    shown = _week()
    figure = week_heatmap(shown, wide=wide)
    cloud = figure.data[0]
    z, written = (np.asarray(part) if wide else np.asarray(part).T for part in (cloud.z, cloud.text))
    assert z.shape == (8, 24)
    known = _published(MORNING)
    assert z[0].tolist() == known[-24:].tolist()  # today is whole
    for moment, hour in shown.frame.loc[pd.Timestamp("2025-11-30T23:00Z") :].iterrows():
        wall = moment.tz_convert(MADRID)
        place = ((wall.date() - date(2025, 12, 1)).days, wall.hour)
        assert z[place] == hour["price"]
        number = f"{hour['price']:.3f}"
        assert written[place] == (number if hour["known"] else f"<i>{number}</i>")
    assert np.isnan(z[7, 9:]).all()  # beyond the forecast
    assert set(written[7, 9:]) == {""}


def test_the_colours_are_those_of_prices_everywhere():
    figure = week_heatmap(_week(), scale=(0.05, 0.2))
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0.05, 0.2)
    assert figure.data[0].coloraxis == "coloraxis"


@pytest.mark.parametrize(
    ("days_ahead", "wide", "path"),
    [
        (0, True, "M -0.5 0.5 L 23.5 0.5"),
        (1, True, "M -0.5 1.5 L 23.5 1.5"),
        (0, False, "M 0.5 -0.5 L 0.5 23.5"),
    ],
)
def test_a_line_stands_between_what_is_known_and_what_is_forecast(days_ahead, wide, path):
    figure = week_heatmap(_week(days_ahead=days_ahead), wide=wide)
    assert [shape.path for shape in figure.layout.shapes if shape.type == "path"] == [path]


def test_the_line_steps_through_a_day_that_is_published_in_part():
    known = _published(MORNING)
    frame = made(MORNING, known).frame
    frame.loc["2025-12-01T19:00Z":"2025-12-01T22:00Z", "kind"] = "forecast"  # from 20:00 on
    figure = week_heatmap(week(_past(known), frame, MORNING))
    (path,) = (shape.path for shape in figure.layout.shapes if shape.type == "path")
    assert path == "M -0.5 0.5 L 19.5 0.5 L 19.5 -0.5 L 23.5 -0.5"


def test_where_nothing_is_published_from_now_on_only_the_past_is_solid():
    known = _published(MORNING)
    known = known[known.index < pd.Timestamp("2025-12-01T08:00Z")]
    now = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)
    frame = made(now, known).frame
    figure = fan_chart(week(_past(known), frame, now))
    names = [trace.name for trace in figure.data]
    assert "published, to come" not in names
    assert _trace(figure, "forecast").x[0] == 48
    assert day_start(date(2025, 12, 1)) < now


def test_figures_fit_a_narrow_screen_with_short_names():
    figure = fan_chart(_week(), wide=False)
    assert figure.layout.xaxis.ticktext[0] == "Sun<br>30"
    gaps = np.diff(figure.layout.xaxis.tickvals)
    assert gaps.min() >= 18
    assert week_heatmap(_week(), wide=False).layout.xaxis.ticktext[0] == "Mon<br>1"
