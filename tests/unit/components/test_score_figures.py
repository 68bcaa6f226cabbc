"""What the figures of scores hold: classes, numbers, borders and sentences, hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID
from chocofactory.domain.scoring import LEVELS as DOMAIN_LEVELS
from chocofactory.domain.scoring import scores
from components import text
from components.score_figures import score_heatmap, score_strip
from components.score_words import CROSS, LEVELS, score_sentences
from components.theme import LEVEL_COLOURS
from components.twins import scores_twin
from tests.plant_kit import default_plant

MORNING = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)  # 09:20 in Madrid, a Monday
CLOCKS_BACK = datetime(2025, 10, 24, 8, 20, tzinfo=UTC)  # Friday; Sunday has 25 hours
CLOCKS_ON = datetime(2026, 3, 27, 8, 20, tzinfo=UTC)  # Friday; Sunday has 23 hours
PRICES = (0.05, 0.20, 0.30, 0.05)
OUTSIDE = (20.0, 20.0, 20.0, 41.0)
CLASSES = ("optimal", "moderate", "reduced", "halt")


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _week(now: datetime = MORNING, lacking: tuple[int, ...] = (), hours: int = 168) -> pd.DataFrame:
    """Hours of the four classes in turn; ``lacking`` ones have no weather."""
    grid = pd.date_range(now.replace(minute=0), periods=hours, freq="h", name="time", unit="us")
    outside = np.resize(OUTSIDE, hours)
    outside[list(lacking)] = np.nan
    given = {"price_eur_kwh": np.resize(PRICES, hours), "outside_c": outside, "outside_pct": np.full(hours, 50.0)}
    frame = pd.DataFrame(given, index=grid)
    frame["price_kind"], frame["period"], frame["weather_source"] = "forecast", "P2", "aemet"
    frame["weather_kind"] = np.where(np.isnan(outside), "unavailable", "climatology")
    return frame.join(scores(default_plant(), *given.values()).set_axis(grid))


def _cells(figure):
    """The cells of a wide heat map: class and text by day and hour."""
    cloud = figure.data[0]
    return np.asarray(cloud.z, dtype=float), np.asarray(cloud.text, dtype=object)


def test_classes_are_those_of_the_rule_in_its_order():
    assert tuple(LEVELS) == tuple(LEVEL_COLOURS) == DOMAIN_LEVELS


def test_the_week_stands_by_day_and_local_hour_with_its_scores():
    frame = _week()
    figure = score_heatmap(frame, MORNING)
    z, written = _cells(figure)
    assert z.shape == written.shape == (8, 24)
    assert np.isnan(z[0, :9]).all()
    assert z[0, 9:13].tolist() == [0, 1, 2, 3]
    assert written[0, 9:13].tolist() == ["100", "64", "48", f"{CROSS} {frame['score'].iloc[3]:.0f}"]
    for moment, row in frame.iterrows():
        wall = moment.astimezone(MADRID)
        day = (wall.date() - datetime(2025, 12, 1).date()).days  # noqa: DTZ001
        assert CLASSES[int(z[day, wall.hour])] == row["level"]
    assert figure.layout.yaxis.ticktext[0] == "Mon 1 Dec"
    assert figure.layout.xaxis.range == (-0.5, 23.5)


@pytest.mark.parametrize(("now", "hours"), [(CLOCKS_BACK, 25), (CLOCKS_ON, 23)])
def test_days_that_change_the_clock_keep_all_their_hours(now, hours):
    frame = _week(now)
    z, _written = _cells(score_heatmap(frame, now))
    told = np.asarray(score_heatmap(frame, now).data[0].hovertext)
    assert np.isfinite(z).sum() == 168
    assert np.isfinite(z[2]).sum() == hours
    assert z.shape[1] == max(hours, 24)
    assert ("03:00" if hours == 23 else "02:00") in told[2][2].split(", ")[1]
    assert told[2][hours - 1].startswith("Sunday")
    assert "23:00" in told[2][hours - 1]
    twice = [words for words in told[2] if "02:00 CES" in words or "02:00 CET" in words]
    assert bool(twice) == (hours == 25)
    assert len({words.split(": ")[0] for words in told[2] if words}) == hours


def test_on_a_narrow_screen_days_run_to_the_right():
    z, written = _cells(score_heatmap(_week(), MORNING, wide=False))
    across, words = _cells(score_heatmap(_week(), MORNING))
    np.testing.assert_array_equal(z, across.T)
    assert (written == words.T).all()


def test_each_colour_holds_one_class_and_the_legend_names_it():
    for figure in (score_heatmap(_week(), MORNING), score_strip(_week(), MORNING)):
        cloud = figure.data[0]
        for place, colour in enumerate(LEVEL_COLOURS.values()):
            share = (place - cloud.zmin) / (cloud.zmax - cloud.zmin)
            below = [stop for stop in cloud.colorscale if stop[0] <= share][-1]
            above = next(stop for stop in cloud.colorscale if stop[0] >= share)
            assert below[1] == above[1] == colour
        legend = [(trace.name, trace.marker.color) for trace in figure.data if trace.showlegend]
        assert legend == list(LEVEL_COLOURS.items())


def test_the_strip_shows_two_days_and_crosses_where_nothing_should_run():
    figure = score_strip(_week(), MORNING)
    z, written = _cells(figure)
    assert z.shape == (1, 48)
    assert written[0, :4].tolist() == ["100", "64", "48", CROSS]
    assert figure.layout.xaxis.range == (0, 48)
    assert "48" in figure.layout.title.text
    assert list(figure.layout.xaxis.ticktext)[:2] == ["12", "18"]
    assert list(figure.layout.xaxis.tickvals)[:2] == [3, 9]
    assert score_strip(_week(), MORNING, wide=False).data[0].texttemplate is None
    assert _cells(score_strip(_week(hours=5), MORNING))[0].shape == (1, 5)


def test_the_present_hour_is_framed():
    frame = score_heatmap(_week(), MORNING).layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (8.5, 9.5, -0.5, 0.5)
    frame = score_strip(_week(), MORNING).layout.shapes[0]
    assert (frame.x0, frame.x1) == (0, 1)
    assert not score_strip(_week(), MORNING + timedelta(days=9)).layout.shapes


def test_what_is_unknown_is_hatched_and_says_so():
    frame = _week(lacking=(2, 20))
    for figure in (score_heatmap(frame, MORNING), score_strip(frame, MORNING)):
        z, _written = _cells(figure)
        missing = figure.data[1]
        assert missing.marker.pattern.shape == "/"
        assert len(missing.hovertext) == 2
        assert all("unknown, without a score" in words for words in missing.hovertext)
        assert np.isfinite(z).sum() == (166 if z.shape[0] > 1 else 46)
    heat = score_heatmap(frame, MORNING).data[1]
    assert (list(heat.y), list(heat.base)) == ([0, 1], [10.5, 4.5])
    assert "The temperature outside is unknown" in heat.hovertext[0]


def test_a_hover_is_a_sentence_with_grounds_and_reasons():
    words = score_sentences(_week())
    assert words[1].split("<br>") == [
        "Monday 1 December, 10:00–11:00: moderate, 64 of 100 points",  # noqa: RUF001
        "price 0.2000 €/kWh (forecast); room 22.0 °C and 50 % (weather usual for the day of the year)",
        "The price of 0.2000 €/kWh costs 36 of 60 points.",
    ]
    assert "halt" in words[3]
    assert "finishing must not run above 26 °C" in words[3]


def test_the_twin_tells_every_hour_and_what_it_follows_from():
    twin = scores_twin(_week(lacking=(1,), hours=100))
    store = twin.children[-1].data
    assert [head["head"] for head in store["heads"]] == [
        *("Begins", "Class", "Score", "€/kWh", "Room", "Humidity", "Reasons"),
    ]
    assert len(store["rows"]) == 100
    assert store["rows"][2][1:4] == ["reduced", "48", "0.3000"]
    assert store["rows"][1][1:3] == ["unknown", text.MISSING]
    assert "finish what runs" in store["rows"][2][6]
