"""What the figures of a plan hold: bars at their times on their units, prices, limits, targets and costs of starts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_bounds
from chocofactory.domain.tariff import tariff
from chocofactory.planning.problem import QUARTER
from components import text
from components.plan_curves import cost_curve_figure, power_figure, reached, target_figure
from components.plan_figures import plan_figure
from components.plan_strips import outside_limit_c
from components.theme import PALETTES, PRODUCT_COLOURS, contrast
from tests.hand_plan import MONDAY, hand_plan
from tests.plant_kit import default_plant

NOW = datetime(2025, 12, 1, 8, 20, tzinfo=UTC)  # 09:20 in Madrid


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def _frames(plan, known_h=24, outside_c=None):
    first, last = plan.problem.first, plan.problem.last
    index = pd.date_range(*day_bounds(first, last), freq="h", inclusive="left", unit="us", name="time")
    forecast = np.arange(len(index)) >= known_h
    prices = pd.DataFrame(
        {
            "p50": 0.1 + 0.001 * np.arange(len(index)),
            "p05": np.where(forecast, 0.05, np.nan),
            "p95": np.where(forecast, 0.2, np.nan),
            "kind": np.where(forecast, "forecast", "published"),
            "period": tariff("2.0TD").label(index),
        },
        index=index,
    )
    heat = 10.0 if outside_c is None else outside_c
    kinds = np.where(index < pd.Timestamp(NOW), "observed", "forecast")
    return prices, pd.DataFrame({"temperature_c": heat, "humidity_pct": 50.0, "kind": kinds}, index=index)


def _figure(plan=None, *, outside_c=None, **more):
    plan = plan or hand_plan()
    return plan_figure(plan, *_frames(plan, outside_c=outside_c), more.pop("now", NOW), **more)


def _trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_each_run_is_a_bar_on_its_unit_from_its_start_to_its_end():
    bars = _trace(_figure(span=MONDAY), "Standard")
    found = {
        (name, row): (base, base + x)
        for name, row, base, x in zip(bars.customdata, bars.y, bars.base, bars.x, strict=True)
    }
    assert found["S1", 0] == pytest.approx((6.5, 6.9))  # 24 min
    assert found["S1", 1] == pytest.approx((7, 12))
    assert found["S1", 3] == pytest.approx((12, 12 + 62 / 60))
    assert found["L1", 2] == pytest.approx((8, 13))


def test_rows_are_the_units_of_all_blocks_the_first_on_top():
    axis = _figure().layout.yaxis
    assert axis.ticktext == ("Preparation 1", "Conching 1", "Conching 2", "Finishing 1")
    assert axis.range == (3.5, -0.5)


def test_what_was_running_or_locked_is_hatched_and_said():
    figure = _figure(span=MONDAY)
    bars = _trace(figure, "Standard")
    hatched = {name for name, shape in zip(bars.customdata, bars.marker.pattern.shape, strict=True) if shape}
    assert hatched == {"L1"}
    assert any(words.endswith("running or locked") for words in bars.hovertext)
    assert "running or locked" in [trace.name for trace in figure.data]


def test_a_bar_is_told_as_a_sentence():
    bars = _trace(_figure(span=MONDAY), "Standard")
    conching = bars.hovertext[list(zip(bars.customdata, bars.y, strict=True)).index(("S1", 1))]
    assert conching == "Batch S1 (standard) on Conching 1: Mon 1 Dec, 07:00\u201312:00, 240.0 kWh, 24.00 €"


def test_names_stand_only_in_bars_that_hold_them():
    wide, narrow = (_trace(_figure(span=MONDAY, wide=wide), "Standard") for wide in (True, False))
    place = list(zip(wide.customdata, wide.y, strict=True)).index(("S1", 3))
    assert wide.text[place] == "S1"
    assert narrow.text[place] == ""


def test_hours_without_staff_are_shaded_in_attended_rows_alone():
    shades = [shape for shape in _figure(span=MONDAY).layout.shapes if shape.type == "rect"]
    assert {(shape.x0, shape.x1, (shape.y0 + shape.y1) / 2) for shape in shades} == {
        (0, 6, 0),
        (22, 24, 0),
        (0, 6, 3),
        (22, 24, 3),
    }


def test_closed_hours_are_shaded_too():
    closed = ((NOW, NOW + timedelta(hours=2)),)
    shades = [shape for shape in _figure(hand_plan(closed=closed), span=MONDAY).layout.shapes if shape.type == "rect"]
    assert sum(shape.x0 == pytest.approx(9 + 1 / 3) for shape in shades) == 2


def test_where_the_room_is_too_hot_for_a_block_its_row_is_shaded_and_the_limit_drawn():
    plan = hand_plan(outside_c=42.0)  # 28 in the room: too hot to finish, not to conche
    figure = _figure(plan, outside_c=42.0, span=MONDAY)
    assert "room too hot" in [trace.name for trace in figure.data]
    rows = [
        (shape.y0 + shape.y1) / 2 for shape in figure.layout.shapes if shape.type == "rect" and shape.x1 - shape.x0 > 9
    ]
    assert rows == [3]
    assert [shape.y0 for shape in figure.layout.shapes if shape.yref == "y4"] == [40]
    assert not [shape for shape in _figure().layout.shapes if shape.yref == "y4"]


@pytest.mark.parametrize(("room_max", "outside"), [(26.0, 40.0), (32.0, 46.0), (20.0, 36.0)])
def test_the_limit_outside_is_where_the_room_gets_too_hot(room_max, outside):
    room = default_plant().room
    assert outside_limit_c(room, room_max) == outside
    above = room.temperature_c(np.array([outside + 0.01, outside - 0.01]))
    assert above[0] > room_max
    assert room_max < 22 or above[1] <= room_max  # a limit below what HVAC holds can never be kept


def test_the_price_is_solid_where_it_is_published_and_dashed_in_its_band_where_it_is_forecast():
    figure = _figure()
    assert _trace(figure, "price published").line.dash == "solid"
    assert _trace(figure, "price published").x[-1] == 24
    assert (_trace(figure, "price forecast").line.dash, _trace(figure, "price forecast").x[0]) == ("dash", 24)
    assert set(_trace(figure, "90 % of cases").y) == {0.05, 0.2}
    hours = _trace(figure, "prices")
    assert hours.hovertext[7] == "Mon 1 Dec, 07:00\u201308:00: 0.1070 €/kWh, period P3, published"
    assert hours.hovertext[24].endswith("nine times in ten between 0.050 and 0.200 €/kWh")


def test_now_is_a_line_and_is_left_out_of_a_day_that_it_is_not_in():
    accent = PALETTES["light"].accent
    lines = [shape.x0 for shape in _figure(span=MONDAY).layout.shapes if shape.line.color == accent]
    assert lines == [pytest.approx(9 + 1 / 3)]
    tuesday = _figure(span=MONDAY + timedelta(days=1))
    assert not tuesday.layout.annotations


def test_a_day_of_25_hours_keeps_them():
    sunday = date(2025, 10, 26)
    plan = hand_plan(start=datetime(2025, 10, 25, 22, tzinfo=UTC), last=sunday)
    figure = _figure(plan, span=sunday)
    assert figure.layout.xaxis.range == (0, 25)
    assert figure.layout.xaxis.tickvals[1] == 4  # 03:00 comes after two hours called 02


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_of_products_stand_out_from_the_card_and_from_each_other(theme):
    first, second = PRODUCT_COLOURS[theme][:2]
    assert min(contrast(each, PALETTES[theme].card) for each in (first, second)) >= 3
    assert contrast(first, second) >= 2.4


def test_power_is_stacked_below_the_contract():
    index = pd.date_range("2025-11-30T23:00Z", periods=4, freq="15min", unit="us")
    values = {"production_kw": [0.0, 30, 96, 96], "cooling_kw": [0.0, 0, 2, 2], "auxiliary_kw": [13.0] * 4}
    power = pd.DataFrame(values, index=index)
    power["total_kw"] = power.sum(axis=1)
    figure = power_figure(power, 160, NOW)
    assert sum(np.array(trace.y) for trace in figure.data).tolist() == [13, 43, 111, 111]
    assert figure.layout.xaxis.range == (0, 1)
    assert [shape.y0 for shape in figure.layout.shapes if shape.xref == "x domain"] == [160]
    assert figure.data[0].hovertext[2].startswith("Mon 1 Dec, 00:30\u201300:45: 111.0 kW; production 96.0")


def test_batches_are_counted_by_the_end_of_the_day_with_stock():
    plan = hand_plan(stock={"standard": 1, "premium": -1})
    frame = reached(plan).set_index(["day", "product"])
    assert frame.loc[(MONDAY, "standard")].tolist() == [3, 4]
    assert frame.loc[(MONDAY, "premium")].tolist() == [-1, 0]
    figure = target_figure(plan)
    assert _trace(figure, "Standard").y[0] == 3
    assert _trace(figure, "due").y[0] == 4
    assert sum(trace.showlegend is not False for trace in figure.data if trace.name == "due") == 1


def test_a_cost_curve_marks_the_chosen_start_and_says_why_others_are_closed():
    index = pd.date_range("2025-12-01T05:00Z", periods=4, freq="15min", unit="us")
    curve = pd.DataFrame(
        {"cost_eur": [np.nan, 30.0, 29.0, 31.0], "limit": ["power", "", "", ""], "block": ["conching", "", "", ""]},
        index=index,
    )
    figure = cost_curve_figure(curve, index[2].to_pydatetime())
    assert (list(_trace(figure, "chosen").x), list(_trace(figure, "chosen").y)) == ([0.5], [29.0])
    closed = _trace(figure, "not possible")
    assert closed.hovertext == ("Mon 1 Dec, 06:00: not possible: conching would exceed the contracted power",)
    assert closed.y[0] < 29
    assert _trace(figure, "possible").hovertext[1] == "Start Mon 1 Dec, 06:15: 30.00 €"


def test_a_cost_curve_of_one_closed_start_is_drawn():
    curve = pd.DataFrame({"cost_eur": [np.nan], "limit": ["units"], "block": ["conching"]}, index=[pd.Timestamp(NOW)])
    figure = cost_curve_figure(curve, NOW)
    assert not list(_trace(figure, "chosen").x)
    assert figure.layout.xaxis.range == (0, QUARTER / timedelta(hours=1))
