"""A person who works in research as Practitioner."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param
from crohub.fhir.scene import Json, Scene, telecom, texts
from hub.render import Record


def write(record: Record, scene: Scene) -> Json:
    """Degrees are qualifications; what somebody does on a study is a PractitionerRole."""
    given = [record["given_name"], *(record["middle_name"] or "").split()]
    name = {
        "family": record["family_name"], "given": [one for one in given if one],
        "prefix": [record["name_prefix"]] if record["name_prefix"] else [],
        "suffix": [record["name_suffix"]] if record["name_suffix"] else [],
    }  # fmt: skip
    return {
        "identifier": scene.identifiers(record),
        "active": record["active"],
        "name": [name] if name["family"] or name["given"] else [],
        "telecom": telecom(("email", record["email"], "work"), ("phone", record["phone"], "work")),
        "qualification": [{"code": one} for one in texts(record["degrees"])],
    }


KIND = Kind(
    type="Practitioner",
    entity="Person",
    says="someone who works in research; never a participant",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="NPI, ORCID, HR number and others"),
        Param(name="name", search="string", field="family_name", says="words of the family name"),
        Param(name="family", search="string", field="family_name", says="the family name"),
        Param(name="given", search="string", field="given_name", says="the given name"),
        Param(name="active", search="flag", field="active", says="may be given work"),
    ),
)  # fmt: skip
