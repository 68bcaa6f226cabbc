"""Small members and a roll for the registry of models; importable by a fresh interpreter, too."""

from __future__ import annotations

import json

import numpy as np

FIRST = "20261125T030405Z-3f9a2c"
SECOND = "20261126T030405Z-000000"
THIRD = "20261127T030405Z-ffffff"


class Arrays:
    """A member that keeps arrays and numbers in files of its own, one of them in a folder."""

    name = "arrays"

    def __init__(self, seed=0):
        self.weights = np.random.default_rng(seed).normal(size=(3, 5))
        self.levels = {"slope": seed / 3, "label": "€/kWh"}

    def save(self, folder):
        np.savez(folder / "weights.npz", weights=self.weights)
        (folder / "more").mkdir()
        (folder / "more" / "levels.json").write_text(json.dumps(self.levels), encoding="utf-8")

    @classmethod
    def load(cls, folder):
        member = cls()
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            member.weights = file["weights"]
        member.levels = json.loads((folder / "more" / "levels.json").read_text(encoding="utf-8"))
        return member

    def __eq__(self, other):
        return np.array_equal(self.weights, other.weights) and self.levels == other.levels

    __hash__ = None


class Nothing:
    """A member that has learnt nothing and writes no file."""

    name = "nothing"

    def save(self, folder):
        assert not list(folder.iterdir())

    @classmethod
    def load(cls, folder):
        assert folder.is_dir()
        return cls()


class Record:
    """A roll: some arrays in a file."""

    def __init__(self, points):
        self.points = np.asarray(points, dtype=float)

    def save(self, path):
        with path.open("wb") as file:
            np.savez_compressed(file, points=self.points)

    @classmethod
    def load(cls, path):
        with np.load(path, allow_pickle=False) as file:
            return cls(file["points"])


MAKERS = {"arrays": Arrays, "nothing": Nothing}
META = {"hours": 24, "parameters": {"windows": [56, 84]}, "report": [{"mae_eur_kwh": 0.0213}]}


def keep(registry, version, seed=0):
    """Write a version whose content follows from ``seed``."""
    members = {"nothing": Nothing(), "arrays": Arrays(seed)}
    registry.write(version, {**META, "seed": seed}, members, Record([seed, seed + 1]))


def content(registry, version):
    """The seed that a whole version was written with; fails when it is not whole."""
    registry.verify(version)
    members, roll = registry.load(version, MAKERS, Record.load)
    seed = registry.read(version).meta["seed"]
    assert list(members) == ["nothing", "arrays"]
    assert members["arrays"] == Arrays(seed)
    assert roll.points.tolist() == [seed, seed + 1]
    return seed


def hidden(registry):
    return sorted(path.name for path in registry.folder.glob(".*"))
