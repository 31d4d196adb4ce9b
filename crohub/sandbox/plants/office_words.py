"""Planted studies as the IRB, the research office and the regulatory binder tell them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from crohub.sandbox.people import Employee
from crohub.sandbox.studies import Study

Words = Iterator[tuple[str, str, dict[str, Any]]]
_STATUS = {"active": "open_to_accrual", "closed-to-accrual": "closed_to_accrual"}
_YEAR = timedelta(days=364)


def rules() -> Words:
    """What the training office asks for."""
    yield "tables/training-requirements", "REQ-GCP", {
        "requirement_no": "REQ-GCP", "name": "Good clinical practice", "scope": "institution",
        "organization_code": "org-cedar", "roles": "pi;coordinator", "tasks": "consent",
        "course_group": "GCP", "valid_months": "36", "grace_days": "0", "active": "yes",
    }  # fmt: skip


def study(of: Study, staff: Mapping[str, Employee]) -> Words:
    """Approved with its team, open at its sites, and delegated."""
    lead, helper = staff[of.investigator], staff[of.coordinator]
    yield "irb/studies", of.number, {
        "id": of.irb, "name": of.number, "title": of.title,
        "principalInvestigator": member(lead, "", of.started),
        "studyTeam": [member(helper, "Coordinator", of.started)],
        "investigationalNewDrugs": [], "investigationalDeviceExemptions": [],
        "clinicalTrialsGovId": of.nct or None,
    }  # fmt: skip
    for place, (version, since) in enumerate(of.form):
        number = of.irb if place == 0 else f"MOD{of.irb[5:]}{place}"
        yield "irb/submissions", number, approved(of, version, since, first=place == 0)
    yield "tables/studies", of.number, _of(
        of, title=of.title, phase="2", status=_STATUS[of.status], sponsor_code=of.sponsor,
        nct=of.nct, irb_no=of.irb, principal_investigator_email=lead.email,
        start_on=of.started.isoformat(), target_enrolment="60",
    )  # fmt: skip
    for site in of.sites:
        name = f"{of.number} {site.number}"
        yield "tables/study-sites", name, _of(
            of, site_no=site.number, organization_code="org-cedar", location_code=site.ward,
            country="US", principal_investigator_email=lead.email, status="enrolling",
            target_enrolment="30", activated_on=of.started.isoformat(),
        )  # fmt: skip
    for one in (lead, helper):
        yield from delegated(of, one, lead)


def member(one: Employee, role: str, since: date) -> dict[str, Any]:
    """Somebody of whom the IRB knows that they work on a study."""
    said = {"employeeId": one.id, "email": one.email, "approvedDate": since.isoformat()}
    named = {"firstName": one.given, "lastName": one.family}
    return said | ({"role": role} if role else named)


def approved(of: Study, version: str, since: date, *, first: bool) -> dict[str, Any]:
    """A submission that the board approved, with the form that it approved."""
    name = f"{of.number} informed consent form"
    checksum = sha256(f"{name} {version}".encode()).hexdigest()
    return {
        "id": of.irb, "parent": of.irb, "title": of.number,
        "type": "Initial Study" if first else "Modification", "state": "Approved",
        "reviewLevel": "Full Board", "determination": "Approved", "board": "CRO",
        "dateSubmitted": (since - timedelta(days=30)).isoformat(),
        "approvalDate": since.isoformat(), "effectiveDate": since.isoformat(),
        "expirationDate": (since + _YEAR).isoformat(), "irbOfRecord": "CRO",
        "documents": [{"name": name, "category": "Consent", "version": version,
                       "sha256": checksum, "approved": True}],
    }  # fmt: skip


def delegated(of: Study, one: Employee, lead: Employee, *, since: date | None = None) -> Words:
    """What somebody may do on a study."""
    tasks = "consent;eligibility;ae_assessment" if one is lead else "consent;eligibility"
    start = (since or of.started).isoformat()
    yield "tables/delegations", f"{of.number} {one.id}", _of(
        of, delegation_no=f"DEL-{of.number}-{one.id}", tasks=tasks, person_email=one.email,
        status="active", start_on=start, delegated_by_email=lead.email, trained="yes",
    )  # fmt: skip


def _of(of: Study, **more: str) -> dict[str, Any]:
    return {"protocol_no": of.number, **more}
