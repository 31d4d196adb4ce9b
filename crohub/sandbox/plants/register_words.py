"""Planted studies and their subjects as the research register tells them, in FHIR R4."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crohub.sandbox import register, resources
from crohub.sandbox.people import Patient
from crohub.sandbox.studies import MAIN, NORTH, Study
from crohub.sandbox.world import BASE, Subject

Words = Iterator[tuple[str, str, dict[str, Any]]]
_HOUSES = {"org-main": MAIN.name, "org-north": NORTH.name, "WCG": "Westward Central IRB (invented)"}


def houses() -> Words:
    """The institutions in which the sites of the planted studies are, and a board elsewhere."""
    for key, name in _HOUSES.items():
        yield "register/Organization", key, {
            "resourceType": "Organization", "id": key, "active": True, "name": name,
            "type": [resources.concept(register.ORG_TYPES, "prov")],
            "identifier": [resources.identifier(f"{BASE}/organizations", key)],
        }  # fmt: skip


def study(of: Study) -> Words:
    """The study, with its numbers."""
    # its sites and its plan are the CTMS's to tell: those of the register bear no numbers here
    told = register.research_study(of)
    yield (
        "register/ResearchStudy",
        of.number,
        {name: value for name, value in told.items() if name not in ("site", "protocol")},
    )


def subject(of: Study, one: Subject, who: Patient) -> Words:
    """The person, their consent and their part in the study."""
    name = f"{of.number} {one.number}"
    yield "register/Patient", one.mrn, resources.patient(who)
    yield "register/Consent", name, resources.consent(one, of)
    yield "register/ResearchSubject", name, resources.subject(one, of)
