"""Pages while the server of the series store is away: they say so, and show what can be known without it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chocofactory.domain.measurements import WEATHER_OBSERVATION, Series
from tests.fakes import hourly_weather


@pytest.fixture(scope="module")
def away(serve):
    """A real site whose InfluxDB nobody answers for; three observed hours wait for it."""
    nowhere = "http://127.0.0.1:9"
    site = serve(mode="live", catch_up_days=0, influx_url=nowhere, influx_token="made-up", ree_url=nowhere)
    now = site.factory.clock.now()
    hours = hourly_weather(now.replace(minute=0, second=0, microsecond=0), {"temperature_c": [1, 2, 3]})
    series = Series(WEATHER_OBSERVATION, {"provider": "aemet", "station": "5279X"})
    counts = site.factory._store.write(series, hours, source="aemet", written_at=now - timedelta(minutes=5))
    assert counts.queued == 3
    return site


@pytest.mark.parametrize("path", ["/", "/prices", "/production", "/forecast", "/model-health", "/climate"])
def test_a_page_of_data_says_that_the_store_does_not_answer_and_offers_to_try_again(page, away, path):
    shown = page(path, at=away, lang="en")
    assert "InfluxDB at http://127.0.0.1:9 does not answer" in shown.one("#main [role=alert]").text
    assert shown.one("#main [role=alert] a").text == "Try again"
    assert shown.all(".choco-toast") == []
    assert shown.texts("#status .status-text") == ["The store does not answer: what is shown may be old."]
    shown.assert_clean()


def test_the_page_of_data_shows_what_waits_and_which_sources_answer(page, away):
    shown = page("/data", at=away, lang="en")
    cards = shown.texts("#data-sources .source")
    assert "3 rows wait" in cards[0]
    assert any(card.startswith("REE") for card in cards)
    assert "does not answer" in shown.one("#data-gaps").text
    assert not shown.one("#data-shown").is_displayed()
    shown.assert_clean()
