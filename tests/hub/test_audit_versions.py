"""A version that was changed behind the back of the audit is found, whatever was changed of it."""

from __future__ import annotations

import pytest

from hub import tables
from hub.audit import verify
from hub.audit.heads import Outside
from hub.statement import Identifier, Stated
from hub.write import columns_of


def patient(key, **fields):
    return Stated(
        entity="Participant", key=key, identifiers=(Identifier("mrn", key, "N"),), fields=fields
    )


@pytest.fixture
def settled(context, tell):
    """Five versions of three participants, one of them with a sealed part."""
    tell(patient("A", sex="female"))
    phi = Stated(entity="ParticipantPhi", key="B", fields={"family_name": "Okafor"})
    tell(patient("B", sex="male"), phi)
    tell(patient("A", sex="male"))
    tell(patient("C", sex="male"))
    return context.session


@pytest.fixture
def unguarded(settled):
    """The same, as whoever owns the database can have it; for the tests of one run share a
    PostgreSQL database, its guard is put back."""
    verbs = ("update", "delete") if settled.dialect == "sqlite" else ()
    for verb in verbs:
        settled.run(f"drop trigger version_refuses_{verb}")
    if settled.dialect == "postgresql":
        settled.run("drop trigger version_is_append_only on version")
    yield settled
    if settled.dialect == "postgresql":
        settled.run(
            "create trigger version_is_append_only before update or delete or truncate "
            "on version for each statement execute function refuse_change()"
        )


def broken(session) -> list[str]:
    return verify.store(session, Outside()).broken


def test_versions_are_what_the_audit_says_they_are(settled):
    report = verify.store(settled, Outside())

    assert report.broken == []
    assert (report.versions, report.entries) == (5, 4)


_OTHER = {
    "entity": "'Study'", "id": "'other'", "n": "n + 100", "seq": "seq + 1",
    "valid_from": "valid_from + 1", "recorded_at": "recorded_at - 1",
    "changed": "coalesce(changed, '') || ' '", "provenance": "provenance || '1'",
}  # fmt: skip


@pytest.mark.parametrize("column", [*_OTHER, "sealed"])
def test_each_column_of_each_version_that_is_another_is_found(unguarded, column):
    versions = unguarded.all("select v, seq from version order by v")
    for v, seq in versions:
        row = unguarded.one("select * from version where v = ?", (v,))
        value = _OTHER.get(column, "x'00'" if unguarded.dialect == "sqlite" else "'\\x00'::bytea")
        unguarded.run(f"update version set {column} = {value} where v = ?", (v,))

        found = broken(unguarded)

        assert len(found) == 1, (column, v)
        assert found[0].startswith(f"test/{seq}: one of its versions "), found
        _put_back(unguarded, v, row)
    assert broken(unguarded) == []


def _put_back(session, v, row):
    columns = columns_of(tables.version)
    session.run("delete from version where v = ?", (v,))
    marks = ", ".join("?" * len(columns))
    if session.dialect == "postgresql":  # its transaction's number is no column of ours
        session.run(
            f"insert into version({', '.join(columns)}, xid) values({marks}, ?::text::xid8)",
            (*row[:-1], str(row[-1])),
        )
        return
    session.run(f"insert into version({', '.join(columns)}) values({marks})", row)


def test_each_version_that_is_gone_is_found(unguarded):
    for v, seq in unguarded.all("select v, seq from version order by v"):
        row = unguarded.one("select * from version where v = ?", (v,))
        unguarded.run("delete from version where v = ?", (v,))

        found = broken(unguarded)

        assert any(one.startswith(f"test/{seq}: settled ") for one in found), found
        _put_back(unguarded, v, row)


def test_a_version_that_nobody_settled_is_found_and_named(unguarded):
    unguarded.run(
        "insert into version(v, entity, id, n, seq, valid_from, recorded_at, changed, provenance) "
        "values(99, 'Study', 'made-up', 1, 1, 1, 1, '{}', '')"
    )

    assert broken(unguarded) == [
        "version 99 (Study made-up, its 1.): no entry of the audit knows it"
    ]


def test_two_versions_that_changed_places_are_found(unguarded):
    first, last = 1, 5
    for v, other in ((first, 1000), (last, first), (1000, last)):
        unguarded.run("update version set v = ? where v = ?", (other, v))

    assert broken(unguarded)
