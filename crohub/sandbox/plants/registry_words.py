"""Planted studies as the public registry tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crohub.sandbox.people import Employee
from crohub.sandbox.studies import SPONSORS, Study

Words = Iterator[tuple[str, str, dict[str, Any]]]
_STATUS = {"active": "RECRUITING", "closed-to-accrual": "ACTIVE_NOT_RECRUITING"}


def study(of: Study, staff: Mapping[str, Employee], updated: str) -> Words:
    """A study that is registered, as the institution's systems tell it."""
    if not of.nct:
        return
    lead = staff[of.investigator]
    sponsor = {"name": SPONSORS[of.sponsor], "class": "INDUSTRY"}
    yield "registry/studies", of.number, {"protocolSection": {
        "identificationModule": {
            "nctId": of.nct, "orgStudyIdInfo": {"id": of.number}, "briefTitle": of.title,
            "organization": {"fullName": SPONSORS[of.sponsor]},
        },
        "statusModule": {
            "overallStatus": _STATUS[of.status],
            "startDateStruct": {"date": of.started.isoformat(), "type": "ACTUAL"},
            "lastUpdatePostDateStruct": {"date": updated, "type": "ACTUAL"},
        },
        "sponsorCollaboratorsModule": {"leadSponsor": sponsor},
        "designModule": {
            "studyType": "INTERVENTIONAL", "phases": ["PHASE2"],
            "enrollmentInfo": {"count": 60, "type": "ESTIMATED"},
        },
        "contactsLocationsModule": {"overallOfficials": [
            {"name": f"{lead.given} {lead.family}, MD", "role": "PRINCIPAL_INVESTIGATOR"},
        ]},
    }}  # fmt: skip
