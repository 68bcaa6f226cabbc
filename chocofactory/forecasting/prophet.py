"""Prophet, set up for PVPC: the plain benchmark that knows the calendar and nothing of yesterday.

Tuned on 2022-09 to 2024-12 with weekly refits: over 2023 and 2024 a level without trend, from the last twelve weeks,
erred less than trends with changepoints (which are prolonged into the week ahead) and than longer windows (whose level
is that of last year). Working days and days of rest have a shape of their own.
"""

from __future__ import annotations

import logging
import threading
import warnings
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pandas.errors import Pandas4Warning

from chocofactory.domain.tariff import rest_days, tariff
from chocofactory.forecasting.days import national_holidays, need_days
from chocofactory.forecasting.history import HOURS
from chocofactory.forecasting.model import LEAD_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    from prophet import Prophet

    from chocofactory.forecasting.history import History

WINDOW_DAYS = 84
"""Days that are learnt from, if they are there."""
_FILE = "prophet.json"
_SEED = 1
_SEASONS = ("winter", "spring", "summer", "autumn")
_SEASON_SCALE = 0.02
"""Width of the prior of a season's effect, in parts of the largest price: a season that begins after the window must
not take the level with it."""
_WEEKLY_WAVES, _DAILY_WAVES = 3, 5
_HOLIDAYS_AHEAD_YEARS = 2
"""How long a model may serve after it was fitted without missing a holiday."""
_alone = threading.Lock()


class ProphetMember:
    """Level, week and day as Fourier series, national holidays, tariff periods, and seasons with their days of rest."""

    name = "prophet"

    def __init__(self) -> None:
        self._model: Prophet | None = None

    def fit(self, history: History) -> None:
        """Learn from the last 84 days that are known; the same days give the same model.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        past = history.since(history.origin - timedelta(days=WINDOW_DAYS))
        frame = _calendar(pd.DatetimeIndex(past.pvpc.index)).assign(y=past.pvpc.to_numpy().ravel())
        known = np.repeat(past.known.to_numpy(dtype=bool), HOURS)
        with _quiet():
            model = _configured(past.pvpc.index[0].year, history.origin.year + _HOLIDAYS_AHEAD_YEARS)
            model.fit(frame[known], seed=_SEED)
            if model.stan_backend is not None:
                model.stan_backend.cleanup()  # its files, which else stay until the process ends
        self._model = model

    def predict(self, history: History) -> npt.NDArray[np.float64]:
        """Expected prices [EUR/kWh] of the seven days that follow a history, by hour of the wall clock: shape (7, 24).

        Only when the history ends matters here: what its prices were was learnt by ``fit``.

        Raises
        ------
        InvalidInput
            The history is shorter than 56 days.

        """
        need_days(history, self.name)
        model = self._learnt()
        frame = _calendar(pd.date_range(history.origin, periods=LEAD_DAYS, freq="D"))
        with _quiet():
            expected = model.predict(frame)["yhat"]
        return expected.to_numpy(dtype=float).reshape(LEAD_DAYS, HOURS)

    def save(self, folder: Path) -> None:
        """Write what was learnt into a folder, in Prophet's own JSON."""
        from prophet.serialize import model_to_json

        with _quiet():
            text = model_to_json(self._learnt())
        (folder / _FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; the same history then gives the same forecast to the last bit.

        Raises
        ------
        ValueError, OSError, KeyError
            The file is not what ``save`` wrote.

        """
        from prophet.serialize import model_from_json

        text = (folder / _FILE).read_text(encoding="utf-8")
        member = cls()
        with _quiet():
            try:
                member._model = model_from_json(text)
            except (TypeError, AttributeError) as error:
                msg = f"{_FILE} holds no model"
                raise ValueError(msg) from error
        return member

    def _learnt(self) -> Prophet:
        if self._model is None:
            msg = "fit it, or load one that was"
            raise RuntimeError(msg)
        return self._model


def _configured(first_year: int, last_year: int) -> Prophet:
    from prophet import Prophet

    holidays = pd.DataFrame({"ds": pd.DatetimeIndex(national_holidays(first_year, last_year)), "holiday": "national"})
    model = Prophet(
        growth="flat",
        yearly_seasonality=False,
        weekly_seasonality=_WEEKLY_WAVES,
        daily_seasonality=False,
        holidays=holidays,  # all of one kind: too few are in the window to tell them apart
        uncertainty_samples=0,
    )
    for condition in ("work", "rest"):
        model.add_seasonality(f"daily_{condition}", period=1, fourier_order=_DAILY_WAVES, condition_name=condition)
    for period in ("peak", "flat"):
        model.add_regressor(period, standardize=False)
    for season in _SEASONS:
        model.add_regressor(season, prior_scale=_SEASON_SCALE, standardize=False)
        model.add_regressor(f"rest_{season}", prior_scale=_SEASON_SCALE, standardize=False)
    return model


def _calendar(days: pd.DatetimeIndex) -> pd.DataFrame:
    """What is known of the hours of days from the calendar alone: ``ds`` on the wall clock, without zone."""
    midnight, hour = np.repeat(days.to_numpy(), HOURS), np.tile(np.arange(HOURS), len(days))
    rest = np.repeat(rest_days(days), HOURS)
    period = tariff("2.0TD").by_hour(days).ravel()
    season = np.repeat(days.month.to_numpy() % 12 // 3, HOURS)
    columns: dict[str, Any] = {"ds": midnight + hour.astype("timedelta64[h]"), "work": ~rest, "rest": rest}
    columns |= {"peak": 1.0 * (period == 0), "flat": 1.0 * (period == 1)}
    for place, name in enumerate(_SEASONS):
        columns |= {name: 1.0 * (season == place), f"rest_{name}": 1.0 * ((season == place) & rest)}
    return pd.DataFrame(columns)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Prophet's notes on progress, and the warnings that pandas 3 gives to its code, from whoever reads ours.

    One thread at a time: which warnings are shown is a setting of the whole process.
    """
    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore", Pandas4Warning)
        import prophet  # noqa: F401  # sets the level of its logger
        from cmdstanpy.utils import get_logger

        for logger in (logging.getLogger("prophet"), get_logger()):
            logger.setLevel(logging.WARNING)
        yield
