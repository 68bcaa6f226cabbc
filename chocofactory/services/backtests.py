"""Backtests: what the price models would have said on past days, and how right that was."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import InvalidInput, NotFound, StoreError
from chocofactory.domain.measurements import PVPC, SPOT
from chocofactory.forecasting.backtest import roll
from chocofactory.forecasting.ensemble import ENSEMBLE, parts
from chocofactory.forecasting.history import LONGEST_HOLE_DAYS, History
from chocofactory.forecasting.model import LEAD_DAYS, LEAST_DAYS
from chocofactory.forecasting.naive import Naive
from chocofactory.forecasting.predictions import predictions
from chocofactory.forecasting.recipes import MEMBERS
from chocofactory.forecasting.scores import ALL, LEAD_DAY, report
from chocofactory.forecasting.trained import FROM_SPOT, with_from_spot
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.services.ranges import check_days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from chocofactory.forecasting.backtest import Roll
    from chocofactory.services.jobs import Report
    from chocofactory.services.prices import Prices

BACKTEST = "backtest"
WARM_UP_DAYS = 91
"""Days before the first origin from which is forecast, too: their errors give the first weights and bands."""
WARM_UP_REFIT_DAYS = 14
MODELS = (*MEMBERS, ENSEMBLE, FROM_SPOT)
"""Names of the models that can be tried."""
_READ, _ROLLED = 5, 90
_DECIMALS = 7


@dataclass(frozen=True)
class Question:
    """What is to be tried: models, at every ``every``-th local midnight of ``first`` ... ``last``.

    ``models`` are those that are asked for besides the naive one; a fit serves ``refit`` days. ``scores`` (JSON) and
    ``rows`` (CSV) are files to write.
    """

    first: date
    last: date
    models: tuple[str, ...] = MODELS
    every: int = 1
    refit: int = 7
    scores: Path | None = None
    rows: Path | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Question:
        """As the params of a run tell it.

        They are ``start`` and ``end`` (days), ``models`` (empty: all), ``every``, ``refit``, and the paths ``json`` and
        ``predictions``.

        Raises
        ------
        InvalidInput
            It cannot be carried out.

        """
        first, last = (date.fromisoformat(params[name]) for name in ("start", "end"))
        check_days(first, last)
        models = tuple(params.get("models") or MODELS)
        for name in models:
            if name not in MODELS:
                raise InvalidInput(
                    "There is no model {model}; there are {models}.", model=name, models=", ".join(MODELS)
                )
        every, refit = (int(params.get(name) or default) for name, default in (("every", 1), ("refit", 7)))
        if min(every, refit) < 1:
            raise InvalidInput("Origins and fits lie at least one day apart.")
        paths = [Path(params[name]) if params.get(name) else None for name in ("json", "predictions")]
        return cls(first, last, models, every, refit, *paths)

    @property
    def members(self) -> tuple[str, ...]:
        """Those of the members that must be tried: with the ensemble all parts of it."""
        needed = {*self.shown, *(parts(MEMBERS) if ENSEMBLE in self.models else [])}
        return tuple(name for name in MEMBERS if name in needed)

    @property
    def shown(self) -> tuple[str, ...]:
        """The models whose scores are shown: what is asked for, and the naive one."""
        return (Naive.name, *(name for name in MODELS if name in self.models and name != Naive.name))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to write."""
        return tuple(path for path in (self.scores, self.rows) if path)


class Backtests:
    """Tries price models on the past; changes nothing but the files that it is asked to write."""

    def __init__(self, prices: Prices, workers: int = 2) -> None:
        self._prices = prices
        self._workers = workers

    def job(self) -> JobKind:
        """The kind of run that tries models: its params are those of ``Question.of``."""
        return JobKind(BACKTEST, lambda params, report: self.run(Question.of(params), report), heavy=True)

    def run(self, question: Question, tell: Report) -> Outcome:
        """Try models on the past; the result is the report (see ``forecasting.scores.report``), by lead day at most.

        Every origin is a local midnight, and nothing at or after it is known there. Bands and weights of the ensemble
        follow from errors that were known, too; so that there are some at the first origin, it begins 91 days before.

        Raises
        ------
        NotFound, InvalidInput
            Prices are missing in the range, or in the 56 days before it.
        StoreError
            A file cannot be written.

        """
        for path in question.files:
            _write(path, Path.touch, keep=False)
        tell(0, "Reading prices")
        prices, history = self._history(question)
        rolled = self._roll(question, history, tell)
        tell(_ROLLED, "Working out bands and scores")
        made = predictions(rolled, prices, question.first, question.shown)
        found = report(made, question.refit) | {"every_days": question.every, "warm_up_days": WARM_UP_DAYS}
        if question.scores:
            _write(
                question.scores, lambda draft: draft.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            )
        if question.rows:
            rows = made.frame().round(_DECIMALS)
            _write(question.rows, lambda draft: rows.to_csv(draft, index=False, lineterminator="\n"))
        ends = {name: found[name] for name in ("origins", "first", "last")}
        tell(100, "Done: forecasts from {origins} midnights, {first} to {last}.", **ends)
        short = [row for row in found["scores"] if row["group"] in {ALL, LEAD_DAY}]
        return Outcome(found | {"scores": short, "written": [str(path) for path in question.files]})

    def _history(self, question: Question) -> tuple[pd.Series, History]:
        """Prices [EUR/kWh] by hour, and as models see them, to the end of what is forecast as far as it is known."""
        span = self._prices.span()
        if span is None or span[1] < question.first - timedelta(days=LONGEST_HOLE_DAYS):
            raise NotFound(
                "There are no prices of the {days} days before {day}.", days=LONGEST_HOLE_DAYS, day=question.first
            )
        end = min(question.last + timedelta(days=LEAD_DAYS), span[1] + timedelta(days=1))
        spot_span = self._prices.span(SPOT) or span
        last = end - timedelta(days=1)
        pvpc = self._prices.frame(min(span[0], last), last, PVPC)["price_eur_kwh"]
        spot = self._prices.frame(min(span[0], spot_span[0], last), last, SPOT)["price_eur_kwh"]
        return pvpc, History.of(pvpc, spot, end)

    def _roll(self, question: Question, history: History, tell: Report) -> Roll:
        """The members over the range, after them over the days before it."""
        make = {name: MEMBERS[name] for name in question.members}
        earliest = history.pvpc.index[0].date() + timedelta(days=LEAST_DAYS)
        begin = max(question.first - timedelta(days=WARM_UP_DAYS), earliest)
        eve = question.first - timedelta(days=1)
        before = max((question.first - begin).days, 0) * len(make)
        total = before + len(range(0, (question.last - question.first).days + 1, question.every)) * len(make)

        def watch(already: int) -> Any:
            return lambda done, _: tell(
                _READ + (_ROLLED - _READ) * (already + done) / total,
                "Trying the models on the past: {done} of {of} forecasts",
                done=already + done,
                of=total,
            )

        past = None
        if before:
            past = roll(make, history, begin, eve, refit=WARM_UP_REFIT_DAYS, workers=self._workers, report=watch(0))
        rolled = roll(
            make,
            history,
            question.first,
            question.last,
            every=question.every,
            refit=question.refit,
            workers=self._workers,
            report=watch(before),
        )
        rolled = past.joined(rolled) if past else rolled
        return with_from_spot(rolled, history) if FROM_SPOT in question.models else rolled


def _write(path: Path, write: Callable[[Path], object], *, keep: bool = True) -> None:
    """Write a file beside its place and put it there as a whole; or only see whether that can be done."""
    if path.is_dir():
        raise InvalidInput("{path} is a folder.", path=path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(draft)
        if keep:
            draft.replace(path)
    except OSError as error:
        raise StoreError("{path} cannot be written ({reason}).", path=path, reason=error.strerror) from error
    finally:
        draft.unlink(missing_ok=True)
