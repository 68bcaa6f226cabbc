"""Tables that stand beside figures: the same values, in words, for every reader."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import day_grid
from chocofactory.domain import prices
from chocofactory.domain.tariff import tariff
from components import tables, text


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


def find(component: Any, kind: str) -> list[Any]:
    """All components of a type inside a component."""
    inside = getattr(component, "children", None)
    inside = inside if isinstance(inside, (list, tuple)) else [inside]
    own = [component] if type(component).__name__ == kind else []
    return own + [found for child in inside if hasattr(child, "to_plotly_json") for found in find(child, kind)]


def _frame(first: date, last: date) -> pd.DataFrame:
    grid = day_grid(first, last)
    labels = tariff("2.0TD").label(grid)
    return pd.DataFrame({"price_eur_kwh": 0.1 + np.arange(len(grid)) / 1000, "period": labels}, index=grid)


def test_a_table_names_itself_its_columns_and_its_rows():
    made = tables.table([tables.Column("Hour"), tables.Column("Price", numeric=True)], [("00", "1")], "Prices")
    assert words(find(made, "Caption")) == "Prices"
    assert [head.scope for head in find(made, "Th")] == ["col", "col", "row"]
    assert find(made, "Td")[0].className == "num"


def test_a_twin_says_every_price_of_its_figure():
    twin = tables.price_twin(_frame(date(2025, 11, 20), date(2025, 11, 20)), "Prices")
    assert type(twin).__name__ == "Details"
    rows = find(find(twin, "Tbody")[0], "Tr")
    assert len(rows) == 24
    assert words(rows[10]) == "20 Nov 2025, 10:00 P1 0.11000 €/kWh"


def test_the_hour_that_comes_twice_is_told_apart():
    twin = tables.price_twin(_frame(date(2025, 10, 26), date(2025, 10, 26)), "Prices")
    begins = [words(row.children[0]) for row in find(find(twin, "Tbody")[0], "Tr")]
    assert len(set(begins)) == 25


def test_a_long_twin_says_what_it_leaves_out_and_where_the_rest_is():
    frame = _frame(date(2025, 11, 1), date(2025, 11, 20))
    twin = tables.price_twin(frame, "Prices", filed=True)
    assert len(find(find(twin, "Tbody")[0], "Tr")) == tables.MOST_ROWS
    assert "The first 75 of 480 rows; the CSV button saves them all." in words(twin)
    assert "CSV" not in words(tables.price_twin(frame, "Prices"))  # of a page without such a button


def test_a_short_twin_leaves_nothing_out():
    twin = tables.price_twin(_frame(date(2025, 11, 20), date(2025, 11, 20)), "Prices")
    assert "rows" not in words(twin)


def test_a_twin_of_all_rows_hands_them_to_the_browser_as_text():
    columns = (tables.Column("Begins", text.moment), tables.Column("Price", text.price, numeric=True))
    rows = [(datetime(2025, 11, 1, hour, tzinfo=UTC), hour / 100) for hour in range(24)] * 10
    twin = tables.long_twin(columns, rows, "Prices", "page-chart")
    (store,) = find(twin, "Store")
    assert store.id == {"type": "rows", "table": "page-chart"}
    assert store.data["heads"] == [{"head": "Begins", "numeric": False}, {"head": "Price", "numeric": True}]
    assert len(store.data["rows"]) == 240
    assert store.data["rows"][7] == ["1 Nov 2025, 08:00", "0.070 €/kWh"]
    (place,) = find(twin, "Div")
    assert place.id == {"type": "table", "table": "page-chart"}


def test_missing_values_are_dashes():
    frame = _frame(date(2025, 11, 20), date(2025, 11, 20))
    frame.iloc[0, 0] = np.nan
    assert words(find(tables.price_twin(frame, "Prices"), "Td")[1]) == text.MISSING


def test_statistics_name_the_moments_of_the_extremes_with_their_year():
    made = prices.Statistics(
        count=8760,
        mean=0.12,
        median=0.11,
        minimum=-0.01,
        minimum_at=datetime(2024, 4, 1, 12, tzinfo=UTC),
        maximum=0.9544,
        maximum_at=datetime(2022, 3, 8, 18, tzinfo=UTC),
        std=0.05,
        p05=0.02,
        p95=0.25,
    )
    said = [words(row) for row in find(find(tables.statistics_table(made), "Tbody")[0], "Tr")]
    assert "Lowest 1 Apr 2024, 14:00 -0.0100 €/kWh" in said
    assert "Highest 8 Mar 2022, 19:00 0.9544 €/kWh" in said
    assert "90 % of the hours 0.0200 to 0.2500 €/kWh" in said
    assert "Hours with a price 8,760" in said


def test_a_period_without_a_price_has_dashes_for_its_figures():
    sunday = _frame(date(2025, 11, 23), date(2025, 11, 23))["price_eur_kwh"]
    made = tables.periods_table(prices.by_period(sunday, tariff("2.0TD")))
    rows = [words(row) for row in find(find(made, "Tbody")[0], "Tr")]
    assert rows[0] == f"P1 0 {text.MISSING} {text.MISSING} {text.MISSING}"
    assert rows[2].startswith("P3 24 0.1115 €/kWh")
