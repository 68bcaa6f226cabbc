from datetime import UTC, datetime, timedelta

import pytest

from chocofactory.core.clock import StoppedClock
from chocofactory.core.errors import KeyRefused, NotPublished, SourceDown
from chocofactory.services.sources import SourceLog, most_telling
from chocofactory.store.state import StateStore

DOWN = SourceDown("{source} is down.", source="ree")
NOTHING = NotPublished("{source} has nothing.", source="esios")


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 9, 30, tzinfo=UTC))


@pytest.fixture
def state(tmp_path):
    store = StateStore(tmp_path / "state.db")
    yield store
    store.close()


def test_a_call_that_ends_well_is_noted(state, clock):
    SourceLog(state, clock).answered("ree")
    (record,) = state.source_states()
    assert (record.name, record.last_success_at, record.failures) == ("ree", clock.now(), 0)


def test_a_call_that_fails_is_noted_with_its_error(state, clock):
    log = SourceLog(state, clock)
    for _ in range(2):
        log.failed("ree", DOWN)
    (record,) = state.source_states()
    assert (record.failures, record.last_error_at, record.last_error["code"]) == (2, clock.now(), "source-down")
    clock.at += timedelta(minutes=10)
    log.answered("ree")
    assert state.source_states()[0].failures == 0


def test_not_published_is_an_answer(state, clock):
    SourceLog(state, clock).failed("ree", NOTHING)
    assert (state.source_states()[0].failures, state.source_states()[0].last_success_at) == (0, clock.now())


def test_the_error_that_tells_most_is_the_first_that_is_not_mere_absence():
    refused = KeyRefused("{source} refused our key.", source="aemet")
    assert most_telling([NOTHING, DOWN, refused]) is DOWN
    assert most_telling([NOTHING]) is NOTHING
