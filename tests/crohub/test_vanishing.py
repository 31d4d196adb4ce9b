"""A roster that suddenly misses most people marks nobody until a person says that it is right."""

from __future__ import annotations

import os

import pytest

FILES = {
    "hub.yaml": "participants: all\n",
    "connections/hr.yaml": (
        "connector: files\nsystem: hr\nrole: HR\nsettings:\n  path: {inbox}\n  streams:\n"
        "    staff: {{glob: '*.csv', format: csv, settle: 0, whole: true, id: id}}\n"
    ),
    "mappings/inbound/hr/staff.yaml": (
        'reads: "text/csv;row"\nstates:\n  Person:\n    key: id\n    family_name: name\n'
    ),
    "pipelines/staff.yaml": (
        "reads: {connection: hr, stream: staff}\nmappings: [hr/staff]\n"
        "schedule: {every: 1h}\nvanish_limit: 0.2\n"
    ),
}


@pytest.fixture
def roster(tmp_path, crohub):
    """Drops a roster of so many people and runs the pull."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for name, content in FILES.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.format(inbox=inbox) if "{inbox}" in content else content)
    turns = iter(range(1, 100))

    def run(people: int | None, *words):
        if people is not None:
            turn = next(turns)
            rows = "".join(f"{n},Name{n}\n" for n in range(people))
            (inbox / f"{turn:02}.csv").write_text("id,name\n" + rows)
            os.utime(inbox / f"{turn:02}.csv", (1_760_000_000 + turn, 1_760_000_000 + turn))
        return crohub("run", "staff", "--config", tmp_path / "config", *words, "--json")

    return run


@pytest.fixture
def gone(tmp_path):
    def count() -> int:
        import sqlite3

        with sqlite3.connect(tmp_path / "config" / "data" / "hub.db") as raw:
            return raw.execute("select count(*) from person where withdrawn").fetchone()[0]

    return count


def test_a_few_who_left_are_withdrawn_and_most_only_when_a_person_says_so(
    roster, gone, crohub, tmp_path
):
    assert roster(20).code == 0
    few = roster(18)
    assert (few.code, few.json["state"], gone()) == (0, "done", 2)

    most = roster(5)
    again = roster(None)
    assert (most.code, most.json["state"], again.json["state"], gone()) == (1, "asks", "asks", 2)
    assert "13 of 18 things are missing" in most.json["detail"]

    unsaid = roster(None, "--accept-vanishing")
    assert (unsaid.code, gone()) == (2, 2)
    accepted = roster(None, "--accept-vanishing", "--reason", "the ward was closed")
    trail = crohub("audit", "verify", "--config", tmp_path / "config", "--json")

    assert (accepted.code, accepted.json["state"], gone()) == (0, "done", 15)
    assert trail.json["broken"] == []
    assert roster(20).json["state"] == "done"
    assert gone() == 0


def test_the_audit_has_who_accepted_it_and_why(roster, tmp_path):
    import sqlite3

    roster(20)
    roster(5, "--accept-vanishing", "--reason", "the ward was closed")

    with sqlite3.connect(tmp_path / "config" / "data" / "hub.db") as raw:
        rows = raw.execute(
            "select actor, object, reason from audit where action = 'accept'"
        ).fetchall()
    assert [row[1:] for row in rows] == [("staff", "the ward was closed")]
    assert rows[0][0].startswith("cli:")
