"""All checks over one story, on both databases; what they find is kept by the hub itself."""

from __future__ import annotations

import shutil

import pytest

from hub import feeds
from hub.checks import CHECKS
from hub.checks.running import Checking
from hub.statement import Ref, Stated
from tests.hub.checks.test_billing import charge, designation, procedure
from tests.hub.checks.test_cash import earned, invoice
from tests.hub.checks.test_consent import approval, came, form, paper, signed
from tests.hub.checks.test_delegation import credential, delegated, role, rule, staff, trained
from tests.hub.checks.test_enrolment import person, site, study, subject
from tests.hub.checks.test_leavers import account, job
from tests.hub.checks.test_safety import GRAVE, event
from tests.hub.checks.test_sequence import contract
from tests.hub.conftest import BASE, _empty

FOUND = {
    "enrolment": {"missing-in", "status-behind"},
    "delegation": {"training-missing", "cv-missing"},
    "consent": {"wrong-version", "visit-in-lapse"},
    "billing": {"off-study"},
    "sequence": {"before-contract"},
    "leavers": {"account-open", "delegation-open", "role-open"},
    "safety": {"sponsor-clock"},
    "ledger": {"posted-differs"},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def hub_url(request, tmp_path):
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_hub")
        _empty(address)
        return address
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hub.db")
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def story(tell, store):
    at = {"study_site": Ref("StudySite", "101"), "participant": Ref("Participant", "1")}
    on = {"consented_on": "2026-02-01", "enrolled_on": "2026-02-03"}
    open_ = site("101")
    open_.fields["activated_on"] = "2025-06-02"
    tell(
        study(), open_, person("1"),
        subject("S-0012", "off_study", off_study_on="2026-03-02", **on, **at),
        subject("S-0002", "enrolled", **on), contract("2026-02-20"), procedure("71260"),
        designation("71260", "sponsor_invoiceable"),
        earned("R1", "2026-03-04", "paid", paid_amount="3825.00", holdback_amount="425.00"),
        staff("E217"), role("E217", "coordinator"), system="ctms",
    )  # fmt: skip
    tell(
        study(), open_, person("1"), staff("E217"), subject("S-0012", "on_treatment", **on, **at),
        signed("S-0012", "v1", "2026-02-21", obtained_by=Ref("Person", "E217")),
        came("S-0012", "2026-03-11"), event("7", **GRAVE), account("E217"), system="edc",
    )  # fmt: skip
    tell(study(), paper(), form("v1", "2025-06-01"), form("v2", "2026-02-20"),
         approval("IRB1", "2025-03-11", "2026-03-10"), system="irb")  # fmt: skip
    tell(study(), staff("E217"), delegated("E217", "consent", "eligibility"), system="ereg")
    tell(staff("E217"), rule(), trained("E217", "2023-03-01", "2026-02-28"), system="training")
    tell(staff("E217"), job("E217", "terminated", "2026-03-06"), system="hr")
    tell(staff("E9", "Cy", "Day"), credential("E9", "cv", "2025-06-01", None), system="training")
    tell(study(), subject("S-0012", "on_treatment", **on),
         charge("c1", "71260", "2026-03-09", payer="study"), system="ehr")  # fmt: skip
    tell(study(), Stated(entity="Organization", key="ACME", fields={"name": "Acme"}),
         invoice("900017", "2026-04-04", total_amount="3800.00"), system="erp")  # fmt: skip
    with store.transaction():
        feeds.note(store, BASE, {("edc", "subjects"): ("edc", BASE)})


@pytest.mark.usefixtures("story")
def test_every_check_finds_its_part_of_the_story(found):
    told = {name: {one.kind for one in found(name)} for name in CHECKS}

    assert {name: kinds & FOUND[name] for name, kinds in told.items() if name in FOUND} == FOUND


@pytest.mark.usefixtures("story")
def test_what_they_find_is_kept_and_closed_as_the_feed_goes_on(
    found, store, keyring, context, tell
):
    now = 1_773_316_800_000_000  # 2026-03-12T12:00Z
    made = Checking(
        session=store, keyring=keyring, clock=lambda: now, chain="test", policy=context.policy
    )
    wanted = sorted(one.sentence for name in CHECKS for one in found(name))

    rest(made)
    assert sorted(kept(store)) == wanted
    tell(subject("S-0012", "off_study"), system="ehr")
    tell(subject("S-0012", "off_study"), system="edc")
    rest(made)

    left = sorted(one.sentence for name in CHECKS for one in found(name))
    assert sorted(kept(store)) == left
    assert len(left) < len(wanted)


def rest(checking):
    """Looks until nothing is left; PostgreSQL shows the feed up to what still runs."""
    while checking.look():
        pass


def kept(store):
    rows = store.all("select found from finding where closed_at is null and scope <> ''")
    return [row[0] for row in rows]
