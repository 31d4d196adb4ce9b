"""What reading and writing need of a folder, wherever it is; and the folder of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from connectors.errors import ConnectorError, Misconfigured, TryLater

Kind = Literal["file", "folder", "link", "other"]
_NAME_LIMIT = 240  # bytes; room for `.part` and for the mark an archived file may get
_LAST_TIME = 253_402_300_799 * 10**9  # the end of year 9999, where datetime ends


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder. `time` is its last change in nanoseconds since 1970."""

    name: str
    kind: Kind
    size: int
    time: int


class Folder(Protocol):
    """One folder, without those below it. Every method raises OSError (a lost connection too)."""

    @property
    def shares_clock(self) -> bool:
        """Do the times of its files come from this machine's clock?"""
        ...

    def entries(self) -> Iterator[Entry]:
        """All that is there, in no order; links are not followed."""
        ...

    def look(self, name: str) -> Entry | None:
        """What `name` is now; None when it is gone."""
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """The regular file `name`, to read and to seek in. FileNotFoundError for any other."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Writes `name` whole: another reader sees all of it or nothing. Replaces an old one."""
        ...

    def move(self, name: str, below: str, named: str) -> None:
        """Moves a file into the folder `below`, which is made when it is not there."""
        ...


def kind(mode: int) -> Kind:
    """What the type bits of a file's mode say."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"


def oddity(entry: Entry) -> str:
    """Why an entry is not read, or "". Names are chosen by strangers: what could lead out of the
    folder, be taken for an option or break a log line is left where it is."""
    name = entry.name
    if entry.kind != "file":
        return {"folder": "folder", "link": "symbolic link"}.get(entry.kind, "no regular file")
    if name.startswith((".", "-")):
        return "name begins with . or -"
    if name.endswith(".part"):
        return "still being written"
    if "/" in name or "\\" in name or not name.isprintable():
        return "name with a separator or control character"
    if len(name.encode("utf-8", "surrogateescape")) > _NAME_LIMIT:
        return f"name longer than {_NAME_LIMIT} bytes"
    return "" if 0 <= entry.time <= _LAST_TIME else "time out of range"


def trouble(error: OSError, where: str) -> ConnectorError:
    """What to raise for `error`: a folder that is not there needs a person, the rest may pass."""
    reason = error.strerror or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Misconfigured(f"{where}: {reason}; expected a folder")
    return TryLater(f"{where}: {reason}")


@dataclass(frozen=True, slots=True)
class Local:
    """A folder of this machine."""

    path: Path
    shares_clock: bool = True

    def entries(self) -> Iterator[Entry]:
        with os.scandir(self.path) as listing:
            for item in listing:
                entry = self.look(item.name)
                if entry:
                    yield entry

    def look(self, name: str) -> Entry | None:
        try:
            found = os.lstat(self.path / name)
        except FileNotFoundError:
            return None
        return Entry(name, kind(found.st_mode), found.st_size, found.st_mtime_ns)

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        # NOFOLLOW and NONBLOCK: a link or a pipe may have taken the file's place meanwhile
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path / name, flags)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise FileNotFoundError(f"{name} is no regular file any more")

    def put(self, name: str, body: bytes) -> None:
        part = self.path / f"{name}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path / name)
        _settle(self.path)

    def move(self, name: str, below: str, named: str) -> None:
        archive = self.path / below
        archive.mkdir(exist_ok=True)
        (self.path / name).rename(archive / named)


def _settle(path: Path) -> None:
    """A rename is on disk only when its folder is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
