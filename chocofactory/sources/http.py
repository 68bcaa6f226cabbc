"""Asking outside sources over HTTP: politely, patiently, and never for ever.

One client a source. What it promises:

    time        connect and read time-outs from the settings, and a deadline for all tries together
    retries     lost connections, time-outs, answers cut short, 429 and 5xx; never another 4xx
    waiting     exponential with some chance in it, or what ``Retry-After`` says; not at all beyond the deadline
    politeness  a least pause between requests, a most an hour, and never two requests at once
    breaker     after some failed calls running the source is left alone for a while
    safety      no redirect to another host, no answer beyond a size, no key in any message, log or ``repr``
"""

from __future__ import annotations

import http.client
import math
import ssl
import time
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3
from pybreaker import CircuitBreaker, CircuitBreakerError
from pydantic import SecretStr
from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

from chocofactory import __version__
from chocofactory.core.clock import SystemClock
from chocofactory.core.errors import (
    KeyRefused,
    MalformedAnswer,
    RateLimited,
    SourceDown,
    SourceError,
    SourceTimeout,
)
from chocofactory.core.logs import get_logger, scrub
from chocofactory.sources.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chocofactory.core.clock import Clock
    from chocofactory.core.config import Settings

    Refine = Callable[[Answer], SourceError | int | None]

log = get_logger(__name__)

DEADLINE_S = 60.0
"""All tries of one call end within this time, unless a single try may last longer by the settings."""
LARGEST_ANSWER_BYTES = 20_000_000
FAILED_CALLS_TO_OPEN = 3
LEFT_ALONE_S = 120.0

_MOST_REDIRECTS = 3
_LONGEST_BACKOFF_S = 30.0
_CHUNK_BYTES = 65_536
_TOO_MANY = 429
_REFUSED = frozenset({401, 403})
_FIRST_REDIRECT, _FIRST_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500


class Timing(TypedDict, total=False):
    """How a client waits and what time it is, for tests to hand in."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    clock: Clock | None


@dataclass(frozen=True)
class _Failure:
    """A try that failed: with what, whether another may help, and how long the source asked to wait."""

    error: SourceError
    again: bool = False
    wait_s: float | None = None


class HttpClient:
    """Asks one source. Safe to share between threads; its requests never overlap.

    ``headers`` and ``params`` go with every request; those that are ``SecretStr`` are keys and appear nowhere else.
    ``sleep`` and ``monotonic`` are the time that waiting passes in, ``clock`` is what a ``Retry-After`` date is
    compared with.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        settings: Settings,
        *,
        headers: Mapping[str, str | SecretStr] | None = None,
        params: Mapping[str, str | SecretStr] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._base_url = base_url
        self._settings = settings
        self._sleep = sleep
        self._monotonic = monotonic
        self._clock = clock or SystemClock()
        kept = {**(headers or {}), **(params or {})}
        self._secrets = [v.get_secret_value() for v in kept.values() if isinstance(v, SecretStr)]
        self._params = {key: _plain(value) for key, value in (params or {}).items()}
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"ChocoFactory/{__version__} (energy planning; python-requests)"
        self._session.headers.update({key: _plain(value) for key, value in (headers or {}).items()})
        self._budget = InMemoryBucket([Rate(settings.http_hourly_limit, Duration.HOUR)])
        pause_ms = round(1000 * settings.http_pause_s)
        self._pause = InMemoryBucket([Rate(1, pause_ms)]) if pause_ms else None
        self._breaker = CircuitBreaker(
            fail_max=FAILED_CALLS_TO_OPEN,
            reset_timeout=LEFT_ALONE_S,
            exclude=[lambda error: not isinstance(error, SourceDown)],
            throw_new_error_on_trip=False,
            name=name,
        )

    def __repr__(self) -> str:
        return f"HttpClient({self.name!r}, {self._clean(self._base_url)!r})"

    def get(self, path: str, params: Mapping[str, str] | None = None, *, refine: Refine | None = None) -> Answer:
        """Ask for ``path`` below the base address and wait for a good answer.

        Parameters
        ----------
        path, params
            Path and query of the request; keys belong into the client's own ``params``. A whole address may stand for
            the path if it has the base address's scheme, host and port.
        refine
            Looks at every answer before the rules do, and may say what it stands for: the error (neither tried again
            nor counted as a failure), or the HTTP status that the rules shall go by.

        Raises
        ------
        KeyRefused
            401 or 403.
        RateLimited
            429 to the end, or the hourly budget of ours is spent.
        SourceTimeout, SourceDown
            No answer in time, no connection, a fault of the source; or it is left alone for having failed often.
        MalformedAnswer
            Any other 4xx, a redirect or an address to another host, or an answer beyond all size.
        SourceError
            What ``refine`` returned.

        """
        try:
            answer: Answer = self._breaker.call(self._persistently, path, params or {}, refine)
        except CircuitBreakerError:
            raise SourceDown(
                "{source} failed {calls} times running and is left alone for {seconds} s.",
                source=self.name,
                calls=FAILED_CALLS_TO_OPEN,
                seconds=round(LEFT_ALONE_S),
            ) from None
        return answer

    def _persistently(self, path: str, params: Mapping[str, str], refine: Refine | None) -> Answer:
        settings = self._settings
        one_try_s = settings.http_connect_timeout_s + settings.http_read_timeout_s
        until = self._monotonic() + max(DEADLINE_S, one_try_s)
        backoff = tenacity.wait_exponential(settings.http_backoff_s, max=_LONGEST_BACKOFF_S) + tenacity.wait_random(
            0, settings.http_backoff_s
        )

        def wait(state: tenacity.RetryCallState) -> float:
            asked = _result(state).wait_s
            return backoff(state) if asked is None else asked

        def enough(state: tenacity.RetryCallState) -> bool:
            too_late = self._monotonic() + state.upcoming_sleep >= until
            return too_late or state.attempt_number >= settings.http_attempts

        def tell(state: tenacity.RetryCallState) -> None:
            log.info(
                "asking again",
                source=self.name,
                tried=state.attempt_number,
                wait_s=round(state.upcoming_sleep, 1),
                reason=self._clean(str(_result(state).error)),
            )

        persistently = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda outcome: isinstance(outcome, _Failure) and outcome.again),
            wait=wait,
            stop=enough,
            sleep=self._sleep,
            before_sleep=tell,
            retry_error_callback=_result,
        )
        outcome: Answer | _Failure = persistently(self._try, path, params, refine, until)
        if isinstance(outcome, _Failure):
            raise outcome.error
        return outcome

    def _try(self, path: str, params: Mapping[str, str], refine: Refine | None, until: float) -> Answer | _Failure:
        """One request: the answer, or why there is none. Other people's exceptions end here, with what they quote."""
        if (spent := self._take_turn()) is not None:
            return spent
        began = self._monotonic()
        try:
            answer = self._request(self._address(path), {**self._params, **params}, until)
        except SourceError as error:
            return _Failure(error, again=isinstance(error, SourceDown))
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            return _Failure(self._timed_out(self._monotonic() - began), again=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return _Failure(self._unreachable(_innermost(error)), again=True)
        except ValueError:
            return _Failure(MalformedAnswer("{source} sends us on to no address at all.", source=self.name))
        log.debug("answered", source=self.name, path=path, status=answer.status, bytes=len(answer.body))
        meant = refine(answer) if refine else None
        if isinstance(meant, int):
            answer = replace(answer, status=meant)
        return _Failure(meant) if isinstance(meant, SourceError) else self._judge(answer)

    def _address(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self._base_url}/{path.lstrip('/')}"
        if _origin(path) != _origin(self._base_url):
            raise self._elsewhere(urlsplit(path).hostname)
        return path

    def _request(self, url: str, params: Mapping[str, str] | None, until: float) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            left = max(until - self._monotonic(), 0.001)
            time_outs = (
                min(self._settings.http_connect_timeout_s, left),
                min(self._settings.http_read_timeout_s, left),
            )
            with self._session.get(
                url, params=params, timeout=time_outs, allow_redirects=False, stream=True
            ) as response:
                target = response.headers.get("Location")
                if not _FIRST_REDIRECT <= response.status_code < _FIRST_ERROR or target is None:
                    headers = {key.lower(): value for key, value in response.headers.items()}
                    return Answer(self.name, response.status_code, headers, self._body(response, until))
            here, there = urlsplit(url), urlsplit(urljoin(response.url, target))
            if there.hostname != here.hostname or (here.scheme == "https" and there.scheme != "https"):
                raise self._elsewhere(there.hostname)
            url, params = there.geturl(), None
        raise MalformedAnswer("{source} sends us in circles.", source=self.name)

    def _body(self, response: requests.Response, until: float) -> bytes:
        body = bytearray()
        began = self._monotonic()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                raise MalformedAnswer(
                    "{source} answered with more than {most} MB.",
                    source=self.name,
                    most=LARGEST_ANSWER_BYTES // 1_000_000,
                )
            if self._monotonic() > until:
                raise self._timed_out(self._monotonic() - began)
        return bytes(body)

    def _judge(self, answer: Answer) -> Answer | _Failure:
        status = answer.status
        if status < _FIRST_ERROR:
            return answer
        wait_s = self._retry_after(answer)
        if status == _TOO_MANY:
            limited = RateLimited("{source} asks for fewer requests.", source=self.name, retry_after_s=wait_s)
            return _Failure(limited, True, wait_s)
        if status >= _FIRST_SERVER_ERROR:
            down = SourceDown("{source} is out of order (HTTP {status}).", source=self.name, status=status)
            return _Failure(down, True, wait_s)
        if status in _REFUSED and self._secrets:
            return _Failure(KeyRefused("{source} refused our key (HTTP {status}).", source=self.name, status=status))
        if status in _REFUSED:
            return _Failure(
                KeyRefused("{source} refuses to answer this address (HTTP {status}).", source=self.name, status=status)
            )
        return _Failure(
            MalformedAnswer("{source} did not accept the request (HTTP {status}).", source=self.name, status=status)
        )

    def _take_turn(self) -> _Failure | None:
        """Wait for the pause between requests to be over; a spent hour is a failure instead."""
        item = self._ticket()
        self._budget.leak(item.timestamp)
        if not self._budget.put(item):
            wait_s = max(self._waiting(self._budget, item), 1.0)
            return _Failure(
                RateLimited(
                    "{source} was asked {limit} times within an hour; the next request may leave in {seconds} s.",
                    source=self.name,
                    limit=self._settings.http_hourly_limit,
                    seconds=math.ceil(wait_s),
                    retry_after_s=wait_s,
                )
            )
        if self._pause is not None:
            while not self._pause.put(item := self._ticket()):
                self._sleep(self._waiting(self._pause, item))
            self._pause.leak(item.timestamp)
        return None

    def _ticket(self) -> RateItem:
        return RateItem(self.name, int(self._monotonic() * 1000))

    @staticmethod
    def _waiting(bucket: InMemoryBucket, item: RateItem) -> float:
        wait_ms = bucket.waiting(item)
        assert isinstance(wait_ms, int)  # noqa: S101 (only asynchronous buckets answer otherwise)
        return max(wait_ms, 1) / 1000

    def _retry_after(self, answer: Answer) -> float | None:
        """Seconds that the source asks to wait: ``Retry-After`` holds them, or a date (RFC 9110, 10.2.3)."""
        said = answer.headers.get("retry-after", "").strip()
        if said.isdecimal():
            return float(said)
        try:
            moment = parsedate_to_datetime(said)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - self._clock.now()).total_seconds(), 0.0)

    def _unreachable(self, cause: BaseException) -> SourceDown:
        """What happened in plain words; the system's own go to the log."""
        log.info("unreachable", source=self.name, reason=self._clean(str(cause) or type(cause).__name__))
        if isinstance(cause, ConnectionRefusedError):
            return SourceDown("{source} refused the connection.", source=self.name)
        if isinstance(cause, ssl.SSLError):
            return SourceDown("A secure connection to {source} cannot be made.", source=self.name)
        if isinstance(cause, (ConnectionError, http.client.HTTPException, urllib3.exceptions.ProtocolError)):
            return SourceDown("{source} broke the connection off.", source=self.name)
        return SourceDown("{source} cannot be reached.", source=self.name)

    def _elsewhere(self, host: str | None) -> MalformedAnswer:
        return MalformedAnswer("{source} sends us on to {host}, which is not asked.", source=self.name, host=host)

    def _timed_out(self, seconds: float) -> SourceTimeout:
        return SourceTimeout("{source} did not answer within {seconds} s.", source=self.name, seconds=round(seconds, 1))

    def _clean(self, text: str) -> str:
        return scrub(text, self._secrets)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _result(state: tenacity.RetryCallState) -> Any:
    assert state.outcome is not None  # noqa: S101 (there is one after every try)
    return state.outcome.result()


def _innermost(error: BaseException) -> BaseException:
    """What really happened, below the layers that repeat the address with its query."""
    seen = error
    while True:
        below = getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        if not isinstance(below, BaseException):
            return seen
        seen = below
