"""The packaged mappings of IRBs: what they decided, and what is proposed to them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from connectors.irb import WRITES
from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.outbound import Wait, outbound
from mappings.setting import Context, Setting

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)
OURS = ("irb/", "protocol_builder/")


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    key: str | None = None
    id: str = "0198-1"

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return self.key


STUDY = Shown(key="STUDY1")
PERSON = Shown({"email": "b@uh.example"}, ids=[Identifier("hr_id", "E101", "UH")])
DEVIATION = {"reportable": True, "description": "Visit out of window", "occurred_on": "2026-03-01"}
MEMBER = {"status": "active", "role": "sub_i", "start_on": "2026-03-01"}


@pytest.fixture
def read(record):
    def read(name, body, **parameters):
        reader = LIBRARY.reader([name], Context(parameters=parameters))
        return reader(record(json.dumps(body), "application/json"))

    return read


def said(name, view, before=None):
    mapping = outbound(LIBRARY.outbound[f"irb/{name}"], Setting(codes=CODES))
    if not mapping.wants(view, before):
        return None
    made = mapping.render(view, delivery_id="D1", now=datetime(2026, 3, 1, tzinfo=UTC))
    return (
        made if isinstance(made, Wait) else (made.stream, dict(made.target), json.loads(made.body))
    )


# -- what an IRB says


@pytest.mark.parametrize("silent", [{}, {"expirationDate": None}, {"expirationDate": ""}])
def test_no_expiry_is_no_expired_approval(read, silent):
    body = {"submissionId": "M1", "id": "S1", "state": "Approved", **silent}

    (submission,) = read("irb/submission", body).statements

    assert submission.fields["state"] == "approved"
    assert "expires_on" not in submission.fields


def test_a_submission_that_names_no_parent_is_of_its_own_study(read):
    (submission,) = read("irb/submission", {"submissionId": "STUDY1", "id": "STUDY1"}).statements

    assert submission.fields["study"].key == "STUDY1"


@pytest.mark.parametrize("documents", [None, [], [{"name": "ICF", "approved": False}]])
def test_what_is_not_approved_is_no_document(read, documents):
    body = {"submissionId": "M1", "id": "S1", "documents": documents}

    assert read("irb/document", body).statements == ()


def test_a_central_irb_is_another_assigner(read):
    body = {"submissionId": "M1", "id": "S1"}

    found = [read("irb/submission", body, irb=who).statements[0] for who in ("UH", "CENTRAL")]

    assert [one.identifiers[0].assigner for one in found] == ["UH", "CENTRAL"]


@pytest.mark.parametrize("name", [n for n in LIBRARY.inbound if n.startswith(OURS)])
def test_odd_shapes_are_no_crash(read, name):
    keys = ("id", "submissionId", "name", "STUDYID", "TITLE", "STUDY", "NETBADGEID", "STATUS",
            "INVESTIGATORTYPE", "IDE")  # fmt: skip
    odd = ("state", "type", "board", "principalInvestigator", "REVIEW_TYPE", "AGENDA_DATE")
    body = {**{one: [{"a": 1}] for one in odd}, **dict.fromkeys(keys, 1)}
    body |= {"documents": [{"name": 1, "approved": True, "version": 2}]}
    body |= {"studyTeam": [{"employeeId": 5, "role": "PI"}]}

    assert read(name, body).statements


# -- what is proposed


def test_a_deviation_is_proposed_when_it_becomes_reportable():
    found = said("reportable-event", Shown(DEVIATION, {"study": STUDY}))

    assert found == (
        "reportable_event", {"id": "0198-1"},
        {"externalId": "0198-1", "studyId": "STUDY1", "type": "Deviation",
         "description": "Visit out of window", "occurredOn": "2026-03-01"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "before"), [({"reportable": False}, None), ({}, None), (DEVIATION, DEVIATION)]
)
def test_what_is_not_reportable_or_was_before_is_not_proposed(now, before):
    assert said("reportable-event", Shown(now, {"study": STUDY}), before and Shown(before)) is None


def test_who_joins_and_who_leaves_are_two_proposals():
    refs = {"study": STUDY, "person": PERSON}
    joined = said("staff-change", Shown(MEMBER, refs))
    left = said(
        "staff-change",
        Shown(MEMBER | {"status": "ended", "end_on": "2026-04-01"}, refs),
        Shown(MEMBER),
    )

    assert [target for _, target, _ in (joined, left)] == [
        {"id": "0198-1.active"}, {"id": "0198-1.ended"},
    ]  # fmt: skip
    assert joined[2] == {
        "externalId": "0198-1.active", "studyId": "STUDY1", "change": "Add", "employeeId": "E101",
        "email": "b@uh.example", "role": "Sub-Investigator", "startDate": "2026-03-01",
    }  # fmt: skip
    assert (left[2]["change"], left[2]["endDate"]) == ("Remove", "2026-04-01")


def test_a_study_that_the_irb_does_not_know_waits():
    assert isinstance(said("reportable-event", Shown(DEVIATION, {"study": Shown()})), Wait)


@pytest.mark.parametrize("name", [n for n in LIBRARY.outbound if n.startswith("irb/")])
def test_what_is_proposed_is_something_the_connector_writes(name):
    assert LIBRARY.outbound[name].stream in WRITES["exchange"]
