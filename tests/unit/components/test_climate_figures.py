"""What the figures of the climate hold: their values, labels and sentences, not their pixels."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid
from chocofactory.domain import climate
from chocofactory.domain.measurements import DAILY
from chocofactory.services.climate import _seasons
from components import climate_figures, climate_parts, text

DASH = "\N{EN DASH}"


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _days(first: date, last: date, **more) -> pd.DataFrame:
    index = day_grid(first, last, DAILY)
    place = np.arange(len(index), dtype=float)
    frame = pd.DataFrame(
        {
            "temperature_mean_c": 15 + place % 7,
            "temperature_max_c": 30 + place % 10,
            "humidity_mean_pct": 50 + place % 5,
            "precipitation_mm": place % 3,
            **more,
        },
        index=index,
    )
    return frame.reindex(columns=[*climate.FIELDS])


@pytest.fixture
def frame():
    return _days(date(2019, 1, 1), date(2020, 6, 30))


def test_the_heat_map_of_months_holds_each_mean_at_its_year_and_month(frame):
    matrix = climate.month_matrix(frame, "temperature_mean_c")
    cloud, missing = climate_figures.month_heatmap({"here": matrix}).data
    z = np.asarray(cloud.z)
    assert z.shape == (2, 12)
    march = frame[(frame.index >= "2019-02-28T23:00Z") & (frame.index < "2019-03-31T22:00Z")]
    assert z[1, 2] == pytest.approx(march["temperature_mean_c"].mean())  # the newest year stands on top
    assert list(missing.x) == [6, 7, 8, 9, 10, 11]
    assert missing.hovertext[0] == "Jul 2020: too few days (0 of 31)"
    assert cloud.text[1][2] == f"Mar 2019: {z[1, 2]:.1f} °C (31 of 31 days)"
    assert cloud.texttemplate == "%{z:.1f}"
    assert climate_figures.month_heatmap({"here": matrix}, wide=False).data[0].texttemplate is None


def test_stations_stand_one_below_the_other_under_their_names(frame):
    old = climate.month_matrix(_days(date(2010, 1, 1), date(2010, 12, 31)), "temperature_mean_c")
    new = climate.month_matrix(frame, "temperature_mean_c")
    figure = climate_figures.month_heatmap({"new": new, "old": old})
    assert [note.text for note in figure.layout.annotations] == ["<b>new</b>", "<b>old</b>"]
    assert list(figure.layout.yaxis.ticktext) == ["2020", "2019", "2010"]
    assert list(figure.layout.yaxis.tickvals) == [1, 2, 4]
    assert [cloud.y[0] for cloud in figure.data[::2]] == [0.5, 3.5]
    both = np.concatenate([new.figures.to_numpy().ravel(), old.figures.to_numpy().ravel()])
    assert figure.layout.coloraxis.cmin == pytest.approx(np.nanmin(both))  # one scale for both


def test_a_field_without_any_value_is_hatched_all_over():
    frame = _days(date(2019, 1, 1), date(2019, 12, 31))
    frame.loc[frame.index[:2], "wind_ms"] = 1.0
    cloud, missing = climate_figures.month_heatmap({"here": climate.month_matrix(frame, "wind_ms")}).data
    assert np.isnan(np.asarray(cloud.z)).all()
    assert len(missing.x) == 12


def test_the_usual_year_shows_mean_band_and_extremes(frame):
    pattern = climate.monthly_pattern(frame).loc["temperature_max_c"]
    low, high, mean, *extremes = climate_figures.seasonal_band(pattern, "temperature_max_c").data
    january = frame["temperature_max_c"][frame.index.tz_convert("Europe/Madrid").month == 1]
    assert mean.y[0] == pytest.approx(january.mean())
    assert (low.y[0], high.y[0]) == pytest.approx(tuple(january.quantile([0.1, 0.9])))
    assert [trace.y[0] for trace in extremes] == [january.max(), january.min()]
    assert mean.hovertext[0] == f"Jan: {january.mean():.1f} °C on average"
    assert high.fill == "tonexty"


def test_months_are_named_by_their_initials_on_a_narrow_screen(frame):
    pattern = climate.monthly_pattern(frame).loc["temperature_max_c"]
    narrow = climate_figures.seasonal_band(pattern, "temperature_max_c", wide=False)
    assert "".join(narrow.layout.xaxis.ticktext) == "JFMAMJJASOND"


def test_favourable_and_hot_days_are_shares_of_the_days_that_are_known(frame):
    months = _seasons(frame, climate.Limits(), 35.0).months
    favourable, hot = climate_figures.favourable_bars(months).data
    mine = frame[frame.index.tz_convert("Europe/Madrid").month == 4]
    assert favourable.y[3] == 100
    assert hot.y[3] == pytest.approx(100 * (mine["temperature_max_c"] > 35).mean())
    assert hot.marker.pattern.shape == "/"  # told apart without hue


def test_years_that_are_not_whole_are_pale(frame):
    bars = climate_figures.hot_years(climate.hot_days(frame), 35.0).data[0]
    assert list(bars.x) == [2019, 2020]
    assert list(bars.marker.opacity) == [1, 0.45]
    assert bars.y[0] == (frame["temperature_max_c"][:365] > 35).sum()
    assert bars.hovertext[0].startswith("2019: ")


def test_thresholds_mark_the_present_value_or_say_that_there_is_none(frame):
    table = climate.critical_thresholds(frame)
    variables = list(climate.EXPOSED)
    extremes = {name: (float(frame[name].min()), float(frame[name].max())) for name in variables}
    now = {"temperature_max_c": 55.5, "temperature_mean_c": None, "humidity_mean_pct": 51.0}
    figure = climate_figures.threshold_marks(table, extremes, now)
    marks = [trace for trace in figure.data if trace.mode == "markers+text"]
    assert [list(trace.text) for trace in marks] == [["P90", "P95", "P99"]] * 3
    assert marks[0].x[0] == pytest.approx(frame["temperature_max_c"].quantile(0.9))
    present = [trace.x[0] for trace in figure.data if trace.mode == "markers"]
    assert present == [55.5, 51.0]
    notes = [note.text for note in figure.layout.annotations]
    assert "now 55.5 °C" in notes[0]
    assert "no present value" in notes[1]
    assert figure.layout.xaxis.range[1] > 55.5  # the axis reaches to it


def test_twins_tell_the_same_numbers(frame):
    matrix = climate.month_matrix(frame, "temperature_mean_c")
    page = str(climate_parts.months_twin({"here": matrix}))
    assert f"{matrix.figures.loc[2019, 3]:.1f}" in page
    assert DASH in page
    seasons = _seasons(frame, climate.Limits(), 35.0)
    assert "100.0 %" in str(climate_parts.favourable_twin(seasons.months))
    years = climate.hot_days(frame).groupby(level="year").sum()
    assert str(years.loc[2019, "hot"]) in str(climate_parts.hot_twin(climate.hot_days(frame)))
