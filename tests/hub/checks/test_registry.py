"""Check 10: the public registry against what the institution knows."""

from __future__ import annotations

from datetime import date

import pytest

from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.conftest import TODAY
from tests.hub.checks.test_enrolment import subject

NCT = Identifier("nct", "NCT04561234")
NUMBER = Identifier("local_protocol_no", "ONC-101", "CEDARMESA")
LATER = TODAY.replace(month=6)
DAY = 86_400  # seconds, as `tell` counts


def study(*ids, **fields):
    return Stated(entity="Study", key="p1", identifiers=ids or (NUMBER, NCT), fields=fields)


def person(key, **fields):
    return Stated(entity="Person", key=key, fields=fields)


def test_the_registry_has_not_heard_that_accrual_closed(tell, found):
    tell(study(NCT, status="open_to_accrual"), system="registry", at=0)
    tell(study(status="closed_to_accrual", status_native="CLOSED TO ACCRUAL"), system="ctms",
         at=DAY)  # fmt: skip

    assert found("registry") == []  # it has 30 days
    [one] = found("registry", today=LATER)

    assert one.kind == "status-differs"
    assert one.sentence == (
        "ONC-101 is CLOSED TO ACCRUAL in the CTMS since 2026-02-26, and the registry still says "
        "open to accrual."
    )
    assert one.since == date(2026, 3, 28)


def test_the_registrys_newer_word_is_not_behind(tell, found):
    tell(study(status="closed_to_accrual"), system="ctms", at=0)
    tell(study(NCT, status="completed"), system="registry", at=DAY)

    assert found("registry", today=LATER) == []


def test_finer_words_of_one_course_are_alike(tell, found):
    tell(study(NCT, status="closed_to_accrual"), system="registry", at=0)
    tell(study(status="closed_to_accrual_and_intervention"), system="ctms", at=DAY)

    assert found("registry", today=LATER) == []


def test_primary_completion_differs(tell, found):
    tell(study(NCT, primary_completion_on="2026-09-30", start_on="2026-01-10"), system="registry")
    tell(study(primary_completion_on="2026-12-15", start_on="2026-01-20"), system="ctms")

    [one] = found("registry")

    assert one.sentence == (
        "ONC-101: primary completion is 2026-12-15 in the CTMS and 2026-09-30 in the registry."
    )
    assert [(e.system, e.says) for e in one.evidence] == [
        ("ctms", "2026-12-15"), ("registry", "2026-09-30"),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "kinds"), [("actual", ["enrolment-differs"]), ("estimated", [])])
def test_a_final_count_is_what_came(tell, found, kind, kinds):
    tell(study(NCT, actual_enrolment=2, enrolled_count_kind=kind), system="registry")
    tell(study(), subject("S-1", "enrolled", enrolled_on="2026-02-01"),
         subject("S-2", "screen_failed", enrolled_on="2026-02-01"), system="ctms")  # fmt: skip

    assert [one.kind for one in found("registry")] == kinds


@pytest.mark.parametrize(("public", "kinds"), [
    ("Ina Wolf", []), ("Wolf, Ina, MD", []), ("Jonas Brandt", ["investigator-differs"]),
])  # fmt: skip
def test_the_investigator_by_name(tell, found, public, kinds):
    tell(person("r1", family_name=public),
         study(NCT, principal_investigator=Ref("Person", "r1")), system="registry")  # fmt: skip
    tell(person("c1", family_name="Wolf", given_name="Ina"),
         study(principal_investigator=Ref("Person", "c1")), system="ctms")  # fmt: skip

    assert [one.kind for one in found("registry")] == kinds


@pytest.fixture
def own(tell):
    """An applicable trial; `kind` of its sponsor."""

    def say(kind, **fields):
        tell(Stated(entity="Organization", key="S", fields={"name": "S", "kind": kind}),
             study(NUMBER, sponsor=Ref("Organization", "S"), study_type="interventional",
                   phase="2", **fields),
             subject("S-1", "enrolled", enrolled_on="2026-02-01"), system="ctms")  # fmt: skip

    return say


@pytest.mark.parametrize(("kind", "kinds"), [("institution", ["not-registered"]), ("sponsor", [])])
def test_an_own_trial_must_be_registered_21_days_after_the_first_participant(
    own, found, kind, kinds
):
    own(kind)

    assert [one.kind for one in found("registry", today=date(2026, 2, 22))] == []
    assert [one.kind for one in found("registry", today=date(2026, 2, 23))] == kinds


def test_results_are_due_a_year_after_primary_completion(own, tell, found):
    own("institution", primary_completion_on="2025-03-11")
    tell(study(NCT, NUMBER), system="registry")

    [one] = found("registry")

    assert one.sentence == (
        "ONC-101: primary completion was on 2025-03-11, results were due on 2026-03-11, and none "
        "are submitted."
    )
    sent = {"study": Ref("Study", "p1"), "kind": "results", "submitted_on": "2026-03-01"}
    tell(Stated(entity="RegulatorySubmission", key="R", fields=sent), system="ctms")
    assert found("registry") == []
