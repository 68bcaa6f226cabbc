"""How long 25 years of SIAR days take: from 27 files into an empty store, again, and out of it as answers.

``pytest tests/bench/bench_siar.py -o python_files='bench_*.py' -o addopts='' --benchmark-columns=min,median,max``
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from chocofactory import bootstrap
from chocofactory.core.config import Settings
from chocofactory.services.climate import Climate, Scope
from chocofactory.services.exports import siar_csv
from chocofactory.services.siar import ETL, siar_files
from chocofactory.sources.siar import read_siar

pytestmark = pytest.mark.realdata

ROUNDS = 5
DAYS = 8931
PROGRAM = str(Path(sys.executable).parent / "chocofactory")
POOLED = Scope(pooled=True)


@pytest.fixture(scope="module")
def files(data_dir):
    return [str(path) for path in siar_files([data_dir / "weather" / "siar_linares"])]


@pytest.fixture(scope="module")
def factory(files, tmp_path_factory):
    built = bootstrap.build(Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("siar"), log_level="ERROR"))
    assert built.jobs.run(ETL, {"files": files}, "bench").state == "succeeded"
    yield built
    built.close()


def test_read_all_files(benchmark, files):
    assert sum(found.kept for found in benchmark(lambda: [read_siar(path) for path in files])) == DAYS


def test_bring_all_files_into_an_empty_store(benchmark, files, tmp_path):
    numbers, made = count(), []

    def fresh():
        made.append(bootstrap.build(Settings(_env_file=None, data_dir=tmp_path / str(next(numbers)))))
        return (made[-1],), {}

    run = benchmark.pedantic(lambda one: one.jobs.run(ETL, {"files": files}, "bench"), setup=fresh, rounds=ROUNDS)
    assert run.result["totals"]["new"] == DAYS
    for each in made:
        each.close()


def test_bring_all_files_in_again(benchmark, files, factory):
    run = benchmark.pedantic(lambda: factory.jobs.run(ETL, {"files": files}, "bench"), rounds=ROUNDS)
    assert run.result["totals"]["unchanged"] == DAYS


def test_the_whole_command(benchmark, data_dir, tmp_path):
    numbers = count()

    def command():
        environment = {**os.environ, "CHOCO_DATA_DIR": str(tmp_path / str(next(numbers))), "CHOCO_LOG_LEVEL": "ERROR"}
        asked = [PROGRAM, "etl", "siar", str(data_dir / "weather" / "siar_linares")]
        return subprocess.run(asked, env=environment, check=True, capture_output=True, cwd=tmp_path)

    benchmark.pedantic(command, rounds=ROUNDS, warmup_rounds=1)


def test_read_all_days(benchmark, factory):
    assert len(benchmark(lambda: Climate(factory._store).days())) == DAYS


@pytest.mark.parametrize("question", ["seasons", "thresholds", "hot_days", "monthly_pattern", "day_of_year"])
def test_first_answer(benchmark, factory, question):
    def anew():
        made = Climate(factory._store)
        made.basis(POOLED)
        return (made,), {}

    benchmark.pedantic(lambda made: getattr(made, question)(POOLED), setup=anew, rounds=20)


def test_all_days_as_csv(benchmark, factory):
    days = factory.climate.days()
    assert benchmark(siar_csv, days).count("\n") == DAYS + 1
