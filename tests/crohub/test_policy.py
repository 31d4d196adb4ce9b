"""Another policy at the command line: what it would change, then that it has."""

from __future__ import annotations

import sqlite3

import pytest

SOURCE = (
    "connector: files\nsystem: {system}\nrole: {role}\nsettings:\n  path: {inbox}\n  streams:\n"
    "    subjects: {{glob: '{system}.csv', format: csv, settle: 0}}\n"
)
MAPPING = """reads: "text/csv;row"
states:
  Enrollment:
    key: number
    identifiers: [{is: subject_number, system: {const: 'urn:x:1'}, value: number}]
    subject_number: number
    state: state
"""
PIPELINE = (
    "reads: {{connection: {system}, stream: subjects}}\nmappings: [own/subject]\n"
    "lane: number\nschedule: {{every: 24h}}\n"
)
SAID = {"ctms": "S-1,off_study\nS-2,enrolled\n", "edc": "S-1,on_treatment\nS-2,enrolled\n"}


@pytest.fixture
def config(tmp_path, crohub):
    """Two systems that disagree about one of two subjects; both have been read."""
    folder, inbox = tmp_path / "config", tmp_path / "inbox"
    files = {"hub.yaml": "participants: all\n", "mappings/inbound/own/subject.yaml": MAPPING}
    inbox.mkdir()
    for system, rows in SAID.items():
        (inbox / f"{system}.csv").write_text(f"number,state\n{rows}")
        said = {"system": system, "role": system.upper(), "inbox": inbox}
        files[f"connections/{system}.yaml"] = SOURCE.format(**said)
        files[f"pipelines/{system}.yaml"] = PIPELINE.format(**said)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for system in SAID:
        ran = crohub("run", system, "--config", folder)
        assert ran.code == 0, ran.err
    return folder


def states(config):
    with sqlite3.connect(config / "data" / "hub.db") as raw:
        return dict(raw.execute("select subject_number, state from enrollment").fetchall())


def believe(config, *order):
    (config / "policies").mkdir(exist_ok=True)
    (config / "policies" / "survivorship.yaml").write_text(
        f"Enrollment:\n  state: [{', '.join(order)}]\n"
    )


def test_a_policy_is_looked_at_before_it_is_applied(crohub, config):
    assert states(config) == {"S-1": "off_study", "S-2": "enrolled"}
    believe(config, "EDC", "CTMS")

    looked = crohub("policy", "diff", "--config", config)
    assert looked.out.splitlines() == [
        "Enrollment.state  changes in 1 records",
        "  S-1  off_study → on_treatment (by edc)",
    ]
    assert states(config)["S-1"] == "off_study"

    done = crohub("policy", "apply", "--reason", "the EDC is nearer", "--config", config, "--json")
    assert done.json == {"records": 2, "entities": ["Enrollment"], "done": True}
    assert states(config) == {"S-1": "on_treatment", "S-2": "enrolled"}
    assert crohub("policy", "diff", "--config", config, "--json").json == []


def test_the_audit_says_who_had_it_applied_and_why(crohub, config):
    believe(config, "EDC", "CTMS")
    crohub("policy", "apply", "--reason", "the EDC is nearer", "--config", config)

    with sqlite3.connect(config / "data" / "hub.db") as raw:
        found = raw.execute(
            "select action, object, reason from audit where action like 'recompute%' order by n"
        ).fetchall()
    assert found == [
        ("recompute", "Enrollment", "the EDC is nearer"),
        ("recomputed", "Enrollment", "the EDC is nearer"),
    ]


def test_without_a_reason_nothing_is_applied(crohub, config):
    believe(config, "EDC", "CTMS")

    assert crohub("policy", "apply", "--reason", " ", "--config", config).code == 2
    assert states(config)["S-1"] == "off_study"
