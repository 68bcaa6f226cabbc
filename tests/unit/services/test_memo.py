import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chocofactory.services.memo import Memo


class Counted:
    """As much of a store as the memory asks for."""

    def __init__(self):
        self.number = 1

    def revision(self):
        return self.number


@pytest.fixture
def store():
    return Counted()


def test_a_result_is_made_once_for_each_key_and_revision(store):
    memo, made = Memo(store), []

    def ask(key):
        return memo.get(key, lambda: made.append(key) or len(made))

    assert [ask("a"), ask("a"), ask("b"), ask("a")] == [1, 1, 2, 1]
    store.number += 1
    assert [ask("a"), ask("a"), ask("b")] == [3, 3, 4]


def test_none_is_a_result_too(store):
    memo, made = Memo(store), []
    for _ in range(2):
        assert memo.get("a", lambda: made.append(1)) is None
    assert len(made) == 1


def test_many_who_ask_at_once_wait_for_the_first(store):
    memo, made = Memo(store), []
    begun, go_on = threading.Event(), threading.Event()

    def build():
        made.append(threading.get_ident())
        begun.set()
        assert go_on.wait(30)
        return object()

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(memo.get, "a", build)
        assert begun.wait(30)
        others = [pool.submit(memo.get, "a", build) for _ in range(3)]
        assert memo.get("b", lambda: "not held up") == "not held up"
        go_on.set()
        assert {id(other.result()) for other in others} == {id(first.result())}
    assert len(made) == 1


def test_a_failure_is_not_remembered(store):
    memo = Memo(store)
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 / 0)
    assert memo.get("a", lambda: "made") == "made"


def test_results_may_be_made_from_others(store):
    memo = Memo(store)
    assert memo.get("double", lambda: 2 * memo.get("single", lambda: 21)) == 42


def test_the_oldest_unused_result_is_forgotten_first(store):
    memo, made = Memo(store, size=2), []
    for key in "abacab":
        memo.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]
