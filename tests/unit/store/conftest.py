import pytest

from chocofactory.store.database import Database
from tests.database_kit import FIRST, MARK


@pytest.fixture
def opened():
    made = []

    def make(path, migrations=(FIRST,), mark=MARK):
        made.append(Database(path, migrations, application_id=mark))
        return made[-1]

    yield make
    for each in made:
        each.close()
