"""On PostgreSQL the hub works under a role that cannot rewrite a history, whatever it tries."""

from __future__ import annotations

import itertools

import psycopg
import pytest

HISTORIES = ("audit", "version", "assertion")
ROSTER = "employee_id,employer,family_name,given_name\r\n1,North,Ek,Ida\r\n"


@pytest.fixture
def guarded(postgres_database, crohub, deployment, monkeypatch):
    """A deployment whose hub works as crohub_app, and the addresses of the role and the owner."""
    owner = postgres_database.replace("postgresql+psycopg:", "postgresql:")
    app = owner.replace("://postgres:", "://crohub_app:").replace("://postgres@", "://crohub_app@")
    assert app != owner
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("drop role if exists crohub_app")
        connection.execute("create role crohub_app login")
    path = deployment / "hub.yaml"
    path.write_text(path.read_text().replace("database: embedded", "database: ${env:CROHUB_APP}"))
    monkeypatch.setenv("CROHUB_APP", app)
    monkeypatch.setenv("CROHUB_OWNER", owner)
    made = crohub("audit", "guard", "crohub_app", "--reason", "set-up", "--config", deployment)
    assert made.code == 0, made.err
    yield deployment, app, owner
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("drop owned by crohub_app")
        connection.execute("drop role crohub_app")


def test_the_hub_works_under_it(guarded, crohub):
    deployment, _, _ = guarded
    (deployment / "inbox" / "roster.csv").write_text(ROSTER, newline="")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))
    where = ("--config", deployment)

    ran = crohub("run", "inbox-roster", *where, "--json")
    paused = crohub("pause", "hospital", "--reason", "a test", *where, "--json")
    proven = crohub("audit", "verify", *where, "--json")
    examined = crohub("doctor", *where, "--json")

    assert (ran.json["new"], ran.json["settled"], paused.json["done"]) == (1, True, True)
    assert proven.json["broken"] == []
    assert proven.json["versions"] > 0
    [role] = [one for one in examined.json if one["what"] == "database role"]
    assert role["detail"] == "may add to the histories and read them, no more"


ATTEMPTS = (
    "update hub.{} set seq = 1",
    "delete from hub.{}",
    "truncate hub.{}",
    "drop table hub.{}",
    "drop trigger {}_is_append_only on hub.{}",
    "alter table hub.{} disable trigger all",
    "alter table hub.{} add column extra text",
    "set session_replication_role = replica",
    "create or replace function hub.refuse_change() returns trigger language plpgsql as "
    "$$ begin return new; end $$",
)


def test_it_cannot_rewrite_a_history(guarded):
    _, app, _ = guarded
    done = []
    with psycopg.connect(app, autocommit=True) as connection:
        for table, attempt in itertools.product(HISTORIES, ATTEMPTS):
            said = attempt.replace("seq = 1", "at = 1") if table == "audit" else attempt
            try:
                connection.execute(said.format(table, table))
            except psycopg.errors.InsufficientPrivilege:
                continue
            done.append(said)

        assert done == []
        assert connection.execute("select count(*) from hub.audit").fetchone() == (1,)


def test_a_role_that_would_be_no_guard_is_refused(guarded, crohub):
    deployment, _, _ = guarded

    for role in ("nobody_there", "postgres", 'x"; drop table audit; --'):
        said = crohub("audit", "guard", role, "--reason", "x", "--config", deployment)

        assert (said.code, said.out) == (2, ""), role


def test_sqlite_has_no_roles(crohub, deployment):
    said = crohub("audit", "guard", "crohub_app", "--reason", "x", "--config", deployment)

    assert said.code == 2
    assert "expected hub.yaml to name a PostgreSQL database" in said.err
