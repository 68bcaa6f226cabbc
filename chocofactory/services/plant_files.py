"""The plant file of this installation, or the default plant that comes with the program."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from chocofactory.core.errors import PlantInvalid
from chocofactory.domain.plant_file import parse_plant

if TYPE_CHECKING:
    from pathlib import Path

    from chocofactory.domain.plant import Plant


def load_plant(path: Path | None) -> Plant:
    """The plant of a TOML file; None: the default plant.

    Raises
    ------
    PlantInvalid
        The file cannot be read, or as ``parse_plant``.

    """
    if path is None:
        return parse_plant(files("chocofactory").joinpath("plant.toml").read_text(encoding="utf-8"), "plant.toml")
    try:
        return parse_plant(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise PlantInvalid("{name} cannot be read: {reason}", name=str(path), reason=error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise PlantInvalid("{name} cannot be read: {reason}", name=str(path), reason="it is not UTF-8") from error
