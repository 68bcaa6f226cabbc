from datetime import datetime

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from tests.fakes import FakeSource


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 12, 10, 30, tzinfo=MADRID))


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def second():
    return FakeSource("esios")


@pytest.fixture
def factory(tmp_path, clock, source, second):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[source, second])
    yield built
    built.close()
