"""The audit of a deployment as a whole: the store, its versions, and the heads outside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from crohub import schema
from crohub.anchoring import anchors
from crohub.node import whence, whoever
from crohub.options import Options, places_of
from hub import audit, clock
from hub.audit import guard as roles
from hub.audit import signing, verify
from hub.audit.guard import CannotGuard
from hub.audit.heads import Outside, keys_of, outside
from hub.database import Session
from pipelines.address import EMBEDDED
from pipelines.places import HUB_SCHEMA, JOURNAL_SCHEMA, Places
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
    bare = []
    for file in (*anchors(deployment, places.data).files, *more):
        before = asked.lines
        if file.exists():
            take(asked, file, known)
        if asked.lines == before:
            bare.append(str(file))
    with moment(places) as session:
        report = verify.store(session, asked)
    report.keys, report.bare = sorted(known), bare
    return report


def take(asked: Outside, file: Path, known: dict[str, str]) -> None:
    """Adds to `asked` what the signed heads in a file ask for: an anchor or an export."""
    with file.open("rb") as stream:
        found = outside(stream, known, file.name)
    asked.asked |= found.asked
    asked.lines += found.lines
    asked.last = max(asked.last, found.last)
    asked.faults += found.faults


def guard(deployment: Deployment, config: Path, data: Path | None, role: str, reason: str) -> None:
    """As the owner of the database, whose address is in CROHUB_OWNER: its tables are of this
    release, and `role` may work in them without being able to rewrite a history. Raises
    CannotGuard."""
    owner = os.environ.get("CROHUB_OWNER", "")
    if not owner or deployment.hub.database == EMBEDDED:
        raise CannotGuard(
            "expected hub.yaml to name a PostgreSQL database, and CROHUB_OWNER its owner's address"
        )
    places = replace(places_of(Options(config=config, data=data), deployment), database=owner)
    schema.upgrade(places)
    session = places.hub()
    try:
        with session.transaction():
            roles.guard(session, role, HUB_SCHEMA, JOURNAL_SCHEMA)
            entry = audit.Entry(
                at=clock.now(), actor=whoever(), action="guarded", object=role, reason=reason,
                origin=whence(),
            )  # fmt: skip
            audit.append(session, "owner", [entry])
    finally:
        session.close()


def introduced(file: Path) -> dict[str, str]:
    """The public keys that introduce themselves in a file. Raises signing.Altered."""
    with file.open("rb") as stream:
        return keys_of(stream)
