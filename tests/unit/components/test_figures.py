"""What figures hold: their values, labels and sentences, not their pixels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.domain import prices
from chocofactory.domain.gaps import daily_coverage
from chocofactory.domain.prices import DayState, Window
from chocofactory.domain.tariff import tariff
from components import text
from components.calendar_figures import calendar_heatmap, coverage_calendar
from components.figures import day_strip, price_distribution
from components.hour_figures import day_hour_heatmap, typical_day
from components.theme import PALETTES, PAST_OPACITY, PERIOD_COLOURS

QUARTER = timedelta(minutes=15)
NOON = datetime(2025, 11, 20, 11, 30, tzinfo=UTC)  # 12:30 in Madrid, a Thursday
PUBLISHED = datetime(2025, 11, 20, 19, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _series(first: date, last: date, resolution=timedelta(hours=1)) -> pd.Series:
    grid = day_grid(first, last, resolution)
    return pd.Series(0.1 + np.arange(len(grid)) / 1000, index=grid, name="price_eur_kwh")


def _strip(series: pd.Series, now=NOON, tomorrow=DayState.COMPLETE, **more):
    return day_strip(series.to_frame(), now, tariff("2.0TD"), tomorrow=tomorrow, published_at=PUBLISHED, **more)


def _trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def _notes(figure) -> str:
    return " / ".join(note.text for note in figure.layout.annotations)


def test_the_strip_tells_hours_that_are_over_from_those_to_come():
    figure = _strip(_series(date(2025, 11, 20), date(2025, 11, 21)))
    over, ahead = _trace(figure, "over"), _trace(figure, "ahead")
    assert (len(over.x), len(ahead.x)) == (12, 36)  # 12:00-13:00 is under way
    assert over.marker.opacity == PAST_OPACITY
    assert ahead.marker.line.width > 0
    assert "it was 0.1110 €/kWh, period P1" in over.hovertext[-1]
    assert ahead.hovertext[0] == "Now, 12:00\u201313:00: 0.1120 €/kWh, period P1"
    assert "Friday" in ahead.hovertext[-1]
    assert "it will be" in ahead.hovertext[-1]


def test_now_is_a_line_at_the_elapsed_time():
    figure = _strip(_series(date(2025, 11, 20), date(2025, 11, 21)))
    lines = [shape for shape in figure.layout.shapes if shape.line.color == PALETTES["light"].accent]
    assert [(line.x0, line.x1) for line in lines] == [(12.5, 12.5)]
    assert "now 12:30" in _notes(figure)


def test_a_day_that_is_not_out_says_when_it_will_be():
    today = _series(date(2025, 11, 20), date(2025, 11, 20))
    figure = _strip(today, tomorrow=DayState.NOT_YET)
    assert "Published at<br>about 20:15" in _notes(figure)
    assert len(_trace(figure, "missing").x) == 0
    assert figure.layout.xaxis.range == (0, 48)
    late = _strip(today, tomorrow=DayState.LATE)
    assert "Late" in _notes(late)


def test_missing_hours_are_hatched_and_never_zero():
    series = _series(date(2025, 11, 20), date(2025, 11, 21)).drop(day_grid(date(2025, 11, 21))[[3, 4]])
    figure = _strip(series, tomorrow=DayState.PARTIAL)
    missing = _trace(figure, "missing")
    assert list(missing.x) == [27.5, 28.5]
    assert missing.marker.pattern.shape == "/"
    assert missing.hovertext[0].endswith("03:00\u201304:00: no data")
    assert 0 not in [*_trace(figure, "over").y, *_trace(figure, "ahead").y]


def test_the_night_of_25_hours_keeps_them_all_in_the_strip():
    now = datetime(2025, 10, 25, 10, tzinfo=UTC)
    figure = _strip(_series(date(2025, 10, 25), date(2025, 10, 26)), now)
    bars = [*_trace(figure, "over").x, *_trace(figure, "ahead").x]
    assert bars == [place + 0.5 for place in range(49)]
    assert figure.layout.xaxis.range == (0, 49)
    twos = [words for words in _trace(figure, "ahead").hovertext if "02:00 CE" in words]
    assert len(twos) == 3  # until 02:00 CEST, from 02:00 CEST to 02:00 CET, and from 02:00 CET
    ticks = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert ticks[31] == "06"  # six o'clock is seven hours after midnight


def test_quarter_hours_fill_the_strip():
    figure = _strip(_series(date(2025, 11, 20), date(2025, 11, 21), QUARTER), resolution=QUARTER)
    assert len(_trace(figure, "over").x) + len(_trace(figure, "ahead").x) == 192
    assert _trace(figure, "ahead").x[0] == 12.625  # the quarter that has begun at 12:30


def test_the_band_names_each_run_of_a_tariff_period():
    band = _trace(_strip(_series(date(2025, 11, 20), date(2025, 11, 21))), "periods")
    working_day = ["P3", "P2", "P1", "P2", "P1", "P2"]
    assert list(band.text) == working_day * 2
    assert list(band.width) == [8, 2, 4, 4, 4, 2] * 2
    assert list(band.marker.color) == [PERIOD_COLOURS[name] for name in working_day * 2]


def test_the_cheapest_window_is_shaded_and_told():
    start = datetime(2025, 11, 21, 12, tzinfo=UTC)
    figure = _strip(
        _series(date(2025, 11, 20), date(2025, 11, 21)), window=Window(start, start + timedelta(hours=3), 0.1)
    )
    boxes = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(box.x0, box.x1) for box in boxes] == [(37, 40)]
    assert "Best 3 h: tomorrow 13:00\u201316:00, 0.100 €/kWh" in figure.layout.title.subtitle.text


def test_simulated_prices_say_so_in_their_hover():
    series = _series(date(2025, 11, 20), date(2025, 11, 20))
    frame = series.to_frame().assign(kind="simulated")
    figure = day_strip(frame, NOON, tariff("2.0TD"), tomorrow=DayState.NOT_YET, published_at=PUBLISHED)
    assert all("simulated" in words for words in _trace(figure, "ahead").hovertext)


def test_the_strip_shows_prices_below_zero():
    series = _series(date(2025, 11, 20), date(2025, 11, 21)) - 0.12
    bottom, top = _strip(series).layout.yaxis.range
    assert bottom < series.min() < 0 < series.max() < top


def test_a_strip_without_any_price_keeps_an_axis_of_usual_prices():
    bottom, top = _strip(_series(date(2025, 11, 20), date(2025, 11, 21)).iloc[:0]).layout.yaxis.range
    assert (bottom, top) == (0, 0.25)


@pytest.mark.parametrize(("wide", "transposed"), [(True, False), (False, True)])
def test_the_heat_map_holds_each_price_at_its_day_and_hour(wide, transposed):
    series = _series(date(2025, 11, 17), date(2025, 11, 20))
    z = np.asarray(day_hour_heatmap(prices.day_matrix(series), wide=wide).data[0].z)
    z = z.T if transposed else z
    assert z.shape == (4, 24)
    for moment, price in series.items():
        wall = moment.tz_convert(MADRID)
        assert z[(wall.date() - date(2025, 11, 17)).days, wall.hour] == pytest.approx(price, abs=1e-6)


@pytest.mark.parametrize("wide", [True, False])
def test_hours_of_the_night_when_clocks_change_carry_their_offset(wide):
    matrix = prices.day_matrix(_series(date(2025, 10, 25), date(2025, 10, 27)))
    usual, change, _ = day_hour_heatmap(matrix, wide=wide).data
    labels, z = np.asarray(change.text).ravel(), np.asarray(change.z).ravel()
    assert list(labels[1:5]) == ["01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]
    assert z == pytest.approx(matrix.iloc[1].to_numpy(), abs=1e-6)
    assert list(change.y if wide else change.x) == ["2025-10-26", "2025-10-27"]
    others = np.asarray(usual.z) if wide else np.asarray(usual.z).T
    assert np.isnan(others[1]).all()  # drawn once, not twice
    assert np.isnan(others[0, 24])
    assert f"%{{{'x' if wide else 'y'}:02d}}:00" in usual.hovertemplate
    assert (np.asarray(usual.x if wide else usual.y)[:2] == [-0.5, 0.5]).all()  # so the middle of a cell is its hour


def test_the_hour_that_march_skips_is_not_called_missing():
    matrix = prices.day_matrix(_series(date(2025, 3, 29), date(2025, 3, 31)))
    _, change, missing = day_hour_heatmap(matrix).data
    assert len(missing.base) == 0
    assert list(np.asarray(change.text)[0, 1:3]) == ["01:00+01:00", "03:00+02:00"]


def test_the_axis_of_a_day_that_changes_the_clock_is_labelled_by_that_clock():
    figure = day_hour_heatmap(prices.day_matrix(_series(date(2025, 10, 26), date(2025, 10, 26))))
    ticks = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert ticks[6.5] == "06"  # six o'clock is seven hours after midnight


@pytest.mark.parametrize("wide", [True, False])
def test_missing_hours_of_a_day_are_hatched_as_one_run(wide):
    series = _series(date(2025, 11, 17), date(2025, 11, 20)).drop(day_grid(date(2025, 11, 18))[5:9])
    runs = day_hour_heatmap(prices.day_matrix(series), wide=wide).data[1]
    assert (list(runs.base), list(runs.x if wide else runs.y)) == ([4.5], [4])
    assert list(runs.customdata) == ["05:00\u201309:00"]
    assert runs.marker.pattern.shape == "/"
    assert "no data" in runs.hovertemplate


def test_missing_hours_of_the_night_when_clocks_change_are_named_by_that_clock():
    series = _series(date(2025, 10, 26), date(2025, 10, 27)).drop(day_grid(date(2025, 10, 26))[2:4])
    runs = day_hour_heatmap(prices.day_matrix(series)).data[-1]
    assert list(runs.customdata) == ["02:00+02:00\u201303:00+01:00"]


def test_a_wholly_missing_day_is_hatched_until_midnight():
    series = _series(date(2025, 11, 17), date(2025, 11, 20)).drop(day_grid(date(2025, 11, 18)))
    runs = day_hour_heatmap(prices.day_matrix(series)).data[1]
    assert list(runs.customdata) == ["00:00\u201324:00"]


@pytest.mark.parametrize(
    ("days", "wide", "shown"), [(14, True, True), (15, True, False), (7, False, True), (8, False, False)]
)
def test_few_days_show_their_numbers(days, wide, shown):
    first = date(2025, 11, 1)
    matrix = prices.day_matrix(_series(first, first + timedelta(days=days - 1)))
    assert (day_hour_heatmap(matrix, wide=wide).data[0].texttemplate is not None) is shown


def test_a_typical_day_hatches_months_without_data():
    means = prices.typical_day(_series(date(2025, 1, 1), date(2025, 11, 30)), "month")
    figure = typical_day(means, "month")
    heat, missing = figure.data
    assert np.asarray(heat.z).shape == (12, 24)
    assert np.asarray(heat.z)[4, 7] == pytest.approx(means.loc[5, 7])
    assert len(missing.x) == 24
    assert missing.hovertext[0] == "Dec, from 00:00: no data"
    assert list(figure.layout.yaxis.ticktext)[:2] == ["Jan", "Feb"]


def test_hours_outside_a_tariff_period_are_empty_but_not_missing():
    means = prices.typical_day(_series(date(2025, 11, 17), date(2025, 11, 23)), "period", tariff("2.0TD"))
    heat, missing = typical_day(means, "period").data
    assert np.isnan(np.asarray(heat.z)[0, 3])
    assert len(missing.x) == 0


def test_the_calendar_puts_every_day_in_its_week():
    series = _series(date(2024, 12, 25), date(2025, 1, 12))
    figure = calendar_heatmap(prices.daily_means(series))
    old, new = (trace for trace in figure.data if trace.type == "heatmap")
    dates = np.asarray(new.customdata)
    assert dates[2, 0] == "2025-01-01"  # a Wednesday
    assert dates[0, 1] == "2025-01-06"  # the Monday after
    assert dates[0, 0] == ""
    assert np.asarray(old.customdata)[1, 52] == "2024-12-31"
    wednesday = series[series.index.tz_convert(MADRID).date == date(2025, 1, 1)]
    assert np.asarray(new.z)[2, 0] == pytest.approx(wednesday.mean())
    assert min(new.y) > max(old.y)


def test_days_without_prices_are_hatched_in_the_calendar():
    series = _series(date(2025, 1, 1), date(2025, 1, 12)).drop(day_grid(date(2025, 1, 6)))
    figure = calendar_heatmap(prices.daily_means(series))
    missing = next(trace for trace in figure.data if trace.type == "bar")
    assert list(missing.customdata) == ["2025-01-06"]
    assert (list(missing.x), list(missing.base)) == ([1], [-0.5])
    assert np.isnan(np.asarray(figure.data[0].z)[0, 1])


def test_a_mean_of_part_of_a_day_says_so():
    series = _series(date(2025, 1, 1), date(2025, 1, 3)).drop(day_grid(date(2025, 1, 2))[:4])
    notes = np.asarray(calendar_heatmap(prices.daily_means(series)).data[0].text)
    assert notes[3, 0] == " (only 20 of its 24 prices)"
    assert notes[2, 0] == ""


def _coverage(present: list[int]) -> pd.DataFrame:
    nothing = pd.DatetimeIndex([], tz="UTC")
    last = date(2025, 1, 6) + timedelta(days=len(present) - 1)
    return daily_coverage(nothing, timedelta(hours=1), date(2025, 1, 6), last).assign(present=present)


def test_coverage_tells_full_partial_missing_and_not_yet_apart_without_hue():
    figure = coverage_calendar(_coverage([24, 6, 0, 0]), not_after=date(2025, 1, 8))
    full, hollow, fill, missing, later = (trace for trace in figure.data if trace.type == "bar")
    dates = [[row[0] for row in trace.customdata] for trace in (full, hollow, fill, missing, later)]
    assert dates == [["2025-01-06"], ["2025-01-07"], ["2025-01-07"], ["2025-01-08"], ["2025-01-09"]]
    assert fill.y[0] / hollow.y[0] == pytest.approx(6 / 24)
    assert fill.y[0] + fill.base[0] == pytest.approx(hollow.y[0] + hollow.base[0])  # it stands on its cell's floor
    assert missing.marker.pattern.shape == "/"
    assert later.y[0] < full.y[0] / 2
    assert figure.layout.showlegend
    assert figure.layout.title.text == "2 days are not complete"


def test_complete_coverage_says_so():
    assert coverage_calendar(_coverage([24, 24])).layout.title.text == "Every day is complete"


def test_the_distribution_counts_every_hour_once():
    values = pd.Series(np.random.default_rng(7).normal(0.12, 0.05, 5000))
    values.iloc[::50] = np.nan
    bars = price_distribution(values).data[0]
    assert sum(bars.y) == values.notna().sum()
    edges = np.append(bars.x - bars.width / 0.94 / 2, bars.x[-1] + bars.width[-1] / 0.94 / 2)
    width = edges[1] - edges[0]
    known = values.dropna()
    third = known[(known >= edges[2] - 1e-9) & (known < edges[3] - 1e-9)]
    assert bars.y[2] == len(third)
    assert len(bars.x) <= 40
    assert any(width == pytest.approx(step) for step in (0.005, 0.01, 0.02))


@pytest.mark.parametrize("value", [0.0, 0.1, -0.05])
def test_the_distribution_of_one_price_is_one_bar(value):
    bars = price_distribution(pd.Series([value] * 3)).data[0]
    assert sum(bars.y) == 3
    assert max(bars.y) == 3


def test_the_distribution_marks_median_and_mean():
    figure = price_distribution(pd.Series([0.1, 0.1, 0.1, 0.5]))
    assert [shape.x0 for shape in figure.layout.shapes] == pytest.approx([0.1, 0.2])
    assert _notes(figure) == "median 0.100 / mean 0.200"


@pytest.mark.realdata
def test_four_and_a_half_years_fit_into_one_heat_map(data_dir):
    raw = pd.read_csv(data_dir / "prices/pvpc_20td_peninsula.csv.gz")
    series = pd.Series(raw["price_eur_kwh"].to_numpy(), index=pd.DatetimeIndex(raw["timestamp_utc"], name="time"))
    matrix = prices.day_matrix(series)
    figure = day_hour_heatmap(matrix)
    *clouds, missing = figure.data
    assert np.asarray(clouds[0].z).shape == (25, len(matrix))
    assert len(clouds) == 1 + 9  # from October 2021 to October 2025
    assert sum(np.isfinite(np.asarray(cloud.z)).sum() for cloud in clouds) == len(series)
    assert len(missing.base) == 0
    assert len(figure.to_json()) < 400_000


def test_what_runs_stands_below_the_prices_in_as_many_rows_as_run_at_once():
    start = datetime(2025, 11, 19, 23, tzinfo=UTC)
    runs = [
        (start - timedelta(hours=2), start + timedelta(hours=1), "night", "#111111"),
        (start + timedelta(hours=1), start + timedelta(hours=6), "first", "#222222"),
        (start + timedelta(hours=3), start + timedelta(hours=4), "meanwhile", "#333333"),
        (start + timedelta(hours=47), start + timedelta(hours=50), "late", "#444444"),
        (start + timedelta(hours=48), start + timedelta(hours=50), "beyond", "#555555"),
    ]
    figure = _strip(_series(date(2025, 11, 20), date(2025, 11, 21)), runs=runs[::-1])
    bars = _trace(figure, "plan")
    drawn = zip(bars.hovertext, bars.y, bars.base, bars.x, bars.marker.color, strict=True)
    assert list(drawn) == [
        ("night", 0, 0, 1, "#111111"),
        ("first", 0, 1, 5, "#222222"),
        ("meanwhile", 1, 3, 1, "#333333"),
        ("late", 0, 47, 1, "#444444"),
    ]
    assert tuple(figure.layout.yaxis3.range) == (1.5, -0.5)
    domains = [figure.layout[axis].domain for axis in ("yaxis3", "yaxis2", "yaxis")]
    assert all(below[1] < above[0] for below, above in pairwise(domains))
    assert figure.layout.xaxis.anchor == "y3"


def test_without_a_plan_the_strip_is_as_high_as_ever():
    plain, planned = (
        _strip(_series(date(2025, 11, 20), date(2025, 11, 21)), runs=runs)
        for runs in ((), [(NOON, NOON + timedelta(hours=2), "run", "#111111")])
    )
    assert "plan" not in [trace.name for trace in plain.data]
    assert plain.layout.height == 410 < planned.layout.height
    assert plain.layout.yaxis.domain == (0.17, 1)
    assert plain.layout.yaxis3.visible is False
    of_prices = [figure.layout.height * (1 - figure.layout.yaxis.domain[0]) for figure in (plain, planned)]
    assert of_prices[1] == pytest.approx(of_prices[0], rel=0.1)
