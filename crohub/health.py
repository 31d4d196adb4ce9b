"""What `crohub doctor` looks at, each with a verdict and what to do about it."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from connectors.errors import Misconfigured
from crohub import auditing, checking, schema
from crohub.anchoring import anchors
from crohub.commands.ending import of_database
from crohub.options import Options, places_of
from crohub.ownership import Busy, owned
from hub.audit.guard import may_rewrite
from hub.schema import DatabaseNewer
from pipelines.places import Places
from pipelines.settings import Deployment

OURS = ("connectors", "mappings", "pipelines", "hub", "crohub")
_ROOM = 1 << 30  # bytes that should be free


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    detail: str


def examine(config: Path, data: Path | None = None) -> Iterator[Finding]:
    """Everything, most basic first. Changes nothing."""
    yield _python()
    yield _packages()
    found = checking.check(config, packaged_cases=False)
    first = str(found.mistakes[0]) if found.mistakes else "sound"
    yield Finding(what="configuration", ok=not found.mistakes, detail=first)
    if found.deployment is None:
        return
    for warning in found.warnings:
        yield Finding(what="configuration", ok=True, detail=f"warning: {warning}")
    places = places_of(Options(config=config, data=data), found.deployment)
    yield from _data(places, found.deployment)
    yield from _connections(found.deployment)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(what="python", ok=sys.version_info >= (3, 11), detail=version)


def _packages() -> Finding:
    """Another distribution may have put files of its own into a package of ours (docs: install
    crohub into an environment of its own)."""
    owners = packages_distributions()
    odd = {n: owners[n] for n in OURS if n in owners and set(owners[n]) != {"crohub"}}
    detail = "; ".join(f"{name} also belongs to {', '.join(who)}" for name, who in odd.items())
    return Finding(what="packages", ok=not odd, detail=detail or "ours alone")


def _data(places: Places, deployment: Deployment) -> Iterator[Finding]:
    if not places.data.exists():
        yield Finding(what="data folder", ok=True, detail=f"{places.data} is not there yet")
        return
    yield _private(places.data, "data folder")
    files = ("hub.db", "journal.db")
    for path in (
        places.keys, places.signing_key, places.admin_key, *(places.data / one for one in files),
    ):  # fmt: skip
        if path.exists():
            yield _private(path, path.name)
    free = shutil.disk_usage(places.data).free
    yield Finding(what="room on disk", ok=free > _ROOM, detail=f"{free / (1 << 30):.1f} GiB free")
    yield _lock(places)
    yield from _databases(places, deployment)


def _private(path: Path, what: str) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    private = not mode & 0o077
    todo = "" if private else f"; chmod go-rwx {path}: others can read it"
    return Finding(what=what, ok=private, detail=f"{path} has mode {mode:04o}{todo}")


def _lock(places: Places) -> Finding:
    try:
        with owned(places.lock):
            return Finding(what="hub", ok=True, detail="not running")
    except Busy as error:
        return Finding(what="hub", ok=True, detail=f"running: {error}")


def _databases(places: Places, deployment: Deployment) -> Iterator[Finding]:
    found = [_form(database) for database in schema.databases(places)]
    yield from found
    if any(one.detail != "ready" for one in found):
        return
    for name, opened in (("journal", places.journal), ("hub", places.hub)):
        session = opened(read_only=places.embedded)
        try:
            if session.dialect == "sqlite":
                row = session.one("pragma quick_check(1)")
                said = str(row[0]) if row else "no answer"
                advice = "" if said == "ok" else ": stop the hub and restore a backup"
                yield Finding(what=f"{name} database", ok=said == "ok", detail=said + advice)
        finally:
            session.close()
    yield _audit(places, deployment)
    if not places.embedded:
        yield _role(places)


def _role(places: Places) -> Finding:
    """Of PostgreSQL: the guards of the histories hold only who does not own them."""
    session = places.hub()
    try:
        free = may_rewrite(session)
    finally:
        session.close()
    good = "may add to the histories and read them, no more"
    odd = "warning: could rewrite the histories; `crohub audit guard` makes one that cannot"
    return Finding(what="database role", ok=True, detail=odd if free else good)


def _audit(places: Places, deployment: Deployment) -> Finding:
    """The chains, the versions of every batch, and the heads that were signed and kept outside."""
    try:
        report = auditing.look(places, deployment)
    except (Misconfigured, OSError) as error:
        return Finding(what="audit", ok=False, detail=str(error))
    good = f"every entry follows; {report.heads} signed heads are kept outside"
    files = anchors(deployment, places.data).files  # of webhooks nothing is seen here
    if report.entries and files and not report.heads:
        missing = ", ".join(map(str, files))
        good = f"warning: no signed head is kept in {missing}; an end that is cut would not show"
    return Finding(what="audit", ok=not report.broken, detail=(report.broken or [good])[0])


def _form(database: schema.Database) -> Finding:
    """Is it there, ours, and of this release?"""
    what = f"{database.name} database"
    try:
        return Finding(what=what, ok=True, detail=schema.state_of(database))
    except DatabaseNewer as error:
        return Finding(what=what, ok=False, detail=str(error))
    except Exception as error:
        words = of_database(error)
        if not words:
            raise
        return Finding(what=what, ok=False, detail=words)


def _connections(deployment: Deployment) -> Iterator[Finding]:
    for name, one in checking.health(deployment).items():
        yield Finding(what=f"connection {name}", ok=one.ok, detail=one.detail)
