"""The audit of a deployment as a whole: the store, its versions, and the heads outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crohub.anchoring import anchors
from hub import clock
from hub.audit import signing, verify
from hub.audit.heads import Outside, keys_of, outside
from hub.database import Session
from pipelines.places import Places
from pipelines.settings import Deployment

_BEGIN = {"sqlite": "begin", "postgresql": "begin isolation level repeatable read read only"}


@contextmanager
def moment(places: Places) -> Iterator[Session]:
    """A session that shows one moment of the hub's store."""
    session = places.hub(read_only=places.embedded)
    try:
        session.raw.execute(_BEGIN[session.dialect])
        yield session
    finally:
        session.close()


def trusted(places: Places) -> dict[str, str]:
    """The public keys of this hub by id; none where it has never been started."""
    if not places.signing_key.exists():
        return {}
    return signing.keys_in(signing.load(places.signing_key, clock.now()).lines)


def look(places: Places, deployment: Deployment, more: Sequence[Path] = ()) -> verify.Report:
    """The store against itself and against what is kept outside: the files that hub.yaml names,
    and `more`."""
    asked = Outside()
    known = trusted(places)
    for file in (*anchors(deployment, places.data).files, *more):
        if file.exists():
            take(asked, file, known)
    with moment(places) as session:
        report = verify.store(session, asked)
    report.keys = sorted(known)
    return report


def take(asked: Outside, file: Path, known: dict[str, str]) -> None:
    """Adds to `asked` what the signed heads in a file ask for: an anchor or an export."""
    with file.open("rb") as stream:
        found = outside(stream, known, file.name)
    asked.asked |= found.asked
    asked.lines += found.lines
    asked.last = max(asked.last, found.last)
    asked.faults += found.faults


def introduced(file: Path) -> dict[str, str]:
    """The public keys that introduce themselves in a file. Raises signing.Altered."""
    with file.open("rb") as stream:
        return keys_of(stream)
