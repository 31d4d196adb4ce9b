"""Findings at the command line: what two systems disagree about, and whose it is."""

from __future__ import annotations


def test_a_disagreement_is_listed_with_both_values_and_who_should_act(crohub, two_systems):
    listed = crohub("findings", "list", "--config", two_systems, "--json")

    [one] = listed.json
    assert one["rule"] == "systems-disagree"
    assert one["found"] == "ctms: off_study; edc: on_treatment"
    assert (one["owner"], one["state"], one["age_days"]) == ("edc", "open", 0)


def test_a_finding_is_made_somebodys_and_the_audit_says_why(crohub, two_systems):
    [one] = crohub("findings", "list", "--config", two_systems, "--json").json
    words = ["--reason", "knows the site", "--config", two_systems]

    assert crohub("findings", "assign", one["id"], "Ada", *words).code == 0

    [now] = crohub("findings", "list", "--config", two_systems, "--json").json
    assert now["owner"] == "Ada"
    unknown = crohub("findings", "assign", "0198", "Ada", *words)
    assert unknown.code == 1
    assert "there is no finding 0198" in unknown.err


def test_a_table_for_people(crohub, two_systems):
    said = crohub("findings", "list", "--config", two_systems)

    assert said.out.splitlines()[0].split() == [
        "id", "rule", "entity", "field", "found", "owner", "age", "days", "state",
    ]  # fmt: skip
    assert crohub("findings", "list", "--rule", "other", "--config", two_systems).out == ""
