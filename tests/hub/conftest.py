"""A hub store on SQLite and on PostgreSQL: every test of the store runs on both."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from pathlib import Path

import psycopg
import pytest

from hub import schema, seal
from hub.context import Context
from hub.database import session
from hub.policy import Policy, System
from hub.reader import Reader
from hub.said import Said
from hub.settle import settle
from hub.statement import Meaning

BASE = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z
SYSTEMS = {
    name: System(name, role)
    for name, role in (("ehr", "EHR"), ("ctms", "CTMS"), ("edc", "EDC"), ("hr", "HR"))
}


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_database")
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def hub_url(request, tmp_path: Path) -> str:
    """The address of a store as the migrations make it, without a row."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hub.db")
        return f"sqlite:///{tmp_path / 'hub.db'}"
    address = request.getfixturevalue("postgres_hub")
    _empty(address)
    return address


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A migrated store that each test gets a copy of."""
    path = tmp_path_factory.mktemp("template") / "hub.db"
    schema.upgrade(f"sqlite:///{path}", [schema.HUB])
    return path


@pytest.fixture(scope="session")
def postgres_hub(postgres_server: str) -> str:
    """The address of a migrated database that the tests use in turn."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create database hub_of_all")
    address = postgres_server.replace("/postgres?", "/hub_of_all?")
    schema.upgrade(address.replace("postgresql:", "postgresql+psycopg:"), [schema.HUB])
    return address.replace("postgresql:", "postgresql+psycopg:")


def _empty(address: str) -> None:
    with contextlib.closing(session(address)) as opened, opened.transaction():
        opened.run("set local session_replication_role = replica")  # past the append-only triggers
        tables = opened.all("select tablename from pg_tables where schemaname = 'public'")
        for (table,) in tables:
            if table != "alembic_version":
                opened.run(f"delete from {table}")
        for name in ("xref_x_seq", "assertion_a_seq", "version_v_seq"):
            opened.run(f"alter sequence {name} restart")


@pytest.fixture
def store(hub_url):
    """An open session on a store as the migrations make it."""
    opened = session(hub_url)
    yield opened
    opened.close()


@pytest.fixture
def keyring(tmp_path: Path) -> seal.Keyring:
    return seal.load(tmp_path / "keys.json")


@pytest.fixture
def context(store, keyring) -> Context:
    ticks = itertools.count(1_772_000_000_000_000, 1_000_000)
    return Context(
        session=store,
        keyring=keyring,
        policy=Policy(systems=SYSTEMS),
        clock=lambda: next(ticks),
        chain="test",
        keeps=store.dialect == "sqlite",
    )


@pytest.fixture
def tell(context):
    """Settles one message after another, each a second later than the one before."""
    numbers = itertools.count(1)

    def say(*statements, system="ehr", at=None, complaints=()):
        seq = next(numbers)
        said = Said(
            seq=seq,
            system=system,
            at=BASE + (seq if at is None else at) * 1_000_000,
            meaning=Meaning(statements=statements, complaints=complaints),
        )
        with context.session.transaction():
            settle(context, [said])
        return seq

    return say


@pytest.fixture
def audited() -> list:
    """What was reported as seen: kind, ids, principal."""
    return []


@pytest.fixture
def reader(store, keyring, audited, context) -> Reader:
    return Reader(store, keyring, lambda *saw: audited.append(saw), context.policy)
