"""The databases of one deployment and their form: the hub's and the pipelines' tables joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub import schema
from hub.schema import HUB, Branch, State
from pipelines.places import HUB_SCHEMA, JOURNAL_SCHEMA, Places
from pipelines.schema import JOURNAL, QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database, or one schema of PostgreSQL, with the branches that live in it."""

    name: str
    url: str
    schema: str
    branches: tuple[Branch, ...]


def databases(places: Places) -> tuple[Database, Database]:
    """The journal and the hub's store."""
    journal, hub = ("journal.db", "hub.db") if places.embedded else ("journal", "hub")
    schemas = ("", "") if places.embedded else (JOURNAL_SCHEMA, HUB_SCHEMA)
    return (
        Database(name=journal, url=places.journal_url(), schema=schemas[0], branches=(JOURNAL,)),
        Database(name=hub, url=places.hub_url(), schema=schemas[1], branches=(HUB, QUEUE)),
    )


def check(places: Places) -> State:
    """The state of the database that is furthest back: fresh, behind or ready.

    Raises hub.schema.DatabaseNewer when a newer release has written one of them.
    """
    found = dict(_states(places))
    return min(found.values(), key=("fresh", "behind", "ready").index)


def upgrade(places: Places) -> None:
    """Makes or brings forward what is not ready. At head it only looks, within milliseconds."""
    if places.embedded:
        places.make()
    states = list(_states(places))  # both are looked at before one is touched
    for database, state in states:
        if state != "ready":
            _keep_private(database.url)
            schema.upgrade(database.url, database.branches, schema=database.schema)


def _states(places: Places) -> Iterator[tuple[Database, State]]:
    for database in databases(places):
        yield database, state_of(database)


def state_of(database: Database) -> State:
    """As `check`, of one of them."""
    return schema.state(database.url, database.branches, schema=database.schema, name=database.name)


def _keep_private(url: str) -> None:
    """The file of a new SQLite database is readable by its owner alone."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch(mode=0o600)
