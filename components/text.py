"""The words and numbers that people read, in their language.

Message ids are English; ``locales/<language>/LC_MESSAGES/messages.po`` holds the others. The language is, in this
order: the one that :func:`speaking` sets (a terminal, a test), the browser's cookie, the application's default.
Everything here works outside a request too. Moments are shown on Madrid's clock; missing numbers as a dash.
"""

from __future__ import annotations

import io
import math
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from babel import Locale, dates, numbers
from babel.messages import mofile, pofile
from babel.support import NullTranslations, Translations
from flask import current_app, has_app_context, has_request_context, request

from chocofactory.core.clock import MADRID, local, local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime, timedelta

LANGUAGES = {"es": "Español", "en": "English"}
LANGUAGE_COOKIE = "choco_lang"
DEFAULT_LANGUAGE_KEY = "CHOCO_LOCALE"
MISSING = "–"  # noqa: RUF001 - a real dash
LOCALES = Path(__file__).parent / "locales"

_DAY_PATTERNS = {
    "es": {"short": "EEE d MMM", "long": "EEEE, d 'de' MMMM", "full": "EEEE, d 'de' MMMM 'de' y"},
    "en": {"short": "EEE d MMM", "long": "EEEE d MMMM", "full": "EEEE d MMMM y"},
}

_A_MINUTE_S = 60

_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def language() -> str:
    """The language now spoken: ``es`` or ``en``."""
    chosen = _spoken.get()
    if chosen is None and has_request_context():
        chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen not in LANGUAGES and has_app_context():
        chosen = current_app.config.get(DEFAULT_LANGUAGE_KEY)
    return chosen if chosen in LANGUAGES else "es"


@contextmanager
def speaking(tongue: str) -> Iterator[None]:
    """Speak a language inside the block, whatever the request says."""
    token = _spoken.set(tongue)
    try:
        yield
    finally:
        _spoken.reset(token)


def gettext(message: str, /, **fields: object) -> str:
    """The message in the language spoken, with ``{fields}`` filled in."""
    found = _catalog(language()).gettext(message)
    return found.format(**fields) if fields else found


def ngettext(one: str, many: str, n: int, /, **fields: object) -> str:
    """The singular or the plural form for ``n``, with ``{n}`` (formatted) and other fields filled in."""
    return _catalog(language()).ngettext(one, many, n).format(n=number(n), **fields)


def N_(message: str, /) -> str:  # noqa: N802 - the name that gettext gives to a mark without a translation
    """Mark a message for the catalogs; it is translated where it is shown."""
    return message


_ = gettext


def page_title(name: str) -> Callable[..., str]:
    """A browser title for a page registered under ``name`` (marked with :func:`N_`), in the reader's language."""
    return lambda **_path: f"{gettext(name)} · ChocoFactory"


def number(value: float | None, digits: int = 0) -> str:
    """A number with its thousands marked and exactly ``digits`` decimals: ``12.345,6``."""
    if _is_missing(value):
        return MISSING
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    rounded = round(float(value), digits) + 0.0  # type: ignore[arg-type]  # no "-0"
    return numbers.format_decimal(rounded, format=pattern, locale=_locale())


def quantity(value: float | None, unit: str, digits: int = 0) -> str:
    """A number with its unit: ``1.250 kWh``; a missing one is a dash without unit."""
    return MISSING if _is_missing(value) else f"{number(value, digits)} {unit}"


def price(value_eur_kwh: float | None, digits: int = 3) -> str:
    """A price of energy [EUR/kWh]: ``0,142 €/kWh``."""
    return quantity(value_eur_kwh, "€/kWh", digits)


def percent(share: float | None, digits: int = 0) -> str:
    """A share (0 to 1) as a percentage: ``12 %``."""
    return MISSING if _is_missing(share) else quantity(float(share) * 100, "%", digits)  # type: ignore[arg-type]


def time(moment: datetime, *, zone: bool = False) -> str:
    """The local time of a moment: ``14:05``, or with its zone ``14:05 CET``."""
    return dates.format_time(moment, "HH:mm z" if zone else "HH:mm", tzinfo=MADRID, locale=_locale())


def clock(moment: datetime) -> str:
    """The local time of a moment, with its zone in the hour that comes twice: ``14:05``, ``02:30 CEST``."""
    return time(moment, zone=comes_twice(moment))


def hours(start: datetime, end: datetime) -> str:
    """From when to when, in local time: ``14:00-16:00`` with a real dash.

    Zones are named in the hour that comes twice, in the night when clocks are set back.
    """
    ambiguous = comes_twice(start) or comes_twice(end)
    return f"{time(start, zone=ambiguous)}–{time(end, zone=ambiguous)}"  # noqa: RUF001


def day(when: date, style: Literal["short", "long", "full"] = "long") -> str:
    """A day with its weekday: ``lun 1 dic`` (short), ``lunes, 1 de diciembre`` (long), with the year (full)."""
    return dates.format_date(when, _DAY_PATTERNS[language()][style], locale=_locale())


def month(when: date) -> str:
    """The month of a day with its year: ``nov 2025``."""
    return dates.format_skeleton("yMMM", when, locale=_locale())


def date_range(first: date, last: date) -> str:
    """A range of days, both included: ``1-7 dic 2025`` with a real dash."""
    if first == last:
        return dates.format_skeleton("yMMMd", first, locale=_locale())
    return dates.format_interval(first, last, "yMMMd", locale=_locale())


def moment(when: datetime) -> str:
    """A moment on Madrid's clock with its year, and its zone where the clock shows it twice: ``1 dic 2025, 14:05``."""
    when_day = local_date(when)
    return f"{date_range(when_day, when_day)}, {clock(when)}"


def ago(age: timedelta) -> str:
    """How long ago something was: ``hace 12 minutos``; negative ages lie ahead."""
    if abs(age.total_seconds()) < _A_MINUTE_S:
        return _("just now")
    return dates.format_timedelta(-age, granularity="minute", threshold=0.95, add_direction=True, locale=_locale())


def comes_twice(moment: datetime) -> bool:
    """Whether Madrid's clock shows the time of a moment twice, in the night when it is set back."""
    wall = local(moment)
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def _is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _locale() -> Locale:
    return _locale_of(language())


@cache
def _locale_of(tongue: str) -> Locale:
    return Locale.parse("en_GB" if tongue == "en" else tongue)


@cache
def _catalog(tongue: str) -> NullTranslations:
    source = LOCALES / tongue / "LC_MESSAGES" / "messages.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        catalog = pofile.read_po(file, locale=tongue)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
