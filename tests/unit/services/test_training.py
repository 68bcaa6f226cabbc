"""Versions are trained, proven on what they had not seen, and serve only where they may; damage never serves."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, day_grid
from chocofactory.core.config import load_settings
from chocofactory.core.errors import Conflict, InvalidInput, ModelDamaged, NotFound
from chocofactory.core.messages import Message
from chocofactory.domain.measurements import price_series
from chocofactory.forecasting.naive import Naive
from chocofactory.services import models, training
from chocofactory.services.jobs import JobKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chocofactory.bootstrap import Factory
    from chocofactory.forecasting.history import History
    from chocofactory.store.state import JobRun

TODAY = date(2025, 3, 12)
NOW = datetime(2025, 3, 12, 10, 30, tzinfo=MADRID)
DAYS = 130


class Profile:
    """Says the mean of the last four weeks of each hour, and something more that ``wrong`` adds."""

    name = "profile"
    wrong = 0.0

    def __init__(self) -> None:
        self.learnt = 0.0

    def fit(self, history: History) -> None:  # noqa: ARG002
        self.learnt = self.wrong

    def predict(self, history: History) -> np.ndarray:
        return np.tile(history.pvpc.to_numpy()[-28:].mean(axis=0), (7, 1)) + self.learnt

    def save(self, folder: Path) -> None:
        (folder / "learnt.json").write_text(json.dumps(self.learnt), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        made = cls()
        made.learnt = json.loads((folder / "learnt.json").read_text(encoding="utf-8"))
        return made


def noisy(first: date, last: date) -> pd.Series:
    """Prices of one daily shape and much chance: a mean of weeks is better than any one of them."""
    grid = day_grid(first, last)
    chance = np.random.default_rng(7).normal(0, 0.02, len(grid))
    shape = 0.12 + 0.03 * np.sin(2 * np.pi * grid.tz_convert(MADRID).hour / 24)
    return pd.Series(shape + chance, index=grid)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(NOW)


@pytest.fixture
def factory(tmp_path: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Factory]:
    """A plant with 130 days of prices, whose models are the naive one and the profile."""
    for module in (models, training):
        monkeypatch.setattr(module, "MEMBERS", {"naive": Naive, "profile": Profile})
    monkeypatch.setattr(Profile, "wrong", 0.0)
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    built.training._workers = 1
    built.jobs.register([JobKind("train_models", built.training.job().work)])  # in this process
    frame = pd.DataFrame({"price_eur_kwh": noisy(TODAY - timedelta(days=DAYS), TODAY)})
    built._store.write(price_series(), frame, source="ree", written_at=NOW)
    yield built
    built.close()


def train(factory: Factory) -> JobRun:
    """Train, an hour later than before, so that ids go up."""
    factory.clock.at += timedelta(hours=1)  # type: ignore[attr-defined]
    return factory.jobs.run("train_models", {}, "test")


def test_a_version_that_beats_the_naive_model_comes_to_serve(factory: Factory) -> None:
    run = train(factory)

    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["promoted"]
    assert run.message.format(**run.message_fields) == run.result["reason"]
    serving = factory.models.serving()
    assert serving.version is not None
    assert (serving.version.id, serving.model) == (run.result["version"], "ensemble")
    forecast = factory.forecasts.forecast()
    assert (forecast.model, forecast.version, forecast.reasons) == ("ensemble", serving.version.id, ())
    history = factory.models.history()
    assert [(row.version, row.requested_by) for row in history] == [(serving.version.id, "training")]


def test_a_version_says_what_it_learnt_from_and_how_it_did(factory: Factory) -> None:
    version = factory.models.show(train(factory).result["version"])  # type: ignore[index]

    assert (version.first, version.last) == (TODAY - timedelta(days=DAYS), TODAY)
    assert version.hours == (DAYS + 1) * 24
    assert version.members == ("naive", "profile")
    assert len(version.data_hash) == 64
    assert set(version.libraries) == {"lightgbm", "numpy", "pandas", "prophet", "scikit-learn"}
    assert version.promoted
    assert version.report["last"] == TODAY.isoformat()
    assert version.report["origins"] == training.PROOF_DAYS
    rows = {row["model"]: row for row in version.report["scores"] if row["group"] == "all"}
    assert rows["naive"]["rmae"] == pytest.approx(1)
    # of independent errors the mean of 28 is wrong by 1/sqrt(2) of what one day repeated is, nearly
    assert rows["ensemble"]["rmae"] == pytest.approx(np.sqrt((1 + 1 / 28) / 2), abs=0.03)


def test_a_version_that_is_no_better_than_naive_does_not_serve(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Profile, "wrong", 0.05)
    run = train(factory)

    assert run.result is not None
    assert not run.result["promoted"]
    serving = factory.models.serving()
    assert (serving.version, serving.model) == (None, "naive")
    assert "no better than copying last week" in str(serving.reasons[0])
    assert factory.forecasts.forecast().model == "naive"


def test_a_worse_candidate_leaves_the_champion_where_it_is(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(factory)
    monkeypatch.setattr(Profile, "wrong", 0.007)  # still better than naive
    second = train(factory)

    assert first.result is not None
    assert second.result is not None
    assert second.result["rmae"] < 1
    assert not second.result["promoted"]
    assert "It is worse than" in second.result["reason"]
    serving = factory.models.serving().version
    assert serving is not None
    assert serving.id == first.result["version"]


def test_an_equal_candidate_takes_over_for_it_is_newer(factory: Factory) -> None:
    train(factory)
    second = train(factory)

    assert second.result is not None
    assert second.result["promoted"]
    assert factory.forecasts.forecast().version == second.result["version"]


def test_a_champion_is_judged_on_days_that_it_had_not_seen(factory: Factory, clock: StoppedClock) -> None:
    """Days since its training are forecast by it as it stands, earlier ones by the roll of its training."""
    train(factory)
    serving = factory.models.serving().version
    assert serving is not None
    clock.at += timedelta(days=5)
    later = noisy(TODAY - timedelta(days=DAYS), TODAY + timedelta(days=5)).iloc[-5 * 24 :]
    frame = pd.DataFrame({"price_eur_kwh": later})
    factory._store.write(price_series(), frame, source="ree", written_at=clock.at)
    history = training.known(factory.prices, clock.now()).history()
    past = factory.models.load(serving.id).caught_up(history)
    losses = training._losses(past.roll, history, "ensemble")

    assert history.origin == TODAY + timedelta(days=6)
    assert len(losses) == training.PROOF_DAYS
    profile = factory.models.load(serving.id).members["profile"]
    origin = TODAY + timedelta(days=4)
    truth = history.pvpc.loc[pd.Timestamp(origin) :].to_numpy()
    said = profile.predict(history.before(origin))[: len(truth)]
    assert losses.iloc[-2] == pytest.approx(np.abs(said - truth).mean())


def test_too_little_history_is_said_and_not_trained_on(tmp_path: Path, clock: StoppedClock) -> None:
    small = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    small.jobs.register([JobKind("train_models", small.training.job().work)])
    frame = pd.DataFrame({"price_eur_kwh": noisy(TODAY - timedelta(days=40), TODAY)})
    small._store.write(price_series(), frame, source="ree", written_at=NOW)

    run = small.jobs.run("train_models", {}, "test")
    assert run.state == "failed"
    assert run.error is not None
    assert run.error["code"] == "conflict"
    assert not small.training.due(7)
    small.close()


def test_what_cannot_be_proven_yet_does_not_serve(factory: Factory) -> None:
    start = TODAY - timedelta(days=DAYS)
    factory._store.delete(
        price_series().measurement,
        *(datetime.combine(day, datetime.min.time(), MADRID) for day in (start, start + timedelta(days=DAYS - 60))),
    )
    run = train(factory)

    assert run.result is not None
    assert not run.result["promoted"]
    assert "Too few days" in run.result["reason"]
    assert factory.forecasts.forecast().model == "naive"


def test_training_is_due_when_there_is_no_version_or_the_newest_is_old(factory: Factory, clock: StoppedClock) -> None:
    assert factory.training.due(7)
    assert not factory.training.due(0)
    train(factory)
    assert not factory.training.due(7)
    clock.at += timedelta(days=7)
    assert factory.training.due(7)


def test_rolling_back_lets_the_version_before_serve_again(factory: Factory) -> None:
    first, second = (train(factory).result["version"] for _ in range(2))  # type: ignore[index]
    factory.models.rollback("me")

    serving = factory.models.serving().version
    assert serving is not None
    assert serving.id == first
    assert factory.forecasts.forecast().version == first
    assert str(factory.models.history()[0].reason) == f"Rolled back from {second}."


def test_without_an_earlier_version_there_is_no_way_back(factory: Factory) -> None:
    with pytest.raises(Conflict):
        factory.models.rollback("me")
    train(factory)
    with pytest.raises(Conflict):
        factory.models.rollback("me")


def test_any_sound_version_can_be_promoted_by_hand(factory: Factory) -> None:
    first, second = (train(factory).result["version"] for _ in range(2))  # type: ignore[index]
    with pytest.raises(Conflict):
        factory.models.promote(second, "me")
    with pytest.raises(NotFound):
        factory.models.promote("20200101T000000Z-000000", "me")
    factory.models.promote(first, "me", Message("It did better in the plant."))

    assert factory.models.history()[0].requested_by == "me"
    assert factory.forecasts.forecast().version == first


def test_the_version_that_serves_is_never_deleted(factory: Factory) -> None:
    first, second, third = (train(factory).result["version"] for _ in range(3))  # type: ignore[index]
    with pytest.raises(Conflict):
        factory.models.delete(third)
    with pytest.raises(NotFound):
        factory.models.delete("20200101T000000Z-000000")
    factory.models.delete(second)
    assert [version.id for version in factory.models.versions()] == [third, first]
    factory.models.promote(first, "me")
    assert factory.models.prune(0) == [third]
    assert [version.id for version in factory.models.versions()] == [first]


def test_a_damaged_version_is_refused_and_the_last_good_one_serves(factory: Factory, tmp_path: Path) -> None:
    first, second = (train(factory).result["version"] for _ in range(2))  # type: ignore[index]
    (path,) = tmp_path.rglob(f"{second}/members/profile/learnt.json")
    path.write_text("0.1", encoding="utf-8")
    again = bootstrap.build(load_settings(data_dir=tmp_path), clock=factory.clock, sources=[])

    serving = again.models.serving()
    assert serving.version is not None
    assert serving.version.id == first
    assert str(serving.reasons[0]) == f"Version {second} is missing or damaged: {first}, the last good one, serves."
    assert again.forecasts.forecast().version == first
    assert [(check.version, check.ok) for check in again.models.validate()] == [(second, False), (first, True)]
    with pytest.raises(ModelDamaged):
        again.models.promote(second, "me")
    for path in tmp_path.rglob(f"{first}/roll.npz"):
        path.write_bytes(b"")
    again.close()
    alone = bootstrap.build(load_settings(data_dir=tmp_path), clock=factory.clock, sources=[])
    assert alone.forecasts.forecast().model == "naive"
    assert "the naive model serves" in str(alone.forecasts.forecast().reasons[0])
    assert all(version.damaged for version in alone.models.versions() if version.id == first)
    alone.close()


def test_a_replay_of_the_past_is_told_by_what_served_then(factory: Factory) -> None:
    train(factory)
    replay = factory.forecasts.forecast(NOW - timedelta(days=3))

    assert (replay.model, replay.version) == ("naive", None)
    assert "No model served yet at that moment" in str(replay.reasons[0])


def test_a_clock_that_is_put_back_sees_no_version_that_learnt_later(factory: Factory, clock: StoppedClock) -> None:
    train(factory)
    clock.at -= timedelta(days=10)
    early = factory.forecasts.forecast()

    assert (early.model, early.version) == ("naive", None)
    assert "has learnt from prices of 2025-03-03 or later" in str(early.reasons[0])
    assert factory.training.due(7)


def test_bands_and_weights_know_the_errors_since_the_training(factory: Factory, clock: StoppedClock) -> None:
    train(factory)
    serving = factory.models.serving().version
    assert serving is not None
    clock.at += timedelta(days=5)
    later = noisy(TODAY - timedelta(days=DAYS), TODAY + timedelta(days=5)).iloc[-5 * 24 :]
    frame = pd.DataFrame({"price_eur_kwh": later})
    factory._store.write(price_series(), frame, source="ree", written_at=clock.at)
    history = training.known(factory.prices, clock.now()).history()

    served = factory.models.champion(history).trained
    assert served.roll.origins[-1] == history.origin
    assert factory.models.load(serving.id).roll.origins[-1] == TODAY + timedelta(days=1)


def test_older_prices_that_are_imported_later_do_not_stop_the_next_training(factory: Factory) -> None:
    start = TODAY - timedelta(days=DAYS)
    early = datetime.combine(start, datetime.min.time(), MADRID)
    factory._store.delete(price_series().measurement, early, early + timedelta(days=DAYS - 85))
    assert train(factory).state == "succeeded"
    frame = pd.DataFrame({"price_eur_kwh": noisy(start, TODAY)})
    factory._store.write(price_series(), frame, source="ree", written_at=NOW)

    run = train(factory)
    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["promoted"]


def test_exactly_eight_weeks_are_enough_to_train_on(factory: Factory) -> None:
    early = datetime.combine(TODAY - timedelta(days=DAYS), datetime.min.time(), MADRID)
    factory._store.delete(price_series().measurement, early, early + timedelta(days=DAYS - 55))
    run = train(factory)

    assert run.state == "succeeded"
    assert run.result is not None
    assert "Too few days" in run.result["reason"]


def test_a_training_that_dies_before_its_promotion_is_made_good(factory: Factory) -> None:
    version = train(factory).result["version"]  # type: ignore[index]
    with factory._state._database.write() as connection:
        connection.execute("DELETE FROM model_promotion")
    assert factory.models.serving().version is None

    factory.training.due(7)
    serving = factory.models.serving().version
    assert serving is not None
    assert serving.id == version


def test_rolling_back_again_goes_on_to_the_one_before(factory: Factory) -> None:
    first, second, third = (train(factory).result["version"] for _ in range(3))  # type: ignore[index]
    served = []
    for _ in range(2):
        factory.models.rollback("me")
        served.append(factory.models.promoted())
    assert served == [second, first]
    assert third not in served
    with pytest.raises(Conflict):
        factory.models.rollback("me")


def test_a_version_of_another_release_counts_as_damaged(factory: Factory, tmp_path: Path) -> None:
    version = train(factory).result["version"]  # type: ignore[index]
    trained = factory.models.load(version)
    factory.models._registry.write("20250401T000000Z-000000", {}, trained.members, trained.roll)

    assert [found.damaged for found in factory.models.versions()] == [True, False]
    assert factory.forecasts.forecast().version == version


def test_every_trained_model_can_be_asked_for(factory: Factory) -> None:
    train(factory)
    for model in ("ensemble", "naive", "profile"):
        ahead = factory.forecasts.forecast(model=model).forecast_hours
        assert set(ahead["model"]) == {model}
    with pytest.raises(InvalidInput):
        factory.forecasts.forecast(model="prophet")
