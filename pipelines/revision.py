"""The configuration as it was when a message came: immutable, known by its hash.

A waiting message keeps the revision that accepted it, unless it is replayed under another. The
content is every text file of the deployment's folder and of the mapping library.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import zstandard

from hub.clock import now
from hub.database import Session
from pipelines import tables

_KEPT = (".yaml", ".csv", ".json", ".hl7", ".xml", ".txt", ".py")
_PARTS = ("connections", "pipelines", "policies", "codes", "mappings", "plugins")


def content_of(folder: Path) -> bytes:
    """The files of a deployment as one text, in a fixed order."""
    files = {str(path.relative_to(folder)): path.read_text() for path in _files(folder)}
    return orjson.dumps(files, option=orjson.OPT_SORT_KEYS)


def enter(session: Session, folder: Path) -> int:
    """The number of the revision that `folder` holds now; a new one when it has changed."""
    content = content_of(folder)
    digest = hashlib.sha256(content).hexdigest()
    with session.transaction():
        row = session.one("select id from revision where hash = ?", (digest,))
        if row:
            return int(row[0])
        last = session.one("select coalesce(max(id), 0) from revision")
        number = int(last[0] if last else 0) + 1
        packed = zstandard.ZstdCompressor().compress(content)
        session.insert(
            tables.revision, ("id", "hash", "made_at", "content"), [(number, digest, now(), packed)]
        )
    return number


def lay_out(session: Session, number: int, under: Path) -> Path:
    """The revision's files in a folder below `under`, made there when they are not yet.

    Raises LookupError when there is no such revision.
    """
    folder = under / str(number)
    if folder.exists():
        return folder
    row = session.one("select content from revision where id = ?", (number,))
    if row is None:
        raise LookupError(f"revision {number} is not in the journal")
    part = under / f".{number}.{os.getpid()}"
    for name, text in orjson.loads(zstandard.ZstdDecompressor().decompress(row[0])).items():
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text)
    try:
        part.rename(folder)
    except OSError:
        if not folder.exists():  # another process may have been first
            raise
    return folder


def _write(path: Path, text: str) -> None:
    # synced before its folder gets its name: a power cut leaves no revision of empty files
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _files(folder: Path) -> Iterator[Path]:
    yield folder / "hub.yaml"
    for part in _PARTS:
        for path in sorted((folder / part).rglob("*")):
            if path.suffix in _KEPT and path.is_file():
                yield path
