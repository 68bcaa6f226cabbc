"""Plants for tests."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from chocofactory.domain.plant import Plant
from chocofactory.domain.plant_file import parse_plant


def default_text() -> str:
    """The default plant, as it is packaged."""
    return files("chocofactory").joinpath("plant.toml").read_text(encoding="utf-8")


@cache
def default_plant() -> Plant:
    """The default plant."""
    return parse_plant(default_text(), "plant.toml")
