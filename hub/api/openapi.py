"""What the API promises, as an OpenAPI description worked out from the model when first asked."""

from __future__ import annotations

from functools import partial

from pydantic.json_schema import models_json_schema

from hub import filters
from hub.api import openapi_answers, openapi_lists, openapi_views, openapi_words, openapi_writes
from hub.api.openapi_filters import described
from hub.api.openapi_parts import (
    REF,
    SECURITY,
    Json,
    a_body,
    a_page,
    an_object,
    operation,
    parameter,
    record_id,
)
from hub.api.records import served
from hub.model.shape import ShownIdentifier, sealed_beside, shape
from hub.model.spec import EntitySpec
from hub.query import LARGEST, PAGE
from hub.tabular.formats import FORMATS

_WHICH = "only these, separated by commas; phi.birth_date is of a sealed part"
_CLOCKS = (
    parameter("as_of", "what was so in the world until this moment"),
    parameter("known_at", "what the hub had been told until this moment"),
)
_LIMIT = parameter("limit", f"at most {LARGEST}, more is clamped; {PAGE} unless said", "integer")
_CURSOR = parameter("cursor", "the `next` of the page before")


def describe(prefix: str) -> Json:
    """`paths` and `components` of the routes below `prefix`, and of those that stand beside."""
    paths: Json = {}
    for plural, spec in served().items():
        paths |= _paths_of(f"{prefix}/{plural}", spec)
    paths |= openapi_lists.paths(prefix) | openapi_views.paths()
    return {"paths": paths, "components": {"schemas": _schemas(), "securitySchemes": SECURITY}}


def _schemas() -> Json:
    specs = list(served().values())
    shapes = [ShownIdentifier, *(shape(spec.name, with_sealed=True) for spec in specs)]
    models = [(one, "validation") for one in shapes]
    _, made = models_json_schema(models, ref_template=REF)  # type: ignore[arg-type] # a literal
    schemas: Json = dict(made["$defs"])
    for spec in specs:
        own = schemas[_model(spec)]
        own["required"] = ["id"]  # of what a caller asks for with `fields` there is no more
        said = {"type": "object", "additionalProperties": {"$ref": REF.format(model="Said")}}
        own["properties"]["provenance"] = said
        schemas[f"{spec.name}Page"] = a_page(f"${_model(spec)}")
    return (
        schemas
        | openapi_answers.schemas()
        | openapi_writes.schemas(specs)
        | openapi_views.schemas()
    )


def _model(spec: EntitySpec) -> str:
    return shape(spec.name, with_sealed=True).__name__


def _paths_of(path: str, spec: EntitySpec) -> Json:
    one, views, said = record_id(), _view_parameters(spec), partial(operation, spec.name)
    paged, own = f"${spec.name}Page", f"${_model(spec)}"
    new, known = openapi_writes.paths(path, spec)
    asked = [*_page_parameters(spec), *described(filters.filterable(spec.name)), *views]
    paths = {
        path: {"get": said(spec.says, paged, [*asked, *_CLOCKS]), **new},
        f"{path}/export": {
            "get": _export(spec, [*_which(spec), *described(filters.filterable(spec.name)), *views])
        },
        f"{path}/{{id}}": {"get": _one(spec, own, [one, *views, *_CLOCKS]), **known},
        f"{path}/{{id}}/history": {
            "get": said(
                "its versions, oldest first", "$VersionPage", [one, _CURSOR, _LIMIT, *views[1:]]
            )
        },
        f"{path}/{{id}}/provenance": {"get": _why(spec)},
        **openapi_words.paths(f"{path}/{{id}}", spec),
    }
    if spec.identifiers:
        body = _identifiers_body(spec)
        found = said(
            "who has all of these identifiers", paged, [*_page_parameters(spec), *views], body=body
        )
        paths[f"{path}/search"] = {"post": found}
    return paths


def _one(spec: EntitySpec, own: str, parameters: list[Json]) -> Json:
    tagged = 'ETag is W/"version"; of a merged record Content-Location names the one it is now'
    known = parameter("If-None-Match", "an ETag: 304 where the record is still so", where="header")
    made = operation(spec.name, tagged, own, [*parameters, known])
    made["responses"]["304"] = {"description": "it is as it was"}
    return made


def _export(spec: EntitySpec, parameters: list[Json]) -> Json:
    says = "all records that meet the filters, of one moment, as a stream"
    form = parameter("format", "ndjson unless said, or as Accept says", "|".join(FORMATS))
    media = [one.media.partition(";")[0] for one in FORMATS.values()]
    made = operation(spec.name, says, "string", [form, *parameters], media=media)
    for one in media:
        if not one.startswith("text/"):
            made["responses"]["200"]["content"][one]["schema"]["format"] = "binary"
    return made


def _why(spec: EntitySpec) -> Json:
    says = "why fields have their values: who said them, which rule let them win, what others say"
    form = parameter("format", "json, fhir or prov (W3C PROV-JSON)")
    return operation(spec.name, says, "$Told", [record_id(), parameter("fields", _WHICH), form])


def _identifiers_body(spec: EntitySpec) -> Json:
    item: Json = {"oneOf": [{"type": "string"}, {"$ref": REF.format(model="ShownIdentifier")}]}
    listed: Json = {"type": "array", "items": item, "minItems": 1, "maxItems": 20}
    types = ", ".join(spec.identifiers)
    says = f"type|value, type|assigner|value or an object; types: {types}"
    return a_body(an_object(identifiers=listed, closed=True), says)


def _page_parameters(spec: EntitySpec) -> list[Json]:
    sort = parameter("sort", "a field, behind a minus from its end; records without it come last")
    return [sort, _CURSOR, _LIMIT, *_which(spec)]


def _which(spec: EntitySpec) -> list[Json]:
    merged = parameter("superseded", "true: only records that were merged into others", "boolean")
    says = "type|value or type|assigner|value; repeated: all of them"
    return [merged, *([parameter("identifier", says)] if spec.identifiers else [])]


def _view_parameters(spec: EntitySpec) -> list[Json]:
    parts = [*sealed_beside(spec.name), "labels", *(["identifiers"] if spec.identifiers else [])]
    return [
        parameter("fields", "only these, separated by commas"),
        parameter("include", f"also these, separated by commas: {', '.join(parts)}"),
        parameter("provenance", "true: which system said each field, in which message", "boolean"),
    ]
