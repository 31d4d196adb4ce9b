"""Check 8: what is still open to whoever has left, or has ended their part in a study."""

from __future__ import annotations

from datetime import date

import pytest

from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.test_delegation import delegated, role
from tests.hub.checks.test_enrolment import study

NPI = Identifier("npi", "1234567893")


def worker(number, *more, **fields):
    return Stated(
        entity="Person", key=number, identifiers=(Identifier("hr_id", number, "CEDARMESA"), *more),
        fields={"given_name": "Jan", "family_name": "Ek"} | fields,
    )  # fmt: skip


def job(number, status, end=None, start="2021-05-03"):
    fields = {"person": Ref("Person", number), "status": status, "start_on": start}
    return Stated(entity="Employment", key=number, fields=fields | ({"end_on": end} if end else {}))


def account(number, system="edc", **more):
    fields = {"person": Ref("Person", number), "account_system": system, "username": "jek",
              "status": "active"}  # fmt: skip
    return Stated(entity="AccountAccess", key=f"{system} {number}", fields=fields | more)


@pytest.fixture
def left(tell):
    """E305 left on 6 March and has everything open."""
    tell(worker("E305"), job("E305", "terminated", "2026-03-06"), system="hr")
    tell(study(), worker("E305"), account("E305"), system="edc")
    tell(study(), worker("E305"), delegated("E305", "consent", "crf_entry"), system="ereg")
    tell(study(), worker("E305"), role("E305", "coordinator"), system="ctms")


@pytest.mark.usefixtures("left")
def test_who_has_left_keeps_no_account_delegation_or_role(found):
    told = {one.kind: one for one in found("leavers")}

    assert {kind: one.sentence for kind, one in told.items()} == {
        "account-open": "Jan Ek (E305) left on 2026-03-06 and still has an open account in edc "
        "(user jek).",
        "delegation-open": "Jan Ek (E305) left on 2026-03-06 and is still delegated consent and "
        "crf entry on ONC-101.",
        "role-open": "Jan Ek (E305) left on 2026-03-06 and is still coordinator of ONC-101.",
    }
    assert {str(one.since) for one in told.values()} == {"2026-03-07"}
    assert [(e.system, e.says) for e in told["role-open"].evidence] == [
        ("hr", "last day 2026-03-06"), ("ctms", "still coordinator"),
    ]  # fmt: skip
    assert told["account-open"].act == "whoever keeps the accounts of edc"


@pytest.mark.usefixtures("left")
def test_what_is_closed_within_a_day_was_never_open(tell, found):
    assert found("leavers", today=date(2026, 3, 7)) == []
    assert len(found("leavers", today=date(2026, 3, 8))) == 3
    tell(account("E305", status="closed"), system="edc")
    tell(delegated("E305", status="ended", end_on="2026-03-06"), system="ereg")
    done = role("E305", "coordinator")
    done.fields |= {"status": "ended", "end_on": "2026-03-06"}
    tell(done, system="ctms")

    assert found("leavers") == []


def test_who_came_back_under_another_number_has_not_left(tell, found):
    tell(worker("E411", NPI), job("E411", "terminated", "2026-01-16"), system="hr")
    tell(worker("E918", NPI), job("E918", "active", start="2026-03-09"), system="hr")
    tell(worker("E411", NPI), account("E411"), system="edc")

    assert found("leavers") == []


def test_somebody_on_leave_or_leaving_at_the_end_of_the_month_has_not_left(tell, found):
    tell(worker("E1"), job("E1", "leave"), account("E1"), system="hr")
    tell(worker("E2"), job("E2", "active", "2026-03-31"), account("E2"), system="hr")

    assert found("leavers") == []


def test_where_hr_says_nothing_nobody_has_left(tell, found):
    tell(worker("E1"), account("E1"), system="edc")

    assert found("leavers") == []


def test_a_person_told_as_terminated_without_a_job_has_left(tell, found):
    gone = worker("E1", employment_status="terminated", left_on="2026-03-01")
    tell(gone, account("E1"), system="hr")

    [one] = found("leavers")
    assert ("hr", "last day 2026-03-01") in [(e.system, e.says) for e in one.evidence]


def test_who_ended_their_part_in_a_study_keeps_nothing_of_it(tell, found):
    over = role("E1", "coordinator")
    over.fields |= {"status": "ended", "end_on": "2026-02-28"}
    tell(study(), worker("E1"), job("E1", "active"), over, system="ctms")
    tell(study(), worker("E1"), delegated("E1"), system="ereg")
    tell(study(), worker("E1"), role("E1", "coordinator", approved="2025-05-01"), system="irb")
    tell(study(), worker("E1"), account("E1", study=Ref("Study", "p1")), system="edc")
    tell(worker("E1"), account("E1", "directory"), system="hr")

    account_, delegation = found("leavers")

    assert (account_.kind, delegation.kind) == ("account-after-role", "delegation-after-role")
    assert delegation.sentence == (
        "Jan Ek (E1) ended their part in ONC-101 on 2026-02-28 and is still delegated consent "
        "there."
    )
    assert account_.sentence == (
        "Jan Ek (E1) ended their part in ONC-101 on 2026-02-28 and still has an open account of "
        "the study in edc."
    )


def test_a_part_that_goes_on_in_another_role_has_not_ended(tell, found):
    over, now = role("E1", "coordinator"), role("E1", "data_manager")
    over.fields |= {"status": "ended", "end_on": "2026-02-28"}
    now.key = "A-E1-2"
    tell(study(), worker("E1"), job("E1", "active"), over, now, delegated("E1"), system="ctms")

    assert found("leavers") == []
