"""Backtests as a run: what is asked for is tried, on prices of the store, and written as a whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput, NotFound, StoreError
from chocofactory.domain.measurements import PVPC, SPOT, price_series
from chocofactory.forecasting import recipes
from chocofactory.services import backtests
from chocofactory.services.backtests import MODELS, Backtests, Question
from chocofactory.services.jobs import quiet
from tests.forecast_kit import Level, made_up_prices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chocofactory.bootstrap import Factory

FIRST, LAST = date(2024, 9, 1), date(2024, 9, 30)
FIRST_PRICE, LAST_PRICE = date(2024, 4, 1), date(2024, 10, 3)
PRICES = made_up_prices(FIRST_PRICE, LAST_PRICE)


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    """Half a year of prices that ended long ago."""
    clock = StoppedClock(datetime(2026, 2, 1, tzinfo=UTC))
    built = bootstrap.build(load_settings(data_dir=tmp_path / "var"), clock=clock, sources=[])
    for market, prices in ((PVPC, PRICES), (SPOT, (PRICES - 0.05) / 1.13)):
        frame = pd.DataFrame({"price_eur_kwh": prices})
        built._store.write(price_series(market), frame, source="ree", written_at=clock.now())
    yield built
    built.close()


def params(**more: object) -> dict[str, object]:
    return {"start": FIRST.isoformat(), "end": LAST.isoformat(), "models": ["naive", "from_spot"], **more}


def run(factory: Factory, **more: object) -> dict:
    return Backtests(factory.prices, workers=1).run(Question.of(params(**more)), quiet).result


def test_a_run_tries_models_and_writes_what_they_said_and_scored(factory: Factory, tmp_path: Path) -> None:
    scores, rows = tmp_path / "scores.json", tmp_path / "rows.csv"
    said: list[str] = []
    done = factory.jobs.run(
        "backtest",
        params(json=str(scores), predictions=str(rows)),
        "test",
        lambda percent, message, **fields: said.append(f"{percent:.0f} {message.format(**fields)}"),
    )

    assert done.state == "succeeded", done.error
    assert said[0] == "0 Reading prices"
    assert said[-1] == "100 Done: forecasts from 30 midnights, 2024-09-01 to 2024-09-30."
    report = json.loads(scores.read_text())
    assert (report["first"], report["last"], report["origins"]) == ("2024-09-01", "2024-09-30", 30)
    assert {row["group"] for row in report["scores"]} == {"all", "lead_day", "hour", "month"}
    kept = [row for row in report["scores"] if row["group"] in {"all", "lead_day"}]
    assert done.result == report | {"scores": kept, "written": [str(scores), str(rows)]}
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["rows.csv", "scores.json"]

    frame = pd.read_csv(rows)
    assert frame.columns.tolist() == ["origin", "time", "model", "p05", "p25", "p50", "p75", "p95"]
    assert frame["model"].value_counts().to_dict() == {"naive": 30 * 168, "from_spot": 30 * 24}
    times = pd.to_datetime(frame["time"], utc=True)
    truth = PRICES.reindex(pd.DatetimeIndex(times)).to_numpy()
    naive = (frame["model"] == "naive") & np.isfinite(truth)
    overall = next(row for row in report["scores"] if (row["model"], row["group"]) == ("naive", "all"))
    assert overall["n"] == naive.sum() == sum(min(7, (LAST_PRICE - FIRST).days + 1 - n) for n in range(30)) * 24
    assert overall["mae"] == pytest.approx(np.abs(frame["p50"] - truth)[naive].mean(), abs=1e-7)
    week_before = PRICES.reindex(pd.DatetimeIndex(times) - pd.Timedelta(days=7)).to_numpy()
    assert np.allclose(frame["p50"][naive], week_before[naive], atol=1e-7)


def test_tomorrow_is_told_from_its_spot_prices_and_counted_apart(factory: Factory) -> None:
    result = run(factory)
    found = {(row["model"], row["group"], row["key"]): row for row in result["scores"]}
    assert {key for model, group, key in found if (model, group) == ("from_spot", "lead_day")} == {1}
    assert found["from_spot", "all", "all"]["n"] == 30 * 24
    assert found["from_spot", "all", "all"]["rmae"] < 0.2
    assert [(one["model"], one["versus"]) for one in result["comparisons"]] == [("from_spot", "naive")]


def test_the_naive_model_is_always_there_and_the_ensemble_brings_its_parts() -> None:
    assert Question.of(params(models=["lear"])).shown == ("naive", "lear")
    assert Question.of(params(models=["lear"])).members == ("naive", "lear")
    assert "prophet" not in Question.of(params(models=["ensemble"])).members
    assert {"naive", "lear", "boosting"} <= set(Question.of(params(models=["ensemble"])).members)
    assert Question.of(params(models=[])).shown == MODELS
    assert set(recipes.MEMBERS) == set(Question.of(params(models=[])).members)


def test_bands_and_weights_come_from_days_before_the_first_origin(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stale(Level):
        """Says last week's prices, but much too high."""

        def predict(self, history: object) -> np.ndarray:
            return recipes.Naive().predict(history) * 3

    members = {"naive": recipes.Naive, "level": Level, "stale": Stale}
    monkeypatch.setattr(backtests, "MEMBERS", members)
    monkeypatch.setattr(backtests, "MODELS", (*members, "ensemble"))
    question = Question(FIRST, FIRST + timedelta(days=20), ("naive", "level", "stale", "ensemble"))
    result = Backtests(factory.prices, workers=1).run(question, quiet).result
    found = {row["model"]: row for row in result["scores"] if row["group"] == "all"}
    assert found["stale"]["mae"] > 2 * found["naive"]["mae"]
    assert found["naive"]["coverage_90"] == pytest.approx(0.9, abs=0.06)


def test_every_and_refit_thin_the_origins_and_the_fits(factory: Factory) -> None:
    result = run(factory, every=10, refit=20)
    assert (result["origins"], result["every_days"], result["refit_days"]) == (3, 10, 20)
    assert {row["n"] for row in result["scores"] if row["group"] == "all" and row["model"] == "naive"} == {3 * 168}


def test_without_the_days_for_a_warm_up_it_begins_when_it_can(factory: Factory) -> None:
    result = run(factory, start="2024-05-27", end="2024-06-10")
    assert result["origins"] == 15


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"models": ["oracle"]}, InvalidInput),
        ({"start": "2024-09-30", "end": "2024-09-01"}, InvalidInput),
        ({"every": -1}, InvalidInput),
        ({"start": "2024-04-03", "end": "2024-04-05"}, InvalidInput),
        ({"start": "2024-03-01", "end": "2024-03-05"}, NotFound),
        ({"start": "2024-10-05", "end": "2024-10-10"}, InvalidInput),
        ({"start": "2025-10-05", "end": "2025-10-10"}, NotFound),
    ],
)
def test_what_cannot_be_tried_is_refused(factory: Factory, more: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(factory, **more)


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    built = bootstrap.build(
        load_settings(data_dir=tmp_path), clock=StoppedClock(datetime(2026, 2, 1, tzinfo=UTC)), sources=[]
    )
    with pytest.raises(NotFound):
        run(built)
    built.close()


def test_a_file_that_cannot_be_written_is_known_before_the_work_and_none_is_spoiled(
    factory: Factory, tmp_path: Path
) -> None:
    said: list[str] = []
    for path, error in ((tmp_path / "no" / "folder.json", StoreError), (tmp_path, InvalidInput)):
        with pytest.raises(error):
            Backtests(factory.prices).run(
                Question.of(params(json=str(path))), lambda percent, message, **fields: said.append(message)
            )
    assert said == []

    old = tmp_path / "rows.csv"
    old.write_text("old")
    with pytest.raises(NotFound):
        run(factory, predictions=str(old), start="2025-10-05", end="2025-10-10")
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["rows.csv"]
