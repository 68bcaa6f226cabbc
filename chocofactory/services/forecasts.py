"""What prices are to be expected: published ones where they are out, forecasts beyond, how sure, and what was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import HOUR, day_bounds, day_start, local_date, local_days
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.core.messages import Message
from chocofactory.domain import prices
from chocofactory.domain.measurements import PENINSULA, PRICE_FORECAST, PVPC, SPOT, Series
from chocofactory.forecasting.history import spread
from chocofactory.forecasting.model import LEAD_DAYS, QUANTILES
from chocofactory.forecasting.trained import FROM_SPOT
from chocofactory.services.jobs import JobKind, Outcome
from chocofactory.services.memo import Memo
from chocofactory.services.price_history import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chocofactory.core.clock import Clock
    from chocofactory.forecasting.history import History
    from chocofactory.forecasting.trained import Expected
    from chocofactory.services.jobs import Report
    from chocofactory.services.models import Models
    from chocofactory.services.price_history import Known
    from chocofactory.services.prices import Prices
    from chocofactory.store.base import SeriesStore

LONGEST_HORIZON = 168
"""Hours: seven days, or an hour more or less where the clock changes."""
HISTORY_DAYS = 400
"""Days before the origin that a forecast looks at; training looks at all."""
CHEAPEST_SHARE = 0.1
"""A stretch is among the cheapest when no more than this share of all stretches of its length is cheaper."""
_ARCHIVE = Series(PRICE_FORECAST, {"market": PVPC, "zone": PENINSULA})
FIELDS = {name: f"{name}_eur_kwh" for name in QUANTILES}
"""Names of the quantiles where forecasts are kept and shown."""
FORECASTER = "chocofactory"
"""The source of what is archived here."""


@dataclass(frozen=True)
class Forecast:
    """Prices of the coming hours, as far as they are out, and beyond as a model expects them.

    ``issued_at`` is when it was made, ``start`` its first hour, ``origin`` the local midnight from which the model
    speaks (all UTC). ``frame``: index ``time`` (UTC, hourly), columns ``p05`` ... ``p95`` [EUR/kWh] (all the same where
    the price is out), ``kind`` (``published``, ``simulated`` or ``forecast``), ``model`` and ``version`` (empty where
    the price is out), ``lead_day`` (0 where the price is out), ``period``, ``source``. ``paths`` [EUR/kWh], shape
    (scenarios, hours): what would come if the model were as wrong as it was in past weeks, each week as a whole.
    ``from_spot`` says that the first day was told from its day-ahead prices; ``reasons`` why this model serves.
    """

    issued_at: datetime
    start: datetime
    origin: datetime
    frame: pd.DataFrame
    paths: npt.NDArray[np.float64] = field(repr=False)
    model: str
    version: str | None
    from_spot: bool
    reasons: tuple[Message, ...] = ()

    @property
    def forecast_hours(self) -> pd.DataFrame:
        """The hours that are not out yet."""
        return self.frame[self.frame["lead_day"] > 0]


@dataclass(frozen=True)
class CheapWindow:
    """A stretch of hours (UTC, ``end`` exclusive), its expected mean price and the 90 % band of that mean [EUR/kWh].

    ``probability`` is the share of scenarios in which it is among the cheapest tenth of all stretches of its length;
    ``kind`` is ``forecast`` where any of its hours is, else that of its prices.
    """

    start: datetime
    end: datetime
    mean_eur_kwh: float
    low_eur_kwh: float
    high_eur_kwh: float
    probability: float
    kind: str


class Forecasts:
    """Makes forecasts with the model that serves, and keeps what it issued."""

    def __init__(
        self, store: SeriesStore, clock: Clock, published: Prices, models: Models, source: str = FORECASTER
    ) -> None:
        self._store = store
        self._clock = clock
        self._published = published
        self._models = models
        self._source = source
        self._memo = Memo(store, size=8)

    def forecast(
        self, at: datetime | None = None, horizon: int = LONGEST_HORIZON, model: str | None = None
    ) -> Forecast:
        """Prices of the ``horizon`` hours that begin with the one of ``at`` (by default now).

        With ``at`` it sees what could be seen at that moment: prices of days whose publication lay behind (at their
        present value, should they have been revised since), and only models that had learnt from nothing later.
        Without, who asks within the same minute gets the same.

        Raises
        ------
        InvalidInput
            The horizon is not 1 ... 168 hours, ``at`` lies in the future, or there is no such model (now).
        NotFound
            There are no prices of the 14 days before, or of fewer than 7 days.

        """
        if not 1 <= horizon <= LONGEST_HORIZON:
            raise InvalidInput(
                "The horizon must be 1 to {most} hours, not {hours}.", most=LONGEST_HORIZON, hours=horizon
            )
        now = self._clock.now()
        if at is not None and at > now:
            raise InvalidInput("{at} lies in the future: what is known then cannot be known now.", at=at.isoformat())
        start = _hour(at or now)
        end = start + horizon * HOUR
        if at is not None:
            return self._made(known(self._published, at, HISTORY_DAYS), start, end, model, at)
        minute = now.replace(second=0, microsecond=0)
        return self._memo.get(
            (minute, horizon, model, self._models.promoted()),
            lambda: self._made(known(self._published, now, HISTORY_DAYS), start, end, model),
        )

    def until(self, end: datetime, at: datetime | None = None) -> Forecast:
        """Prices from the hour of ``at`` (by default now) to ``end``, as ``forecast`` sees them.

        Raises
        ------
        InvalidInput
            ``at`` lies in the future, or ``end`` beyond the seven days after the last price that is out.
        NotFound
            As ``forecast``.

        """
        now = self._clock.now()
        if at is not None and at > now:
            raise InvalidInput("{at} lies in the future: what is known then cannot be known now.", at=at.isoformat())
        found = known(self._published, at or now, HISTORY_DAYS)
        last = found.origin + timedelta(days=LEAD_DAYS - 1)
        if end > day_bounds(last)[1]:
            raise InvalidInput(
                "Prices can be told until {last}, seven days from the last that is out, and not until {day}.",
                last=last.isoformat(),
                day=local_date(end - HOUR).isoformat(),
            )
        return self._made(found, _hour(at or now), end, None, at)

    def reach(self, at: datetime | None = None) -> date:
        """The last local day whose prices can be told at a moment (by default now); raises as ``until``."""
        found = known(self._published, at or self._clock.now(), HISTORY_DAYS)
        _history(found)
        return found.origin + timedelta(days=LEAD_DAYS - 1)

    def windows(self, forecast: Forecast, hours: int, count: int = 5) -> list[CheapWindow]:
        """The ``count`` cheapest stretches of ``hours`` hours from now on that do not overlap, cheapest first.

        Raises
        ------
        InvalidInput
            ``hours`` is not 1 ... the length of the forecast.

        """
        frame = forecast.frame
        if not 1 <= hours <= len(frame):
            raise InvalidInput("A window must have 1 to {most} hours, not {hours}.", most=len(frame), hours=hours)
        means = _running_means(frame["p50"].to_numpy(), hours)
        spread_ = _running_means(forecast.paths, hours)
        limit = np.quantile(spread_, CHEAPEST_SHARE, axis=1, method="inverted_cdf")
        chance = (spread_ <= limit[:, None] + prices.SAME_EUR_KWH).mean(axis=0)
        low, high = np.quantile(spread_, (0.05, 0.95), axis=0)
        times = pd.DatetimeIndex(frame.index)
        ahead = frame["lead_day"].to_numpy() > 0
        taken = np.zeros(len(frame), dtype=bool)
        found: list[CheapWindow] = []
        for place in np.argsort(means, kind="stable"):
            here = slice(place, place + hours)
            if taken[here].any():
                continue
            taken[here] = True
            kind = "forecast" if ahead[here].any() else str(frame["kind"].iloc[place])
            start = times[place].to_pydatetime()
            found.append(
                CheapWindow(
                    start,
                    start + hours * HOUR,
                    float(means[place]),
                    float(low[place]),
                    float(high[place]),
                    float(chance[place]),
                    kind,
                )
            )
            if len(found) == count:
                break
        return found

    def issue(self) -> Forecast:
        """Make a forecast of the seven days that are not out and keep it.

        Raises
        ------
        NotFound, StoreError
            As ``forecast`` and the store.

        """
        start = _hour(self._clock.now())
        found = known(self._published, self._clock.now(), HISTORY_DAYS)
        end = max(day_start(found.origin + timedelta(days=LEAD_DAYS)), start + HOUR)
        forecast = self._made(found, start, end, None)
        said = forecast.forecast_hours
        frame = said[[*QUANTILES, "model", "version"]].rename(columns=FIELDS)
        frame["lead_day"] = said["lead_day"].astype(float)
        frame["version"] = frame["version"].where(frame["version"] != "")
        at = forecast.issued_at
        self._store.write(_ARCHIVE, frame, source=self._source, written_at=at, issued_at=at)
        return forecast

    def issue_due(self) -> bool:
        """Whether something that matters has come out since the newest archived forecast was issued."""
        today = local_date(self._clock.now())
        try:
            found = known(self._published, self._clock.now(), HISTORY_DAYS)
        except NotFound:
            return False
        history, newest = found.history(), self.said(today)
        if len(history) < LEAD_DAYS:
            return False
        if newest is None or newest.index[0].to_pydatetime() < day_start(found.origin):
            return True
        version = newest["version"].iloc[-1]
        if (None if pd.isna(version) else version) != self._models.champion(history).version:
            return True
        spot = self._published.frame(found.origin, found.origin, SPOT)
        return found.spot_ahead() is not None and bool((spot["written_at"] > newest["issued_at"].iloc[0]).any())

    def said(self, day: date) -> pd.DataFrame | None:
        """The archived forecast that stood when a local day ended; None where none was issued in the week before.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC); ``p05`` ... ``p95`` [EUR/kWh], ``model``, ``version``, ``issued_at`` (UTC).

        """
        end = day_bounds(day)[1]
        rows = self._archive(day_start(day - timedelta(days=LEAD_DAYS)), end + (LEAD_DAYS + 2) * timedelta(days=1))
        rows = rows[rows["issued_at"] < end]
        if rows.empty:
            return None
        newest: pd.DataFrame = rows[rows["issued_at"] == rows["issued_at"].max()]
        return newest

    def issues(self, first: date, last: date) -> pd.DataFrame:
        """What was issued on the local days ``first`` ... ``last``.

        Returns
        -------
        DataFrame
            Index ``issued_at`` (UTC), sorted; ``first`` and ``last`` hour (UTC), ``hours``, ``model``, ``version``.

        """
        start, end = day_bounds(first, last)
        rows = self._archive(start, end + (LEAD_DAYS + 2) * timedelta(days=1)).reset_index()
        rows = rows[(rows["issued_at"] >= start) & (rows["issued_at"] < end)]
        groups = rows.groupby("issued_at")
        return groups.agg(
            first=("time", "min"),
            last=("time", "max"),
            hours=("time", "size"),
            model=("model", "last"),
            version=("version", "last"),
        )

    def job(self) -> JobKind:
        """The kind of run that issues a forecast."""
        return JobKind("issue_forecast", self._issue_job)

    def _issue_job(self, _params: Mapping[str, Any], report: Report) -> Outcome:
        report(0, "Making the forecast")
        forecast = self.issue()
        result = {
            "issued_at": forecast.issued_at.isoformat(),
            "hours": len(forecast.forecast_hours),
            "model": forecast.model,
            "version": forecast.version,
            "from_spot": forecast.from_spot,
        }
        return Outcome(result)

    def _made(
        self, found: Known, start: datetime, end: datetime, model: str | None, moment: datetime | None = None
    ) -> Forecast:
        history = _history(found)
        spot = found.spot_ahead() if model is None else None  # a model that is asked for speaks for itself
        champion = self._models.champion(history, model, moment=moment, spot=spot is not None)
        days = max((local_date(end - HOUR) - found.origin).days + 1, 1)
        expected = champion.trained.expect(history, days, champion.model, spot)
        grid = pd.date_range(start, end, freq="h", inclusive="left", unit="us", name="time")
        frame, paths = _hourly(expected, found, grid)
        ahead = frame["lead_day"] > 0
        spoken = ahead & (frame["lead_day"] == 1) & expected.from_spot
        frame["model"] = np.where(spoken, FROM_SPOT, np.where(ahead, champion.model, ""))
        frame["version"] = np.where(ahead, champion.version or "", "")
        frame["period"] = self._published.tariff.label(grid)
        frame["source"] = frame["source"].where(~ahead, self._source)
        return Forecast(
            issued_at=self._clock.now(),
            start=start,
            origin=day_start(found.origin),
            frame=frame,
            paths=paths,
            model=champion.model,
            version=champion.version,
            from_spot=bool(spoken.any()),
            reasons=(*champion.reasons, *_staleness(found.origin, local_date(start))),
        )

    def _archive(self, start: datetime, end: datetime) -> pd.DataFrame:
        rows = self._store.read(PRICE_FORECAST, start, end, market=PVPC, zone=PENINSULA)
        named = rows.rename(columns={field: name for name, field in FIELDS.items()})
        return named[[*QUANTILES, "model", "version", "issued_at"]]


def _hourly(expected: Expected, found: Known, grid: pd.DatetimeIndex) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """What is expected and what is out, on the hours that exist; and the scenarios of the same hours."""
    both = np.concatenate([expected.quantiles, np.moveaxis(expected.paths, 0, -1)], axis=2)
    hours = spread(both, found.origin).reindex(grid)
    out = found.pvpc.reindex(grid)
    price = out["price_eur_kwh"].to_numpy()
    there = np.isfinite(price)
    values = np.where(there[:, None], price[:, None], hours.to_numpy())
    frame = pd.DataFrame(values[:, : len(QUANTILES)], index=grid, columns=pd.Index(QUANTILES))
    frame["kind"] = out["kind"].where(there, "forecast")
    frame["lead_day"] = np.where(there, 0, (local_days(grid) - pd.Timestamp(found.origin)).days + 1)
    frame["source"] = out["source"]
    return frame, values[:, len(QUANTILES) :].T


def _history(found: Known) -> History:
    """The whole days that a forecast rests on; NotFound where they are too few."""
    history = found.history()
    if len(history) < LEAD_DAYS:
        raise NotFound("Prices are known of {days} days; a forecast needs {least}.", days=len(history), least=LEAD_DAYS)
    return history


def _staleness(origin: date, today: date) -> tuple[Message, ...]:
    """What there is to say of prices that should be out and are not."""
    if origin > today:
        return ()
    return (Message("Prices are known until {day} only.", day=(origin - timedelta(days=1)).isoformat()),)


def _running_means(values: npt.NDArray[np.float64], hours: int) -> npt.NDArray[np.float64]:
    """Means of each stretch of so many hours along the last axis."""
    stretches = np.lib.stride_tricks.sliding_window_view(values, hours, axis=-1)
    return np.asarray(stretches.mean(axis=-1))


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
