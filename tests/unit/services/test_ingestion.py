from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import MADRID, day_grid
from chocofactory.core.errors import (
    InvalidInput,
    KeyRefused,
    MalformedAnswer,
    NotPublished,
    SourceDown,
    StoreUnavailable,
)
from chocofactory.domain.measurements import PVPC, SPOT, price_series
from tests.fakes import wavy_prices

MONDAY, TODAY, TOMORROW = date(2025, 3, 10), date(2025, 3, 12), date(2025, 3, 13)


def stored(factory, first, last, market=PVPC):
    return factory.prices.frame(first, last, market)["price_eur_kwh"]


def test_what_the_source_has_is_kept_hour_by_hour(factory, source):
    source.known = wavy_prices(MONDAY, TODAY)
    report = factory.ingestion.ingest(PVPC, MONDAY, TODAY)
    assert (report.counts.new, report.counts.changed, report.counts.unchanged) == (72, 0, 0)
    assert report.complete
    pd.testing.assert_series_equal(stored(factory, MONDAY, TODAY), source.known, check_freq=False)


def test_days_that_are_complete_are_not_asked_for_again(factory, source):
    source.known = wavy_prices(MONDAY, TODAY)
    factory.ingestion.ingest(PVPC, MONDAY, MONDAY)
    factory.ingestion.ingest(PVPC, MONDAY, TODAY)
    factory.ingestion.ingest(PVPC, MONDAY, TODAY)
    assert source.asked == [(PVPC, MONDAY, MONDAY), (PVPC, date(2025, 3, 11), TODAY)]


def test_a_forced_ingestion_asks_again_and_records_the_revision_beside_the_first_value(factory, source):
    source.known = wavy_prices(MONDAY, MONDAY)
    factory.ingestion.ingest(PVPC, MONDAY, MONDAY)
    first = source.known.copy()
    source.known = first.copy()
    source.known.iloc[5] = 0.5
    report = factory.ingestion.ingest(PVPC, MONDAY, MONDAY, force=True)
    assert (report.counts.new, report.counts.changed, report.counts.unchanged) == (0, 1, 23)
    frame = factory.prices.frame(MONDAY, MONDAY)
    assert frame["price_eur_kwh"].iloc[5] == 0.5
    assert frame["first_price_eur_kwh"].iloc[5] == first.iloc[5]


def test_a_partial_day_is_completed_later(factory, source):
    whole = wavy_prices(TODAY, TODAY)
    source.known = whole.iloc[:20]
    report = factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert [(day.state, day.present, day.expected) for day in report.days] == [("partial", 20, 24)]
    assert not report.complete
    source.known = whole
    report = factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert report.complete
    assert report.counts.new == 4


def test_a_second_source_fills_what_the_first_lacks(factory, source, second):
    whole = wavy_prices(MONDAY, TODAY)
    source.known, second.known = whole.iloc[:30], whole
    report = factory.ingestion.ingest(PVPC, MONDAY, TODAY)
    assert report.complete
    assert [day.sources for day in report.days] == [["ree"], ["ree", "esios"], ["esios"]]
    pd.testing.assert_series_equal(stored(factory, MONDAY, TODAY), whole, check_freq=False)


def test_a_second_source_serves_when_the_first_is_down(factory, source, second):
    source.error = SourceDown("{source} is down.", source="ree")
    second.known = wavy_prices(TODAY, TODAY)
    report = factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert report.complete
    assert [error["code"] for error in report.errors] == ["source-down"]
    states = {entry.name: entry.state for entry in factory.health.sources()}
    assert states == {"ree": "failing", "esios": "ok"}


def test_a_forced_ingestion_asks_the_second_source_only_for_what_the_first_did_not_give(factory, source, second):
    whole = wavy_prices(MONDAY, TODAY)
    source.known, second.known = whole.iloc[:48], whole
    factory.ingestion.ingest(PVPC, MONDAY, TODAY, force=True)
    assert second.asked == [(PVPC, TODAY, TODAY)]


@pytest.mark.parametrize("error", [SourceDown, KeyRefused])
def test_when_every_source_fails_the_first_error_is_raised(factory, source, second, error):
    source.error = error("{source} failed.", source="ree")
    second.error = SourceDown("{source} is down.", source="esios")
    with pytest.raises(error, match="ree failed"):
        factory.ingestion.ingest(PVPC, TODAY, TODAY)


def test_with_a_source_down_not_published_from_another_is_not_the_whole_truth(factory, source, second):
    source.error = SourceDown("{source} is down.", source="ree")
    with pytest.raises(SourceDown):
        factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert second.asked


def test_one_nonsensical_answer_does_not_end_a_long_backfill(factory, source, monkeypatch):
    source.known = wavy_prices(date(2025, 1, 1), TODAY)
    answer = source.prices

    def odd_at_first(market, first, last):
        if first == date(2025, 1, 1):
            raise MalformedAnswer("{source} answered nonsense.", source="ree")
        return answer(market, first, last)

    monkeypatch.setattr(source, "prices", odd_at_first)
    report = factory.ingestion.ingest(PVPC, date(2025, 1, 1), TODAY)
    assert [day.state for day in report.days].count("complete") == 71 - 31
    assert [error["code"] for error in report.errors] == ["malformed-answer", "not-published"]


def test_not_published_does_not_count_against_a_source(factory, source, second):
    with pytest.raises(NotPublished):
        factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert [entry.state for entry in factory.health.sources()] == ["ok", "ok"]


def test_a_day_that_is_not_published_yet_is_never_asked_for(factory, source, clock):
    source.known = wavy_prices(TODAY, TOMORROW)
    with pytest.raises(NotPublished):
        factory.ingestion.ingest(PVPC, TOMORROW, TOMORROW)
    assert source.asked == []
    report = factory.ingestion.ingest(PVPC, TODAY, TOMORROW)
    assert source.asked == [(PVPC, TODAY, TODAY)]
    assert [day.state for day in report.days] == ["complete", "not_yet"]
    assert report.complete
    clock.at = datetime(2025, 3, 12, 20, 16, tzinfo=MADRID)
    assert factory.ingestion.ingest(PVPC, TODAY, TOMORROW).counts.new == 24


@pytest.mark.parametrize(
    ("market", "first", "last", "word"),
    [
        (PVPC, TODAY, TODAY + timedelta(days=2), "future"),
        (PVPC, date(2021, 5, 31), date(2021, 6, 2), "begins on 2021-06-01"),
        (PVPC, TODAY, MONDAY, "before the start"),
        ("gas", TODAY, TODAY, "no market"),
    ],
)
def test_what_cannot_be_is_refused(factory, source, market, first, last, word):
    with pytest.raises(InvalidInput, match=word):
        factory.ingestion.ingest(market, first, last)
    assert source.asked == []


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 12, 31), 24)]
)
def test_days_with_a_clock_change_are_complete_with_their_own_hours(factory, source, day, hours):
    source.known = wavy_prices(day, day)
    report = factory.ingestion.ingest(PVPC, day, day)
    assert (report.counts.new, report.days[0].expected, report.complete) == (hours, hours, True)
    source.known = wavy_prices(day, day).iloc[:-1]
    assert factory.ingestion.missing_days(PVPC, day, day) == []


def test_a_day_that_repeats_the_day_before_is_kept_flagged_and_reported(factory, source):
    first = wavy_prices(MONDAY, MONDAY)
    stale = first.set_axis(day_grid(date(2025, 3, 11)))
    source.known = first
    factory.ingestion.ingest(PVPC, MONDAY, MONDAY)
    source.known = stale
    report = factory.ingestion.ingest(PVPC, date(2025, 3, 11), date(2025, 3, 11))
    assert report.days[0].suspect == "repeats_day_before"
    frame = factory.prices.frame(MONDAY, date(2025, 3, 11))
    assert frame["suspect"].astype(bool).tolist() == [False] * 24 + [True] * 24
    assert report.complete


def test_a_long_range_is_asked_in_pieces_that_the_source_allows(factory, source):
    source.known = wavy_prices(date(2025, 1, 1), TODAY)
    factory.ingestion.ingest(PVPC, date(2025, 1, 1), TODAY)
    lengths = [(last - first).days + 1 for _, first, last in source.asked]
    assert sum(lengths) == 71
    assert max(lengths) <= 31


def test_quarter_hours_are_kept_as_such_and_read_as_hours(factory, source):
    grid = day_grid(TODAY, resolution=timedelta(minutes=15))
    source.known = pd.Series([0.1, 0.2, 0.3, 0.4] * 24, index=grid)
    report = factory.ingestion.ingest(SPOT, TODAY, TODAY)
    assert (report.counts.new, report.complete) == (96, True)
    frame = factory.prices.frame(TODAY, TODAY, SPOT)
    assert frame["price_eur_kwh"].tolist() == [0.25] * 24


def test_what_is_due_asks_the_store_and_the_clock(factory, source, clock):
    source.known = wavy_prices(MONDAY, TOMORROW)
    assert factory.ingestion.due(2) == {market: [MONDAY, date(2025, 3, 11), TODAY] for market in (PVPC, SPOT)}
    factory.ingestion.ingest(PVPC, MONDAY, TODAY)
    clock.at = datetime(2025, 3, 12, 13, 30, tzinfo=MADRID)
    due = factory.ingestion.due(2)
    assert PVPC not in due
    assert due[SPOT][-1] == TOMORROW


def test_a_run_over_all_markets_sums_them_and_clamps_each_to_its_beginning(factory, source):
    source.known = wavy_prices(date(2021, 5, 30), date(2021, 6, 2))
    run = factory.jobs.run("ingest_prices", {"first": "2021-05-30", "last": "2021-06-02"}, "scheduler")
    assert run.state == "succeeded"
    assert [market["first"] for market in run.result["markets"]] == ["2021-06-01", "2021-05-30"]
    assert run.message_fields == {"new": 48 + 96, "changed": 0}


def test_a_market_that_is_named_is_not_clamped_in_silence(factory):
    params = {"first": "2021-05-30", "last": "2021-06-02", "markets": [PVPC]}
    assert factory.jobs.run("ingest_prices", params, "cli").error["code"] == "invalid-input"


def test_when_no_market_delivers_the_run_fails_and_names_every_error(factory, source, second):
    source.error = second.error = SourceDown("{source} is down.", source="ree")
    run = factory.jobs.run("ingest_prices", {"first": "2025-03-12", "last": "2025-03-12"}, "cli")
    assert (run.state, run.error["code"]) == ("failed", "source-down")
    assert [error["code"] for error in run.result["errors"]] == ["source-down"] * 2


def test_a_price_is_never_dropped_for_being_odd(factory, source):
    source.known = wavy_prices(TODAY, TODAY)
    source.known.iloc[:4] = [0.0, -0.05, 0.95, 4.0]
    factory.ingestion.ingest(PVPC, TODAY, TODAY)
    assert stored(factory, TODAY, TODAY).tolist()[:4] == [0.0, -0.05, 0.95, 4.0]


def test_prices_are_taken_while_the_store_cannot_be_read(factory, monkeypatch):
    """A store whose server is away may still take what is written: the days before are then not compared."""

    def away(*asked, **more):
        raise StoreUnavailable("The store is away.")

    frame = wavy_prices(date(2025, 3, 10), date(2025, 3, 11)).to_frame()
    stale = pd.concat([frame, frame.iloc[24:].set_axis(frame.index[24:] + pd.Timedelta(days=1))])
    monkeypatch.setattr(factory._store, "read", away)
    counts, suspects = factory.ingestion.keep(price_series(), stale, "file:a.csv")
    assert counts.new == 72
    assert suspects == {date(2025, 3, 12): "repeats_day_before"}
