"""The command line, for tests that use it."""

import logging
import os
import sys
from dataclasses import dataclass

import pytest
import structlog

from chocofactory import cli


@dataclass
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def choco(tmp_path, monkeypatch, capsys):
    """The command line in this process, which spares its start; ``environment`` is for those that need their own."""
    settings = {"CHOCO_DATA_DIR": str(tmp_path / "var"), "CHOCO_LOG_LEVEL": "ERROR"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments, expect=0, **more):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["chocofactory", *map(str, arguments)])
            for name, value in more.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == expect, err + out
        return Done(out, err)

    run.environment = {**os.environ, **settings}
    yield run
    logging.getLogger().handlers[:] = []
    structlog.reset_defaults()
