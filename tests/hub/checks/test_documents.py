"""Check 4: the files of a study hold what has happened on it, by its day."""

from __future__ import annotations

from datetime import date

import pytest

from hub.statement import Ref, Stated
from tests.hub.checks.test_consent import approval, form, paper
from tests.hub.checks.test_enrolment import site, study
from tests.hub.checks.test_sequence import contract


def filed(key, kind, day, *, at="", **more):
    fields = {"study": Ref("Study", "p1"), "kind": kind, "title": key, "status": "effective",
              "document_on": day}  # fmt: skip
    where = {"study_site": Ref("StudySite", at)} if at else {}
    return Stated(entity="Document", key=key, fields=fields | where | more)


@pytest.fixture
def file(tell):
    """What the trial master file holds; one document at least, so that there is a file."""

    def holds(*documents):
        note = filed("A note", "note_to_file", "2026-01-01")
        tell(study(), site("101"), note, *documents, system="etmf")

    return holds


def opened(day):
    made = site("101")
    made.fields["activated_on"] = day
    return made


def sentences(found):
    return [one.sentence for one in found]


def test_an_activated_site_has_its_own_documents(tell, file, found):
    tell(study(), opened("2026-03-02"), system="ctms")
    file(filed("Delegation log", "delegation_log", "2026-03-01", at="101"))

    [one] = found("documents")

    assert (one.kind, str(one.since)) == ("missing", "2026-03-02")
    assert one.sentence == (
        "ONC-101 site 101: the site was activated on 2026-03-02, and the ETMF has no curriculum "
        "vitae of the investigator, due on 2026-03-02."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "2026-03-02"), ("etmf", "not there"),
    ]  # fmt: skip
    assert one.act == "the document specialist, in etmf"


def test_where_no_file_is_kept_none_is_incomplete(tell, found):
    tell(study(), opened("2026-03-02"), contract("2025-11-01"), system="ctms")

    assert found("documents") == []


def test_a_contract_and_an_approval_are_filed_within_thirty_days(tell, file, found):
    tell(study(), contract("2026-02-05"), system="ctms")
    tell(study(), approval("I1", "2026-02-06", None), paper(), form("v1", "2026-02-06"),
         system="irb")  # fmt: skip
    file()

    assert found("documents", today=date(2026, 3, 6)) == []
    assert {one.sentence.split("has no ")[1] for one in found("documents")} == {
        "contract, due on 2026-03-07.", "approval letter of the IRB, due on 2026-03-08.",
        "consent form, due on 2026-03-08.",
    }  # fmt: skip
    file(
        filed("CTA", "contract", "2026-02-05"), filed("Letter", "irb_approval", "2026-02-07"),
        filed("ICF v1", "informed_consent", "2026-02-06"),
    )  # fmt: skip
    assert found("documents") == []


def test_two_approvals_need_two_letters(tell, file, found):
    first = approval("I1", "2025-06-01", None)
    tell(study(), first, approval("I2", "2026-01-10", None, kind="amendment"), system="irb")
    file(filed("Letter", "irb_approval", "2026-01-12"))

    [one] = found("documents")
    assert "the IRB approved submission I1 on 2025-06-01" in one.sentence


def test_a_line_of_the_list_whose_day_has_passed_is_told(file, found, tell):
    line = {"study": Ref("Study", "p1"), "name": "Laboratory normals", "required": True}
    file(
        Stated(entity="ExpectedDocument", key="L1", fields=line | {"due_on": "2026-03-01"}),
        Stated(entity="ExpectedDocument", key="L2", fields=line | {"due_on": "2026-04-01"}),
    )

    [one] = found("documents")
    assert (one.kind, one.sentence) == (
        "expected-missing",
        "ONC-101: Laboratory normals was expected by 2026-03-01, and the ETMF has none.",
    )


def test_what_has_run_out_without_a_newer_one_is_told(file, found):
    file(
        filed("Lab 1", "lab_certification", "2024-01-01", expires_on="2026-01-31"),
        filed("CV 1", "cv", "2024-01-01", expires_on="2026-01-31"),
        filed("CV 2", "cv", "2026-01-20", expires_on="2028-01-31"),
    )

    assert sentences(found("documents")) == [
        "ONC-101: Lab 1 ran out on 2026-01-31, and the ETMF has no newer one."
    ]


def test_a_draft_that_stays_one_is_told(file, found):
    file(filed("Report", "monitoring_report", "2026-01-20", status="draft"),
         filed("Letter", "monitoring_letter", "2026-03-01", status="in_review"))  # fmt: skip

    [one] = found("documents")
    assert (one.kind, str(one.since)) == ("not-final", "2026-02-19")
    assert "Report of 2026-01-20 is still draft in the ETMF" in one.sentence
