"""Studies, organisations, places and staff as FHIR R4 resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from crohub.sandbox.people import DEPARTMENTS, Employee
from crohub.sandbox.resources import STUDY_LINK, concept, identifier, ref
from crohub.sandbox.studies import SITES, SPONSORS, STUDIES, Study
from crohub.sandbox.world import BASE, Resource

PHASES = "http://terminology.hl7.org/CodeSystem/research-study-phase"
ORG_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"
NPI = "http://hl7.org/fhir/sid/us-npi"


def standing() -> Iterator[Resource]:
    """What changes rarely: organisations, locations, studies with their visit plans."""
    for key, name in SPONSORS.items():
        kind = "edu" if key == "org-cedar" else "crs"
        yield {"resourceType": "Organization", "id": key, "active": True, "name": name,
               "type": [concept(ORG_TYPES, kind)],
               "identifier": [identifier(f"{BASE}/organizations", key)]}  # fmt: skip
    for code, name in DEPARTMENTS.items():
        yield {"resourceType": "Organization", "id": f"dep-{code}", "active": True, "name": name,
               "type": [concept(ORG_TYPES, "dept")], "partOf": ref("Organization", "org-cedar"),
               "identifier": [identifier(f"{BASE}/departments", code)]}  # fmt: skip
    for site in SITES:
        yield {"resourceType": "Location", "id": site.key, "status": "active", "name": site.name,
               "identifier": [identifier(f"{BASE}/wards", site.ward)],
               "managingOrganization": ref("Organization", "org-cedar")}  # fmt: skip
    for study in STUDIES:
        yield plan(study)
        yield research_study(study)


def research_study(study: Study) -> Resource:
    """A ResearchStudy; identifiers are the sponsor's, the IRB's and the registry's."""
    numbers = [
        identifier(f"{BASE}/protocols", study.number) | {"use": "official"},
        identifier(f"{BASE}/irb", study.irb),
    ]
    if study.nct:
        numbers.append(identifier("http://clinicaltrials.gov", study.nct))
    return {
        "resourceType": "ResearchStudy",
        "id": study.key,
        "identifier": numbers,
        "title": study.title,
        "protocol": [ref("PlanDefinition", f"plan-{study.key}")],
        "status": study.status,
        "phase": concept(PHASES, study.phase),
        "condition": [{"text": study.condition}],
        "period": {"start": study.started.isoformat()},
        "sponsor": ref("Organization", study.sponsor),
        "principalInvestigator": ref("Practitioner", study.investigator),
        "site": [ref("Location", site.key) for site in study.sites],
        "arm": [{"name": arm} for arm in study.arms],
    }


def plan(study: Study) -> Resource:
    """The protocol as a PlanDefinition: an action an epoch, in it an action a visit. Days count
    from enrolment; `timingDuration` and the window extension are in days."""
    return {
        "resourceType": "PlanDefinition",
        "id": f"plan-{study.key}",
        "identifier": [identifier(f"{BASE}/protocols", study.number)],
        "status": "active",
        "title": f"{study.number} schedule of visits",
        "action": [
            {"id": f"{study.key}-epoch-{place}", "title": epoch,
             "action": [_visit(study, code) for code in _codes(study, epoch)]}
            for place, epoch in enumerate(study.epochs, 1)
        ],
    }  # fmt: skip


def practitioner(employee: Employee) -> Resource:
    """A Practitioner; the personnel number is there for everyone, the NPI for some."""
    numbers = [identifier(f"{BASE}/employees", employee.id, "EI")]
    if employee.npi:
        numbers.append(identifier(NPI, employee.npi, "NPI"))
    return {
        "resourceType": "Practitioner",
        "id": employee.id,
        "identifier": numbers,
        "active": employee.left is None,
        "name": [{"use": "official", "family": employee.family, "given": [employee.given]}],
        "telecom": [{"system": "email", "value": employee.email, "use": "work"}],
    }


def employment(employee: Employee) -> Resource:
    """The PractitionerRole of somebody's job in a department."""
    return _role(
        f"job-{employee.id}", who=employee.id, code=employee.job,
        organization=f"dep-{employee.department}", start=employee.hired, end=employee.left,
    )  # fmt: skip


def study_roles(study: Study) -> Iterable[Resource]:
    """The PractitionerRoles of a study's investigator and coordinator."""
    for code, who in (("PI", study.investigator), ("Coordinator", study.coordinator)):
        role = _role(f"{study.key}-{code.lower()}", who=who, code=code, organization="org-cedar",
                     start=study.started, end=None)  # fmt: skip
        link = {"url": STUDY_LINK, "valueReference": ref("ResearchStudy", study.key)}
        yield role | {"extension": [link]}


def _role(
    id: str, *, who: str, code: str, organization: str, start: date, end: date | None
) -> Resource:
    period = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": end is None,
        "period": period,
        "practitioner": ref("Practitioner", who),
        "organization": ref("Organization", organization),
        "code": [concept(f"{BASE}/roles", code, code)],
    }


def _codes(study: Study, epoch: str) -> list[str]:
    return [visit.code for visit in study.visits if visit.epoch == epoch]


def _visit(study: Study, code: str) -> Resource:
    visit = next(one for one in study.visits if one.code == code)
    days = {"unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
    window = {"low": {"value": visit.day - visit.before, **days},
              "high": {"value": visit.day + visit.after, **days}}  # fmt: skip
    return {
        "id": f"{study.key}-{code}",
        "title": visit.name,
        "code": [concept(f"{BASE}/visits", code, visit.name)],
        "timingDuration": {"value": visit.day, **days},
        "extension": [{"url": f"{BASE}/visit-window", "valueRange": window}],
    }
