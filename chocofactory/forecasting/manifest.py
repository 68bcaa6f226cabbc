"""What a version of the models consists of, written beside it, so that one sees whether it is what was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from chocofactory.core.errors import ModelDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MANIFEST = "manifest.json"

_FORMAT = 1
_NOT_OURS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What may come of taking any bytes for a manifest."""
_Loaded = TypeVar("_Loaded")


@dataclass(frozen=True)
class Manifest:
    """The members of the version in ``folder``, and of each of its files the size [bytes] and the SHA-256 (hex)."""

    folder: Path
    members: tuple[str, ...]
    files: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, folder: Path) -> Manifest:
        """Read the one that lies in a version's folder.

        Raises
        ------
        ModelDamaged
            It is missing, cannot be read, or is not one that ``seal`` wrote for this version.

        """
        with _readable(folder, MANIFEST):
            raw = (folder / MANIFEST).read_bytes()
        try:
            content = json.loads(raw)
            members = tuple(content["members"])
            files = {name: (file["bytes"], file["sha256"]) for name, file in content["files"].items()}
            # It is written in one way only, and holds its own sum: so no byte of it may be another, not even a blank.
            genuine = raw == _written(folder.name, members, files)
        except _NOT_OURS as error:
            raise _unreadable(folder, MANIFEST, error) from error
        if not genuine:
            raise _changed(folder, MANIFEST)
        return cls(folder, members, files)

    def check_names(self) -> None:
        """Compare names and sizes of the files that are there with what was written.

        Raises
        ------
        ModelDamaged
            One is missing, has another size, or does not belong there.

        """
        found = sizes(self.folder)
        for name in sorted({*self.files, *found} - {MANIFEST}):
            if name not in found:
                raise _missing(self.folder, name)
            if name not in self.files:
                raise ModelDamaged(
                    "Version {version} of the models is damaged: {file} does not belong to it.",
                    version=self.folder.name,
                    file=name,
                )
            if found[name] != self.files[name][0]:
                raise _changed(self.folder, name)

    def check(self, name: str) -> None:
        """Read a file and compare it with what was written.

        Raises
        ------
        ModelDamaged
            It is missing, cannot be read, or is another.

        """
        with _readable(self.folder, name):
            digest = _sha256(self.folder / name)
        if name not in self.files or digest != self.files[name][1]:
            raise _changed(self.folder, name)

    def check_all(self) -> None:
        """Do both for all files.

        Raises
        ------
        ModelDamaged
            As ``check_names`` and ``check``.

        """
        self.check_names()
        for name in self.files:
            self.check(name)

    def load(self, name: str, load: Callable[[Path], _Loaded]) -> _Loaded:
        """What ``load`` makes of a file or folder.

        Raises
        ------
        ModelDamaged
            It cannot: another version of a library, or of this program, has written it.

        """
        try:
            return load(self.folder / name)
        except Exception as error:  # several libraries read here, and each fails in its own way
            raise _unreadable(self.folder, name, error) from error


def seal(folder: Path, version: str, members: Iterable[str]) -> None:
    """Write the manifest into a folder that is otherwise complete, and return when all of it is on the disk."""
    files = {name: (size, _sha256(folder / name)) for name, size in sorted(sizes(folder).items())}
    (folder / MANIFEST).write_bytes(_written(version, tuple(members), files))
    for inner, _, names in os.walk(folder):
        for name in (*names, ""):  # the folder itself comes last
            flush(Path(inner, name))


def sizes(folder: Path) -> dict[str, int]:
    """Size [bytes] of each file below a folder, by its path from there; of files that vanish meanwhile, nothing."""
    found = {}
    for inner, _, names in os.walk(folder):
        for path in (Path(inner, name) for name in names):
            with contextlib.suppress(OSError):
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return found


def flush(path: Path) -> None:
    """Return when a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(version: str, members: tuple[str, ...], files: Mapping[str, tuple[int, str]]) -> bytes:
    listed = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in files.items()}
    content = {"format": _FORMAT, "version": version, "members": members, "files": listed}
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, "sha256": digest}, indent=1).encode() + b"\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _readable(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(folder, name) from error
    except OSError as error:
        raise _unreadable(folder, name, error) from error


def _missing(folder: Path, name: str) -> ModelDamaged:
    return ModelDamaged(
        "Version {version} of the models is damaged: {file} is missing.", version=folder.name, file=name
    )


def _changed(folder: Path, name: str) -> ModelDamaged:
    return ModelDamaged(
        "Version {version} of the models is damaged: {file} is not what was written.", version=folder.name, file=name
    )


def _unreadable(folder: Path, name: str, error: Exception) -> ModelDamaged:
    return ModelDamaged(
        "Version {version} of the models cannot be used: {file} cannot be read ({reason}).",
        version=folder.name,
        file=name,
        reason=f"{type(error).__name__}: {error}",
    )
