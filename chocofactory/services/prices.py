"""What people and programs ask about prices: now, today and tomorrow, any range, any statistic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.core.clock import MADRID, day_bounds, day_grid, local_date
from chocofactory.core.errors import InvalidInput
from chocofactory.domain import prices
from chocofactory.domain.measurements import ENERGY_PRICE, HOURLY, PENINSULA, PVPC, price_series
from chocofactory.services.memo import Memo
from chocofactory.services.ranges import check_days

if TYPE_CHECKING:
    from chocofactory.core.clock import Clock
    from chocofactory.domain.tariff import Tariff
    from chocofactory.store.base import SeriesStore

LONGEST_RANGE_DAYS = 366
"""Most local days that one REST answer holds."""


@dataclass(frozen=True)
class Day:
    """One local day of one market: its state, how much of it is there, and its prices (see ``Prices.frame``)."""

    day: date
    state: prices.DayState
    present: int
    expected: int
    frame: pd.DataFrame
    published_at: datetime


@dataclass(frozen=True)
class Current:
    """The price in force: value, its interval, tariff period, rank in its local day (1 is cheapest) and provenance."""

    time: pd.Timestamp
    end: pd.Timestamp
    price_eur_kwh: float
    period: str
    rank: int
    of: int
    day_mean_eur_kwh: float
    source: str
    kind: str
    written_at: pd.Timestamp


@dataclass(frozen=True)
class Outlook:
    """What the Overview shows: the moment, the price in force if there is one, today and tomorrow, cheap windows."""

    now: datetime
    current: Current | None
    today: Day
    tomorrow: Day
    windows: list[prices.Window]
    ahead_mean_eur_kwh: float | None

    @property
    def frame(self) -> pd.DataFrame:
        """Today's and tomorrow's prices together."""
        return pd.concat([self.today.frame, self.tomorrow.frame])


@dataclass(frozen=True)
class Listing:
    """Prices of a range (see ``Prices.frame``), how many hours it should have, and their statistics."""

    frame: pd.DataFrame
    expected: int
    statistics: prices.Statistics | None


class Prices:
    """Reads prices and answers questions about them; changes nothing."""

    def __init__(self, store: SeriesStore, clock: Clock, tariff: Tariff, zone: str = PENINSULA) -> None:
        self._store = store
        self._clock = clock
        self._tariff = tariff
        self._zone = zone
        self._memo = Memo(store)

    @property
    def tariff(self) -> Tariff:
        """The tariff whose periods label the hours."""
        return self._tariff

    def frame(self, first: date, last: date, market: str = PVPC) -> pd.DataFrame:
        """Hourly prices of the local days ``first`` ... ``last``, both included.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC); columns ``price_eur_kwh`` and ``first_price_eur_kwh`` [EUR/kWh], ``suspect``,
            ``source``, ``kind`` (``published`` or ``simulated``), ``written_at`` (UTC), ``period``. An hour that is
            missing is an absent row. Quarter-hours, where they are kept, become the mean of the hour's four.

        Raises
        ------
        InvalidInput
            The end lies before the start, or a day outside 2000 to 2099.

        """
        check_days(first, last)
        return self._memo.get(("frame", first, last, market), lambda: self._load(first, last, market))

    def span(self, market: str = PVPC) -> tuple[date, date] | None:
        """First and last local day that hold a price, or ``None`` when there is none."""
        return self._memo.get(("span", market), lambda: self._span(market))

    def day(self, day: date, market: str = PVPC) -> Day:
        """One local day with its state."""
        frame = self.frame(day, day, market)
        expected = self.expected_hours(day, day)
        state = prices.day_state(market, day, len(frame), expected, self._clock.now())
        return Day(day, state, len(frame), expected, frame, prices.published_at(market, day))

    def outlook(self, market: str = PVPC, lengths: tuple[int, ...] = tuple(range(1, 13))) -> Outlook:
        """The present price, today and tomorrow, and the cheapest window of each length [h] from now on."""
        now = self._clock.now()
        today = self.day(local_date(now), market)
        tomorrow = self.day(local_date(now) + timedelta(days=1), market)
        both = pd.concat([today.frame, tomorrow.frame])["price_eur_kwh"]
        ahead = both[both.index >= now]
        windows = prices.cheapest_windows(
            both, after=now, lengths=[timedelta(hours=hours) for hours in lengths], resolution=HOURLY
        )
        mean = float(ahead.mean()) if len(ahead) else None
        return Outlook(now, self._current(now, today), today, tomorrow, windows, mean)

    def listing(self, first: date, last: date, market: str = PVPC, period: str | None = None) -> Listing:
        """Prices of a range for REST, of one tariff period if it is named.

        Raises
        ------
        InvalidInput
            The end lies before the start, or the range is longer than 366 local days.

        """
        if (last - first).days >= LONGEST_RANGE_DAYS:
            raise InvalidInput("At most {most} days can be asked for at once.", most=LONGEST_RANGE_DAYS)
        frame = self.frame(first, last, market)
        grid = day_grid(first, last)  # after the frame, which refuses what is no range
        if period is not None:
            frame = frame[frame["period"] == period]
            grid = grid[self._tariff.label(grid) == period]
        return Listing(frame, len(grid), prices.statistics(frame["price_eur_kwh"]))

    def expected_hours(self, first: date, last: date) -> int:
        """How many hours the local days ``first`` ... ``last`` have, published or not."""
        start, end = day_bounds(first, last)
        return int((end - start) / HOURLY)

    def statistics(self, first: date, last: date, market: str = PVPC) -> prices.Statistics | None:
        """Statistics of the range, or ``None`` when it holds no price."""
        return prices.statistics(self.frame(first, last, market)["price_eur_kwh"])

    def by_period(self, first: date, last: date, market: str = PVPC) -> pd.DataFrame:
        """Count, mean, lowest and highest price [EUR/kWh] of each tariff period in the range."""
        return self._memo.get(
            ("by_period", first, last, market),
            lambda: prices.by_period(self.frame(first, last, market)["price_eur_kwh"], self._tariff),
        )

    def day_matrix(self, first: date, last: date, market: str = PVPC) -> pd.DataFrame:
        """Prices by local day and hour number of the day (see ``domain.prices.day_matrix``), one row for every day."""

        def build() -> pd.DataFrame:
            matrix = prices.day_matrix(self.frame(first, last, market)["price_eur_kwh"], HOURLY)
            return matrix.reindex(pd.date_range(first, last, name=matrix.index.name))

        return self._memo.get(("matrix", first, last, market), build)

    def daily_means(self, first: date, last: date, market: str = PVPC) -> pd.DataFrame:
        """Mean price [EUR/kWh] of each local day, with the count of its hours and how many it should have."""
        return self._memo.get(
            ("daily", first, last, market),
            lambda: prices.daily_means(self.frame(first, last, market)["price_eur_kwh"], HOURLY),
        )

    def typical_day(self, first: date, last: date, by: str, market: str = PVPC) -> pd.DataFrame:
        """Mean price [EUR/kWh] by local hour for each ``month``, ``weekday`` or tariff ``period``."""
        return self._memo.get(
            ("typical", by, first, last, market),
            lambda: prices.typical_day(self.frame(first, last, market)["price_eur_kwh"], by, self._tariff),
        )

    def _load(self, first: date, last: date, market: str) -> pd.DataFrame:
        start, end = day_bounds(first, last)
        raw = self._store.read(ENERGY_PRICE, start, end, market=market, zone=self._zone)
        frame = _hourly(raw)
        sources = frame["source"].astype("category")
        kinds = {name: prices.kind(name) for name in sources.cat.categories}
        frame["kind"] = sources.map(kinds).astype("str")
        frame["source"] = sources.astype("str")
        frame["period"] = self._tariff.label(pd.DatetimeIndex(frame.index))
        return frame

    def _span(self, market: str) -> tuple[date, date] | None:
        keys = price_series(market, self._zone).keys
        extents = [self._store.extent(series) for series in self._store.series(ENERGY_PRICE) if series.keys == keys]
        ends = [moment for extent in extents if extent is not None for moment in extent]
        return (local_date(min(ends)), local_date(max(ends))) if ends else None

    def _current(self, now: datetime, today: Day) -> Current | None:
        frame = today.frame
        times = pd.DatetimeIndex(frame.index)
        position = int(times.searchsorted(pd.Timestamp(now), side="right")) - 1
        if position < 0 or times[position] + HOURLY <= now:
            return None
        row, moment = frame.iloc[position], times[position]
        rank = prices.rank_in_day(frame["price_eur_kwh"], moment)
        if rank is None:
            return None
        return Current(
            time=moment,
            end=moment + HOURLY,
            price_eur_kwh=float(row["price_eur_kwh"]),
            period=str(row["period"]),
            rank=rank[0],
            of=rank[1],
            day_mean_eur_kwh=float(frame["price_eur_kwh"].mean()),
            source=str(row["source"]),
            kind=str(row["kind"]),
            written_at=row["written_at"],
        )


_COLUMNS = ["price_eur_kwh", "first_price_eur_kwh", "suspect", "source", "written_at"]


def _hourly(raw: pd.DataFrame) -> pd.DataFrame:
    """Hourly rows as they are; finer ones as the mean of a whole hour, where no hourly row stands."""
    fine = raw["resolution"] < HOURLY
    hourly = raw.loc[~fine, _COLUMNS]
    if not fine.any():
        return hourly.copy()
    parts = raw.loc[fine]
    groups = parts.groupby(pd.DatetimeIndex(parts.index).floor("h"))
    whole = groups["resolution"].sum() >= HOURLY
    means = groups[["price_eur_kwh", "first_price_eur_kwh"]].mean().round(8)
    others = groups[["suspect", "source", "written_at"]].last()
    averaged = means.join(others).loc[whole[whole].index, _COLUMNS].rename_axis("time")
    averaged = averaged[~averaged.index.isin(hourly.index)]
    return pd.concat([hourly, averaged]).sort_index()


def as_records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of ``Prices.frame`` as REST and CSV show them: local time with offset, EUR/kWh, provenance."""
    local = pd.DatetimeIndex(frame.index).tz_convert(MADRID)
    rounded = np.round(frame["price_eur_kwh"].to_numpy(), 8)
    return [
        {
            "timestamp": moment.isoformat(),
            "price_eur_kwh": float(price),
            "price_kwh": float(price),
            "tariff_period": period,
            "kind": kind,
            "source": source,
        }
        for moment, price, period, kind, source in zip(
            local, rounded, frame["period"], frame["kind"], frame["source"], strict=True
        )
    ]
