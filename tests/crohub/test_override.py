"""A person's own word at the command line."""

from __future__ import annotations

import sqlite3

import pytest


@pytest.fixture
def states(two_systems):
    def read():
        with sqlite3.connect(two_systems / "data" / "hub.db") as raw:
            rows = raw.execute("select id, subject_number, state from enrollment").fetchall()
        return {number: (one, state) for one, number, state in rows}

    return read


def test_a_word_counts_until_it_is_lifted_and_both_stand_in_the_audit(crohub, two_systems, states):
    one, before = states()["S-1"]
    where = ["--config", two_systems, "--json"]

    said = crohub("override", "Enrollment", one, "state", "died", "--reason", "obituary", *where)
    assert said.code == 0, said.err
    assert states()["S-1"] == (one, "died")
    crohub("lift", said.json["decision"], "--reason", "another person", *where)
    assert states()["S-1"] == (one, before)

    with sqlite3.connect(two_systems / "data" / "hub.db") as raw:
        audited = raw.execute(
            "select action, reason from audit where action in ('override', 'lift') order by at"
        ).fetchall()
    assert audited == [("override", "obituary"), ("lift", "another person")]
    again = crohub("lift", said.json["decision"], "--reason", "again", *where)
    assert again.code == 1
    assert "no override" in again.err


def test_its_end_is_kept_and_a_past_one_refused(crohub, two_systems, states):
    one, _ = states()["S-1"]
    words = ["override", "Enrollment", one, "state", "died", "--reason", "x"]

    past = crohub(*words, "--until", "2020-01-01", "--config", two_systems)
    assert past.code == 2
    assert "2020-01-01 is over" in past.err
    crohub(*words, "--until", "2100-01-01", "--config", two_systems)
    with sqlite3.connect(two_systems / "data" / "hub.db") as raw:
        rows = raw.execute("select kind, state, expires_at from decision").fetchall()
    assert ("override", "accepted", 4_102_444_800_000_000) in rows


def test_a_field_of_a_sealed_part_is_named_as_in_every_answer(crohub, two_systems, states):
    about = ("Enrollment", states()["S-1"][0], "arm.arm_assigned")
    where = ("--reason", "x", "--config", two_systems)

    said = crohub("override", *about, "ARM-B", *where)

    assert said.code == 0, said.err
    [told] = crohub("why", *about, *where, "--json").json["fields"]
    assert (told["field"], told["value"]) == ("arm.arm_assigned", "ARM-B")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("Enrolment", "state", "died"), "no kind of record"),
        (("Enrollment", "stage", "died"), "no field 'stage'"),
        (("Enrollment", "state", "happy"), "Enrollment.state: expected"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_done(
    crohub, two_systems, states, words, told
):
    before = states()
    entity, field, value = words

    said = crohub(
        "override", entity, before["S-1"][0], field, value, "--reason", "x",
        "--config", two_systems,
    )  # fmt: skip

    assert said.code == 2
    assert told in said.err
    assert states() == before
