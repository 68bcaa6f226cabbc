import contextlib

import pytest

from chocofactory.core.clock import StoppedClock
from chocofactory.store.database import Database
from chocofactory.store.outage import LONGEST_PAUSE_S
from tests.contract_kit import NOW
from tests.database_kit import FIRST, MARK
from tests.influx_kit import Player, store_at
from tests.loopback import Loopback, Waits


@pytest.fixture
def opened():
    made = []

    def make(path, migrations=(FIRST,), mark=MARK):
        made.append(Database(path, migrations, application_id=mark))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def player():
    return Player()


@pytest.fixture
def loopback(player):
    with Loopback(player) as server:
        yield server


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def store(loopback, tmp_path, waits, clock):
    with contextlib.closing(store_at(loopback.url, tmp_path, waits, clock=clock)) as opened:
        yield opened


@pytest.fixture
def comes_back(player, waits):
    """The server goes away when this is called with a reply, and comes back when called without one."""

    def switch(reply=None):
        player.away = reply
        waits.slept.append(LONGEST_PAUSE_S)

    return switch
