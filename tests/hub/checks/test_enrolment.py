"""Check 1: the same subjects in the EDC, the CTMS and the EHR."""

from __future__ import annotations

import pytest

from hub.statement import Gone, Identifier, Ref, Stated

STUDY = Identifier("local_protocol_no", "ONC-101", "CEDARMESA")
ON = {"enrolled_on": "2026-02-02"}


def study(system="ctms"):
    return Stated(entity="Study", key="p1", identifiers=(STUDY,), fields={"title": "A trial"})


def person(mrn):
    number = Identifier("mrn", mrn, "CEDARMESA")
    return Stated(entity="Participant", key=mrn, identifiers=(number,), fields={"sex": "female"})


def site(number):
    own = Identifier("site_number", number, "ONC-101")
    fields = {"study": Ref("Study", "p1"), "site_number": number}
    return Stated(entity="StudySite", key=number, identifiers=(own,), fields=fields)


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
        "ONC-101 S-0012 is OFF STUDY in the CTMS since 2026-03-02 and still ON "
        "STUDY (on treatment) in the EHR."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "OFF STUDY"), ("ehr", "ON STUDY (on treatment)"),
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


@pytest.fixture
def both(tell):
    """The CTMS and the EDC have S-0001 in common: both have subjects of the study."""
    for system in ("ctms", "edc"):
        tell(study(), subject("S-0001", "enrolled", **ON), system=system)


@pytest.mark.usefixtures("both")
def test_who_is_on_study_in_one_system_and_unknown_in_another_is_missing_there(tell, found):
    tell(subject("S-0002", "enrolled", state_native="ON STUDY", **ON), system="ctms")

    [one] = found("enrolment")

    assert (one.kind, one.about, str(one.since)) == ("missing-in", "edc", "2026-02-02")
    assert one.sentence == (
        "ONC-101 S-0002 is on study since 2026-02-02 according to the CTMS, and the EDC does not "
        "have them."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "ON STUDY (enrolled)"), ("edc", "not there"),
    ]  # fmt: skip
    assert one.act == "the data manager, in edc"


@pytest.mark.usefixtures("both")
def test_a_system_may_take_days_to_have_a_subject_and_need_not_have_who_failed_screening(
    tell, found
):
    tell(subject("S-0002", "enrolled", enrolled_on="2026-03-10"), system="ctms")
    tell(subject("S-0003", "screen_failed"), subject("S-0004", "screening"), system="ctms")

    assert found("enrolment") == []


def test_a_system_that_has_no_subject_of_the_study_lacks_nobody(tell, found):
    tell(study(), subject("S-0001", "enrolled", **ON), system="ctms")
    tell(study(), system="edc")

    assert found("enrolment") == []


def test_a_subject_that_a_system_has_deleted_is_missing_there(tell, found, both):
    for system in ("ctms", "edc"):
        tell(subject("S-0002", "enrolled", **ON), system=system)
    tell(Gone(entity="Enrollment", key="S-0002"), system="edc")

    assert [(one.kind, one.about) for one in found("enrolment")] == [("missing-in", "edc")]


def test_a_screen_failure_here_and_a_subject_there_is_told_of(tell, found, both):
    tell(subject("S-0019", "screen_failed"), system="ctms")
    tell(subject("S-0019", "enrolled", **ON), system="edc")

    [one] = found("enrolment")
    assert one.sentence == (
        "ONC-101 S-0019 is screen failed in the CTMS since 2026-02-25 and still enrolled in the "
        "EDC."
    )


def test_other_days_of_one_event_are_told_with_both(tell, found, both):
    tell(subject("S-0002", "enrolled", enrolled_on="2026-02-02"), system="ctms")
    tell(subject("S-0002", "enrolled", enrolled_on="2026-02-13"), system="edc")
    for system, day in (("ctms", "2026-02-02"), ("edc", "2026-02-03")):
        tell(subject("S-0003", "enrolled", enrolled_on=day), system=system)  # within a day

    [one] = found("enrolment")

    assert (one.kind, one.about) == ("date-differs", "enrolled_on")
    assert one.sentence == (
        "ONC-101 S-0002: the day of enrolment is 2026-02-02 in the CTMS and 2026-02-13 in the EDC."
    )
    assert one.act == "the data manager, in edc and the study coordinator, in ctms"
    assert str(one.since) == "2026-02-13"


def test_a_month_beside_its_day_is_no_other_day(tell, found, both):
    tell(subject("S-0002", "enrolled", enrolled_on="2026-02"), system="ctms")
    tell(subject("S-0002", "enrolled", enrolled_on="2026-02-13"), system="edc")

    assert found("enrolment") == []


def test_a_subject_at_two_sites_is_told_with_both(tell, found, both):
    for system, number in (("ctms", "101"), ("edc", "102")):
        at = Ref("StudySite", number)
        tell(site("101"), site("102"), system=system)
        tell(subject("S-0002", "enrolled", study_site=at, **ON), system=system)
        tell(subject("S-0003", "enrolled", study_site=Ref("StudySite", "101"), **ON), system=system)

    [one] = found("enrolment")

    assert one.sentence == "ONC-101 S-0002 is at site 101 in the CTMS and site 102 in the EDC."


def test_one_person_under_two_numbers_is_a_duplicate_and_missing_nowhere(tell, found):
    who = Ref("Participant", "123456")
    tell(study(), person("123456"), subject("S-0031", "enrolled", participant=who, **ON),
         system="ctms")  # fmt: skip
    tell(
        study(), person("123456"), subject("S-0031", "enrolled", participant=who, **ON),
        subject("S-0044", "enrolled", participant=who, enrolled_on="2026-02-20"), system="edc",
    )  # fmt: skip

    [one] = found("enrolment")

    assert (one.kind, str(one.since)) == ("duplicate", "2026-02-20")
    assert one.sentence == (
        "ONC-101 S-0044 and S-0031 are one person, on study under both numbers."
    )
    assert "123456" not in repr(one)


def test_who_failed_screening_and_came_again_is_no_duplicate(tell, found):
    who = Ref("Participant", "123456")
    tell(
        study(), person("123456"), subject("S-0031", "screen_failed", participant=who),
        subject("S-0044", "enrolled", participant=who, **ON), system="edc",
    )  # fmt: skip

    assert found("enrolment") == []


def test_a_signed_form_of_nobody_on_the_study_is_told_of(tell, found):
    tell(
        study(), person("123456"), person("654321"),
        subject("S-0001", "consented", participant=Ref("Participant", "654321")), system="edc",
    )  # fmt: skip
    for mrn, day in (("123456", "2026-02-20"), ("654321", "2026-02-20")):
        fields = {
            "study": Ref("Study", "p1"), "participant": Ref("Participant", mrn),
            "form_name": "ICF v3", "status": "obtained", "signed_at": day,
        }  # fmt: skip
        tell(Stated(entity="Consent", key=mrn, fields=fields), system="edc")

    [one] = found("enrolment")

    assert one.sentence == (
        "Somebody signed ICF v3 of ONC-101 on 2026-02-20, and no system has them as a subject."
    )
    assert found("enrolment", consent_days=30) == []
