"""What the processes of ``test_backtest_processes`` do: it must be importable by a fresh interpreter."""

from __future__ import annotations

import os
import threading
from functools import partial

from chocofactory.forecasting.backtest import roll
from tests.forecast_kit import made_up_history


class Endless:
    """A member that says which process fits it, and never comes to an end; the pipe stays open while it lives."""

    def __init__(self, pipe):
        self.pipe = os.open(pipe, os.O_WRONLY)

    def fit(self, _history):
        os.write(self.pipe, f"{os.getpid()}\n".encode())
        threading.Event().wait()


def roll_for_ever(pipe):
    history = made_up_history()
    make = {name: partial(Endless, pipe) for name in ("one", "other")}
    roll(make, history, history.origin, history.origin, workers=2)
