"""Trained versions of the price models: each is there whole or not at all, and refused when it is not what was written.

    models/
      20261125T030405Z-3f9a2c/                a version
        members/<name>/...                    what each of its members wrote
        roll.npz                              how they forecast before
        meta.json                             what there is to say of it
        manifest.json                         size and SHA-256 of all of these
      .20261125T030405Z-3f9a2c.<any>.draft    one that is being written, with the .lock of who writes it
      .20261125T030405Z-3f9a2c.<any>.removed  one that is being removed

An id is the second of its training in UTC, so that ids sort by time, and six hex digits by chance. A folder gets and
loses this name in one step, by being renamed: who dies at whatever moment leaves no half version, but at most something
hidden, which ``sweep`` removes. Nothing here is pickled.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chocofactory.core.errors import Conflict, ModelDamaged, NotFound, StoreError, StoreFull, StoreReadOnly
from chocofactory.core.locks import ProcessLock
from chocofactory.forecasting.manifest import Manifest, flush, seal, sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from chocofactory.forecasting.model import Member

MEMBERS, ROLL, META = "members", "roll.npz", "meta.json"
"""What there is in a version's folder, beside its manifest."""

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_SECOND = len("20261125T030405Z")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_WRITING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}
_Loaded = TypeVar("_Loaded")


class Savable(Protocol):
    """What writes itself: a member into an empty folder, a roll into a file."""

    def save(self, path: Path, /) -> None:
        """Write all that is needed to load it."""


@dataclass(frozen=True)
class Entry:
    """A version as it is listed: the names of its members, what was said of it (``meta``), and its size.

    ``damage`` is what is wrong with it, as far as its manifest, its meta and the sizes of its files tell, else None;
    ``members`` and ``meta`` are then what could be read all the same.
    """

    id: str
    members: tuple[str, ...]
    meta: dict[str, Any]
    size_bytes: int
    damage: ModelDamaged | None = None

    @property
    def created_at(self) -> datetime:
        """The second of its training, in UTC."""
        return _second(self.id)


def new_version_id(now: datetime) -> str:
    """An id for a version that is trained now: it sorts by time, can be read, and needs no quoting in a URL or path."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class Registry:
    """Keeps versions in ``folder``, made if need be. Safe for threads and processes, which may write at the same time.

    Raises
    ------
    StoreFull, StoreReadOnly, StoreError
        By every method, when the disk is full, or the folder cannot be written or read.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, version: str, meta: Mapping[str, Any], members: Mapping[str, Savable], roll: Savable) -> None:
        """Sweep, and keep a new version: it is on the disk when this returns.

        ``meta`` is what JSON has words for; floats that are no numbers become null.

        Raises
        ------
        Conflict
            There is one of this id already.
        NotFound
            This can be no id.

        """
        folder = self._path(version)
        self.sweep()
        with _in_plain_words(self.folder), self._draft(version) as draft:
            for name, member in members.items():
                (place := draft / MEMBERS / name).mkdir(parents=True)
                member.save(place)
            roll.save(draft / ROLL)
            (draft / META).write_text(json.dumps(_plain(dict(meta)), indent=1), encoding="utf-8")
            seal(draft, version, members)
            try:
                draft.rename(folder)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                raise Conflict("There is a version {version} of the models already.", version=version) from error
            flush(self.folder)

    def entries(self) -> list[Entry]:
        """All versions, newest first, the damaged ones among them."""
        with _in_plain_words(self.folder):
            names = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        found = []
        for name in sorted(names, reverse=True):
            with contextlib.suppress(NotFound):  # it is something else, or was removed meanwhile
                found.append(self.read(name))
        return found

    def read(self, version: str) -> Entry:
        """What there is to say of a version, damaged or not.

        Raises
        ------
        NotFound
            There is no such version.

        """
        folder = self._existing(version)
        members: tuple[str, ...] = ()
        meta: dict[str, Any] = {}
        damage = None
        try:
            manifest = Manifest.of(folder)
            members = manifest.members
            manifest.check(META)
            meta = manifest.load(META, lambda path: dict(json.loads(path.read_bytes())))
            manifest.check_names()
        except ModelDamaged as error:
            damage = error
        size = sum(sizes(folder).values())
        self._existing(version)  # else nothing is wrong with it, but it was removed meanwhile
        return Entry(version, members, meta, size, damage)

    def verify(self, version: str) -> None:
        """Read every file of a version and compare it with what was written.

        Raises
        ------
        NotFound
            There is no such version.
        ModelDamaged
            A file is missing, cannot be read, is another, or does not belong there; the error names it.

        """
        with self._unless_removed(version) as folder:
            Manifest.of(folder).check_all()

    def load(
        self, version: str, makers: Mapping[str, type[Member]], roll: Callable[[Path], _Loaded]
    ) -> tuple[dict[str, Member], _Loaded]:
        """Verify a version and load it: its members by the classes in ``makers``, its roll by ``roll``.

        Raises
        ------
        NotFound
            There is no such version.
        ModelDamaged
            As ``verify``; or something cannot be loaded, for it is of another version of a library or this program.

        """
        with self._unless_removed(version) as folder:
            manifest = Manifest.of(folder)
            manifest.check_all()
            for name in manifest.members:
                if name not in makers:
                    raise ModelDamaged(
                        "Version {version} of the models cannot be used: this program does not know its model {model}.",
                        version=version,
                        model=name,
                    )
            members = {name: manifest.load(f"{MEMBERS}/{name}", makers[name].load) for name in manifest.members}
            return members, manifest.load(ROLL, roll)

    def delete(self, version: str) -> None:
        """Remove a version.

        Raises
        ------
        NotFound
            There is no such version.

        """
        folder = self._existing(version)
        doomed = self.folder / f".{version}.{secrets.token_hex(4)}.removed"
        with _in_plain_words(folder):
            try:
                folder.rename(doomed)
            except FileNotFoundError:
                raise _no_such(version) from None
            flush(self.folder)
        _remove(doomed)

    def prune(self, keep: int, spare: Collection[str] = ()) -> list[str]:
        """Remove the versions that have ``keep`` newer ones without damage, but for those in ``spare``; their ids."""
        removed, sound = [], 0
        for entry in self.entries():
            if sound >= keep and entry.id not in spare:
                with contextlib.suppress(NotFound):
                    self.delete(entry.id)
                    removed.append(entry.id)
            sound += entry.damage is None
        return removed

    def sweep(self) -> None:
        """Remove what was left by processes that died while they wrote or removed a version."""
        with _in_plain_words(self.folder):
            for name in sorted({path.stem for path in self.folder.glob(".*") if path.suffix in {".draft", ".lock"}}):
                lock = ProcessLock(self.folder / f"{name}.lock")
                if lock.acquire():
                    _remove(self.folder / f"{name}.draft")
                    lock.release()
            for doomed in self.folder.glob(".*.removed"):
                _remove(doomed)

    def size_bytes(self) -> int:
        """How much room everything in the folder takes [bytes]."""
        return sum(sizes(self.folder).values())

    def _path(self, version: str) -> Path:
        """Where a version is or would be: nothing but an id becomes part of a path."""
        try:
            if _ID.fullmatch(version):
                _second(version)
                return self.folder / version
        except ValueError:  # these digits are no date
            pass
        raise _no_such(version)

    def _existing(self, version: str) -> Path:
        folder = self._path(version)
        with _in_plain_words(folder):
            if folder.is_dir():
                return folder
        raise _no_such(version)

    @contextlib.contextmanager
    def _unless_removed(self, version: str) -> Iterator[Path]:
        """The folder of a version; should it be removed meanwhile, it is called absent and not damaged."""
        folder = self._existing(version)
        try:
            yield folder
        except ModelDamaged:
            self._existing(version)
            raise

    @contextlib.contextmanager
    def _draft(self, version: str) -> Iterator[Path]:
        """An empty folder, locked as long as we live; at the end it is gone, unless it was renamed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        flush(self.folder.parent)
        while True:
            draft = self.folder / f".{version}.{secrets.token_hex(4)}.draft"
            lock = ProcessLock(draft.with_suffix(".lock"))
            if lock.acquire():
                break  # else somebody who sweeps is looking at it just now
        try:
            draft.mkdir()
            yield draft
        finally:
            _remove(draft)
            lock.release()


def _second(version: str) -> datetime:
    return datetime.fromisoformat(version[:_SECOND])


def _no_such(version: str) -> NotFound:
    return NotFound("There is no version {version} of the models.", version=version)


def _plain(value: Any) -> Any:
    """The same for JSON, which has no word for NaN and infinity."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _remove(folder: Path) -> None:
    """Remove a folder that counts for nothing any more; what resists is left to the next who sweeps."""
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _in_plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _NO_ROOM:
            raise StoreFull("There is no room left to write {path}.", path=str(path)) from error
        if error.errno in _NO_WRITING:
            raise StoreReadOnly(
                "{path} cannot be opened for writing: {reason}.", path=str(path), reason=reason
            ) from error
        raise StoreError("{path} cannot be read or written: {reason}.", path=str(path), reason=reason) from error
