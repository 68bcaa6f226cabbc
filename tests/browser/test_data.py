"""The page of data as people meet it, with sources that answer, hang and fail on demand."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from selenium.webdriver.support.select import Select

from tests.loopback import Loopback, ReePlayer
from tests.price_samples import whole_days
from tests.siar_files import as_siar, blank
from tests.siar_files import row as day

SLOWLY_S = 30.0


class Player(ReePlayer):
    """Plays REE and ESIOS; answers wait while ``open`` is not set."""

    def __init__(self, *prices, **more):
        super().__init__(*prices, **more)
        self.open = threading.Event()
        self.open.set()

    def __call__(self, request):
        self.open.wait(SLOWLY_S)
        return super().__call__(request)


@pytest.fixture(scope="module")
def played(serve):
    """A real site and the player of its sources; nothing is fetched but what a test asks for."""
    days = (date(2025, 10, 1), date(2025, 12, 1))
    player = Player(whole_days(*days), whole_days(*days, seed=8))
    with Loopback(player) as sources:
        quick = {"http_attempts": 1, "http_backoff_s": 0, "http_pause_s": 0, "catch_up_days": 0}
        yield serve(mode="live", ree_url=sources.url, esios_url=sources.url, **quick), player
        player.open.set()


@pytest.fixture
def site_and_player(played):
    yield played
    played[1].open.set()
    played[1].outage = False


@pytest.mark.parametrize(("theme", "lang"), [("light", "es"), ("dark", "en")])
def test_the_page_of_data_is_clean(page, theme, lang):
    shown = page("/data", theme=theme, lang=lang, width=390)
    assert shown.one("h1").text == {"es": "Datos", "en": "Data"}[lang]
    shown.assert_clean_at_every_width(f"data-{theme}-{lang}")


def test_a_run_shows_its_progress_and_its_result_and_holds_the_buttons_meanwhile(page, site_and_player):
    site, player = site_and_player
    player.open.clear()
    shown = page("/data", at=site, lang="es")
    assert not shown.one("#data-shown").is_displayed()
    assert "Esta serie aún está vacía" in shown.one("#data-gaps").text
    shown.one("#data-fetch").click()
    shown.until(lambda: shown.all("#data-progress progress"))
    shown.until(lambda: not shown.one("#data-fetch").is_enabled() and not shown.one("#data-fill").is_enabled())
    assert shown.one("#data-progress progress").get_attribute("aria-label") == "Traer precios"
    assert ["Traer precios", "en marcha"] in [row[:2] for row in _runs(shown)]
    assert shown.violations() == []
    player.open.set()
    _wait_for_the_end(shown)
    assert "hecho" in shown.one("#data-progress .state").text
    assert "48 horas nuevas" in shown.one("#data-progress").text
    assert ["Traer precios", "hecho"] in [row[:2] for row in _runs(shown)]
    assert _complete_days(shown) == ["2025-11-30", "2025-12-01"]
    assert [row["source"] for row in site.prices("2025-12-01")] == ["ree"] * 24
    assert shown.one("#data-sources .state-ok").text == "responde"
    shown.assert_clean()


def test_a_run_that_is_under_way_already_is_shown_instead_of_a_second_one(page, site_and_player):
    site, player = site_and_player
    shown = page("/data", at=site, lang="es")
    shown.until(lambda: shown.one("#data-fill").is_enabled())
    player.open.clear()
    days = {"first": "2025-11-01", "last": "2025-11-02"}
    other = site.factory.jobs.start("ingest_prices", days, "scheduler")
    before = len(site.factory.jobs.recent())
    _fill(shown, "2025-11-03", "2025-11-04")
    shown.until(lambda: shown.all("#data-progress progress"))
    assert other.id in shown.one("#data-progress .job").get_attribute("id")
    assert shown.texts(".choco-toast span") == ["Ya está en marcha: se muestra su avance."]
    player.open.set()
    _wait_for_the_end(shown)
    assert len(site.factory.jobs.recent()) == before
    assert len(site.prices("2025-11-01", "2025-11-02")) == 48
    assert site.prices("2025-11-03") == []


def test_a_range_is_filled_from_the_link_that_names_it(page, site_and_player):
    site, _player = site_and_player
    shown = page("/data?first=2025-10-25&last=2025-10-27", at=site, lang="es")
    assert site.prices("2025-10-25", "2025-10-27") == []
    shown.one("#data-fill").click()
    shown.until(lambda: [row[1] for row in _runs(shown)][:1] == ["hecho"] and "73" in shown.one("#data-progress").text)
    _wait_for_the_end(shown)
    grid = whole_days(date(2025, 10, 1), date(2025, 12, 1))["2025-10-24T22:00Z":"2025-10-27T22:59Z"]
    assert [row["price_eur_kwh"] for row in site.prices("2025-10-25", "2025-10-27")] == grid.tolist()
    assert set(_complete_days(shown)) >= {"2025-10-25", "2025-10-26", "2025-10-27"}
    spot = "market=spot_es"
    option = next(o for o in shown.all("#data-series option") if spot in o.get_attribute("value"))
    Select(shown.one("#data-series")).select_by_value(option.get_attribute("value"))
    shown.settle()
    assert set(_complete_days(shown)) >= {"2025-10-25", "2025-10-26", "2025-10-27"}
    assert len(site.prices("2025-10-26", market="spot_es")) == 25


def test_a_range_that_makes_no_sense_is_refused_in_words(page, site_and_player):
    site, _player = site_and_player
    shown = page("/data", at=site, lang="es")
    before = len(site.factory.jobs.recent())
    _fill(shown, "2025-11-10", "2025-11-09")
    shown.until(lambda: shown.all(".choco-toast-error"))
    assert shown.texts(".choco-toast-error span") == ["El final 9 nov 2025 es anterior al comienzo 10 nov 2025."]
    assert len(site.factory.jobs.recent()) == before


def test_a_source_that_fails_is_said_with_the_reason_until_it_answers_again(page, site_and_player):
    site, player = site_and_player
    shown = page("/data", at=site, lang="es")
    player.outage = True
    _fill(shown, "2025-11-20", "2025-11-20")
    shown.until(lambda: shown.all("#data-sources .state-failing"))
    _wait_for_the_end(shown)
    card = shown.one("#data-sources .source").text
    assert card.startswith("REE\nno responde")
    assert "HTTP 503" in card
    assert shown.all("#data-progress .state-failed")
    assert "HTTP 503" in shown.one("#data-progress [role=alert]").text
    shown.assert_clean()
    shown.screenshot("data-outage")
    player.outage = False
    shown.one("#data-fill").click()
    shown.until(lambda: shown.one("#data-sources .source .state").text == "responde")
    _wait_for_the_end(shown)
    assert "HTTP 503" not in shown.one("#data-sources .source").text
    assert len(site.prices("2025-11-20")) == 24


def test_a_file_is_imported_and_what_came_of_it_is_told(page, site_and_player, tmp_path):
    site, _player = site_and_player
    prices = whole_days(date(2024, 3, 30), date(2024, 4, 1))
    file = tmp_path / "precios 2024.csv"
    lines = [f"{moment:%Y-%m-%dT%H:%M:%SZ},{price}" for moment, price in prices.items()]
    file.write_text("\n".join(["timestamp_utc,price_eur_kwh", *lines]), encoding="utf-8")
    shown = page("/data", at=site, lang="es")
    shown.one("#data-upload input[type=file]").send_keys(str(file))
    shown.until(lambda: "precios_2024.csv: 71 precios, 71 nuevos" in shown.one("#data-progress").text)
    _wait_for_the_end(shown)
    assert _runs(shown)[0][:2] == ["Importar precios", "hecho"]
    rows = site.prices("2024-03-30", "2024-04-01")
    assert [row["price_eur_kwh"] for row in rows] == prices.tolist()
    assert {row["source"] for row in rows} == {"file:precios_2024.csv"}
    assert set(_complete_days(shown)) >= {"2024-03-30", "2024-03-31", "2024-04-01"}
    assert list(site.factory.uploads.rglob("*.csv")) == []


def test_siar_and_generation_files_are_imported_by_their_own_buttons(page, site_and_player, tmp_path):
    site, _player = site_and_player
    shown = page("/data", at=site, lang="es")
    siar = tmp_path / "J17_Linares.csv"
    siar.write_bytes(as_siar(day(date(2025, 3, 10)), day(date(2025, 3, 11)), blank(date(2025, 3, 12))))
    shown.one("#data-upload-siar input[type=file]").send_keys(str(siar))
    shown.until(
        lambda: "J17_Linares.csv: 3 días, 2 nuevos, 0 cambiados; 1 en blanco" in shown.one("#data-progress").text
    )
    _wait_for_the_end(shown)
    assert _runs(shown)[0][1] == "hecho"
    (station,) = site.factory.climate.stations()
    assert (station.name, station.days) == ("23/9", 2)
    gas = tmp_path / "ciclos.csv"
    rows = [
        "2025-03-10,2025-03-10T00:00:00.000+01:00,203913.776,0.268",
        "2025-03-11,2025-03-11T00:00:00.000+01:00,1,0.1",
    ]
    gas.write_text("\n".join(["date,datetime,gas_gen_mwh,gas_gen_percentage", *rows]), encoding="utf-8")
    shown.one("#data-upload-generation input[type=file]").send_keys(str(gas))
    shown.until(lambda: "ciclos.csv: 2 valores, 2 nuevos" in shown.one("#data-progress").text)
    _wait_for_the_end(shown)
    frame = site.factory.generation.frame(date(2025, 3, 10), date(2025, 3, 11), "combined_cycle")
    assert frame["energy_mwh"].tolist() == [203913.776, 1]
    shown = page("/data", at=site, lang="es")
    series = shown.texts("#data-series option")
    assert "Estación SIAR 23/9, por días" in series
    assert "Generación, ciclo combinado, España, por días" in series


def test_a_file_that_holds_no_prices_is_refused_in_words(page, site_and_player, tmp_path):
    site, _player = site_and_player
    file = tmp_path / "receta.csv"
    file.write_text("ingrediente;gramos\nazúcar;500\n", encoding="utf-8")
    shown = page("/data", at=site, lang="es")
    shown.one("#data-upload input[type=file]").send_keys(str(file))
    shown.until(lambda: shown.all("#data-progress [role=alert]"))
    told = shown.one("#data-progress [role=alert]").text
    assert told.startswith("receta.csv no tiene ninguna de las cabeceras conocidas: timestamp_utc,price_eur_kwh;")
    assert "{" not in told
    _wait_for_the_end(shown)
    assert shown.all("#data-progress .state-failed")
    shown.assert_clean()


def _fill(shown, first, last):
    shown.put("#data-first", first)
    shown.put("#data-last", last)
    shown.until(lambda: [_state(shown, f"data-{end}") for end in ("first", "last")] == [first, last])
    shown.one("#data-fill").click()


def _wait_for_the_end(shown):
    shown.until(lambda: not shown.all("#data-progress progress") and shown.one("#data-fetch").is_enabled())
    shown.settle()


def _runs(shown):
    return shown.rows("#data-recent")


def _complete_days(shown):
    name = "return document.getElementById('data-coverage').querySelector('.js-plotly-plot')"
    whole = f"{name}.data.find((trace) => /^complet/.test(trace.name)).customdata.map((day) => day[0])"
    return shown.js(whole)


def _state(shown, name):
    return shown.js(
        "const s = window.store.getState(); const at = s.paths.strs[arguments[0]];"
        "return at.reduce((node, key) => node[key], s.layout).props.value",
        name,
    )
