"""The form of a database: which revision it is at, and how it gets to the newest.

A branch is a line of migrations with one owner; revisions are named `<branch>_<four digits>` and
count up, so that whether a database is newer than the code can be said without reading scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event

from hub.database import Session, engine, session

State = Literal["fresh", "behind", "ready"]
_ROOT = Path(__file__).parent / "migrations"
_LOCK = 7_310_248  # whoever upgrades a PostgreSQL database holds this number


class DatabaseNewer(Exception):
    """A newer release has written this database; this one must not touch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of migrations. `head` repeats the newest script's revision, so that a database
    that is up to date is recognised without loading alembic (a test keeps the two equal)."""

    label: str
    scripts: Path
    head: str


HUB = Branch(label="hub", scripts=_ROOT / "versions", head="hub_0025")


def state(url: str, branches: Sequence[Branch], *, schema: str = "", name: str = "") -> State:
    """Whether the database is empty, behind or ready. `name` is what a person knows it by.

    Raises DatabaseNewer when it has a revision that these branches do not know.
    """
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        return "fresh"
    opened = session(url, schema=schema, read_only=True)
    try:
        found = _revisions(opened)
    finally:
        opened.close()
    _refuse_newer(found, branches, name or "the database")
    if not found:
        return "fresh"
    return "ready" if found == {branch.head for branch in branches} else "behind"


def upgrade(url: str, branches: Sequence[Branch], *, schema: str = "") -> None:
    """Brings the database to the newest revision of `branches`, all or nothing; waits while
    another process does the same. Doing it again changes nothing."""
    from alembic import command

    made = _transactional(engine(url, schema=schema))
    try:
        with made.begin() as connection:
            _prepare(connection, schema)
            for branch in branches:
                command.upgrade(config(branches, connection), f"{branch.label}@head")
    finally:
        made.dispose()


def config(branches: Sequence[Branch], connection: Connection | None = None) -> Any:  # noqa: ANN401
    """alembic's own configuration for these branches."""
    from alembic.config import Config

    made = Config()
    folders = "\n".join(str(branch.scripts) for branch in branches)
    made.set_main_option("script_location", str(_ROOT).replace("%", "%%"))
    made.set_main_option("version_locations", folders.replace("%", "%%"))
    made.set_main_option("path_separator", "newline")
    made.attributes["connection"] = connection
    return made


def _revisions(opened: Session) -> set[str]:
    known = "select to_regclass('alembic_version')"
    if opened.dialect == "sqlite":
        known = "select name from sqlite_master where name = 'alembic_version'"
    row = opened.one(known)
    if row is None or row[0] is None:
        return set()
    return {row[0] for row in opened.all("select version_num from alembic_version")}


def _refuse_newer(found: set[str], branches: Sequence[Branch], name: str) -> None:
    heads = {branch.label: branch.head for branch in branches}
    for revision in sorted(found):
        head = heads.get(revision.rpartition("_")[0], "")
        if revision > head:
            raise DatabaseNewer(
                f"{name} is at revision {revision}, this release knows {head or 'no such branch'}: "
                "run the newer release, or restore a backup of this one"
            )


def _transactional(made: Engine) -> Engine:
    """sqlite3 commits before it defines a table unless the transaction is begun by hand."""
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _no_transactions_of_its_own)
        event.listen(made, "begin", _begin)
    return made


def _no_transactions_of_its_own(raw: Any, _: object) -> None:  # noqa: ANN401 - DBAPI
    raw.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("begin immediate")


def _prepare(connection: Connection, schema: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
    if schema:
        connection.exec_driver_sql(f'create schema if not exists "{schema}"')
