from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, day_start
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, KeyRefused, MalformedAnswer, NotPublished, SourceDown
from chocofactory.domain.generation import COMBINED_CYCLE, daily_series, last_published, published_at
from chocofactory.domain.measurements import DEMAND, GENERATION
from chocofactory.services.routine import other_data_tasks
from chocofactory.sources.ree_generation import TECHNOLOGIES, spelled
from tests.fakes import wavy_generation
from tests.schedule_kit import catch_up

MONDAY, TUESDAY, TODAY = date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12)
NAMES = {name: TECHNOLOGIES[spelled(name)] for name in ("Ciclo combinado", "Eólica", "Nuclear", "Fuel + Gas")}


class FakeGeneration:
    """A source of generation that delivers what it was given, and raises what it was told to."""

    system = "national"
    longest_request = timedelta(days=31)

    def __init__(self, name="ree"):
        self.name = name
        self.known = wavy_generation(MONDAY, MONDAY).iloc[:0]
        self.error = None
        self.asked = []

    def generation(self, first, last):
        self.asked.append((first, last))
        if self.error is not None:
            raise self.error
        inside = self.known[(self.known.index >= day_start(first)) & (self.known.index <= day_start(last))]
        if inside.empty:
            raise NotPublished("{source} has nothing for {first}.", source=self.name, first=first)
        shares = inside.div(inside.sum(axis=1), axis=0)
        return {
            NAMES[name]: pd.DataFrame({"energy_mwh": inside[name], "share": shares[name]}).dropna()
            for name in inside.columns
            if inside[name].notna().any()
        }


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 12, 30, tzinfo=MADRID))


@pytest.fixture
def ree():
    return FakeGeneration()


@pytest.fixture
def factory(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    yield built
    built.close()


@pytest.fixture
def ingestion(factory, ree, monkeypatch):
    monkeypatch.setattr(factory.generation_ingestion, "_sources", [ree])
    return factory.generation_ingestion


def test_a_day_comes_out_at_noon_of_the_next_by_the_wall_clock():
    assert published_at(date(2025, 3, 29)) == datetime(2025, 3, 30, 12, tzinfo=MADRID)
    noon = datetime(2025, 3, 30, 12, tzinfo=MADRID)
    assert last_published(noon) == date(2025, 3, 29)
    assert last_published(noon - timedelta(microseconds=1)) == date(2025, 3, 28)
    assert last_published(datetime(2025, 3, 31, 0, 30, tzinfo=MADRID)) == date(2025, 3, 29)


def test_every_technology_is_kept_in_a_series_of_its_own(factory, ingestion, ree):
    ree.known = wavy_generation(MONDAY, TUESDAY)
    report = ingestion.ingest(MONDAY, TUESDAY)
    assert report.counts.new == int(ree.known.notna().to_numpy().sum())
    assert [(day.state, day.sources) for day in report.days] == [("complete", ["ree"])] * 2
    assert report.complete
    for name, technology in NAMES.items():
        frame = factory.generation.frame(MONDAY, TUESDAY, technology)
        assert frame["energy_mwh"].tolist() == ree.known[name].dropna().tolist()
        assert set(frame["source"]) <= {"ree"}
        assert set(frame["kind"]) <= {"published"}
    assert set(factory.generation.technologies()) <= set(NAMES.values())


def test_the_mix_of_a_day_is_its_shares_the_largest_first(factory, ingestion, ree):
    ree.known = wavy_generation(MONDAY, TUESDAY)
    ingestion.ingest(MONDAY, TUESDAY)
    mix = factory.generation.mix(TUESDAY)
    energy = ree.known.loc[day_start(TUESDAY)].dropna().rename(NAMES)
    assert mix.to_dict() == pytest.approx((energy / energy.sum()).to_dict())
    assert mix.is_monotonic_decreasing
    assert factory.generation.mix(TODAY).empty


def test_days_that_are_whole_are_not_asked_for_again_unless_forced(ingestion, ree):
    ree.known = wavy_generation(MONDAY, TUESDAY)
    ingestion.ingest(MONDAY, MONDAY)
    ingestion.ingest(MONDAY, TUESDAY)
    ingestion.ingest(MONDAY, TUESDAY)
    assert ree.asked == [(MONDAY, MONDAY), (TUESDAY, TUESDAY)]
    ree.known.iloc[0, 0] += 100
    report = ingestion.ingest(MONDAY, TUESDAY, force=True)
    assert ree.asked[-1] == (MONDAY, TUESDAY)
    assert (report.counts.new, report.counts.changed) == (0, 3)  # the energy, and with it the shares of the others


def test_one_technology_out_of_a_file_does_not_make_a_day_whole(factory, ingestion, ree):
    series = daily_series(COMBINED_CYCLE)
    frame = pd.DataFrame({"energy_mwh": [1e5], "share": [0.3]}, index=[pd.Timestamp(day_start(MONDAY))])
    factory._store.write(series, frame, source="file:gas.csv", written_at=factory.clock.now())
    ree.known = wavy_generation(MONDAY, MONDAY)
    assert ingestion.missing_days(MONDAY, MONDAY) == [MONDAY]
    assert ingestion.ingest(MONDAY, MONDAY).complete
    assert ingestion.missing_days(MONDAY, MONDAY) == []
    assert set(factory.generation.frame(MONDAY, MONDAY)["source"]) == {"ree"}


def test_a_day_that_came_in_part_is_said_to_be_so_and_completed_later(ingestion, ree):
    whole = wavy_generation(MONDAY, TUESDAY)
    ree.known = whole
    answer = ree.generation

    def in_part(first, last):
        frames = answer(first, last)
        return {name: frame.iloc[: 1 if name == "wind" else 2] for name, frame in frames.items()}

    ree.generation = in_part
    report = ingestion.ingest(MONDAY, TUESDAY)
    assert [day.state for day in report.days] == ["complete", "partial"]
    assert not report.complete
    assert 0.3 < report.days[1].share < 0.95
    ree.generation = answer
    assert ingestion.ingest(MONDAY, TUESDAY).complete
    assert ree.asked[-1] == (TUESDAY, TUESDAY)


def test_a_technology_that_hardly_runs_leaves_no_day_missing(ingestion, ree):
    ree.known = wavy_generation(date(2025, 2, 1), TUESDAY)
    ingestion.ingest(date(2025, 2, 1), TUESDAY)
    assert ree.known["Fuel + Gas"].isna().sum() > 20
    assert ingestion.missing_days(date(2025, 2, 1), TUESDAY) == []


def test_what_is_due_grows_when_a_day_comes_out(ingestion, ree, clock):
    ree.known = wavy_generation(MONDAY, TODAY)
    assert ingestion.due(2) == [MONDAY, TUESDAY]
    ingestion.ingest(MONDAY, TUESDAY)
    assert ingestion.due(2) == []
    clock.at = datetime(2025, 3, 13, 11, 59, tzinfo=MADRID)
    assert ingestion.due(2) == []
    clock.at = datetime(2025, 3, 13, 12, tzinfo=MADRID)
    assert ingestion.due(2) == [TODAY]


def test_a_day_that_is_not_published_yet_is_never_asked_for(ingestion, ree):
    ree.known = wavy_generation(MONDAY, TODAY)
    with pytest.raises(NotPublished, match="2025-03-13T11:00"):
        ingestion.ingest(TODAY, TODAY)
    assert ree.asked == []
    report = ingestion.ingest(TUESDAY, TODAY)
    assert ree.asked == [(TUESDAY, TUESDAY)]
    assert [day.state for day in report.days] == ["complete", "not_yet"]
    assert report.complete


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [
        (TODAY, TODAY + timedelta(days=1), "future"),
        (TODAY, MONDAY, "before the start"),
        (date(1999, 1, 1), MONDAY, "2000"),
    ],
)
def test_what_cannot_be_is_refused(ingestion, ree, first, last, word):
    with pytest.raises(InvalidInput, match=word):
        ingestion.ingest(first, last)
    assert ree.asked == []


def test_without_a_source_nothing_is_due_and_nothing_can_be_fetched(factory):
    assert factory.generation_ingestion.due(7) == []
    with pytest.raises(InvalidInput, match="No source"):
        factory.generation_ingestion.ingest(MONDAY, MONDAY)


def test_a_long_range_is_asked_in_pieces_and_one_nonsensical_answer_does_not_end_it(ingestion, ree):
    first = date(2025, 1, 1)
    ree.known = wavy_generation(first, TUESDAY)
    answer = ree.generation

    def odd_at_first(begin, end):
        if begin == first:
            raise MalformedAnswer("{source} answered nonsense.", source="ree")
        return answer(begin, end)

    ree.generation = odd_at_first
    report = ingestion.ingest(first, TUESDAY)
    assert [day.state for day in report.days].count("complete") == 70 - 31
    assert [error["code"] for error in report.errors] == ["malformed-answer"]
    assert max((end - begin).days + 1 for begin, end in ree.asked) <= 31


@pytest.mark.parametrize("force", [False, True])
def test_a_second_source_is_asked_only_for_what_the_first_did_not_give(ingestion, ree, force):
    second = FakeGeneration("other")
    ingestion._sources.append(second)
    ree.known, second.known = wavy_generation(MONDAY, MONDAY), wavy_generation(MONDAY, TUESDAY)
    report = ingestion.ingest(MONDAY, TUESDAY, force=force)
    assert [day.sources for day in report.days] == [["ree"], ["other"]]
    assert second.asked == [(TUESDAY, TUESDAY)]
    assert report.complete


@pytest.mark.parametrize("error", [SourceDown, KeyRefused])
def test_an_outage_is_raised_and_noted_with_the_source(factory, ingestion, ree, error):
    ree.error = error("{source} failed.", source="ree")
    with pytest.raises(error):
        ingestion.ingest(MONDAY, TUESDAY)
    assert len(ree.asked) == 1
    (record,) = factory._state.source_states()
    assert (record.name, record.failures) == ("ree", 1)


def test_gaps_of_generation_end_with_what_is_published(factory, ingestion, ree, clock):
    ree.known = wavy_generation(MONDAY - timedelta(days=3), TUESDAY).drop(pd.Timestamp(day_start(MONDAY)))
    with pytest.raises(StopIteration):
        next(series for series in factory.gaps.series() if series.measurement is GENERATION)
    ingestion.ingest(MONDAY - timedelta(days=3), TUESDAY)
    (series,) = [series for series in factory.gaps.series() if series.measurement is GENERATION]
    found = factory.gaps.find(series)
    assert (found.expected, found.present) == (5, 4)
    assert [(gap.start, gap.end, gap.count) for gap in found.gaps] == [(day_start(MONDAY), day_start(TUESDAY), 1)]
    table = factory.gaps.coverage(series, MONDAY, TODAY)
    assert table["expected"].tolist() == [1, 1, 0]
    assert table["present"].tolist() == [0, 1, 0]


def test_it_is_a_run_like_any_other_and_the_scheduler_asks_for_it(factory, ingestion, ree, clock):
    factory.schedule.register(other_data_tasks(ingestion, factory.history, clock, 7))
    ree.known = wavy_generation(MONDAY - timedelta(days=9), TUESDAY)
    catch_up(factory, wait=True)
    (run,) = factory.jobs.recent()
    assert (run.kind, run.state, run.requested_by) == ("ingest_generation", "succeeded", "scheduler")
    assert run.message_fields["new"] == run.result["counts"]["new"] > 0
    assert [day["state"] for day in run.result["days"]] == ["complete"] * 7
    catch_up(factory, wait=True)
    assert len(factory.jobs.recent()) == 1


def test_files_are_imported_series_by_series(factory, tmp_path):
    daily, hourly = tmp_path / "gas.csv", tmp_path / "mw.csv"
    daily.write_text("date,datetime,gas_gen_mwh,gas_gen_percentage\n2025-03-10,2025-03-10T00:00:00+01:00,5,0.25\n")
    hourly.write_text("timestamp_utc,demand_forecast_544_mw,wind_551_mw\n2025-03-10T00:00:00Z,7,8\n")
    run = factory.jobs.run("import_generation", {"files": [str(daily), str(hourly)]}, "cli")
    assert run.state == "succeeded"
    by_day, by_hour = run.result["files"]
    assert (by_day["file"], by_day["new"], by_hour["new"], by_hour["rejected"]) == ("gas.csv", 1, 2, [])
    assert [(part["measurement"], part["system"], part["new"]) for part in by_hour["series"]] == [
        ("demand", "peninsula", 1),
        ("generation", "peninsula", 1),
    ]
    assert by_hour["series"][1]["technology"] == "wind"
    assert factory.generation.mix(MONDAY).to_dict() == {COMBINED_CYCLE: 0.25}
    assert factory.generation.technologies() == [COMBINED_CYCLE]  # wind is there by the hour, for the Peninsula alone
    assert factory._store.latest(DEMAND)["energy_mwh"] == 7
    again = factory.jobs.run("import_generation", {"files": [str(daily), str(hourly)], "remove": True}, "dashboard")
    assert [(file["new"], file["unchanged"]) for file in again.result["files"]] == [(0, 1), (0, 2)]
    assert not daily.exists()


def test_a_file_that_disagrees_with_another_is_reported_as_changed(factory, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("timestamp_utc,demand_forecast_544_mw\n2025-03-10T00:00:00Z,7\n2025-03-10T01:00:00Z,7\n")
    second.write_text("timestamp_utc,demand_forecast_544_mw\n2025-03-10T00:00:00Z,7\n2025-03-10T01:00:00Z,8\n")
    run = factory.jobs.run("import_generation", {"files": [str(first), str(second)]}, "cli")
    assert [(file["new"], file["changed"], file["unchanged"]) for file in run.result["files"]] == [(2, 0, 0), (0, 1, 1)]


def test_rejected_lines_and_bad_files_make_a_partial_import(factory, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(
        "timestamp_utc,wind_551_mw\n2025-03-10T00:00:00Z,7\n2025-03-10T01:00:00Z,7\n2030-01-01T00:00:00Z,7\n"
    )
    bad.write_text("this is no such file\n")
    run = factory.jobs.run("import_generation", {"files": [str(bad), str(good)]}, "cli")
    assert run.state == "partial"
    assert [error["file"] for error in run.result["errors"]] == ["bad.csv"]
    assert [fault["line"] for fault in run.result["files"][0]["rejected"]] == [4]
