"""The staff of the planted studies: employed, with an account, trained and licensed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crohub.sandbox import register, scim_records, workday_records
from crohub.sandbox.people import Employee

Words = Iterator[tuple[str, str, dict[str, Any]]]


def everybody(staff: Mapping[str, Employee]) -> Words:
    """Each of them in every system that knows people."""
    for one in staff.values():
        yield from employed(one)
        yield from qualified(one)


def employed(one: Employee) -> Words:
    """Somebody's post, account and entry in the register."""
    yield "hr/workers", one.id, workday_records.worker(one)
    yield "directory/users", one.id, scim_records.account(one) | {"active": True}
    yield "register/Practitioner", one.id, register.practitioner(one)


def qualified(one: Employee) -> Words:
    """Somebody's training, curriculum vitae and, where they treat patients, licence."""
    yield "tables/training-records", one.id, {
        "completion_no": f"GCP-{one.id}", "person_email": one.email, "course_code": "GCP-1",
        "course_name": "Good clinical practice", "course_group": "GCP", "stage": "Basic",
        "provider": "Invented Training Co", "status": "completed", "completed_on": "2025-04-01",
        "expires_on": "2028-03-31", "score": "92", "pass_mark": "80",
    }  # fmt: skip
    yield "tables/credentials", f"{one.id} cv", {
        "credential_no": f"CV-{one.id}", "person_email": one.email, "kind": "cv",
        "issued_on": "2025-06-01", "expires_on": "2027-05-31", "status": "valid",
    }  # fmt: skip
    kind = {"Physician": "medical_license", "Research Nurse": "nursing_license"}.get(one.job)
    if kind:
        yield "tables/credentials", f"{one.id} licence", {
            "credential_no": f"LIC-{one.id}", "person_email": one.email, "number": f"AZ{one.id}",
            "kind": kind, "issuer": "Invented Board", "jurisdiction": "AZ", "country": "US",
            "issued_on": "2024-07-01", "expires_on": "2027-06-30", "status": "valid",
        }  # fmt: skip
