"""Looking at tasks of the schedule in tests, whatever their time is."""

from __future__ import annotations

PRICES = ("prices_today", "spot_tomorrow", "pvpc_tomorrow")
DATA = (*PRICES, "weather", "weather_forecast", "weather_checked", "generation", "weather_history")
AHEAD = ("forecast", "training", "plan_next_days", "plan_of_the_day")


def catch_up(factory, *, wait=False):
    """Look once at every task that brings data in; what came of each."""
    return look(factory, *DATA, wait=wait)


def foresee(factory, *, wait=False):
    """Look once at every task that looks ahead; what came of each."""
    return look(factory, *AHEAD, wait=wait)


def look(factory, *names, wait=True):
    """Look once at these tasks, as far as there are such."""
    return {name: factory.schedule.look(name, wait=wait) for name in names if name in factory.schedule.tasks}
