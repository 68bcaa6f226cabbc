"""One bucket of an InfluxDB 2.x server, through ``influxdb-client``: the one place where its errors become ours.

The client's own retries stay off: the writer's give up for ever once the process is older than three minutes, and none
of them tries a POST again. Here every call is tried a few times within seconds: after a lost or refused connection, a
time-out, 429 (waiting as long as ``Retry-After`` asks) and 5xx; never after another answer. When that did not help, the
server is left alone for a while (see ``outage``), so that a page with ten parts does not wait ten times. Somebody looks
at a page while a question is asked: an answer that does not come soon is not waited for twice. Writing may take longer.
"""

from __future__ import annotations

import io
import json
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import tenacity
import urllib3
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dialect import Dialect
from influxdb_client.service.write_service import WriteService

from chocofactory.core.errors import (
    StoreError,
    StoreForbidden,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from chocofactory.core.logs import get_logger, scrub
from chocofactory.store.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from chocofactory.store.flux import Question

T = TypeVar("T")

log = get_logger(__name__)

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S, WRITE_TIMEOUT_S = 2.0, 3.0, 10.0
ATTEMPTS, DEADLINE_S, WRITE_DEADLINE_S = 4, 2.0, 5.0
"""Most tries of one call, and the times [s] after which none begins: of a question, and of a write or a delete."""
LINES_A_REQUEST = 10_000
SHARD = timedelta(days=28)
"""What one shard of the bucket spans: a week, as InfluxDB has it, makes years slow; a year, a day's forecasts."""

_DIALECT = Dialect(header=True, delimiter=",", annotations=[], comment_prefix="#", date_time_format="RFC3339Nano")
_BROKEN_OFF = b"\n,error,reference"  # how an answer goes on when the server fails in the middle of it
_WRITTEN = 204
_FORBIDDEN = frozenset({401, 403})
_MISSING, _TIME_OUT, _TOO_MANY, _SERVER_ERROR, _NO_ROOM = 404, 408, 429, 500, 507
_NO_ORG = re.compile(r"\borganization\b.*\bnot found")
_LONGEST_REASON = 300


@dataclass(frozen=True)
class _Failure:
    """A try that failed: with what, whether another may help, and how long the server asked to wait."""

    error: StoreError
    again: bool = False
    wait_s: float | None = None


class InfluxServer:
    """One bucket of a server. Safe to share between threads.

    ``at_leisure``, because nobody looks at a page meanwhile, every answer may take as long as a write. ``sleep`` and
    ``monotonic`` are the time that waiting passes in.

    Raises
    ------
    StoreUnavailable
        By every method: no connection, no answer in time, 429 or 5xx to the end, or an answer that is not InfluxDB's.
    StoreForbidden
        The token is refused, or may not do that; or there is no such organisation.
    StoreRefused
        Any other answer: it will be the same however often one asks.
    StoreFull
        Its disk is full.

    """

    def __init__(
        self,
        url: str,
        token: str,
        org: str,
        bucket: str,
        *,
        at_leisure: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = scrub(url)
        self.bucket = bucket
        self._org = org
        self._secrets = [token]
        self._at_leisure = at_leisure
        self._sleep = sleep
        self._monotonic = monotonic
        self._outage = Outage(monotonic)
        self._client, self._patient = (
            InfluxDBClient(url, token=token, org=org, timeout=(1000 * CONNECT_TIMEOUT_S, 1000 * read_s), retries=False)
            for read_s in (ANSWER_TIMEOUT_S, WRITE_TIMEOUT_S)
        )

    def ask(self, question: Question, kinds: Mapping[str, str], *, at_leisure: bool = False) -> pd.DataFrame:
        """The table that answers a question; ``kinds`` tells how its columns are to be read, by default as text."""
        client, deadline_s = self._patience(at_leisure)
        return self._persistently(self._ask, client, question, kinds, deadline_s=deadline_s)

    def write(self, lines: Sequence[str], *, at_leisure: bool = True) -> None:
        """Write points (line protocol, times in microseconds), in order; each request whole or in part."""
        client, deadline_s = self._patience(at_leisure)
        for first in range(0, len(lines), LINES_A_REQUEST):
            body = "\n".join(lines[first : first + LINES_A_REQUEST]).encode()
            self._persistently(self._write, client, body, deadline_s=deadline_s)

    def delete(self, start: datetime, end: datetime, measurement: str, tags: Mapping[str, str]) -> None:
        """Delete points with ``start <= time < end`` whose tags have these (encoded) values."""
        predicate = " AND ".join(f'{name}="{value}"' for name, value in {"_measurement": measurement, **tags}.items())
        last = end - timedelta(microseconds=1)  # the server counts the end in
        delete = self._patient.delete_api().delete
        self._persistently(delete, start, last, predicate, self.bucket, self._org, deadline_s=WRITE_DEADLINE_S)

    def retention(self) -> timedelta | None:
        """How long the bucket keeps points, zero for ever; ``None`` where there is no bucket."""
        found = self._persistently(self._find_bucket)
        rules = found.retention_rules if found is not None else []
        return None if found is None else timedelta(seconds=max([rule.every_seconds or 0 for rule in rules], default=0))

    def make_bucket(self) -> None:
        """Make the bucket, unless somebody else just did."""
        try:
            self._persistently(self._make_bucket)
        except StoreRefused:
            if self.retention() is None:
                raise

    def check_expected(self) -> None:
        """Raise at once while the server is known to be away and nobody is to try it."""
        self._outage.check()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        self._patient.close()

    def _persistently(self, call: Callable[..., T], *args: Any, deadline_s: float = DEADLINE_S) -> T:
        """Call until there is an outcome that another try would not change; after an outage, once."""
        began = self._monotonic()
        backoff = tenacity.wait_exponential(0.1, max=2.0) + tenacity.wait_random(0, 0.1)

        def wait(state: tenacity.RetryCallState) -> float:
            asked = _result(state).wait_s
            return backoff(state) if asked is None else asked

        def enough(state: tenacity.RetryCallState) -> bool:
            late = self._monotonic() + state.upcoming_sleep >= began + deadline_s
            return late or state.attempt_number >= ATTEMPTS or self._outage.known

        persistently = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda outcome: isinstance(outcome, _Failure) and outcome.again),
            wait=wait,
            stop=enough,
            sleep=self._sleep,
            retry_error_callback=_result,
        )
        with self._outage.attempt() as alone:
            outcome: T | _Failure = persistently(self._try, call, *args)
            if isinstance(outcome, _Failure):
                if outcome.again:
                    self._outage.failed(outcome.error, alone=alone)
                else:
                    self._outage.over()
                log.info("server failed", url=self.url, reason=str(outcome.error), code=outcome.error.code)
                raise outcome.error
            self._outage.over()
        return outcome

    def _try(self, call: Callable[..., T], *args: Any) -> T | _Failure:
        """One request: what it gave, or why it gave nothing. Other people's exceptions end here."""
        try:
            return call(*args)
        except StoreError as error:
            return _Failure(error)
        except InfluxDBError as error:
            return self._judge(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = self._clean(str(_innermost(error)) or type(error).__name__)
            away = StoreUnavailable("InfluxDB at {url} does not answer: {reason}.", url=self.url, reason=reason)
            return _Failure(away, again=True)
        except (ValueError, KeyError) as error:
            reason = self._clean(f"{type(error).__name__}: {error}")
            return _Failure(self._senseless(reason))

    def _judge(self, error: InfluxDBError) -> _Failure:
        status = int(getattr(error, "status", None) or 0)
        reason = self._clean(_reason(error) or f"HTTP {status}")
        where = {"url": self.url, "reason": reason}
        if status < _SERVER_ERROR and _NO_ORG.search(reason):  # 404, or 400 where a query is refused for it
            return _Failure(StoreForbidden("InfluxDB at {url} does not know CHOCO_INFLUX_ORG: {reason}.", **where))
        if status in _FORBIDDEN:
            return _Failure(StoreForbidden("InfluxDB at {url} refuses CHOCO_INFLUX_TOKEN: {reason}.", **where))
        if status == _NO_ROOM or "no space left" in reason:
            return _Failure(StoreFull("InfluxDB at {url} has no room left: {reason}.", **where))
        if not status or status >= _SERVER_ERROR or status in {_TIME_OUT, _TOO_MANY}:
            away = StoreUnavailable("InfluxDB at {url} is out of order: {reason}.", **where)
            return _Failure(away, again=True, wait_s=_seconds(getattr(error, "retry_after", None)))
        if status == _MISSING:
            return _Failure(StoreUnavailable("InfluxDB at {url} has not what is asked for: {reason}.", **where))
        return _Failure(StoreRefused("InfluxDB at {url} did not accept it: {reason}.", **where))

    def _patience(self, at_leisure: bool) -> tuple[InfluxDBClient, float]:
        return (self._patient, WRITE_DEADLINE_S) if at_leisure or self._at_leisure else (self._client, DEADLINE_S)

    def _ask(self, client: InfluxDBClient, question: Question, kinds: Mapping[str, str]) -> pd.DataFrame:
        response = client.query_api().query_raw(
            question.text, dialect=_DIALECT, params={**question.params, "bucket": self.bucket}
        )
        body = response.data
        if not body.strip():
            return pd.DataFrame()
        head = body[: body.find(b"\n")].decode().strip().split(",")
        if head[:3] != ["", "result", "table"] or _BROKEN_OFF in body:
            raise self._senseless(self._clean(body[-_LONGEST_REASON:].decode(errors="replace")))
        known = {name: kinds.get(name, "str") for name in head[3:]}
        return pd.read_csv(
            io.BytesIO(body),
            usecols=head[3:],
            dtype=known,
            keep_default_na=False,
            na_values=[""],
        )

    def _write(self, client: InfluxDBClient, body: bytes) -> None:
        service = WriteService(client.api_client)  # the writer itself does not tell the status
        _, status, _ = service.post_write_with_http_info(
            self._org, self.bucket, body, precision="us", content_type="text/plain; charset=utf-8", async_req=False
        )
        if status != _WRITTEN:
            raise self._senseless(f"HTTP {status}")

    def _find_bucket(self) -> Any:
        try:
            found = self._client.buckets_api().find_buckets(name=self.bucket, org=self._org).buckets
        except InfluxDBError as error:
            if getattr(error, "status", None) == _MISSING and "bucket" in _reason(error):
                return None
            raise
        return found[0] if found else None

    def _make_bucket(self) -> None:
        rule = BucketRetentionRules(
            type="expire", every_seconds=0, shard_group_duration_seconds=int(SHARD.total_seconds())
        )
        self._client.buckets_api().create_bucket(bucket_name=self.bucket, org=self._org, retention_rules=[rule])

    def _senseless(self, reason: str) -> StoreError:
        return StoreUnavailable("{url} does not answer as InfluxDB does: {reason}.", url=self.url, reason=reason)

    def _clean(self, text: str) -> str:
        return scrub(" ".join(text.split()), self._secrets)[:_LONGEST_REASON].rstrip(".")


def _result(state: tenacity.RetryCallState) -> Any:
    assert state.outcome is not None  # noqa: S101 (there is one after every try)
    return state.outcome.result()


def _reason(error: InfluxDBError) -> str:
    """What the server says: the message of its JSON, or else the answer as it is."""
    body = getattr(error, "body", None) or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text if not text.lstrip().startswith("<") else ""


def _seconds(said: str | None) -> float | None:
    return float(said) if said and said.isdecimal() else None


def _innermost(error: BaseException) -> BaseException:
    below = error.__cause__ or error.__context__
    return _innermost(below) if below is not None else error
