"""Every error that this product raises on purpose.

    FactoryError
      x ConfigurationError        a setting is wrong: the program does not start
      x InvalidInput              what a person or a client sent cannot be used
        · MalformedFile           a file is not in a form that we read
      x NotFound                  what was asked for does not exist
      x Conflict                  it cannot be done in the present state
        · JobBusy                 a run of the same kind is under way
        · MixedProvenance         simulated and real data would share a store
      x StoreError                series, state or models cannot be read or written
        · StoreUnavailable        for now: locked, or its server is away
        · StoreFull               the disk, or the file's limit, is full
        · StoreReadOnly           the folder or the file cannot be written
        · StoreDamaged            the file is not a sound database
        · StoreTooNew             written by a later version of this program
        · StoreForbidden          its server refuses our token, or does not know our organisation
        · StoreRefused            its server will never take what it was given
        · ModelDamaged            files of a trained version are not what was written
      x SourceError               an outside source did not deliver
        · NotPublished            it has nothing for that time (yet)
        · KeyRefused              it refused our key, or us
        · RateLimited             it, or our own politeness, says wait
        · SourceDown              no answer, or 5xx, after all retries
          · SourceTimeout         it did not answer in time
        · MalformedAnswer         it answered something that we must not store

A class knows its HTTP status, its log level and a stable ``code``. The message is a gettext template in English with
named fields; surfaces translate the template and fill the fields, so that a person reads it in their own language while
logs and scripts read ``str(error)``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class FactoryError(Exception):
    """The root of the tree. ``message`` is a template in English, ``fields`` what stands in its braces.

    Errors are pickled never and shown often: keep secrets out of ``fields``.
    """

    status: ClassVar[int] = 500
    level: ClassVar[str] = "error"
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, /, **fields: object) -> None:
        self.message = message
        self.fields = fields
        super().__init__(message.format(**fields) if fields else message)

    @property
    def log_level(self) -> int:
        """The level as the logging module counts it."""
        return logging.getLevelNamesMapping()[self.level.upper()]


class ConfigurationError(FactoryError):
    """A setting is wrong; the message names the variable."""

    code = "configuration"


class InvalidInput(FactoryError):
    """What a person or a client sent cannot be used."""

    status = 422
    level = "info"
    code = "invalid-input"


class MalformedFile(InvalidInput):
    """A file is not in a form that we read; the message names the line where it is known."""

    code = "malformed-file"


class PlantInvalid(InvalidInput):
    """A plant file cannot be used; ``faults`` are its faults, each a clause that begins with the key."""

    code = "plant-invalid"

    def __init__(self, message: str, /, *, faults: Sequence[str] = (), **fields: object) -> None:
        super().__init__(message, **fields)
        self.faults = tuple(faults)


class NotFound(FactoryError):
    """What was asked for does not exist."""

    status = 404
    level = "info"
    code = "not-found"


class Conflict(FactoryError):
    """It cannot be done in the present state."""

    status = 409
    level = "info"
    code = "conflict"


class JobBusy(Conflict):
    """A run of the same kind is under way; ``run_id`` names it."""

    code = "job-busy"

    def __init__(self, message: str, /, *, run_id: str, **fields: object) -> None:
        super().__init__(message, run_id=run_id, **fields)
        self.run_id = run_id


class MixedProvenance(Conflict):
    """Simulated and real data would share a store."""

    code = "mixed-provenance"


class StoreError(FactoryError):
    """Series, state or models cannot be read or written."""

    status = 503
    code = "store"


class StoreUnavailable(StoreError):
    """The store does not answer for now: locked, or its server is away."""

    level = "warning"
    code = "store-unavailable"


class StoreFull(StoreError):
    """The disk, or the file's limit, is full."""

    status = 507
    code = "store-full"


class StoreReadOnly(StoreError):
    """The folder or the file cannot be written."""

    code = "store-read-only"


class StoreDamaged(StoreError):
    """The file is not a sound database."""

    code = "store-damaged"


class StoreTooNew(StoreError):
    """The store was written by a later version of this program."""

    code = "store-too-new"


class StoreForbidden(StoreError):
    """The store's server refuses our token, the token may not do that, or it does not know our organisation."""

    code = "store-forbidden"


class StoreRefused(StoreError):
    """The store's server did not accept what it was given, and never will."""

    code = "store-refused"


class ModelDamaged(StoreError):
    """The files of a trained version are not those that were written, or this program cannot read them."""

    code = "model-damaged"


class SourceError(FactoryError):
    """An outside source did not deliver; ``source`` names it."""

    status = 502
    level = "warning"
    code = "source"

    def __init__(self, message: str, /, *, source: str, **fields: object) -> None:
        super().__init__(message, source=source, **fields)
        self.source = source


class NotPublished(SourceError):
    """The source has nothing for that time, or not yet."""

    status = 404
    level = "info"
    code = "not-published"


class KeyRefused(SourceError):
    """The source refused our key, or us."""

    level = "error"
    code = "key-refused"


class RateLimited(SourceError):
    """The source, or our own politeness, says wait; ``retry_after_s`` [s] where it is known."""

    status = 503
    code = "rate-limited"

    def __init__(self, message: str, /, *, source: str, retry_after_s: float | None = None, **fields: object) -> None:
        super().__init__(message, source=source, **fields)
        self.retry_after_s = retry_after_s


class SourceDown(SourceError):
    """No answer, or a 5xx, after all retries; or the circuit breaker is open."""

    status = 503
    code = "source-down"


class SourceTimeout(SourceDown):
    """The source did not answer in time."""

    status = 504
    code = "source-timeout"


class MalformedAnswer(SourceError):
    """The source answered something that must not be stored."""

    level = "error"
    code = "malformed-answer"


def class_of(code: str, root: type[FactoryError] = FactoryError) -> type[FactoryError]:
    """The class of error that a ``code`` stands for; the root of the tree where none does."""
    found = (class_of(code, child) for child in root.__subclasses__())
    return root if root.code == code else next((kind for kind in found if kind.code == code), FactoryError)
