"""Checks at the command line: what is wrong, and accepting it as it is."""

from __future__ import annotations

import pytest

from tests.crohub.conftest import PIPELINE, SOURCE

MAPPING = """\
reads: text/csv;row
states:
  Study:
    key: "study"
    identifiers: {is: nct, value: "nct"}
    title: "study"
  Enrollment:
    key: "number"
    identifiers: {is: subject_number, value: "number", system: {const: S1}}
    study: "study"
    subject_number: "number"
    state: "state"
    off_study_on: "left"
"""
SAID = {
    "ctms": "ONC-1,NCT04280705,1001,off_study,2026-03-02\n",
    "edc": "ONC-1,NCT04280705,1001,on_treatment,\n",
}


@pytest.fixture
def behind(tmp_path, crohub):
    """The EDC has not heard that a subject has left."""
    folder, inbox = tmp_path / "config", tmp_path / "inbox"
    files = {"hub.yaml": "participants: all\n", "mappings/inbound/own/subject.yaml": MAPPING}
    inbox.mkdir()
    for system, rows in SAID.items():
        (inbox / f"{system}.csv").write_text(f"study,nct,number,state,left\n{rows}")
        said = {"system": system, "role": system.upper(), "inbox": inbox}
        files[f"connections/{system}.yaml"] = SOURCE.format(**said)
        files[f"pipelines/{system}.yaml"] = PIPELINE.format(**said)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for system in SAID:
        assert crohub("run", system, "--config", folder).code == 0
    return folder


def test_what_is_wrong_is_told_with_evidence_and_who_should_act(crohub, behind):
    said = crohub("checks", "run", "enrolment", "--study", "NCT04280705", "--config", behind)

    assert said.out.splitlines()[:3] == [
        "enrolment: NCT04280705 1001 is off study in the CTMS since 2026-03-02 and still on "
        "treatment in the EDC.",
        f"    ctms: off study (NCT04280705 1001, status, {said.out.splitlines()[1][-11:-1]})",
        f"    edc: on treatment (NCT04280705 1001, status, {said.out.splitlines()[2][-11:-1]})",
    ]
    assert "the data manager, in edc should act" in said.out.splitlines()[3]
    asked = crohub("checks", "run", "enrolment", "--config", behind, "--json").json
    assert [one["kind"] for one in asked] == ["status-behind"]
    unknown = crohub("checks", "run", "enrollment", "--config", behind)
    assert unknown.code == 2
    assert "enrolment" in unknown.err


def test_the_hub_keeps_it_as_a_finding_until_somebody_signs_it_off(crohub, behind):
    [first, *_] = crohub("checks", "--config", behind, "--json").json
    assert (first["name"], first["open"], first["signed_off"]) == ("enrolment", 1, 0)
    rule = ["findings", "list", "--rule", "check.enrolment.status-behind", "--config", behind]
    [one] = crohub(*rule, "--json").json
    words = [one["id"], "--reason", "the EDC is locked", "--config", behind]

    assert crohub("findings", "sign-off", *words, "--until", "soon").code == 2
    done = crohub("findings", "sign-off", *words, "--until", "2099-12-31")

    assert done.code == 0, done.err
    assert done.out.startswith("signed off until 2099-12-31: NCT04280705 1001 is off study")
    assert crohub(*rule, "--json").json == []
    [first, *_] = crohub("checks", "--config", behind, "--json").json
    assert (first["open"], first["signed_off"]) == (0, 1)
    again = crohub("findings", "sign-off", "0198", "--reason", "x", "--config", behind)
    assert again.code == 1
    assert "no check has an open finding 0198" in again.err
