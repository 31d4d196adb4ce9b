"""How the facade is described: a search and a read of each resource type, with its parameters."""

from __future__ import annotations

from crohub.fhir import provenance
from crohub.fhir.asking import LARGEST, PAGE, SUMMARIES
from crohub.fhir.kind import BOTH, Kind
from crohub.fhir.kinds import KINDS
from crohub.fhir.outcome import PREFIX
from hub.api.openapi_parts import Json, an_object, of, operation, parameter, record_id

_MEDIA = "application/fhir+json"
_VERSION = parameter("version", "of FHIR", "|".join(BOTH), where="path")
_RESULT = (
    parameter("_id", "with one of these ids, separated by commas"),
    parameter("_lastUpdated", "a moment behind eq, ge, gt, le, lt: when the hub last changed it"),
    parameter("_count", f"resources of a page, at most {LARGEST}; {PAGE} unless said", "integer"),
    parameter("_sort", "a parameter, behind a minus from its end"),
    parameter("_include", "also what this reference points to: ResearchSubject:study"),
    parameter("_revinclude", "also what points here: Provenance:target"),
    parameter("_total", "whether the bundle says how many there are", "none|estimate|accurate"),
)
_SHOWN = (
    parameter("_summary", "how much of each resource", "|".join(SUMMARIES)),
    parameter("_elements", "only these elements, separated by commas"),
)


def description() -> Json:
    """`paths` and `components` below /fhir."""
    base = f"{PREFIX}/{{version}}"
    statement = _answering("what the facade does", "$FhirResource", [_VERSION])
    statement["security"] = []
    statement["responses"] = {s: a for s, a in statement["responses"].items() if s < "400"}
    paths: Json = {f"{base}/metadata": {"get": statement}}
    for kind in KINDS.values():
        paths |= _kind(base, kind)
    target = parameter("target", "of this resource: ResearchSubject/id")
    told = _answering(provenance.SAYS, "$FhirBundle", [_VERSION, target, *_RESULT, *_SHOWN])
    paths[f"{base}/{provenance.TYPE}"] = {"get": told}
    one = [_VERSION, parameter("id", "as a search tells it", where="path"), *_SHOWN]
    paths[f"{base}/{provenance.TYPE}/{{id}}"] = {
        "get": _answering(provenance.SAYS, "$FhirResource", one)
    }
    made = {
        "FhirResource": an_object("a resource as FHIR has it", resourceType="string"),
        "FhirBundle": an_object(
            "a searchset; the link `next` goes on", resourceType="string", type_="string",
            total_="integer", link_="[object]", entry_="[object]",
        ),
    }  # fmt: skip
    return {"paths": paths, "components": {"schemas": made}}


def _kind(base: str, kind: Kind) -> Json:
    searched = {one.name: one.says or one.search for v in BOTH for one in kind.offered(v)}
    asked = [parameter(name, says) for name, says in searched.items()]
    parameters = [_VERSION, *asked, *_RESULT, *_SHOWN]
    by_body = _answering(f"{kind.says}: searched by a form", "$FhirBundle", [_VERSION])
    form: Json = {"type": "object", "properties": {p["name"]: of("string") for p in parameters[1:]}}
    by_body["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    one = [_VERSION, record_id(), *_SHOWN]
    return {
        f"{base}/{kind.type}": {"get": _answering(kind.says, "$FhirBundle", parameters)},
        f"{base}/{kind.type}/_search": {"post": by_body},
        f"{base}/{kind.type}/{{id}}": {"get": _answering(kind.says, "$FhirResource", one)},
    }


def _answering(says: str, gives: str, parameters: list[Json]) -> Json:
    """A failure is an OperationOutcome here, too."""
    made = operation("fhir", says, gives, parameters, media=(_MEDIA,))
    content = {_MEDIA: {"schema": of("$FhirResource")}}
    for status in made["responses"]:
        if status >= "400":
            made["responses"][status] = {"description": "an OperationOutcome", "content": content}
    return made
