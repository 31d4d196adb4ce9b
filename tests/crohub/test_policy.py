"""Another policy at the command line: what it would change, then that it has."""

from __future__ import annotations

import sqlite3


def states(two_systems):
    with sqlite3.connect(two_systems / "data" / "hub.db") as raw:
        return dict(raw.execute("select subject_number, state from enrollment").fetchall())


def believe(two_systems, *order):
    (two_systems / "policies").mkdir(exist_ok=True)
    (two_systems / "policies" / "survivorship.yaml").write_text(
        f"Enrollment:\n  state: [{', '.join(order)}]\n"
    )


def test_a_policy_is_looked_at_before_it_is_applied(crohub, two_systems):
    assert states(two_systems) == {"S-1": "off_study", "S-2": "enrolled"}
    believe(two_systems, "EDC", "CTMS")

    looked = crohub("policy", "diff", "--config", two_systems)
    assert looked.out.splitlines() == [
        "Enrollment.state  changes in 1 records",
        "  S-1  off_study → on_treatment (by edc)",
    ]
    assert states(two_systems)["S-1"] == "off_study"

    done = crohub(
        "policy", "apply", "--reason", "the EDC is nearer", "--config", two_systems, "--json"
    )
    assert done.json == {"records": 2, "entities": ["Enrollment"], "done": True}
    assert states(two_systems) == {"S-1": "on_treatment", "S-2": "enrolled"}
    assert crohub("policy", "diff", "--config", two_systems, "--json").json == []


def test_the_audit_says_who_had_it_applied_and_why(crohub, two_systems):
    believe(two_systems, "EDC", "CTMS")
    crohub("policy", "apply", "--reason", "the EDC is nearer", "--config", two_systems)

    with sqlite3.connect(two_systems / "data" / "hub.db") as raw:
        found = raw.execute(
            "select action, object, reason from audit where action like 'recompute%' order by n"
        ).fetchall()
    assert found == [
        ("recompute", "Enrollment", "the EDC is nearer"),
        ("recomputed", "Enrollment", "the EDC is nearer"),
    ]


def test_without_a_reason_nothing_is_applied(crohub, two_systems):
    believe(two_systems, "EDC", "CTMS")

    assert crohub("policy", "apply", "--reason", " ", "--config", two_systems).code == 2
    assert states(two_systems)["S-1"] == "off_study"
