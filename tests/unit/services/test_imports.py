from datetime import UTC, datetime, timedelta

import pytest

from chocofactory.core.errors import InvalidInput, JobBusy
from chocofactory.services import imports
from chocofactory.services.imports import import_uploads, save_upload, sweep_uploads
from chocofactory.services.jobs import JobKind, Outcome

FILE = b"timestamp_utc,price_eur_kwh\n2025-03-01T00:00:00Z,0.1\n"


def left_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("prices.csv", "prices.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\\\x\\precios de mayo.csv", "precios_de_mayo.csv"),
        ("año.csv", "año.csv"),
        (".hidden", "hidden"),
        ("...", "upload.csv"),
        ("a\x00b.csv", "a_b.csv"),
        ("\udcff.csv", "_.csv"),
        ("x" * 300 + ".csv", "x" * 76 + ".csv"),
    ],
    ids=["plain", "unix path", "windows path", "accent", "hidden", "dots", "nul", "no text", "long"],
)
def test_an_upload_stays_in_its_folder_under_a_harmless_name(tmp_path, given, kept):
    path = save_upload(tmp_path, given, FILE)
    assert path.name == kept
    assert path.resolve().is_relative_to(tmp_path)
    assert path.read_bytes() == FILE


def test_an_empty_or_huge_upload_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "LARGEST_UPLOAD_BYTES", 10)
    for content in (b"", b"x" * 11):
        with pytest.raises(InvalidInput):
            save_upload(tmp_path, "a.csv", content)
    assert left_in(tmp_path) == []


def test_nothing_is_left_of_uploads_whose_run_cannot_start(factory, tmp_path):
    factory.jobs.register([JobKind("import_prices", lambda params, report: Outcome({}), heavy=False)])
    busy = factory.jobs._create("import_prices", {}, "cli")
    with pytest.raises(JobBusy) as caught:
        import_uploads(factory.jobs, tmp_path / "up", "import_prices", [("a.csv", FILE)], "dashboard")
    assert caught.value.run_id == busy.id
    with pytest.raises(InvalidInput):
        import_uploads(factory.jobs, tmp_path / "up", "import_prices", [("a.csv", FILE), ("b.csv", b"")], "dashboard")
    assert left_in(tmp_path / "up") == []


def test_an_upload_is_imported_and_removed(factory, tmp_path):
    path = save_upload(tmp_path / "up", "a.csv", FILE)
    run = factory.jobs.run("import_prices", {"files": [str(path)], "remove": True}, "dashboard")
    assert (run.state, run.result["files"][0]["new"]) == ("succeeded", 1)
    assert left_in(tmp_path / "up") == []


def test_uploads_left_behind_are_swept_after_a_day(tmp_path):
    save_upload(tmp_path, "a.csv", FILE)
    sweep_uploads(tmp_path, datetime.now(UTC))
    assert len(left_in(tmp_path)) == 1
    sweep_uploads(tmp_path, datetime.now(UTC) + timedelta(days=2))
    assert left_in(tmp_path) == []
