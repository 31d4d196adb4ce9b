"""Check 5: charges against who was on study that day and what the coverage analysis says."""

from __future__ import annotations

import pytest

from hub.statement import Ref, Stated
from tests.hub.checks.test_enrolment import study, subject

MARKED = {"modifiers": ["Q1"], "research_diagnosis": True, "nct_number": "NCT99000101"}


def procedure(code):
    fields = {"study": Ref("Study", "p1"), "name": code, "procedure_code": code}
    return Stated(entity="ProcedureDef", key=code, fields=fields)


def designation(code, who):
    fields = {"study": Ref("Study", "p1"), "procedure_def": Ref("ProcedureDef", code),
              "designation": who}  # fmt: skip
    return Stated(entity="CoverageDesignation", key=code, fields=fields)


def charge(key, code, on, **fields):
    said = {"enrollment": Ref("Enrollment", "S-0012"), "kind": "charge", "status": "billable",
            "service_on": on, "procedure_code": code, "amount": "1840.00",
            "currency": "USD"}  # fmt: skip
    return Stated(entity="Charge", key=key, fields=said | fields)


@pytest.fixture
def hospital(tell):
    """S-0012 consented on 1 February and went off study on 2 March; a CT is paid by the sponsor, a
    blood count is routine care."""
    tell(
        study(), subject("S-0012", "off_study", consented_on="2026-02-01",
                         off_study_on="2026-03-02"),
        procedure("71260"), procedure("85025"), designation("71260", "sponsor_invoiceable"),
        designation("85025", "routine_care"), system="ctms",
    )  # fmt: skip

    def charges(*given):
        tell(study(), subject("S-0012", "on_treatment"), *given, system="ehr")

    return charges


def test_a_scan_after_the_end_is_not_the_studys(hospital, found):
    hospital(charge("c1", "71260", "2026-03-09", payer="study"),
             charge("c2", "71260", "2026-03-02", payer="study"))  # fmt: skip

    [one] = found("billing")

    assert one.kind == "off-study"
    assert one.sentence == (
        "ONC-101 S-0012: 71260 of 2026-03-09, 1840.00 USD: it is charged to the study, and they "
        "have been off study since 2026-03-02."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ehr", "done on 2026-03-09"), ("ehr", "goes to study"), ("ctms", "off_study"),
        ("ehr", "on_treatment"), ("ctms", "2026-03-02"), ("ctms", "sponsor_invoiceable"),
    ]  # fmt: skip
    assert (str(one.since), one.act) == (
        "2026-03-09",
        "research billing, before the claim goes out",
    )


def test_a_scan_before_consent_is_not_the_studys_either(hospital, found):
    hospital(charge("c1", "71260", "2026-01-31", payer="study"))

    [one] = found("billing")

    assert one.sentence.endswith("and that was before consent on 2026-02-01.")


def test_what_the_sponsor_pays_goes_to_nobody_else(hospital, found):
    hospital(charge("c1", "71260", "2026-02-10", payer="insurance"),
             charge("c2", "71260", "2026-02-11", payer="sponsor"))  # fmt: skip

    [one] = found("billing")

    assert one.kind == "wrong-payer"
    assert one.sentence == (
        "ONC-101 S-0012: 71260 of 2026-02-10, 1840.00 USD: it goes to insurance, and by the "
        "coverage analysis the study pays."
    )


def test_routine_care_of_a_trial_bears_the_marks_of_one(hospital, found):
    hospital(charge("c1", "85025", "2026-02-10", payer="insurance", modifiers=["Q1"]),
             charge("c2", "85025", "2026-02-11", payer="insurance", **MARKED))  # fmt: skip

    [one] = found("billing")

    assert one.kind == "unmarked"
    assert one.sentence.endswith(
        "it goes to the insurance as routine care of a trial and lacks diagnosis Z00.6 and the NCT "
        "number."
    )


def test_a_procedure_that_nobody_has_decided_on(hospital, found):
    hospital(charge("c1", "93000", "2026-02-10", payer="study"))

    assert [one.kind for one in found("billing")] == ["no-designation"]


@pytest.mark.parametrize("fields", [{"status": "reversed"}, {"kind": "credit"}])
def test_what_was_taken_back_counts_for_nothing(hospital, found, fields):
    hospital(charge("c1", "71260", "2026-03-09", payer="insurance", **fields))

    assert found("billing") == []


def test_without_a_coverage_analysis_nothing_is_asked_of_one(tell, found):
    tell(study(), subject("S-0012", "enrolled", consented_on="2026-02-01"),
         charge("c1", "93000", "2026-02-10"), system="ehr")  # fmt: skip

    assert found("billing") == []
