"""Check 2: whoever is delegated a task may do it, today, soon, and on the days they acted."""

from __future__ import annotations

from datetime import date

import pytest

from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.test_consent import came, signed
from tests.hub.checks.test_enrolment import study, subject


def staff(number, given="Ana", family="Moreno"):
    return Stated(
        entity="Person", key=number, identifiers=(Identifier("hr_id", number, "CEDARMESA"),),
        fields={"given_name": given, "family_name": family},
    )  # fmt: skip


def delegated(number, *tasks, since="2025-05-01", **more):
    fields = {"person": Ref("Person", number), "study": Ref("Study", "p1"), "status": "active",
              "tasks": list(tasks or ["consent"]), "start_on": since}  # fmt: skip
    return Stated(entity="Delegation", key=f"D-{number}", fields=fields | more)


def rule(**more):
    fields = {"name": "Good clinical practice", "scope": "institution", "course_group": "GCP",
              "active": True, "grace_days": 0}  # fmt: skip
    return Stated(entity="TrainingRequirement", key="R1", fields=fields | more)


def trained(number, done, until, *, key="", **more):
    fields = {"person": Ref("Person", number), "course_group": "GCP", "status": "completed",
              "completed_on": done, "expires_on": until}  # fmt: skip
    return Stated(entity="TrainingRecord", key=key or f"T-{number}-{done}", fields=fields | more)


def credential(number, kind, issued, until, **more):
    fields = {"person": Ref("Person", number), "kind": kind, "issued_on": issued,
              "expires_on": until, "status": "valid"}  # fmt: skip
    return Stated(entity="Credential", key=f"{kind}-{number}-{issued}", fields=fields | more)


def role(number, name, approved=None):
    fields = {"person": Ref("Person", number), "study": Ref("Study", "p1"), "role": name,
              "status": "active"}  # fmt: skip
    if approved:
        fields["irb_approved_on"] = approved
    return Stated(entity="StaffAssignment", key=f"A-{number}", fields=fields)


@pytest.fixture
def team(tell):
    """E217 and E219 are delegated consent; both are known in every system. GCP is required."""
    people = (staff("E217"), staff("E219", "Bo", "Lindgren"))
    for system in ("hr", "ereg", "training", "edc", "irb"):
        tell(study(), *people, system=system)
    tell(delegated("E217"), delegated("E219"), system="ereg")
    tell(rule(), trained("E219", "2025-03-01", "2028-02-27"), system="training")


@pytest.mark.usefixtures("team")
def test_training_that_ran_out_is_told_with_the_consents_and_visits_since(tell, found):
    tell(trained("E217", "2023-03-01", "2026-02-28"), system="training")
    tell(subject("S-0011", "enrolled"), subject("S-0003", "enrolled"), system="edc")
    by = {"obtained_by": Ref("Person", "E217")}
    tell(signed("S-0003", "v3", "2026-02-20", **by), system="edc")
    tell(signed("S-0011", "v3", "2026-03-03", **by), came("S-0011", "2026-03-09"), system="edc")

    [one] = found("delegation")

    assert (one.kind, str(one.since)) == ("training-missing", "2026-03-01")
    assert one.sentence == (
        "Ana Moreno (E217) is delegated consent on ONC-101 and has no valid GCP training: the last "
        "ran out on 2026-02-28; consents obtained by them: S-0011 (2026-03-03)."
    )
    assert [(e.system, e.says, e.of) for e in one.evidence] == [
        ("ereg", "delegated consent from 2025-05-01", "Ana Moreno (E217), ONC-101"),
        ("training", "valid until 2026-02-28", "GCP training"),
        ("edc", "consented on 2026-03-03", "S-0011"),
        ("edc", "came on 2026-03-09", "S-0011, visit since"),
    ]
    assert one.act == "the training office"


@pytest.mark.usefixtures("team")
def test_a_certificate_counts_as_the_training_of_its_name(tell, found):
    tell(credential("E217", "gcp", "2024-01-01", "2027-01-01"), system="training")

    assert found("delegation") == []


@pytest.mark.usefixtures("team")
def test_who_never_had_the_training_lacks_it_since_the_delegation(tell, found):
    [one] = found("delegation")

    assert str(one.since) == "2025-05-01"
    assert one.sentence.endswith("has no valid GCP training: none is known.")


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize("bound", [
    {"roles": ["pharmacist"]}, {"tasks": ["ip_dispense"]}, {"active": False},
    {"end_on": "2025-12-31"}, {"course_group": "IATA"}, {"grace_days": 30},
])  # fmt: skip
def test_a_requirement_binds_whom_it_is_about(tell, found, bound):
    tell(trained("E217", "2023-03-01", "2026-02-28"), rule(**bound), system="training")

    assert found("delegation") == []


@pytest.mark.usefixtures("team")
def test_a_training_without_a_last_day_counts_as_long_as_the_requirement_says(tell, found):
    tell(rule(valid_months=36), trained("E217", "2023-03-01", None), system="training")

    [one] = found("delegation")
    assert "the last ran out on 2026-03-01" in one.sentence


@pytest.mark.usefixtures("team")
def test_what_runs_out_soon_is_told_ahead_unless_it_has_been_renewed(tell, found):
    tell(trained("E217", "2023-04-01", "2026-04-05"), system="training")

    [one] = found("delegation")
    assert (one.kind, str(one.since)) == ("expires-soon", "2026-03-06")
    assert one.sentence == (
        "Ana Moreno (E217) is delegated consent on ONC-101, and their GCP training runs out on "
        "2026-04-05."
    )
    assert found("delegation", soon_days=10) == []
    tell(trained("E217", "2026-03-10", "2029-03-09"), system="training")
    assert found("delegation") == []


@pytest.mark.usefixtures("team")
def test_consents_obtained_in_a_gap_that_is_closed_are_told(tell, found):
    tell(
        trained("E217", "2023-03-01", "2026-02-28"),
        trained("E217", "2026-03-05", "2029-03-04"), system="training",
    )  # fmt: skip
    by = {"obtained_by": Ref("Person", "E217")}
    tell(subject("S-0011", "enrolled"), subject("S-0012", "enrolled"), system="edc")
    tell(signed("S-0011", "v3", "2026-03-03", **by), system="edc")
    tell(signed("S-0012", "v3", "2026-03-06", **by), system="edc")

    [one] = found("delegation")

    assert (one.kind, str(one.since)) == ("acted-without", "2026-03-03")
    assert one.sentence == (
        "Ana Moreno (E217) had no valid GCP training on 2026-03-03 (the last ran out on "
        "2026-02-28); consents obtained by them: S-0011 (2026-03-03)."
    )


@pytest.fixture
def able(tell, team):
    """Both are trained."""
    tell(trained("E217", "2025-03-01", "2028-02-27"), system="training")


@pytest.mark.usefixtures("able")
def test_a_licence_is_asked_for_where_a_task_needs_one(tell, found):
    tell(credential("E219", "medical_license", "2024-01-01", "2027-06-30"), system="training")
    tell(credential("E217", "nursing_license", "2024-01-01", "2026-03-01"), system="training")
    tell(delegated("E219", "ae_assessment"), system="ereg")
    assert found("delegation") == []  # E217 only asks for consent

    tell(delegated("E217", "ae_assessment", "consent"), system="ereg")
    [one] = found("delegation")

    assert one.kind == "licence-missing"
    assert one.sentence == (
        "Ana Moreno (E217) is delegated ae assessment and consent on ONC-101 and has no valid "
        "licence: the last ran out on 2026-03-01."
    )


@pytest.mark.usefixtures("able")
def test_a_curriculum_vitae_is_asked_for_where_anybodys_is_known(tell, found):
    assert found("delegation") == []
    tell(credential("E219", "cv", "2025-06-01", "2027-05-31"), system="training")

    [one] = found("delegation")
    assert one.kind == "cv-missing"
    assert "no valid curriculum vitae on file: none is known" in one.sentence
    filed = {"kind": "cv", "status": "effective", "person": Ref("Person", "E217"),
             "document_on": "2025-01-01"}  # fmt: skip
    tell(Stated(entity="Document", key="cv", fields=filed), system="ereg")
    assert found("delegation") == []


@pytest.mark.usefixtures("able")
def test_the_irb_approves_who_works_on_a_study_where_it_names_anybody(tell, found):
    tell(role("E217", "coordinator"), system="ereg")
    assert found("delegation") == []
    tell(role("E219", "pi", approved="2025-05-01"), system="irb")

    [one] = found("delegation")

    assert one.kind == "role-not-approved"
    assert one.sentence == (
        "Ana Moreno (E217) is delegated consent on ONC-101 and has no valid approval by the IRB: "
        "none is known."
    )
    assert one.act == "the regulatory coordinator, with the IRB"


@pytest.mark.usefixtures("able")
def test_a_delegation_that_has_ended_asks_for_nothing(tell, found):
    tell(credential("E219", "cv", "2025-06-01", "2027-05-31"), system="training")
    tell(delegated("E217", status="ended", end_on="2026-01-31"), system="ereg")

    assert found("delegation") == []


@pytest.mark.usefixtures("able")
def test_who_was_not_delegated_it_obtained_a_consent(tell, found):
    tell(subject("S-1", "enrolled"), subject("S-2", "enrolled"), system="edc")
    tell(staff("E300", "Cy", "Day"), system="edc")
    tell(signed("S-1", "v3", "2026-03-03", obtained_by=Ref("Person", "E300")), system="edc")
    tell(signed("S-2", "v3", "2026-03-03", obtained_by=Ref("Person", "E219")), system="edc")

    [one] = found("delegation")

    assert (one.kind, str(one.since)) == ("not-delegated", "2026-03-03")
    assert one.sentence == (
        "Cy Day (E300) was not delegated to obtain consent on ONC-101; consents obtained by them: "
        "S-1 (2026-03-03)."
    )


def test_where_nothing_is_required_and_nobodys_papers_are_known_nothing_lacks(tell, found):
    tell(study(), staff("E217"), delegated("E217", "ae_assessment"), system="ereg")

    assert found("delegation") == []
    assert found("delegation", today=date(2030, 1, 1)) == []
