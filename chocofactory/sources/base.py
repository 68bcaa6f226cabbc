"""What the services expect of a price source, and what every source checks before it hands prices on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import InvalidInput, MalformedAnswer, NotPublished
from chocofactory.domain.gaps import on_grid
from chocofactory.domain.measurements import HOURLY, QUARTER_HOURLY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, timedelta

    import numpy.typing as npt

_KWH_PER_MWH = 1000
_DECIMALS = 8


@runtime_checkable
class PriceSource(Protocol):
    """Delivers published prices.

    ``name`` is kept with every row (``ree``, ``esios``, ``esios_archive``, ``demo``), ``markets`` are those that it
    has, ``longest_request`` is the most days that one request may span.
    """

    name: str
    markets: frozenset[str]
    longest_request: timedelta

    def prices(self, market: str, first: date, last: date) -> pd.DataFrame:
        """Published prices of the local days ``first`` ... ``last``, both included, as far as they are out.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, start of interval, sorted, unique, inside the days asked for); column
            ``price_eur_kwh`` [EUR/kWh]. ``attrs["resolution"]`` is the interval length (``timedelta``). A day may be
            partial; a frame is never empty.

        Raises
        ------
        InvalidInput
            The market is not one of ``markets``, or the days are more than ``longest_request``.
        NotPublished
            The source answered that it has nothing for these days.
        KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """


@runtime_checkable
class ObservationSource(Protocol):
    """Delivers hourly observations of one station; ``name`` (the provider) and ``station`` name the series.

    ``reach`` is how far back its hours can still be had; none (zero) where it knows the hour under way alone.
    """

    name: str
    station: str
    reach: timedelta

    def observations(self, first: date, last: date) -> pd.DataFrame:
        """Observations of the local days ``first`` ... ``last``, both included, as far as the source still has them.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, start of the hour, sorted, unique); columns among the fields of
            ``weather_observation``, in their units, NaN where a sensor said nothing. Never empty, no row all NaN.

        Raises
        ------
        NotPublished
            The source has nothing of these days.
        KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """


@dataclass(frozen=True)
class IssuedForecast:
    """A forecast as its provider issued it, at ``issued_at`` (UTC).

    ``frame`` has the fields of ``weather_forecast`` by UTC ``time`` (start of interval, sorted, unique, on the grid of
    ``resolution``), just as issued: nothing is interpolated, and what the provider does not say is NaN.
    """

    issued_at: datetime
    resolution: timedelta
    frame: pd.DataFrame


@runtime_checkable
class ForecastSource(Protocol):
    """Delivers weather forecasts for one place; ``name`` (the provider) and ``place`` name the series."""

    name: str
    place: str

    def forecast(self) -> IssuedForecast:
        """The forecast in force.

        Raises
        ------
        NotPublished, KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """


@runtime_checkable
class DailySource(Protocol):
    """Delivers checked daily weather of one station, some days late; ``name`` and ``station`` name the series."""

    name: str
    station: str
    longest_request: timedelta

    def daily(self, first: date, last: date) -> pd.DataFrame:
        """Days ``first`` ... ``last``, both included, as far as they are out.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, local midnight at which the day begins, sorted, unique); columns among the fields of
            ``weather_daily``, in their units. Never empty, no row all NaN.

        Raises
        ------
        InvalidInput
            The days are more than ``longest_request``.
        NotPublished
            The source has nothing of these days.
        KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """


@runtime_checkable
@runtime_checkable
class HistorySource(Protocol):
    """Has the daily history of a SIAR station; ``name``, ``province`` and ``siar_station`` name the series."""

    name: str
    province: str
    siar_station: str

    def siar_days(self, first: date, last: date) -> pd.DataFrame:
        """Days ``first`` ... ``last``, both included, that are over.

        Returns
        -------
        DataFrame
            Index ``time`` (UTC, local midnight at which the day begins, sorted, unique); columns among the fields of
            ``siar_daily``. Never empty, no row all NaN.

        Raises
        ------
        NotPublished
            None of these days is over.

        """


@runtime_checkable
class GenerationSource(Protocol):
    """Delivers generated electricity by technology, a row a local day, the day after; ``name`` and ``system``."""

    name: str
    system: str
    longest_request: timedelta

    def generation(self, first: date, last: date) -> dict[str, pd.DataFrame]:
        """Generation of the local days ``first`` ... ``last``, both included, as far as they are out.

        Returns
        -------
        dict
            For each technology (a stable lower-case identifier) a frame: index ``time`` (UTC, local midnight at which
            the day begins, sorted, unique), columns ``energy_mwh`` [MWh] and ``share`` [0 to 1]. Never empty.

        Raises
        ------
        InvalidInput
            The days are more than ``longest_request``.
        NotPublished
            The source has nothing of these days.
        KeyRefused, RateLimited, SourceDown, SourceTimeout, MalformedAnswer
            As their names say.

        """


def check_request(source: PriceSource, market: str, first: date, last: date) -> None:
    """Refuse what a source cannot be asked for.

    Raises
    ------
    InvalidInput
        The market is not one of the source's, the end lies before the start, or the days are too many.

    """
    if market not in source.markets:
        raise InvalidInput("{source} has no prices of {market}.", source=source.name, market=market)
    check_length(source, first, last)


def check_length(source: PriceSource | DailySource | GenerationSource, first: date, last: date) -> None:
    """Refuse what is no range of days, or more of them than a source may be asked for at once.

    Raises
    ------
    InvalidInput
        The end lies before the start, or the days are too many.

    """
    days = (last - first).days + 1
    if not 1 <= days <= source.longest_request.days:
        raise InvalidInput(
            "{source} can be asked for 1 to {most} days at once, not {days}.",
            source=source.name,
            most=source.longest_request.days,
            days=days,
        )


def eur_kwh(eur_mwh: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Prices in EUR/kWh of prices in EUR/MWh, free of the dust of a division: 116.33 becomes 0.11633."""
    return np.round(np.asarray(eur_mwh, dtype=float) / _KWH_PER_MWH, _DECIMALS)


def resolution_of(times: pd.DatetimeIndex) -> timedelta | None:
    """The interval length that sorted, unique UTC times show: an hour, a quarter of one, or None for anything else.

    Holes are allowed. Quarter-hours among which two full hours follow each other are a mixture, and None.
    """
    if on_grid(times, HOURLY).all():
        return HOURLY
    steps = np.diff(times.as_unit("us").asi8)
    full = on_grid(times, HOURLY)
    one_hour = HOURLY.total_seconds() * 1e6
    one_quarter = QUARTER_HOURLY.total_seconds() * 1e6
    mixed = ((steps == one_hour) & full[1:] & full[:-1]).any()
    has_quarters = len(steps) == 0 or (steps == one_quarter).any()
    return QUARTER_HOURLY if on_grid(times, QUARTER_HOURLY).all() and has_quarters and not mixed else None


def price_frame(rows: Iterable[tuple[Any, Any]], *, source: str, market: str, first: date, last: date) -> pd.DataFrame:
    """Prices of the local days ``first`` ... ``last`` from a source's pairs of time (ISO 8601) and price (EUR/MWh).

    A null price is absent; rows outside the days are cut; rows given twice count once. Any finite price is kept, be it
    negative, zero or high.

    Returns
    -------
    DataFrame
        As ``PriceSource.prices`` says.

    Raises
    ------
    NotPublished
        There is no row, or no price in any.
    MalformedAnswer
        A time without offset or off the grid, a price that is not a number, two prices for one interval, hours and
        quarter-hours mixed, or only days that were not asked for.

    """
    read = [(moment(stamp, source), number(value, source)) for stamp, value in rows]
    table = pd.DataFrame(read, columns=["time", "price"]).drop_duplicates()
    index = pd.DatetimeIndex(table["time"], tz="UTC").as_unit("us").rename("time")
    prices = pd.Series(table["price"].to_numpy(dtype=float), index=index).sort_index()
    resolution = resolution_of(pd.DatetimeIndex(prices.index.unique()))
    if resolution is None:
        raise MalformedAnswer("{source} answered with times that are neither hours nor quarter-hours.", source=source)
    prices = prices.dropna()
    if prices.empty:
        raise nothing_published(source, market, first, last)
    if not prices.index.is_unique:
        doubled = prices.index[prices.index.duplicated()][0]
        raise MalformedAnswer("{source} answered with two prices for {time}.", source=source, time=doubled.isoformat())
    start, end = day_bounds(first, last)
    inside = prices[(prices.index >= start) & (prices.index < end)]
    if inside.empty:
        raise answered_for_others(source, prices.index[0].isoformat(), first, last)
    frame = pd.DataFrame({"price_eur_kwh": eur_kwh(inside)}, index=inside.index)
    frame.attrs["resolution"] = resolution
    return frame


def nothing_published(source: str, market: str, first: date, last: date) -> NotPublished:
    """The error that says that a source has nothing for these days."""
    if first == last:
        return NotPublished("{source} has no {market} prices for {day}.", source=source, market=market, day=first)
    return NotPublished(
        "{source} has no {market} prices for {first} to {last}.", source=source, market=market, first=first, last=last
    )


def no_generation(source: str, first: date, last: date) -> NotPublished:
    """The error that says that a source has no generation of these days."""
    return NotPublished("{source} has no generation of {first} to {last}.", source=source, first=first, last=last)


def answered_for_others(source: str, answered: str, first: date, last: date) -> MalformedAnswer:
    """The error that says that a source, asked for some days, ``answered`` for others alone."""
    return MalformedAnswer(
        "{source} answered for {answered} when it was asked for {first} to {last}.",
        source=source,
        answered=answered,
        first=first,
        last=last,
    )


def moment(stamp: Any, source: str) -> datetime:
    """The moment in UTC that a source wrote in ISO 8601.

    Raises
    ------
    MalformedAnswer
        It is none, or has no offset.

    """
    try:
        found = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise MalformedAnswer(
            "{source} answered with {value} where a time with its offset belongs.", source=source, value=repr(stamp)
        )
    return found.astimezone(UTC)


def number(value: Any, source: str) -> float:
    """A source's number; null is NaN.

    Raises
    ------
    MalformedAnswer
        It is something else, or not finite.

    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise MalformedAnswer(
            "{source} answered with {value} where a number belongs.", source=source, value=repr(value)
        )
    return float(value)
