"""Check 1: the same subjects in the EDC, the CTMS and the EHR."""

from __future__ import annotations

from hub.statement import Identifier, Ref, Stated

STUDY = Identifier("local_protocol_no", "ONC-101", "CEDARMESA")


def study(system):
    return Stated(entity="Study", key="p1", identifiers=(STUDY,), fields={"title": "A trial"})


def subject(number, state, **fields):
    return Stated(
        entity="Enrollment",
        key=number,
        identifiers=(Identifier("subject_number", number, "ONC-101"),),
        fields={"study": Ref("Study", "p1"), "subject_number": number, "state": state, **fields},
    )


def test_who_left_in_the_ctms_and_is_on_study_in_the_ehr_is_behind_there(tell, found):
    tell(study("ctms"), subject("S-0012", "off_study", off_study_on="2026-03-02",
                                state_native="OFF STUDY"), system="ctms")  # fmt: skip
    tell(study("ehr"), subject("S-0012", "on_treatment", state_native="ON STUDY"), system="ehr")

    [one] = found("enrolment")

    assert one.kind == "status-behind"
    assert one.sentence == (
        "ONC-101 S-0012 is off study in the CTMS since 2026-03-02 and still ON "
        "STUDY (on treatment) in the EHR."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "off study"), ("ehr", "ON STUDY (on treatment)"),
    ]  # fmt: skip
    assert one.act == "the research billing and registration desk, in ehr"
    assert str(one.since) == "2026-03-02"


def test_finer_steps_of_one_phase_are_no_discrepancy(tell, found):
    tell(study("ctms"), subject("S-0001", "enrolled"), system="ctms")
    tell(study("edc"), subject("S-0001", "on_treatment"), system="edc")

    assert found("enrolment") == []


def test_what_was_said_within_the_tolerance_is_not_behind_yet(tell, found):
    tell(study("ctms"), subject("S-0012", "off_study", off_study_on="2026-03-10"), system="ctms")
    tell(study("ehr"), subject("S-0012", "on_treatment"), system="ehr")

    assert found("enrolment") == []
    assert len(found("enrolment", behind_days=2)) == 1
