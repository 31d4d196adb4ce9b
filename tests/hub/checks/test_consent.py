"""Check 3: the form that was signed, and whether it could be signed that day."""

from __future__ import annotations

from datetime import date

import pytest

from hub.statement import Ref, Stated
from tests.hub.checks.test_enrolment import person, site, study, subject

APPROVED = {"kind": "initial", "state": "approved"}


def form(version, since, *, key="ICF", **more):
    """A version of the consent form, approved on the day from which it counts."""
    fields = {"document": Ref("Document", key), "study": Ref("Study", "p1"), "version_no": version,
              "status": "approved", "effective_on": since, "irb_approved_on": since}  # fmt: skip
    return Stated(entity="DocumentVersion", key=f"{key} {version}", fields=fields | more)


def paper(key="ICF", **more):
    fields = {"study": Ref("Study", "p1"), "kind": "informed_consent", "title": key}
    return Stated(entity="Document", key=key, fields=fields | more)


def approval(number, since, until, *, board="WCG", of_record="WCG", **more):
    fields = {"study": Ref("Study", "p1"), "native_no": number, "approval_on": since,
              "board": Ref("Organization", board), "irb_of_record": Ref("Organization", of_record),
              **APPROVED}  # fmt: skip
    if until:
        fields["expires_on"] = until
    return Stated(entity="IrbSubmission", key=number, fields=fields | more)


def signed(number, version, day, *, key="", **more):
    fields = {"study": Ref("Study", "p1"), "enrollment": Ref("Enrollment", number),
              "form_version": version, "status": "obtained", "kind": "main",
              "signed_at": day}  # fmt: skip
    return Stated(entity="Consent", key=key or f"{number} {day}", fields=fields | more)


def came(number, day, **more):
    fields = {"enrollment": Ref("Enrollment", number), "status": "completed", "actual_on": day,
              "visit_type": "Cycle 1 Day 1"}  # fmt: skip
    return Stated(entity="ParticipantVisit", key=f"{number} {day}", fields=fields | more)


@pytest.fixture
def forms(tell):
    """Version 2 is in force from June, version 3 from 20 February, brought by an amendment."""
    tell(study(), paper(), form("v2", "2025-06-01"), system="irb")
    tell(
        approval("MOD1", "2026-02-20", None, kind="amendment"),
        form("v3", "2026-02-20", irb_submission=Ref("IrbSubmission", "MOD1")), system="irb",
    )  # fmt: skip
    for number in ("S-0007", "S-0008"):
        tell(study(), subject(number, "enrolled"), system="edc")


@pytest.mark.usefixtures("forms")
def test_an_old_form_signed_when_another_was_in_force_is_the_wrong_one(tell, found):
    who = Stated(entity="Person", key="c1", fields={"given_name": "Ana", "family_name": "Moreno"})
    tell(who, signed("S-0007", "v2", "2026-02-24", obtained_by=Ref("Person", "c1")), system="edc")
    tell(signed("S-0008", "V2.0", "2026-02-19"), system="edc")  # the day before it changed

    [one] = found("consent")

    assert (one.kind, str(one.since)) == ("wrong-version", "2026-02-24")
    assert one.sentence == (
        "ONC-101 S-0007 signed v2 on 2026-02-24; the version approved for that day is v3, in force "
        "since 2026-02-20."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("edc", "signed v2 on 2026-02-24"), ("irb", "v3 in force from 2026-02-20"),
    ]  # fmt: skip
    assert one.act == "the study coordinator, with Ana Moreno"


@pytest.mark.usefixtures("forms")
def test_two_systems_that_say_other_versions_of_one_day_are_one_finding(tell, found):
    tell(signed("S-0007", "v3", "2026-02-24"), system="edc")
    tell(study(), subject("S-0007", "enrolled"), signed("S-0007", "v2", "2026-02-24"), system="ehr")

    [one] = found("consent")

    assert one.sentence == (
        "ONC-101 S-0007 signed v2 on 2026-02-24 according to the EHR (the EDC says v3); the "
        "version approved for that day is v3, in force since 2026-02-20."
    )


@pytest.mark.usefixtures("forms")
def test_a_form_signed_before_it_was_approved_is_told_so(tell, found):
    tell(signed("S-0007", "2", "2025-05-20"), signed("S-0008", "3", "2026-02-18"), system="edc")

    seventh, eighth = found("consent")

    assert seventh.sentence == (
        "ONC-101 S-0007 signed v2 on 2025-05-20; v2 was approved only for 2025-06-01 and after."
    )
    assert eighth.sentence == (
        "ONC-101 S-0008 signed v3 on 2026-02-18; the version approved for that day is v2, in force "
        "since 2025-06-01 (v3 was approved only for 2026-02-20 and after)."
    )


def test_where_no_form_is_known_nothing_is_wrong(tell, found):
    tell(study(), subject("S-0007", "enrolled"), signed("S-0007", "v2", "2026-02-24"), system="edc")

    assert found("consent") == []


def test_a_site_that_has_a_form_of_its_own_signs_that_one(tell, found):
    tell(study(), paper(), form("v2", "2025-06-01"), site("101"), site("102"), system="irb")
    own = paper("ICF 102", study_site=Ref("StudySite", "102"))
    tell(own, form("v7", "2025-06-01", key="ICF 102"), system="irb")
    tell(study(), site("101"), site("102"), system="edc")
    for number, at, version in (("S-1", "101", "v2"), ("S-2", "102", "v7"), ("S-3", "102", "v2")):
        tell(subject(number, "enrolled", study_site=Ref("StudySite", at)), system="edc")
        tell(signed(number, version, "2026-02-01"), system="edc")

    [one] = found("consent")
    assert one.sentence == (
        "ONC-101 S-3 signed v2 on 2026-02-01; the version approved for that day is v7, in force "
        "since 2025-06-01."
    )


@pytest.mark.usefixtures("forms")
def test_who_is_on_study_signs_again_what_an_amendment_brought(tell, found):
    tell(subject("S-0009", "off_study"), system="edc")
    for number in ("S-0007", "S-0008", "S-0009"):
        tell(signed(number, "v2", "2025-11-03"), system="edc")
    tell(signed("S-0008", "v3", "2026-03-02", kind="reconsent"), system="edc")

    assert found("consent") == []  # they have 45 days
    [one] = found("consent", today=date(2026, 4, 20))

    assert (one.kind, str(one.since)) == ("reconsent-due", "2026-02-20")
    assert one.sentence == (
        "ONC-101 S-0007 is on study and last signed v2 on 2025-11-03; an amendment brought v3, in "
        "force since 2026-02-20, which they have not signed."
    )


def test_a_form_that_no_amendment_brought_need_not_be_signed_again(tell, found):
    tell(study(), paper(), form("v2", "2025-06-01"), form("v3", "2025-12-01"), system="irb")
    tell(study(), subject("S-0007", "enrolled"), signed("S-0007", "v2", "2025-11-03"), system="edc")

    assert found("consent") == []


def test_a_visit_and_a_consent_while_the_approval_had_run_out_are_told(tell, found):
    tell(
        study(), approval("IRB1", "2025-03-11", "2026-03-10"),
        approval("LOCAL", "2025-03-11", "2027-03-09", board="LOC"), system="irb",
    )  # fmt: skip
    tell(study(), subject("S-1", "enrolled"), subject("S-2", "consented"), system="edc")
    tell(came("S-1", "2026-03-10"), came("S-1", "2026-03-12"), system="edc")
    tell(signed("S-2", "v1", "2026-03-11"), system="edc")

    consent, visit = found("consent")

    assert (consent.kind, visit.kind) == ("consent-in-lapse", "visit-in-lapse")
    assert visit.sentence == (
        "ONC-101 S-1 came for Cycle 1 Day 1 on 2026-03-12, and the IRB's approval IRB1 had run out "
        "on 2026-03-10."
    )
    assert [(e.system, e.says) for e in visit.evidence] == [
        ("edc", "came on 2026-03-12"), ("irb", "expires 2026-03-10"),
        ("irb", "expires 2027-03-09"),
    ]  # fmt: skip


@pytest.mark.parametrize("following", [
    approval("CR1", "2026-03-01", "2027-02-28", kind="continuing_review"),
    approval("CR1", "2026-03-01", None, kind="continuing_review"),
])  # fmt: skip
def test_an_approval_that_was_renewed_or_has_no_end_has_not_run_out(tell, found, following):
    tell(study(), approval("IRB1", "2025-03-11", "2026-03-10"), following, system="irb")
    tell(study(), subject("S-1", "enrolled"), came("S-1", "2026-03-12"), system="edc")

    assert found("consent") == []


def test_where_no_approval_is_known_none_has_run_out(tell, found):
    tell(study(), approval("IRB1", "2025-03-11", "2026-03-10", state="in_review"), system="irb")
    tell(study(), subject("S-1", "enrolled"), came("S-1", "2026-03-12"), system="edc")

    assert found("consent") == []


def test_nobody_signs_or_comes_before_the_site_is_activated(tell, found):
    open_ = site("101")
    open_.fields["activated_on"] = "2026-02-10"
    tell(study(), open_, system="ctms")
    tell(study(), site("101"), person("1"), system="edc")
    at = {"study_site": Ref("StudySite", "101"), "participant": Ref("Participant", "1")}
    tell(subject("S-1", "enrolled", **at), system="edc")
    # a consent that names the person and the study, not the subject
    early = {"study": Ref("Study", "p1"), "participant": Ref("Participant", "1"),
             "status": "obtained", "signed_at": "2026-02-08"}  # fmt: skip
    tell(Stated(entity="Consent", key="c", fields=early), system="edc")
    tell(came("S-1", "2026-02-09"), came("S-1", "2026-02-10"), system="edc")

    consent, visit = found("consent")

    assert (consent.kind, visit.kind) == ("consent-before-activation", "visit-before-activation")
    assert consent.sentence == (
        "ONC-101 S-1 signed the consent form on 2026-02-08, and site 101 was activated on "
        "2026-02-10 only."
    )
    assert ("ctms", "activated on 2026-02-10") in [(e.system, e.says) for e in consent.evidence]
