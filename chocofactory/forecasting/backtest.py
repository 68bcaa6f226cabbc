"""What models would have said: forecasts from many past midnights, each from nothing but what was known then."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from chocofactory.core.errors import InvalidInput
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.model import Member

    Numbers = npt.NDArray[np.float64]
    Make = Callable[[], Member]

SCALE_DAYS = 28
"""The spread of prices at an origin is that of so many days before it."""
_LEAST_SCALE = 1e-3
_POINTS = "points/"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Roll:
    """Forecasts of models from one local midnight after the other, and what came.

    ``points`` [EUR/kWh] has for each model the shape (origins, 7, 24): lead day 1 is the day that begins at the origin,
    hours are those of the wall clock; NaN where the model says nothing. ``truth`` has the same shape, NaN where a day
    was not known as a whole. ``scale`` [EUR/kWh], shape (origins,), is the spread of prices that was known at each.
    """

    origins: tuple[date, ...]
    points: Mapping[str, Numbers]
    truth: Numbers
    scale: Numbers

    def __len__(self) -> int:
        """How many origins it holds."""
        return len(self.origins)

    def since(self, first: date) -> Roll:
        """The same without the origins before ``first``."""
        return self._where([origin >= first for origin in self.origins])

    def until(self, last: date) -> Roll:
        """The same without the origins after ``last``."""
        return self._where([origin <= last for origin in self.origins])

    def before(self, day: date) -> Roll:
        """What could be known of it when ``day`` began: the origins before it, and no truth of that day or later."""
        past = self._where([origin < day for origin in self.origins])
        late = targets(past.origins) >= np.datetime64(day)
        return replace(past, truth=np.where(late[:, :, None], np.nan, past.truth))

    def told(self, history: History) -> Roll:
        """The same with the truth that a history knows."""
        return replace(self, truth=truth(history, self.origins))

    def including(self, name: str, points: Numbers) -> Roll:
        """The same with one more model, whose forecasts have the shape (origins, 7, 24)."""
        return replace(self, points={**self.points, name: points})

    def joined(self, later: Roll) -> Roll:
        """Both together: after the end of this one another of the same models.

        Raises
        ------
        ValueError
            The other begins before this one ends, or is of other models.

        """
        apart = not self.origins or not later.origins or self.origins[-1] < later.origins[0]
        if not apart or self.points.keys() != later.points.keys():
            msg = f"{list(self.points)} until {self.origins[-1:]}, {list(later.points)} from {later.origins[:1]}"
            raise ValueError(msg)
        return Roll(
            self.origins + later.origins,
            {name: np.concatenate([points, later.points[name]]) for name, points in self.points.items()},
            np.concatenate([self.truth, later.truth]),
            np.concatenate([self.scale, later.scale]),
        )

    def save(self, path: Path) -> None:
        """Write it as one npz file of plain arrays."""
        named: dict[str, Any] = {_POINTS + name: points for name, points in self.points.items()}
        with path.open("wb") as file:
            np.savez_compressed(file, origins=_days(self.origins), truth=self.truth, scale=self.scale, **named)

    @classmethod
    def load(cls, path: Path) -> Roll:
        """Read what ``save`` wrote, to the last bit.

        Raises
        ------
        ValueError, OSError, KeyError
            The file is not what ``save`` wrote.

        """
        with np.load(path, allow_pickle=False) as file:
            points = {name.removeprefix(_POINTS): file[name] for name in file.files if name.startswith(_POINTS)}
            return cls(tuple(file["origins"].tolist()), points, file["truth"], file["scale"])

    def _where(self, chosen: Sequence[bool]) -> Roll:
        mask = np.array(chosen, dtype=bool)
        origins = tuple(origin for origin, wanted in zip(self.origins, chosen, strict=True) if wanted)
        points = {name: values[mask] for name, values in self.points.items()}
        return Roll(origins, points, self.truth[mask], self.scale[mask])


def roll(
    make: Mapping[str, Make],
    history: History,
    first: date,
    last: date,
    *,
    every: int = 1,
    refit: int = 7,
    workers: int = 1,
    report: Callable[[int, int], None] | None = None,
) -> Roll:
    """Let models forecast from the local midnights ``first`` ... ``last``, each from what was known then.

    Parameters
    ----------
    make
        Makers of the models by name. A model is made anew for every fit, so that nothing survives from one to the next;
        with several workers each maker must be importable by name.
    history
        What is known at the end; the truth of its days counts, and what a model gets is cut off before its origin.
    every
        Days from one origin to the next.
    refit
        Days that a fit serves, counted from the first origin.
    workers
        Processes that share the work; the result is the same to the last bit for any number of them.
    report
        Is told how many forecasts are made, and of how many.

    Raises
    ------
    InvalidInput
        The history ends before the last origin, or is too short for a model at the first one.

    """
    origins = _origins(first, last, every)
    if origins[-1] > history.origin or not len(history.before(origins[0])):
        raise InvalidInput(
            "Prices are known from {first} to {last}; forecasts from {start} to {end} need those of all days before.",
            first=history.pvpc.index[0].date().isoformat(),
            last=history.pvpc.index[-1].date().isoformat(),
            start=origins[0].isoformat(),
            end=origins[-1].isoformat(),
        )
    blocks = [tuple(block) for _, block in groupby(origins, lambda origin: (origin - first).days // refit)]
    tasks = [(name, block) for block in blocks for name in make]
    done, rows = 0, {origin: row for row, origin in enumerate(origins)}
    points = {name: np.full((len(origins), LEAD_DAYS, HOURS), np.nan) for name in make}
    results = _here(make, history, tasks) if workers == 1 else _spawned(make, history, tasks, workers)
    for name, block, values in results:
        points[name][[rows[origin] for origin in block]] = values
        done += len(block)
        if report is not None:
            report(done, len(origins) * len(make))
    return Roll(origins, points, truth(history, origins), scale(history, origins))


def follow(members: Mapping[str, Member], history: History, first: date, last: date) -> Roll:
    """Let models that are fitted already forecast from every local midnight ``first`` ... ``last``, not fitted again.

    Honest only where they were fitted on nothing from ``first`` on; raises as ``roll``.
    """
    origins = _origins(first, last, 1)
    points = {
        name: np.stack([member.predict(history.before(origin)) for origin in origins])
        for name, member in members.items()
    }
    return Roll(origins, points, truth(history, origins), scale(history, origins))


def targets(origins: Sequence[date]) -> npt.NDArray[np.datetime64]:
    """The days that forecasts from each origin are of: shape (origins, 7)."""
    return _days(origins)[:, None] + np.arange(LEAD_DAYS)


def truth(history: History, origins: Sequence[date]) -> Numbers:
    """What the hours of the seven days from each origin cost [EUR/kWh], shape (origins, 7, 24); NaN if not known."""
    days = history.pvpc.index.to_numpy().astype("datetime64[D]")
    wanted = targets(origins)
    place = np.clip(np.searchsorted(days, wanted), 0, len(days) - 1)
    there = (days[place] == wanted) & history.known.to_numpy(dtype=bool)[place]
    return np.where(there[:, :, None], history.pvpc.to_numpy()[place], np.nan)


def scale(history: History, origins: Sequence[date]) -> Numbers:
    """Standard deviation of the hourly prices [EUR/kWh] of the 28 days before each origin, shape (origins,)."""
    pasts = [history.before(origin).pvpc.to_numpy()[-SCALE_DAYS:] for origin in origins]
    return np.array([max(float(past.std()), _LEAST_SCALE) for past in pasts])


def _origins(first: date, last: date, every: int) -> tuple[date, ...]:
    if last < first:
        raise InvalidInput("The end {last} lies before the start {first}.", first=first, last=last)
    return tuple(first + timedelta(days=days) for days in range(0, (last - first).days + 1, every))


def _days(origins: Sequence[date]) -> npt.NDArray[np.datetime64]:
    return np.array(origins, dtype="datetime64[D]")


Result = tuple[str, tuple[date, ...], "Numbers"]


def _block(make: Make, history: History, origins: Sequence[date]) -> Numbers:
    """Fit a new model before the first origin and forecast from each. One thread: sums are then the same anywhere."""
    with threadpool_limits(1):
        member = make()
        member.fit(history.before(origins[0]))
        return np.stack([member.predict(history.before(origin)) for origin in origins])


def _here(
    make: Mapping[str, Make], history: History, tasks: Sequence[tuple[str, tuple[date, ...]]]
) -> Iterator[Result]:
    for name, block in tasks:
        yield name, block, _block(make[name], history, block)


_handed: dict[str, Any] = {}
"""In a worker: the makers and the history, sent once for all its tasks."""


def _hand(make: Mapping[str, Make], history: History) -> None:
    _handed.update(make=make, history=history)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it has: a parent that is killed tells its workers nothing."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _task(name: str, block: tuple[date, ...]) -> Result:
    return name, block, _block(_handed["make"][name], _handed["history"], block)


def _spawned(
    make: Mapping[str, Make], history: History, tasks: Sequence[tuple[str, tuple[date, ...]]], workers: int
) -> Iterator[Result]:
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_hand, initargs=(dict(make), history))
    try:
        with _one_thread_each():
            futures = [pool.submit(_task, *task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started inside read this when they load their libraries: they share the cores already."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
