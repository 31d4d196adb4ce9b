"""The migrated databases are what the code declares, on SQLite and on PostgreSQL."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

import hub.model
import hub.schema
from crohub import schema
from hub import tables as hub_tables
from hub.database import engine
from hub.views import whole
from pipelines import tables
from pipelines.places import Places


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request, tmp_path: Path) -> Places:
    if request.param == "postgresql":
        return Places(tmp_path / "data", request.getfixturevalue("postgres_database"))
    return Places(tmp_path / "data")


@pytest.fixture
def migrated(places) -> Places:
    schema.upgrade(places)
    return places


def differences(database, metadata) -> list:
    made = engine(database.url, schema=database.schema)
    options = {"compare_type": True, "include_object": _is_declared}
    with made.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    made.dispose()
    return [change for change in _flat(found) if change[0] != "modify_comment"]


def _is_declared(thing, name, kind, reflected, _other) -> bool:
    # PostgreSQL's transaction ids of the change feed are the database's own affair
    feed = (kind, name) in {("column", "xid"), ("index", "ix_version_feed")}
    return not (reflected and (feed or name == "alembic_version"))


def _flat(changes) -> list:
    flat = []
    for change in changes:
        flat += change if isinstance(change, list) else [change]
    return flat


# SQLAlchemy reads no index of an expression back from SQLite: that test comes below
UNREAD = "ignore:Skipped unsupported reflection of expression-based index ix_message_lane"
UNCOMPARED = "ignore:autogenerate skipping metadata-specified expression-based index"


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
@pytest.mark.filterwarnings(UNREAD, UNCOMPARED)
def test_the_migrated_tables_are_those_the_code_declares(migrated):
    assert hub.model.__all__, "importing the model declares its tables"
    assert whole.kept(), "so does importing the views"
    journal, hub_ = schema.databases(migrated)

    assert differences(journal, tables.journal) == []
    assert differences(hub_, hub_tables.metadata) == []


@pytest.mark.filterwarnings(UNREAD, UNCOMPARED)
def test_a_column_without_a_migration_is_noticed(migrated):
    from sqlalchemy import Column, Integer, MetaData

    wider = MetaData(naming_convention=tables.journal.naming_convention)
    for table in tables.journal.tables.values():
        table.to_metadata(wider)
    wider.tables["arrival"].append_column(Column("forgotten", Integer))

    [change] = differences(schema.databases(migrated)[0], wider)

    assert change[0] == "add_column"
    assert change[3].name == "forgotten"


def test_tables_declared_without_row_numbers_have_none(tmp_path):
    places = Places(tmp_path / "data")
    schema.upgrade(places)

    with places_session(places) as session:
        made = dict(session.all("select name, sql from sqlite_master where type = 'table'"))

    declared = {
        name
        for name, table in {**hub_tables.metadata.tables, **tables.journal.tables}.items()
        if name in made and not table.dialect_options["sqlite"]["with_rowid"]
    }
    assert "held" in declared
    assert {name for name, sql in made.items() if "WITHOUT ROWID" in sql} == declared


def test_the_indexes_of_the_journal_are_those_the_code_declares(tmp_path):
    places = Places(tmp_path / "data")
    schema.upgrade(places)
    declared = engine(f"sqlite:///{tmp_path / 'declared.db'}")
    tables.journal.create_all(declared)
    query = "select name, sql from sqlite_master where type = 'index' and sql is not null"

    def plain(rows) -> dict[str, str]:
        return {name: re.sub(r"\s|\"", "", sql).lower() for name, sql in rows}

    with declared.connect() as connection, closing(places.journal()) as journal:
        expected = plain(connection.exec_driver_sql(query))
        assert plain(journal.all(query)) == expected
    declared.dispose()
    assert "(seq>>9),lane" in expected["ix_message_lane"]


def test_upgrading_again_changes_nothing_and_says_ready(migrated):
    schema.upgrade(migrated)

    assert schema.check(migrated) == "ready"


def test_an_empty_deployment_is_fresh(places):
    assert schema.check(places) == "fresh"


def test_a_store_without_its_queue_is_behind(places):
    journal, hub_ = schema.databases(places)
    places.make()
    hub.schema.upgrade(journal.url, journal.branches, schema=journal.schema)
    hub.schema.upgrade(hub_.url, hub_.branches[:1], schema=hub_.schema)

    assert schema.check(places) == "behind"

    schema.upgrade(places)

    assert schema.check(places) == "ready"


@pytest.mark.parametrize("revision", ["hub_0999", "warehouse_0001"])
def test_a_database_of_a_newer_release_is_not_touched(migrated, revision):
    with places_session(migrated) as session:
        session.run("insert into alembic_version(version_num) values(?)", (revision,))

    with pytest.raises(hub.schema.DatabaseNewer, match=f"at revision {revision}"):
        schema.check(migrated)
    with pytest.raises(hub.schema.DatabaseNewer, match="run the newer release"):
        schema.upgrade(migrated)


def test_each_head_that_is_kept_in_the_code_is_the_newest_script(tmp_path):
    for database in schema.databases(Places(tmp_path)):
        scripts = ScriptDirectory.from_config(hub.schema.config(database.branches))

        assert set(scripts.get_heads()) == {branch.head for branch in database.branches}


def test_revisions_are_named_by_their_branch_and_count_up(tmp_path):
    for database in schema.databases(Places(tmp_path)):
        scripts = ScriptDirectory.from_config(hub.schema.config(database.branches))
        for branch in database.branches:
            line = [one.revision for one in scripts.iterate_revisions(branch.head, "base")]

            expected = [f"{branch.label}_{number:04d}" for number in range(len(line), 0, -1)]
            assert line == expected


def test_postgresql_has_its_sequences_partitions_and_transaction_ids(tmp_path, postgres_database):
    places = Places(tmp_path / "data", postgres_database)
    schema.upgrade(places)

    with places_session(places) as session:
        for name in ("xref_x_seq", "assertion_a_seq", "version_v_seq", "message_seq"):
            assert session.one(f"select nextval('{name}')") == (1,)
        assert [row[0] for row in session.all("select part from partition order by part")] == list(
            range(16)
        )
        session.run(
            "insert into version(v, entity, id, n, seq, valid_from, recorded_at, provenance) "
            "values(1, 'Study', 's', 1, 1, 1, 1, '')"
        )
        assert session.one("select xid is not null from version") == (True,)


def test_the_two_schemas_keep_their_tables_apart(tmp_path, postgres_database):
    places = Places(tmp_path / "data", postgres_database)
    schema.upgrade(places)
    made = engine(postgres_database)

    names = {name: set(inspect(made).get_table_names(name)) for name in ("hub", "journal")}

    assert names["journal"] == {*tables.journal.tables, "alembic_version"}
    assert names["hub"] == {*hub_tables.metadata.tables, "alembic_version"}
    assert set(inspect(made).get_table_names("public")) == set()
    made.dispose()


def test_the_files_are_readable_by_their_owner_alone(tmp_path):
    places = Places(tmp_path / "data")

    schema.upgrade(places)

    assert {(places.data / n).stat().st_mode & 0o77 for n in ("hub.db", "journal.db")} == {0}


def test_a_database_that_is_ready_is_recognised_without_loading_alembic(tmp_path):
    places = Places(tmp_path / "data")
    schema.upgrade(places)
    began = time.perf_counter()
    for _ in range(10):
        schema.upgrade(places)
    each = (time.perf_counter() - began) / 10
    program = (
        "import sys; from pathlib import Path; from pipelines.places import Places; "
        "from crohub import schema; schema.upgrade(Places(Path(sys.argv[1]))); "
        "print([m for m in sys.modules if m.split('.')[0] == 'alembic'])"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", program, str(places.data)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip

    assert ast.literal_eval(loaded.stdout) == []
    assert each < 0.05


def places_session(places: Places):
    return closing(places.hub())
