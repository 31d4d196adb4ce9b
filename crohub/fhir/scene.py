"""What a resource is written from besides its own record: version, crosswalk, child records; and
the few shapes that all resources are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from crohub.fhir import systems
from crohub.fhir.codes import Codes
from hub import dates
from hub.render import Record

Json = dict[str, Any]
Version = Literal["R4", "R5"]

TYPES: Mapping[str, str] = {
    "Study": "ResearchStudy", "Enrollment": "ResearchSubject", "Participant": "Patient",
    "Person": "Practitioner", "StaffAssignment": "PractitionerRole",
    "Organization": "Organization", "Location": "Location", "Consent": "Consent",
    "ParticipantVisit": "Appointment", "Document": "DocumentReference", "Invoice": "Invoice",
}  # fmt: skip
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_STUDY = "http://hl7.org/fhir/StructureDefinition/workflow-researchStudy"
CANONICAL, NATIVE = "urn:crohub:canonical", "urn:crohub:native"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`parts`: by name, the child records of each record's id."""

    version: Version
    codes: Codes
    parts: Mapping[str, Mapping[str, list[Record]]] = field(default_factory=dict)

    @property
    def r5(self) -> bool:
        return self.version == "R5"

    def children(self, name: str, record: Record) -> list[Record]:
        """The child records of this name, in the order of their places or ids."""
        return list(self.parts.get(name, {}).get(record["id"], []))

    def identifiers(self, record: Record) -> list[Json]:
        """All numbers that the answer's reader may see."""
        return [
            {
                "type": {"text": one["type"]},
                "system": systems.uri(self.codes, one["type"], one["assigner"]),
                "value": one["value"],
                "period": {"start": one.get("since"), "end": one.get("until")},
            }
            for one in record.get("identifiers", ())
        ]


def tidy(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without members that say nothing: FHIR knows neither null nor empty."""
    if isinstance(value, dict):
        kept = {name: tidy(member) for name, member in value.items()}
        return {name: member for name, member in kept.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return [kept for member in value if (kept := tidy(member)) not in (None, "", [], {})]
    return value


def reference(to: Record | None) -> Json | None:
    """A reference with the name that people know the other by."""
    if to is None:
        return None
    return {"reference": f"{TYPES[to['entity']]}/{to['id']}", "display": to.get("label")}


def person(record: Record, number: str | None = None) -> Json | None:
    """Whom it is about, called by the number they have in the study: their name is sealed."""
    known = number or (record.get("enrollment") or {}).get("label")
    found = reference(record["participant"])
    return found and found | {"display": known}


def required(value: Json | None) -> Json:
    """What FHIR must have and nobody said: that it is not known."""
    return value or absent()


def absent(reason: str = "unknown") -> Json:
    """The extension that stands in for a value."""
    return {"extension": [{"url": _ABSENT, "valueCode": reason}]}


def concept(text: str | None, *codings: tuple[str, str | None]) -> Json | None:
    """A concept in words and, where there are any, codes of (system, code)."""
    coding = [{"system": system, "code": code} for system, code in codings if code]
    return {"coding": coding, "text": text} if text or coding else None


def own(entity_field: str, code: str | None) -> tuple[str, str | None]:
    """A canonical code as a coding of ours: `Study.phase`."""
    return f"urn:crohub:codes:{entity_field}", code


def status(resource: Json, name: str, said: str | None, canonical: str | None, native: Any) -> None:  # noqa: ANN401
    """Sets a status: FHIR's word, and beside it the canonical one and what the source called it.
    Where FHIR has no word the canonical one stands alone."""
    beside: list[Json] = []
    if canonical:
        beside.append({"url": CANONICAL, "valueCode": canonical})
    if native:
        beside.append({"url": NATIVE, "valueString": str(native)})
    if said:
        resource[name] = said
    else:
        beside += absent("unsupported" if canonical else "unknown")["extension"]
    resource[f"_{name}"] = {"extension": beside}


def period(start: str | None, end: str | None) -> Json | None:
    """Two dates, each as precise as it was said."""
    found = {"start": time(start), "end": time(end)}
    return found if any(found.values()) else None


def time(value: str | None) -> str | None:
    """A canonical date or moment as FHIR dateTime."""
    return dates.to_iso(value) if value else None


def day(value: str | None) -> str | None:
    """The date of it, in the offset its source used."""
    return dates.to_iso(value)[:10] if value else None


def has_clock(value: str | None) -> bool:
    """Whether a time of day was said: FHIR's `instant` must have one."""
    return bool(value and "T" in value)


def money(amount: str | None, currency: str | None) -> Json | None:
    """An amount with all its digits."""
    return {"value": Decimal(amount), "currency": currency} if amount else None


def telecom(*said: tuple[str, str | None, str]) -> list[Json]:
    """Ways to reach somebody: (system, value, use)."""
    return [{"system": s, "value": value, "use": use} for s, value, use in said if value]


def address(record: Record) -> Json | None:
    """Where something is."""
    found = {
        "line": record.get("address_lines"), "city": record.get("city"),
        "state": record.get("state"), "district": record.get("county"),
        "postalCode": record.get("postal_code"), "country": record.get("country"),
    }  # fmt: skip
    return found if any(found.values()) else None


def of_study(record: Record) -> list[Json]:
    """The standard extension that says of which study a resource is."""
    study = reference(record.get("study"))
    return [{"url": _STUDY, "valueReference": study}] if study else []


def texts(values: Iterable[str] | None) -> list[Json]:
    """Words as concepts without codes."""
    return [{"text": value} for value in values or ()]
