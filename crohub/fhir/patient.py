"""A participant as Patient, with name, birth and address: to read one asks for the scope for
personal data, and enters the audit each time."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import Json, Scene, address, concept, telecom, time
from hub.render import Record

_RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
_ETHNICITY = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity"


def write(record: Record, scene: Scene) -> Json:
    """What nobody said of a person is left out; nothing is made of a year of birth alone."""
    phi = record["phi"] or {}
    born = phi.get("birth_date") or (str(record["year_of_birth"] or "") or None)
    where = address(phi)
    made: Json = {
        "extension": _counted(_RACE, record["race"]) + _counted(_ETHNICITY, record["ethnicity"]),
        "identifier": scene.identifiers(record),
        "active": record["active"],
        "name": _names(phi),
        "telecom": telecom(
            ("phone", phi.get("phone"), "home"), ("phone", phi.get("mobile_phone"), "mobile"),
            ("phone", phi.get("work_phone"), "work"), ("email", phi.get("email"), "home"),
        ),
        "gender": scene.codes.native("fhir-gender", record["sex"]),
        "birthDate": born,
        "address": [where] if where else [],
        "maritalStatus": concept(phi.get("marital_status")),
        "communication": _language(record["language"]),
    }  # fmt: skip
    died = time(phi.get("deceased_at"))
    return made | ({"deceasedDateTime": died} if died else {"deceasedBoolean": record["deceased"]})


def _names(phi: Record) -> list[Json]:
    given = [phi.get("given_name"), *(phi.get("middle_name") or "").split()]
    now = {
        "use": "official", "family": phi.get("family_name"), "given": [g for g in given if g],
        "prefix": [phi["name_prefix"]] if phi.get("name_prefix") else [],
        "suffix": [phi["name_suffix"]] if phi.get("name_suffix") else [],
    }  # fmt: skip
    before = phi.get("previous_family_name")
    named = [now] if now["family"] or now["given"] else []
    return named + ([{"use": "old", "family": before}] if before else [])


def _language(language: str | None) -> list[Json]:
    if not language:
        return []
    return [{"language": concept(None, ("urn:ietf:bcp:47", language)), "preferred": True}]


def _counted(url: str, said: str | list[str] | None) -> list[Json]:
    """In words only: the canonical codes are those the NIH counts by, and no OMB codes."""
    words = [said] if isinstance(said, str) else said or []
    text = ", ".join(word.replace("_", " ") for word in words)
    return [{"url": url, "extension": [{"url": "text", "valueString": text}]}] if text else []


KIND = Kind(
    type="Patient",
    entity="Participant",
    says="a person research is about",
    write=write,
    params=(
        Param(name="identifier", search="identifier",
              says="any number of the person; names are sealed and cannot be searched"),
        Param(name="gender", search="token", field="sex", inbound="fhir-gender",
              says="administrative sex"),
        Param(name="active", search="flag", field="active", says="the source uses the record"),
        Param(name="language", search="token", field="language", says="language, BCP 47"),
    ),
    sealed="phi",
)  # fmt: skip
