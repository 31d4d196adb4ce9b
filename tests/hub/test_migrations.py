"""Upgrading is all or nothing, and the histories cannot be rewritten."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic import command

from hub import schema
from hub.database import engine, session
from hub.model.base import ENVELOPE
from hub.model.spec import entities
from hub.schema import HUB, Branch

VERSION = (
    "insert into version(v, entity, id, n, seq, valid_from, recorded_at, provenance) "
    "values(1, 'Study', 's', 1, 1, 1, 1, '')"
)
ASSERTION = (
    "insert into assertion(a, x, entity, seq, at, native_version, kind) "
    "values(1, 1, 'Study', 1, 1, '', 'stated')"
)
AUDIT = (
    "insert into audit(chain, n, at, actor, action, object, reason, detail, hash) "
    "values('c', 1, 1, 'a', 'b', 'o', '', '{}', ?)"
)

STUDY = (
    "insert into study(id, version, valid_from, recorded_at, quality, withdrawn, provenance, title)"
    " values('s', 1, 1, 1, 'ok', false, '', 'kept')"
)


@pytest.fixture
def upgraded(store_url):
    schema.upgrade(store_url, [HUB])
    opened = session(store_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("table", ["version", "assertion", "audit"])
@pytest.mark.parametrize("change", ["update {} set {} = {}", "delete from {}"])
def test_a_history_takes_rows_and_never_gives_them_back(upgraded, table, change):
    upgraded.run(VERSION)
    upgraded.run(ASSERTION)
    upgraded.run(AUDIT, (b"",))
    column = {"version": "n", "assertion": "at", "audit": "at"}[table]

    with pytest.raises(Exception, match=f"{table} is append-only"):
        upgraded.run(change.format(table, column, 7))

    assert upgraded.one(f"select {column} from {table}") == (1,)


@pytest.mark.parametrize("table", ["version", "assertion", "audit"])
def test_nor_is_a_row_of_a_history_replaced(upgraded, table):
    row = {"version": VERSION, "assertion": ASSERTION, "audit": AUDIT}[table]
    values = (b"",) if table == "audit" else ()
    upgraded.run(row, values)
    again = row.replace("insert into", "insert or replace into")
    if upgraded.dialect == "postgresql":
        keys = {"version": "v", "assertion": "a", "audit": "chain, n"}[table]
        first = keys.partition(",")[0]
        again = f"{row} on conflict({keys}) do update set {first} = excluded.{first}"

    with pytest.raises(Exception, match="append-only"):
        upgraded.run(again, values)


def test_an_entry_of_the_audit_is_not_replaced_by_a_stranger_either(sqlite_template, tmp_path):
    """A session without our settings: SQLite then skips the triggers on delete."""
    shutil.copy(sqlite_template, tmp_path / "hub.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "hub.db")) as stranger:
        stranger.execute(AUDIT, (b"",))

        with pytest.raises(sqlite3.IntegrityError, match="audit is append-only"):
            stranger.execute(AUDIT.replace("insert into", "insert or replace into"), (b"x",))


def test_every_entity_has_its_table_and_its_columns(upgraded):
    for spec in entities().values():
        columns = ", ".join((*ENVELOPE, *(field.column for field in spec.fields.values())))

        assert upgraded.all(f"select {columns} from {spec.table.name}") == []


def test_a_store_of_an_earlier_release_keeps_its_records_and_gains_tables(store_url):
    made = engine(store_url)
    with made.begin() as connection:
        command.upgrade(schema.config([HUB], connection), "hub_0004")
        connection.exec_driver_sql(STUDY)
    made.dispose()
    before = schema.state(store_url, [HUB])

    schema.upgrade(store_url, [HUB])

    opened = session(store_url)
    assert (before, schema.state(store_url, [HUB])) == ("behind", "ready")
    assert opened.all("select id, title from study") == [("s", "kept")]
    assert opened.all("select id from ledger_entry") == []
    opened.close()


def broken(folder: Path) -> Branch:
    """A branch whose second table fails."""
    folder.mkdir()
    (folder / "x_0001.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision, down_revision, branch_labels, depends_on = 'x_0001', None, ('x',), None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Integer))\n"
        "    op.execute('insert into nowhere values(1)')\n"
    )
    return Branch(label="x", scripts=folder, head="x_0001")


def test_identifiers_of_an_earlier_release_are_found_by_both_of_their_digests(store_url):
    made = engine(store_url)
    with made.begin() as connection:
        command.upgrade(schema.config([HUB], connection), "hub_0016")
    made.dispose()
    opened = session(store_url)
    row = "insert into identifier(digest, x, entity, type, assigner, value, find, strong)"
    for x in (2, 1):
        opened.run(f"{row} values(?, ?, 'Study', 'nct', '', ?, ?, true)", (b"d", x, b"v", b"f"))
    opened.close()

    schema.upgrade(store_url, [HUB])

    opened = session(store_url)
    found = opened.all("select x, value, strong from identifier where find = ? and digest = ?",
                       (b"f", b"d"))  # fmt: skip
    assert sorted(found) == [(1, b"v", True), (2, b"v", True)]
    with pytest.raises(Exception, match=r"(?i)unique"):
        opened.run(f"{row} values(?, 1, 'Study', 'nct', '', ?, ?, true)", (b"d", b"v", b"f"))
    opened.close()


def test_a_migration_that_fails_leaves_nothing_behind(upgraded, store_url, tmp_path):
    both = [HUB, broken(tmp_path / "scripts")]

    with pytest.raises(Exception, match="nowhere"):
        schema.upgrade(store_url, both)

    with pytest.raises(Exception, match="half"):
        upgraded.one("select * from half")
    assert schema.state(store_url, [HUB]) == "ready"


def test_two_processes_that_upgrade_at_once_make_one_store(store_url):
    failures = []

    def go() -> None:
        try:
            schema.upgrade(store_url, [HUB])
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert schema.state(store_url, [HUB]) == "ready"


def test_a_folder_with_a_percent_sign_and_a_blank_holds_a_store(tmp_path):
    folder = tmp_path / "50% of it"
    folder.mkdir()
    url = f"sqlite:///{folder / 'hub.db'}"

    schema.upgrade(url, [HUB])

    assert schema.state(url, [HUB]) == "ready"
