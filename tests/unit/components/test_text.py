"""Words and numbers in the reader's language, and catalogs that keep step with the code."""

# ruff: noqa: RUF001 - ranges are written with a real dash

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import flask
import pytest

from chocofactory.core.errors import JobBusy
from components import catalogs, names, text

NOON = datetime(2025, 12, 1, 12, 5, tzinfo=UTC)


@pytest.fixture(params=["es", "en"])
def tongue(request):
    with text.speaking(request.param):
        yield request.param


def said(tongue, spanish, english):
    return spanish if tongue == "es" else english


def test_prices_have_three_decimals_and_their_unit(tongue):
    assert text.price(0.1423) == said(tongue, "0,142 €/kWh", "0.142 €/kWh")
    assert text.price(-0.0004) == said(tongue, "0,000 €/kWh", "0.000 €/kWh")
    assert text.price(-0.05, 2) == said(tongue, "-0,05 €/kWh", "-0.05 €/kWh")


def test_thousands_are_marked(tongue):
    assert text.number(12345.67, 1) == said(tongue, "12.345,7", "12,345.7")
    assert text.quantity(1250, "kWh") == said(tongue, "1.250 kWh", "1,250 kWh")
    assert text.percent(0.1234, 1) == said(tongue, "12,3 %", "12.3 %")


@pytest.mark.parametrize("form", [text.number, text.price, text.percent])
@pytest.mark.parametrize("missing", [None, float("nan")])
def test_what_is_missing_is_a_dash_and_never_a_number(form, missing):
    assert form(missing) == "–"


def test_moments_are_on_the_wall_of_madrid(tongue):
    assert text.time(NOON) == "13:05"
    assert text.time(NOON, zone=True) == "13:05 CET"
    assert text.moment(NOON) == said(tongue, "1 dic 2025, 13:05", "1 Dec 2025, 13:05")


def test_a_moment_before_local_midnight_belongs_to_the_local_day(tongue):
    assert text.moment(datetime(2025, 7, 1, 22, 30, tzinfo=UTC)) == said(
        tongue, "2 jul 2025, 00:30", "2 Jul 2025, 00:30"
    )


def test_hours_name_their_zone_only_where_an_hour_comes_twice():
    midnight = datetime(2025, 10, 25, 22, tzinfo=UTC)
    spans = [text.hours(midnight + timedelta(hours=h), midnight + timedelta(hours=h + 1)) for h in range(5)]
    assert spans == [
        "00:00–01:00",
        "01:00 CEST–02:00 CEST",
        "02:00 CEST–02:00 CET",
        "02:00 CET–03:00 CET",
        "03:00–04:00",
    ]


def test_days_carry_their_weekday(tongue):
    day = date(2025, 12, 1)
    assert text.day(day) == said(tongue, "lunes, 1 de diciembre", "Monday 1 December")
    assert text.day(day, "short") == said(tongue, "lun 1 dic", "Mon 1 Dec")
    assert text.day(day, "full") == said(tongue, "lunes, 1 de diciembre de 2025", "Monday 1 December 2025")


def test_a_range_says_shared_parts_once(tongue):
    first, last = date(2025, 12, 1), date(2025, 12, 7)
    assert text.date_range(first, last) == said(tongue, "1–7 dic 2025", "1–7 Dec 2025")
    assert text.date_range(first, first) == said(tongue, "1 dic 2025", "1 Dec 2025")


@pytest.mark.parametrize(
    ("age", "spanish", "english"),
    [
        (timedelta(seconds=59), "ahora mismo", "just now"),
        (timedelta(minutes=12), "hace 12 minutos", "12 minutes ago"),
        (timedelta(hours=3), "hace 3 horas", "3 hours ago"),
        (timedelta(days=2), "hace 2 días", "2 days ago"),
        (timedelta(hours=-2), "dentro de 2 horas", "in 2 hours"),
    ],
)
def test_ages_are_told_in_words(tongue, age, spanish, english):
    assert text.ago(age) == said(tongue, spanish, english)


def test_errors_are_told_in_the_readers_language_and_logged_in_english(tongue):
    error = JobBusy("{kind} is under way already (run {run_id}).", kind="ingest", run_id="ab12")
    assert names.told(error.message, error.fields) == said(
        tongue, "ingest ya está en marcha (ejecución ab12).", "ingest is under way already (run ab12)."
    )
    assert str(error) == "ingest is under way already (run ab12)."


def test_fields_are_written_as_people_write_them(tongue):
    fields = {"source": "esios_archive", "market": "spot", "rows": 9625, "share": 0.5, "day": "2025-12-01"}
    told = names.told("{source}|{market}|{rows}|{share}|{day}", fields)
    spanish = "ESIOS, archivo público|spot|9.625|0,5|1 dic 2025"
    assert told == said(tongue, spanish, "ESIOS, public archive|spot|9,625|0.5|1 Dec 2025")


def test_names_and_quoted_values_stay_as_they_are(tongue):
    fields = {"file": "2025-12-01", "value": "2025-12-01", "run_id": "1234"}
    assert names.told("{file} {value} {run_id}", fields) == "2025-12-01 2025-12-01 1234"


def test_the_code_of_a_system_error_stays_out_of_sight(tongue):
    assert names.told("({reason})", {"reason": "[Errno -2] Name or service not known"}) == "(Name or service not known)"


def test_a_time_that_comes_twice_names_its_zone(tongue):
    first, second = (datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert [text.clock(first), text.clock(second)] == ["02:30 CEST", "02:30 CET"]
    assert text.clock(second + timedelta(hours=1)) == "03:30"


def test_numbers_get_the_decimals_that_a_template_asks_for(tongue):
    fields = {"mae": 0.016, "coverage": 60.4, "share": 0.5}
    told = names.told("{mae:.4f}|{coverage:.0f}|{share}", fields)
    assert told == said(tongue, "0,0160|60|0,5", "0.0160|60|0.5")


def test_a_message_without_fields_may_hold_braces(tongue):
    assert text.gettext("Braces {as they are}") == "Braces {as they are}"


def test_one_and_many_differ(tongue):
    assert text.ngettext("{n} hour", "{n} hours", 1) == said(tongue, "1 hora", "1 hour")
    assert text.ngettext("{n} hour", "{n} hours", 1234) == said(tongue, "1.234 horas", "1,234 hours")


@pytest.mark.parametrize(
    ("default", "cookie", "expected"),
    [("es", None, "es"), ("en", None, "en"), ("en", "es", "es"), ("es", "en", "en"), ("en", "klingon", "en")],
)
def test_the_cookie_comes_before_the_default(default, cookie, expected):
    server = flask.Flask("test")
    server.config[text.DEFAULT_LANGUAGE_KEY] = default
    headers = {"Cookie": f"choco_lang={cookie}"} if cookie else {}
    with server.test_request_context("/", headers=headers):
        assert text.language() == expected
        with text.speaking("es"):
            assert text.language() == "es"
    with server.app_context():
        assert text.language() == default


def test_outside_of_everything_spanish_is_spoken():
    assert text.language() == "es"
    assert text.gettext("Try again") == "Volver a intentarlo"


@pytest.mark.parametrize("language", [name for name in text.LANGUAGES if name != "en"])
def test_the_catalog_says_all_that_the_code_says_and_no_more(language):
    assert catalogs.faults(catalogs.read(language), catalogs.template()) == []


def test_the_catalog_is_written_as_it_would_be_written_again(monkeypatch, tmp_path):
    path = tmp_path / "messages.po"
    kept = catalogs.path_of("es").read_bytes()
    path.write_bytes(kept)
    monkeypatch.setattr(catalogs, "path_of", lambda _language: path)
    catalogs.update("es")
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    ("string", "fault"),
    [("", "not translated"), ("hola {nombre}", "other placeholders"), ("hola", "other placeholders")],
)
def test_a_catalog_with_a_fault_is_refused(string, fault):
    wanted, catalog = catalogs.Catalog(), catalogs.Catalog(locale="es")
    wanted.add("hello {name}")
    catalog.add("hello {name}", string)
    assert [found.split(":")[0] for found in catalogs.faults(catalog, wanted)] == [fault]


def test_messages_that_came_or_went_are_reported():
    wanted, catalog = catalogs.Catalog(), catalogs.Catalog(locale="es")
    wanted.add("new")
    catalog.add("old", "viejo")
    assert [found.split(":")[0] for found in catalogs.faults(catalog, wanted)] == [
        "not in the code any more",
        "unknown to the catalog",
    ]
