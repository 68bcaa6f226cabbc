"""The tables that stand beside the figures of prices and of coverage say what these show."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid
from chocofactory.domain import prices
from chocofactory.domain.tariff import tariff
from components import figures, hour_figures, text, twins
from components.theme import price_range


@pytest.fixture(autouse=True)
def _english():
    with text.speaking("en"):
        yield


def words(component: Any) -> str:
    """All text of a component, in order."""
    if component is None or isinstance(component, (str, int, float)):
        return "" if component is None else str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def rows(twin: Any) -> list[str]:
    """The rows of a twin's body, as people read them."""
    body = twin.children[-1].children.children[-1]
    return [words(row) for row in body.children]


def _prices(first: date, last: date) -> pd.Series:
    grid = day_grid(first, last)
    return pd.Series(0.1 + np.arange(len(grid)) % 24 / 100, index=grid)


def test_the_distribution_twin_counts_every_hour_once():
    series = pd.Series([0.10, 0.101, 0.20, np.nan, 0.30])
    told = rows(twins.distribution_twin(series))
    bars = figures.price_distribution(series).data[0].y
    assert [int(row.split()[3]) for row in told] == list(bars)
    assert sum(bars) == 4
    assert told[0].endswith("50.0 %")


def test_the_typical_twin_has_a_row_an_hour_and_a_column_a_month():
    means = prices.typical_day(_prices(date(2025, 11, 29), date(2025, 12, 2)), "month", tariff("2.0TD"))
    means = means.dropna(how="all")
    told = rows(twins.typical_twin(means, "month", "Typical"))
    assert len(told) == 24
    assert told[5] == f"05:00 {means.iloc[0, 5]:.4f} {means.iloc[1, 5]:.4f}"


def test_the_calendar_twin_weighs_each_hour_alike_and_starts_with_the_newest_month():  # pragma: allowlist secret
    days = pd.to_datetime(["2025-10-31", "2025-11-01", "2025-11-02"])
    means = pd.DataFrame({"mean": [np.nan, 0.1, 0.2], "count": [0, 24, 8], "expected": [24, 24, 24]}, index=days)
    assert rows(twins.calendar_twin(means)) == ["Nov 2025 0.1250 €/kWh 32 of 48", f"Oct 2025 {text.MISSING} 0 of 24"]


def test_the_coverage_twin_counts_what_is_there_and_the_days_that_are_not_whole():
    days = pd.to_datetime(["2025-10-31", "2025-11-01", "2025-11-02"])
    coverage = pd.DataFrame({"expected": [24, 24, 24], "present": [24, 23, 0]}, index=days)
    assert rows(twins.coverage_twin(coverage)) == ["Nov 2025 23 of 48 2", "Oct 2025 24 of 24 0"]


def test_figures_of_one_range_give_a_price_the_same_colour():
    series = _prices(date(2025, 11, 3), date(2025, 11, 9))
    scale = price_range(series)
    means = prices.typical_day(series, "period", tariff("2.0TD"))
    drawn = [
        figures.price_distribution(series, scale=scale),
        hour_figures.typical_day(means, "period", scale=scale),
        hour_figures.day_hour_heatmap(prices.day_matrix(series), scale=scale),
    ]
    assert {(one.layout.coloraxis.cmin, one.layout.coloraxis.cmax) for one in drawn} == {scale}
