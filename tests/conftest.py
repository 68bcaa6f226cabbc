"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data; tests that need it skip, saying so, where it is absent."""
    folder = Path(os.environ.get("CHOCO_TEST_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"no folder of real data at {folder} (set CHOCO_TEST_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the caller's ``CHOCO_`` variables nor a ``.env`` file."""
    for name in list(os.environ):
        if name.startswith("CHOCO_") and not name.startswith("CHOCO_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.getbasetemp())
