"""Bringing SIAR's files in, and asking about what is kept."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.domain.climate import Limits
from chocofactory.domain.measurements import DAILY, SIAR_DAILY, Series
from chocofactory.services.climate import Scope
from chocofactory.services.exports import siar_csv
from chocofactory.services.siar import ETL, siar_files
from tests.siar_files import as_siar, blank, file, row

FIRST = date(2024, 7, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]


@pytest.fixture
def bring(factory, tmp_path):
    """Writes files into a folder and brings the folder in."""
    folder = tmp_path / "files"

    def run(watch=None, /, **files):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, content in files.items():
            (folder / f"{name}.csv").write_bytes(content)
        paths = [str(path) for path in siar_files([folder])]
        return factory.jobs.run(ETL, {"files": paths}, "test", *([watch] if watch else []))

    return run


def test_a_run_tells_each_file_and_the_sums(bring):
    run = bring(
        one=as_siar(*map(row, DAYS[:3]), blank(DAYS[3])),
        two=as_siar(row(DAYS[4]), row(DAYS[4]), row(DAYS[5], TempMax="hot"), row(DAYS[5], station="23;17")),
    )
    one, two = run.result["files"]
    assert {**one, "rejected": 0} == {
        "file": "one.csv",
        "rows": 4,
        "kept": 3,
        "blank": 1,
        "repeated": 0,
        "rejected": 0,
        "new": 3,
        "changed": 0,
        "unchanged": 0,
        "queued": 0,
        "first": "2024-07-01",
        "last": "2024-07-03",
        "stations": [{"station": "23/9", "days": 3, "first": "2024-07-01", "last": "2024-07-03"}],
    }
    assert (two["rows"], two["kept"], two["repeated"], len(two["rejected"])) == (4, 2, 1, 1)
    assert [station["station"] for station in two["stations"]] == ["23/17", "23/9"]
    assert run.result["totals"] == {
        "rows": 8,
        "kept": 5,
        "blank": 1,
        "repeated": 1,
        "new": 5,
        "changed": 0,
        "unchanged": 0,
        "queued": 0,
        "rejected": 1,
    }
    assert run.state == "partial"


def test_bringing_in_again_changes_nothing_and_a_revision_changes_its_day(bring, factory):
    files = {"one": as_siar(*map(row, DAYS[:3])), "two": as_siar(*map(row, DAYS[3:]))}
    assert bring(**files).result["totals"]["new"] == 6
    revision = factory._store.revision()
    again = bring(**files)
    assert (again.state, again.result["totals"]["unchanged"], factory._store.revision()) == ("succeeded", 6, revision)
    revised = bring(one=as_siar(row(DAYS[0], EtPMon="4,2"), row(DAYS[1])))
    assert (revised.result["totals"]["changed"], revised.result["totals"]["unchanged"]) == (1, 1)
    assert factory.climate.days()["et0_mm"].tolist() == [4.2, *[4.12] * 5]


def test_a_bad_file_does_not_keep_the_others_out(bring):
    run = bring(a=b"", b=as_siar(row(FIRST)), c=b"\x89PNG" + bytes(100), d=file("1;2").encode())
    assert (run.state, run.result["totals"]["new"]) == ("partial", 1)
    assert [(error["file"], error["code"]) for error in run.result["errors"]] == [
        ("a.csv", "malformed-file"),
        ("c.csv", "malformed-file"),
        ("d.csv", "malformed-file"),
    ]


def test_a_run_of_bad_files_alone_fails_and_names_all(bring):
    run = bring(a=b"", b=b"x")
    assert (run.state, run.error["code"]) == ("failed", "malformed-file")
    assert len(run.result["errors"]) == 2


def test_progress_goes_from_file_to_file(bring):
    seen = []
    bring(
        lambda percent, message, **fields: seen.append((round(percent), message.format(**fields))),
        a=as_siar(row(DAYS[0])),
        b=as_siar(row(DAYS[1])),
    )
    assert seen == [(0, "Reading a.csv"), (50, "Reading b.csv"), (100, "Done: 2 new, 0 changed days.")]


def test_a_day_that_is_not_over_cannot_be_known(bring, clock):
    today = date(2024, 7, 3)
    clock.at = datetime(2024, 7, 2, 22, 30, tzinfo=UTC)  # half past midnight of 3 July
    run = bring(a=as_siar(row(date(2024, 7, 1)), row(date(2024, 7, 2)), row(today)))
    (entry,) = run.result["files"]
    assert (entry["last"], [fault["line"] for fault in entry["rejected"]]) == ("2024-07-02", [4])


def test_a_folder_stands_for_its_csv_files_by_name(tmp_path):
    (tmp_path / "inner.csv").mkdir()
    (tmp_path / "inner.csv" / "deep.csv").touch()
    for name in ("b.csv", "a.CSV", "c.txt", "d.csv.gz"):
        (tmp_path / name).touch()
    listed = [path.name for path in siar_files([tmp_path])]
    assert listed == ["a.CSV", "b.csv"]
    once = siar_files([tmp_path / "b.csv", tmp_path, tmp_path / "c.txt", Path("nowhere.csv")])
    assert [path.name for path in once] == ["b.csv", "a.CSV", "c.txt", "nowhere.csv"]


def test_a_folder_without_csv_files_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="There is no CSV file in the folder"):
        siar_files([tmp_path])


def test_the_demonstration_takes_no_real_days(tmp_path, clock):
    path = tmp_path / "a.csv"
    path.write_bytes(as_siar(row(FIRST)))
    demo = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    run = demo.jobs.run(ETL, {"files": [str(path)]}, "test")
    assert (run.state, run.error["code"]) == ("failed", "mixed-provenance")
    demo.close()


def test_simulated_days_are_called_so(tmp_path, clock):
    demo = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    index = pd.DatetimeIndex(["2024-06-30T22:00Z"]).as_unit("us")
    series = Series(SIAR_DAILY, {"province": "23", "station": "17"}, DAILY)
    frame = pd.DataFrame({"temperature_mean_c": [20.0]}, index=index)
    demo._store.write(series, frame, source="demo", written_at=clock.now())
    assert demo.climate.basis(Scope()).kind == "simulated"
    assert demo.climate.days()["kind"].tolist() == ["simulated"]
    demo.close()


@pytest.fixture
def kept(bring, factory):
    """Station 9 early and in the other province, station 17 late with a hole."""
    bring(
        early=as_siar(*(row(day - 365 * DAILY, TempMedia="18") for day in DAYS)),
        late=as_siar(*(row(day, station="23;17", TempMedia="22") for day in (DAYS[0], DAYS[1], DAYS[4]))),
        elsewhere=as_siar(row(DAYS[0] - 900 * DAILY, station="14;9")),
    )
    return factory.climate


def test_stations_come_newest_first_with_their_missing_days(kept):
    assert [(one.name, one.first, one.last, one.days, one.missing, one.kind) for one in kept.stations()] == [
        ("23/17", DAYS[0], DAYS[4], 3, 2, "observed"),
        ("23/9", DAYS[0] - 365 * DAILY, DAYS[5] - 365 * DAILY, 6, 0, "observed"),
        ("14/9", DAYS[0] - 900 * DAILY, DAYS[0] - 900 * DAILY, 1, 0, "observed"),
    ]


@pytest.mark.parametrize(
    ("scope", "names", "days"),
    [
        (Scope(), ["23/17"], 3),
        (Scope("23/9"), ["23/9"], 6),
        (Scope("23-09"), ["23/9"], 6),
        (Scope("17"), ["23/17"], 3),
        (Scope(pooled=True), ["23/17", "23/9", "14/9"], 10),
        (Scope(pooled=True, first=date(2023, 1, 1)), ["23/17", "23/9"], 9),
        (Scope(first=DAYS[1], last=DAYS[3]), ["23/17"], 1),
        (Scope(first=DAYS[5]), [], 0),
        (Scope(first=date(2200, 1, 1)), [], 0),
    ],
)
def test_an_answer_rests_on_what_was_asked_for_and_says_so(kept, scope, names, days):
    basis = kept.basis(scope)
    assert [station.name for station in basis.stations] == names
    assert len(basis.frame) == days
    assert sum(station.days for station in basis.stations) == days


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        (Scope("9"), NotFound),
        (Scope("23/5"), NotFound),
        (Scope("Linares"), InvalidInput),
        (Scope("17", pooled=True), InvalidInput),
        (Scope(first=DAYS[1], last=DAYS[0]), InvalidInput),
    ],
)
def test_what_cannot_be_asked_is_refused(kept, scope, error):
    with pytest.raises(error):
        kept.basis(scope)


def test_every_question_is_about_its_scope(kept):
    seasons = kept.seasons(Scope("23/9"), Limits((18.0, 18.0)))
    assert (seasons.best, seasons.worst) == (7, 7)
    assert seasons.months.loc[7, ["share_pct", "temperature_c", "days"]].tolist() == [100, 18, 6]
    assert kept.seasons(Scope(), Limits((18.0, 18.0))).months.loc[7, "share_pct"] == 0
    assert kept.monthly_pattern(Scope(pooled=True)).loc[("temperature_mean_c", 7), "mean"] == pytest.approx(174 / 9)
    assert kept.day_of_year(Scope()).loc[183, "temperature_mean_c"] == 22
    assert kept.hot_days(Scope(), 30.0)["hot"].tolist() == [3]
    assert kept.thresholds(Scope("23/9"))["days"].tolist() == [6] * 9
    assert kept.month_matrix(Scope(), "temperature_mean_c").known.loc[2024, 7] == 3
    with pytest.raises(InvalidInput):
        kept.month_matrix(Scope(), "wind_direction_deg")


def test_stations_that_are_pooled_give_one_row_a_day(bring, factory):
    bring(a=as_siar(row(FIRST, TempMedia="18"), row(FIRST, station="23;17", TempMedia="22"), row(DAYS[1])))
    basis = factory.climate.basis(Scope(pooled=True))
    assert basis.frame["temperature_mean_c"].tolist() == [20, 20.5]
    assert [station.days for station in basis.stations] == [2, 1]


def test_answers_are_new_after_new_days(kept, bring):
    assert kept.basis(Scope()).stations[0].days == 3
    bring(more=as_siar(row(DAYS[2], station="23;17")))
    assert kept.basis(Scope()).stations[0].days == 4


def test_nothing_is_known_of_an_empty_store(factory):
    climate = factory.climate
    assert (climate.stations(), climate.basis(Scope()).kind) == ([], None)
    assert (climate.seasons(Scope()).best, climate.seasons(Scope()).worst) == (None, None)
    assert climate.thresholds(Scope())["threshold"].isna().all()
    assert climate.month_matrix(Scope(), "et0_mm").figures.empty
    assert climate.monthly_pattern(Scope(pooled=True))["days"].sum() == 0
    assert siar_csv(climate.days()).count("\n") == 1


def test_no_text_of_a_csv_file_is_a_formula(kept):
    days = (
        kept.days().head(4).assign(source=["=1+1", "-2", "@x", "file:=1.csv"], wind_max_time=[None, "+1", "\t", "9:00"])
    )
    rows = [line.split(",") for line in siar_csv(days).splitlines()]
    assert [line[-1] for line in rows[1:]] == ["'=1+1", "'-2", "'@x", "file:=1.csv"]
    place = rows[0].index("wind_max_time")
    assert [line[place] for line in rows[1:]] == ["", "'+1", "'\t", "9:00"]
