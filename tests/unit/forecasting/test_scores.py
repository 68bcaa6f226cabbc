"""Scores and predictions, computed a second time one forecast after the other."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from chocofactory.forecasting.backtest import Roll, roll
from chocofactory.forecasting.ensemble import combined
from chocofactory.forecasting.history import History
from chocofactory.forecasting.intervals import rolled_quantiles
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.predictions import Predictions, predictions
from chocofactory.forecasting.scores import losses, report, scores
from chocofactory.forecasting.significance import compare
from tests.forecast_kit import Level, made_up_prices

FIRST, LAST = date(2024, 3, 20), date(2024, 4, 20)
PRICES = made_up_prices(date(2023, 12, 1), date(2024, 4, 24)).drop(pd.Timestamp("2024-04-10T06:00Z"))


@pytest.fixture(scope="module")
def rolled() -> Roll:
    history = History.of(PRICES, None, date(2024, 4, 25))
    made = roll({"naive": Naive, "level": Level}, history, date(2024, 1, 1), LAST)
    level = made.points["naive"] * 0.8 + 0.01
    spot = np.full_like(level, np.nan)
    spot[:, 0] = np.where(np.isnan(made.truth[:, 0]), level[:, 0], made.truth[:, 0]) + 0.002
    return Roll(
        made.origins, {"naive": made.points["naive"], "level": level, "from_spot": spot}, made.truth, made.scale
    )


@pytest.fixture(scope="module")
def made(rolled: Roll) -> Predictions:
    return predictions(rolled, PRICES, FIRST)


def one_by_one(made: Predictions) -> pd.DataFrame:
    """A row a forecast hour that is known, from the table that people take with them."""
    frame = pd.read_csv(io.StringIO(made.frame().to_csv(index=False)))
    rows = []
    for row in frame.to_dict(orient="records"):
        time, origin = pd.Timestamp(row["time"]), pd.Timestamp(row["origin"])
        if time.tz_convert("UTC") in PRICES.index:
            lead = (time.tz_localize(None).normalize() - origin.tz_localize(None)).days + 1
            rows.append(row | {"lead": lead, "wall": time, "truth": PRICES[time.tz_convert("UTC")]})
    return pd.DataFrame(rows)


def score_of(rows: list[dict], naive: dict[tuple[str, str], float]) -> dict[str, float]:
    """Scores of some of these rows, in a loop."""
    n = len(rows)
    error = [row["p50"] - row["truth"] for row in rows]
    names = ("p05", "p25", "p50", "p75", "p95")
    loss = 0.0
    for row in rows:
        for name, level in zip(names, (0.05, 0.25, 0.5, 0.75, 0.95), strict=True):
            short = row["truth"] - row[name]
            loss += (level * short if short > 0 else (level - 1) * short) / 5
    return {
        "n": n,
        "mae": sum(abs(e) for e in error) / n,
        "rmse": (sum(e * e for e in error) / n) ** 0.5,
        "rmae": sum(abs(e) for e in error) / sum(naive[row["origin"], row["time"]] for row in rows),
        "bias": sum(error) / n,
        "pinball": loss / n,
        "coverage_50": sum(row["p25"] <= row["truth"] <= row["p75"] for row in rows) / n,
        "width_50": sum(row["p75"] - row["p25"] for row in rows) / n,
        "coverage_90": sum(row["p05"] <= row["truth"] <= row["p95"] for row in rows) / n,
        "width_90": sum(row["p95"] - row["p05"] for row in rows) / n,
        **{f"below_{name[1:]}": sum(row["truth"] <= row[name] for row in rows) / n for name in names},
    }


def test_scores_are_those_of_a_loop_over_all_forecasts(made: Predictions) -> None:
    rows = one_by_one(made)
    naive = {(r.origin, r.time): abs(r.p50 - r.truth) for r in rows[rows["model"] == "naive"].itertuples()}
    found = scores(made).set_index(["model", "group", "key"])
    assert found.index.is_unique

    groups = {
        "all": lambda _: "all",
        "lead_day": lambda row: row["lead"],
        "hour": lambda row: row["wall"].hour,
        "month": lambda row: f"{row['wall']:%Y-%m}",
    }
    expected: dict[tuple, list[dict]] = {}
    for row in rows.to_dict(orient="records"):
        for group, key in groups.items():
            expected.setdefault((row["model"], group, key(row)), []).append(row)
    assert set(expected) == set(found.index)
    for place, chosen in expected.items():
        wanted = score_of(chosen, naive)
        assert found.loc[place].to_dict() == {name: pytest.approx(value, rel=1e-9) for name, value in wanted.items()}


def test_a_hand_case() -> None:
    day = date(2024, 1, 10)
    times = pd.date_range("2024-01-09T23:00Z", periods=168, freq="h", unit="us")
    quantiles = np.broadcast_to([0.08, 0.09, 0.10, 0.11, 0.14], (1, 7, 24, 5))
    naive = np.broadcast_to([0.1, 0.1, 0.1, 0.1, 0.16], (1, 7, 24, 5))
    prices = pd.Series(np.where(np.arange(168) < 84, 0.09, 0.15), index=times)
    found = scores(Predictions((day,), {"naive": naive, "m": quantiles}, prices)).set_index(["model", "group"])

    m = found.loc[[("m", "all")]].iloc[0]
    assert m["n"] == 168
    assert m["mae"] == pytest.approx((0.01 + 0.05) / 2)
    assert m["rmse"] == pytest.approx(((0.01**2 + 0.05**2) / 2) ** 0.5)
    assert m["bias"] == pytest.approx((0.01 - 0.05) / 2)
    assert (m["coverage_50"], m["coverage_90"]) == (0.5, 0.5)
    assert (m["width_50"], m["width_90"]) == (pytest.approx(0.02), pytest.approx(0.06))
    assert m[["below_05", "below_25", "below_50", "below_75", "below_95"]].tolist() == [0, 0.5, 0.5, 0.5, 0.5]
    low = (0.05 * 0.01 + 0.0 + 0.5 * 0.01 + 0.25 * 0.02 + 0.05 * 0.05) / 5
    high = (0.05 * 0.07 + 0.25 * 0.06 + 0.5 * 0.05 + 0.75 * 0.04 + 0.95 * 0.01) / 5
    assert m["pinball"] == pytest.approx((low + high) / 2)
    assert m["rmae"] == pytest.approx(1)


def test_the_table_has_every_hour_of_the_seven_days_and_its_first_is_the_origin(made: Predictions) -> None:
    frame = made.frame()
    assert frame.columns.tolist() == ["origin", "time", "model", "p05", "p25", "p50", "p75", "p95"]
    counts = frame[frame["model"] == "naive"].groupby("origin")["time"].agg(["count", "first"])
    assert (counts.index == counts["first"]).all()
    assert counts.index[0] == "2024-03-20T00:00:00+01:00"
    assert counts.index[-1] == "2024-04-20T00:00:00+02:00"
    across = (counts.index >= "2024-03-25") & (counts.index < "2024-04-01")
    assert counts["count"].tolist() == np.where(across, 167, 168).tolist()
    assert not frame.isna().any(axis=None)
    assert (
        frame.groupby(["model", "origin"])["time"].count()["from_spot"]
        == np.where(counts.index[:] == "2024-03-31T00:00:00+01:00", 23, 24)
    ).all()


def test_an_autumn_week_has_an_hour_more() -> None:
    day = date(2024, 10, 21)
    hours = Predictions((day,), {"m": np.zeros((1, 7, 24, 5))}, PRICES).frame()
    assert len(hours) == 169
    assert hours["time"].is_unique
    assert hours["time"].str[:13].duplicated().sum() == 1


def test_prices_of_models_are_those_of_the_roll_with_its_bands_and_the_ensemble(
    rolled: Roll, made: Predictions
) -> None:
    assert made.origins == rolled.since(FIRST).origins
    assert list(made.quantiles) == ["naive", "level", "from_spot", "ensemble"]
    start = rolled.origins.index(FIRST)
    assert np.array_equal(made.quantiles["level"], rolled_quantiles(rolled, "level")[start:])
    assert np.array_equal(made.quantiles["ensemble"][..., 2], combined(rolled, ["level"])[start:])
    alone = predictions(Roll(rolled.origins, {"naive": rolled.points["naive"]}, rolled.truth, rolled.scale), PRICES)
    assert list(alone.quantiles) == ["naive"]


def test_losses_are_means_over_the_hours_that_both_models_forecast(made: Predictions) -> None:
    rows = one_by_one(made)
    rows["loss"] = (rows["p50"] - rows["truth"]).abs()
    for model, other, days in (("level", "naive", 7), ("level", "naive", 1), ("from_spot", "naive", 7)):
        one, two = losses(made, model, other, days)
        near = rows[rows["lead"] <= (1 if model == "from_spot" else days)]
        for name, found in ((model, one), (other, two)):
            expected = near[near["model"] == name].groupby("origin")["loss"].mean()
            assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-9)


def test_a_report_is_plain_json_and_says_what_the_scores_say(made: Predictions) -> None:
    found = report(made, 7)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["first"], found["last"], found["origins"], found["refit_days"]) == ("2024-03-20", "2024-04-20", 32, 7)
    assert pd.DataFrame(found["scores"]).equals(scores(made).astype({"key": object}))

    pairs = [
        ("level", "naive"),
        ("from_spot", "naive"),
        ("ensemble", "naive"),
        ("level", "ensemble"),
        ("from_spot", "ensemble"),
    ]
    assert [(one["model"], one["versus"]) for one in found["comparisons"]] == pairs
    assert [(one["model"], one["versus"]) for one in found["comparisons_day_1"]] == pairs
    expected = compare(*losses(made, "level", "naive"))
    first = found["comparisons"][0]
    assert first["difference_eur_kwh"] == expected.difference
    assert {name: first[name] for name in ("low", "high", "relative", "statistic", "p_value")} == {
        name: getattr(expected, name) for name in ("low", "high", "relative", "statistic", "p_value")
    }
    assert found["comparisons_day_1"][0]["difference_eur_kwh"] == compare(*losses(made, "level", "naive", 1)).difference


def test_what_cannot_be_said_is_none(rolled: Roll) -> None:
    few = report(predictions(rolled, PRICES, LAST - timedelta(days=5)), 7)
    assert {one["p_value"] for one in few["comparisons"]} == {None}
    ahead = report(predictions(rolled, PRICES[:10]), 7)
    assert ahead["scores"] == []

    alone = predictions(Roll(rolled.origins, {"prophet": rolled.points["level"]}, rolled.truth, rolled.scale), PRICES)
    assert {row["rmae"] for row in report(alone, 7)["scores"]} == {None}
    assert report(alone, 7)["comparisons"] == []
