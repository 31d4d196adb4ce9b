"""Check 7: what cannot have happened in this order."""

from __future__ import annotations

from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.test_consent import approval
from tests.hub.checks.test_enrolment import STUDY, site, subject


def study(**fields):
    return Stated(entity="Study", key="p1", identifiers=(STUDY,), fields={"title": "A"} | fields)


def contract(signed=None, state="executed"):
    fields = {"study": Ref("Study", "p1"), "kind": "cta", "state": state, "contract_no": "K-1"}
    fields |= {"fully_executed_on": signed} if signed else {}
    return Stated(entity="Contract", key="K-1", fields=fields)


def on_study(number, day, **fields):
    return subject(number, "enrolled", enrolled_on=day, **fields)


def test_the_first_subject_came_before_the_contract(tell, found):
    tell(study(), contract("2026-02-10"), on_study("S-2", "2026-02-12"),
         on_study("S-1", "2026-02-05"), system="ctms")  # fmt: skip

    [one] = found("sequence")

    assert one.kind == "before-contract"
    assert one.sentence == (
        "ONC-101: the first subject, S-1, was enrolled on 2026-02-05, and the trial agreement was "
        "signed by all on 2026-02-10."
    )
    assert (one.act, str(one.since)) == ("the contract office", "2026-02-05")
    assert [(e.system, e.says, e.of) for e in one.evidence] == [
        ("ctms", "enrolled on 2026-02-05", "S-1"), ("ctms", "executed", "contract K-1"),
    ]  # fmt: skip


def test_a_contract_that_nobody_has_signed_yet(tell, found):
    tell(study(), contract(state="negotiation"), on_study("S-1", "2026-02-05"), system="ctms")

    assert found("sequence")[0].sentence.endswith("the trial agreement has not been signed by all.")


def test_a_study_whose_contracts_nobody_tells_of_has_none_to_wait_for(tell, found):
    tell(study(), on_study("S-1", "2026-02-05"), system="ctms")

    assert found("sequence") == []


def test_the_first_subject_came_before_the_irb(tell, found):
    tell(study(), on_study("S-1", "2026-02-05"), system="ctms")
    tell(study(), approval("20260001", "2026-02-06", "2027-02-05"), system="irb")

    [one] = found("sequence")

    assert one.kind == "before-approval"
    assert one.sentence.endswith("and the IRB approved the study on 2026-02-06.")


def test_the_first_subject_came_before_the_site_was_activated(tell, found):
    active = Stated(
        entity="StudySite", key="101", identifiers=(Identifier("site_number", "101", "ONC-101"),),
        fields={"study": Ref("Study", "p1"), "site_number": "101", "activated_on": "2026-02-06"},
    )  # fmt: skip
    here = {"study_site": Ref("StudySite", "101")}
    tell(study(), active, on_study("S-1", "2026-02-05", **here), system="ctms")

    [one] = found("sequence")

    assert one.sentence == (
        "ONC-101 site 101: the first subject, S-1, was enrolled on 2026-02-05, and the site was "
        "activated on 2026-02-06."
    )


def test_somebody_was_randomised_before_being_eligible(tell, found):
    tell(study(), on_study("S-1", "2026-02-05", randomised_on="2026-02-05",
                           eligible_on="2026-02-07"),
         on_study("S-2", "2026-02-05", randomised_on="2026-02-05", eligible_on="2026-02-04"),
         on_study("S-3", "2026-02-06", randomised_on="2026-02-07", eligible=False),
         system="ctms")  # fmt: skip

    assert [one.sentence for one in found("sequence")] == [
        "ONC-101 S-1 was randomised on 2026-02-05 and was found eligible on 2026-02-07.",
        "ONC-101 S-3 was randomised on 2026-02-07 and is not eligible.",
    ]


def test_more_came_than_were_agreed(tell, found):
    tell(study(target_enrolment=2), site("101"), on_study("S-1", "2026-02-05"),
         on_study("S-2", "2026-02-06"), on_study("S-3", "2026-02-07"),
         subject("S-4", "screen_failed", enrolled_on="2026-02-04"), system="ctms")  # fmt: skip

    [one] = found("sequence")

    assert one.kind == "above-ceiling"
    assert one.sentence == (
        "ONC-101: 3 subjects are enrolled, and 2 were agreed; the first above it came on "
        "2026-02-07."
    )
    assert found("sequence", above_subjects=1) == []
