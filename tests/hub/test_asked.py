"""Questions name the records they are about as people know them, and nothing personal."""

from __future__ import annotations

from hub.asked import add_records
from hub.model.spec import entities
from hub.statement import Identifier, Ref, Stated


def study(key, number):
    given = (Identifier("local_protocol_no", number, "UH"),)
    return Stated(entity="Study", key=key, fields={"title": key}, identifiers=given)


def subject(key, study_key, number):
    fields = {
        "participant": Ref("Participant", "p"), "study": Ref("Study", study_key),
        "subject_number": number,
    }  # fmt: skip
    return Stated(entity="Enrollment", key=key, fields=fields)


def ids(store, entity):
    table = entities()[entity].table.name
    return [one for (one,) in store.all(f"select id from {table} order by id")]


def names(reader, **proposal):
    question = {"proposal": proposal}
    add_records(reader, [question])
    return [(one["entity"], one["name"]) for one in question["records"]]


def test_a_participant_is_called_by_study_and_subject_number(store, reader, tell):
    mrn = (Identifier("mrn", "123456", "UH"),)
    tell(Stated(entity="Participant", key="p", fields={"sex": "female"}, identifiers=mrn))
    [one] = ids(store, "Participant")
    before = names(reader, entity="Participant", ids=[one])
    tell(study("a", "ONC-101"), study("b", "CAR-204"))
    tell(subject("1", "a", "S-0007"), subject("2", "b", "C-01"))

    found = names(reader, entity="Participant", ids=[one])

    assert before == [("Participant", f"…{one[-6:]} (ehr)")]
    assert found == [("Participant", "ONC-101 S-0007 and CAR-204 C-01")]


def test_a_visit_is_called_by_its_kind_and_its_subject_and_what_it_is_planned_as(
    store, reader, tell
):
    tell(study("a", "ONC-101"), subject("1", "a", "S-0007"))
    visit = {"visit_type": "C2D1", "enrollment": Ref("Enrollment", "1")}
    tell(Stated(entity="ParticipantVisit", key="v", fields=visit))
    tell(Stated(entity="VisitDef", key="d", fields={"name": "Cycle 2 Day 1"}))
    [one], [enrollment], [planned] = (
        ids(store, name) for name in ("ParticipantVisit", "Enrollment", "VisitDef")
    )

    found = names(
        reader, entity="ParticipantVisit", id=one, enrollment=enrollment, visit_def=planned
    )

    assert found == [
        ("ParticipantVisit", "C2D1 of S-0007"),
        ("Enrollment", "S-0007"),
        ("VisitDef", "Cycle 2 Day 1"),
    ]


def test_what_is_about_no_record_has_none(reader):
    assert names(reader, entity="message", message=7) == []
    assert names(reader, entity="Study", id="gone") == [("Study", "…gone (nobody)")]
