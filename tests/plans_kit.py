"""The whole application on simulated prices at a moment that stands, for tests of what plans look like outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import Settings
from chocofactory.domain.measurements import PVPC
from tests.plant_kit import default_text

NOW = datetime(2025, 3, 27, 10, 30, tzinfo=MADRID)
"""A Thursday; on Sunday the clock is put forward. Tomorrow's prices are not out."""


def at_work(folder: Path, now: datetime = NOW, *, plant: Path | None = None, prices: bool = True):
    """All services in demo mode, with three weeks of prices; close them when done."""
    settings = Settings(_env_file=None, mode="demo", data_dir=folder, log_level="ERROR", plant_file=plant)
    factory = bootstrap.build(settings, clock=StoppedClock(now))
    if prices:
        factory.ingestion.ingest(PVPC, now.date() - timedelta(days=21), now.date())
    return factory


def plant_of_every_day(folder: Path) -> Path:
    """The default plant with one shift that never ends: somebody is there on Sundays, too."""
    head, rest = default_text().split("[[shifts]]", 1)
    shift = '[[shifts]]\nname = "T"\nfrom = "00:00"\nuntil = "24:00"\n'
    text = f'{head}{shift}days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\n\n[calendar]'
    path = folder / "always.toml"
    path.write_text(text + rest.split("[calendar]", 1)[1], encoding="utf-8")
    return path


def events(octets):
    """Events of an iCalendar, read by hand as RFC 5545 has it."""
    assert octets.endswith(b"END:VCALENDAR\r\n")
    lines = octets.split(b"\r\n")[:-1]
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    text = octets.decode().replace("\r\n ", "").split("\r\n")[:-1]
    assert (text[0], text[1]) == ("BEGIN:VCALENDAR", "VERSION:2.0")
    found = []
    for line in text:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and name in {"UID", "SUMMARY", "DTSTAMP", "DTSTART", "DTEND", "DESCRIPTION"}:
            found[-1][name] = value.replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")
    return found


def utc(stamp):
    """The moment of an iCalendar's stamp."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")
