"""Patients, subjects, consents and visits as FHIR R4 resources."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crohub.sandbox.people import Patient
from crohub.sandbox.studies import Study
from crohub.sandbox.world import BASE, FACILITY, Booking, Resource, Stay, Subject, visit_of

STUDY_LINK = "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
FHIR_SEX = {"F": "female", "M": "male"}
RACE_SYSTEM = "urn:oid:2.16.840.1.113883.6.238"


def identifier(system: str, value: str, kind: str = "") -> Resource:
    """One identifier; `kind` is a code of HL7 table 0203."""
    found: Resource = {"system": system, "value": value}
    if kind:
        found["type"] = {"coding": [{"system": V2, "code": kind}]}
    return found


def concept(system: str, code: str, text: str = "") -> Resource:
    """A codeable concept of one coding."""
    coding = {"system": system, "code": code} | ({"display": text} if text else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def ref(kind: str, id: str) -> Resource:
    """A relative reference."""
    return {"reference": f"{kind}/{id}"}


def patient_id(mrn: str) -> str:
    """The FHIR id the server gives the patient of an MRN."""
    return f"pat-{mrn}"


def patient(person: Patient, *, replaced_by: str = "") -> Resource:
    """A Patient; `replaced_by` is the MRN that took its place in a merge."""
    found: Resource = {
        "resourceType": "Patient",
        "id": patient_id(person.mrn),
        "extension": [_omb("race", *person.race)],
        "identifier": [
            identifier(f"{BASE}/mrn", person.mrn, "MR") | {"assigner": {"display": FACILITY}}
        ],
        "active": not replaced_by,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "home"}],
        "gender": FHIR_SEX[person.sex],
        "birthDate": str(person.born.year) if person.year_only else person.born.isoformat(),
        "address": [{"line": [person.street], "city": person.town, "state": "AZ",
                     "postalCode": person.postcode, "country": "US"}],
    }  # fmt: skip
    if person.died:
        found["deceasedDateTime"] = person.died.isoformat()
    if replaced_by:
        found["link"] = [{"other": ref("Patient", patient_id(replaced_by)), "type": "replaced-by"}]
    return found


def subject(one: Subject, study: Study) -> Resource:
    """A ResearchSubject in the R4 shape: one status, assigned arm as text."""
    found: Resource = {
        "resourceType": "ResearchSubject",
        "id": one.id,
        "status": one.state,
        "study": ref("ResearchStudy", study.key),
        "individual": ref("Patient", patient_id(one.mrn)),
    }
    if one.number:
        found["identifier"] = [identifier(f"{BASE}/studies/{study.number}/subjects", one.number)]
    if one.consented_on:
        found["consent"] = ref("Consent", f"con-{one.id}")
    if one.arm:
        found["assignedArm"] = one.arm
    if one.enrolled_on:
        found["period"] = {"start": one.enrolled_on.isoformat()}
        if one.ended_on:
            found["period"]["end"] = one.ended_on.isoformat()
    return found


def consent(one: Subject, study: Study, *, status: str = "active") -> Resource:
    """A Consent to take part; its form and version are the source attachment's title."""
    if one.consented_on is None:
        raise ValueError(f"subject {one.id} has not consented; there is nothing to write")
    form = f"{study.number} informed consent form {one.form}"
    return {
        "resourceType": "Consent",
        "id": f"con-{one.id}",
        "identifier": [identifier(f"{BASE}/consents", f"CON-{one.id}")],
        "extension": [{"url": STUDY_LINK, "valueReference": ref("ResearchStudy", study.key)}],
        "status": status,
        "scope": concept(CONSENT_SCOPE, "research"),
        "category": [concept("http://loinc.org", "57016-8")],
        "patient": ref("Patient", patient_id(one.mrn)),
        "dateTime": one.consented_on.isoformat(),
        "performer": [ref("Patient", patient_id(one.mrn))],
        "organization": [ref("Organization", "org-cedar")],
        "sourceAttachment": {"title": form, "creation": one.consented_on.isoformat()},
        "policyRule": {"text": form},
        "verification": [{"verified": True, "verifiedWith": ref("Practitioner", one.obtained_by),
                          "verificationDate": one.consented_on.isoformat()}],
    }  # fmt: skip


def appointment(booking: Booking, one: Subject, study: Study) -> Resource:
    """A research appointment; its identifier is the one SIU says in SCH-2."""
    visit = visit_of(booking, study)
    end = booking.start + timedelta(minutes=booking.minutes)
    return {
        "resourceType": "Appointment",
        "id": f"app-{booking.id}",
        "identifier": [identifier(f"{BASE}/appointments", booking.id)],
        "status": booking.status,
        "serviceType": [concept(f"{BASE}/visits", visit.code, visit.name)],
        "appointmentType": concept(f"{BASE}/appointment-types", "RESEARCH", "Research visit"),
        "supportingInformation": [ref("ResearchStudy", study.key), ref("ResearchSubject", one.id)],
        "start": booking.start.isoformat(),
        "end": end.isoformat(),
        "participant": [
            {"actor": ref("Patient", patient_id(one.mrn)), "status": "accepted"},
            {"actor": ref("Location", one.site), "status": "accepted"},
        ],
    }


def encounter(booking: Booking, one: Subject, study: Study, stay: Stay) -> Resource:
    """The visit as it took place; times are those of the registration."""
    visit = visit_of(booking, study)
    period: dict[str, Any] = {"start": stay.began.isoformat()}
    if stay.ended:
        period["end"] = stay.ended.isoformat()
    return {
        "resourceType": "Encounter",
        "id": f"enc-{stay.number}",
        "identifier": [identifier(f"{BASE}/visit-numbers", stay.number, "VN")],
        "extension": [{"url": STUDY_LINK, "valueReference": ref("ResearchStudy", study.key)}],
        "status": "finished" if stay.ended else "in-progress",
        "class": {"system": ACT, "code": "AMB"},
        "type": [concept(f"{BASE}/visits", visit.code, visit.name)],
        "subject": ref("Patient", patient_id(one.mrn)),
        "appointment": [ref("Appointment", f"app-{booking.id}")],
        "period": period,
        "location": [{"location": ref("Location", one.site)}],
        "serviceProvider": ref("Organization", "org-cedar"),
    }


def instant(at: datetime) -> str:
    """A FHIR instant with its offset."""
    return at.isoformat(timespec="milliseconds")


def _omb(kind: str, code: str, text: str) -> Resource:
    coding = {"system": RACE_SYSTEM, "code": code, "display": text}
    return {
        "url": f"{US_CORE}-{kind}",
        "extension": [{"url": "ombCategory", "valueCoding": coding},
                      {"url": "text", "valueString": text}],
    }  # fmt: skip
