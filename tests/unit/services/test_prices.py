from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.core.clock import MADRID
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.measurements import PVPC, QUARTER_HOURLY, SPOT, price_series
from chocofactory.domain.prices import DayState
from chocofactory.services.exports import prices_csv
from chocofactory.services.prices import as_records
from tests.fakes import wavy_prices

TODAY, TOMORROW = date(2025, 3, 12), date(2025, 3, 13)


@pytest.fixture
def fill(factory, source, clock):
    def filled(first, last):
        source.known = wavy_prices(first, last)
        factory.ingestion.ingest(PVPC, first, last)
        return source.known

    return filled


def test_the_price_now_has_its_period_rank_and_source(factory, fill):
    known = fill(TODAY, TODAY)
    current = factory.prices.outlook().current
    day = known.tolist()
    assert current.price_eur_kwh == day[10]
    assert (current.period, current.source, current.kind) == ("P1", "ree", "published")
    assert (current.rank, current.of) == (1 + sum(price < day[10] for price in day), 24)
    assert current.day_mean_eur_kwh == pytest.approx(sum(day) / 24)
    assert current.time == datetime(2025, 3, 12, 10, tzinfo=MADRID)


def test_an_hour_without_price_has_no_present_price(factory, source):
    source.known = wavy_prices(TODAY, TODAY).drop(pd.Timestamp("2025-03-12T09:00Z"))
    factory.ingestion.ingest(PVPC, TODAY, TODAY)
    outlook = factory.prices.outlook()
    assert outlook.current is None
    assert outlook.today.state is DayState.PARTIAL


def test_an_empty_store_says_so_and_invents_nothing(factory):
    outlook = factory.prices.outlook()
    assert outlook.current is None
    assert outlook.windows == []
    assert outlook.ahead_mean_eur_kwh is None
    assert outlook.today.state is DayState.MISSING
    assert outlook.tomorrow.state is DayState.NOT_YET
    assert factory.prices.span() is None
    assert factory.prices.statistics(TODAY, TODAY) is None
    assert factory.health.light(PVPC).level == "down"
    assert factory.gaps.report() == []


def test_windows_lie_ahead_and_cross_midnight(factory, fill, clock):
    clock.at = datetime(2025, 3, 12, 21, 10, tzinfo=MADRID)
    known = fill(TODAY, TOMORROW)
    windows = factory.prices.outlook().windows
    assert [window.end - window.start for window in windows] == [timedelta(hours=n) for n in range(1, 13)]
    ahead = known[known.index >= clock.now()]
    for hours, window in enumerate(windows, 1):
        assert window.start > clock.now()
        assert window.mean_eur_kwh == pytest.approx(ahead.rolling(hours).mean().min())


def test_the_light_follows_the_day(factory, fill, clock):
    fill(TODAY, TODAY)
    assert factory.health.light(PVPC).level == "good"
    clock.at = datetime(2025, 3, 12, 21, 5, tzinfo=MADRID)
    assert factory.health.light(PVPC).level == "late"
    fill(TOMORROW, TOMORROW)
    assert factory.health.light(PVPC).level == "good"
    clock.at = datetime(2025, 3, 14, 0, 5, tzinfo=MADRID)
    assert factory.health.light(PVPC).level == "down"


def test_a_number_is_never_stale_after_a_write(factory, fill, source):
    fill(TODAY, TODAY)
    before = factory.prices.statistics(TODAY, TODAY).mean
    source.known = source.known + 0.1
    factory.ingestion.ingest(PVPC, TODAY, TODAY, force=True)
    assert factory.prices.statistics(TODAY, TODAY).mean == pytest.approx(before + 0.1)


def test_records_carry_local_time_with_offset_on_a_day_of_25_hours(factory, fill):
    fill(date(2024, 10, 27), date(2024, 10, 27))
    records = as_records(factory.prices.frame(date(2024, 10, 27), date(2024, 10, 27)))
    assert len(records) == 25
    assert [r["timestamp"] for r in records[2:4]] == ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00"]
    assert {r["tariff_period"] for r in records} == {"P3"}


def test_csv_holds_utc_and_local_time(factory, fill):
    known = fill(TODAY, TODAY)
    lines = prices_csv(factory.prices.frame(TODAY, TODAY)).splitlines()
    assert lines[0].startswith("timestamp_utc,timestamp_local,price_eur_kwh")
    assert lines[1].split(",")[:3] == ["2025-03-11T23:00:00Z", "2025-03-12T00:00:00+01:00", str(known.iloc[0])]
    assert len(lines) == 25


def test_a_listing_counts_what_a_period_should_have(factory, fill):
    fill(TODAY, TODAY)
    listing = factory.prices.listing(TODAY, TODAY, PVPC, "P1")
    assert (len(listing.frame), listing.expected) == (8, 8)
    with pytest.raises(InvalidInput, match="366"):
        factory.prices.listing(date(2024, 1, 1), date(2025, 1, 1))
    assert factory.prices.listing(date(2024, 1, 1), date(2024, 12, 31)).expected == 8784


def test_a_matrix_has_a_row_for_every_day_even_without_prices(factory, fill):
    fill(TODAY, TODAY)
    matrix = factory.prices.day_matrix(date(2025, 3, 10), TODAY)
    assert len(matrix) == 3
    assert np.isnan(matrix.iloc[0]).all()
    assert matrix.iloc[2].notna().sum() == 24


def test_gaps_end_where_publication_ends(factory, fill, source, clock):
    source.known = wavy_prices(date(2025, 3, 8), TODAY).drop(pd.date_range("2025-03-10T03:00Z", periods=3, freq="h"))
    factory.ingestion.ingest(PVPC, date(2025, 3, 8), TODAY)
    (found,) = factory.gaps.report()
    assert (found.expected, found.present) == (5 * 24, 5 * 24 - 3)
    (gap,) = found.gaps
    assert (gap.start, gap.count, str(gap.severity)) == (pd.Timestamp("2025-03-10T03:00Z"), 3, "moderate")
    table = factory.gaps.coverage(price_series(), TODAY, TOMORROW)
    assert table["expected"].tolist() == [24, 0]
    clock.at = datetime(2025, 3, 12, 20, 30, tzinfo=MADRID)
    assert factory.gaps.report()[0].gaps[-1].count == 24


def test_the_span_reaches_over_hours_and_quarter_hours(factory):
    assert factory.prices.span(SPOT) is None
    for start, resolution in (("2025-09-30T22:00Z", QUARTER_HOURLY), ("2025-09-29T22:00Z", timedelta(hours=1))):
        index = pd.date_range(start, periods=24, freq=resolution, unit="us")
        frame = pd.DataFrame({"price_eur_kwh": 0.1}, index=index)
        factory.ingestion.keep(price_series(SPOT, resolution=resolution), frame, "ree")
    assert factory.prices.span(SPOT) == (date(2025, 9, 30), date(2025, 10, 1))
    assert factory.prices.span(PVPC) is None
