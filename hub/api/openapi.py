"""What the API promises, as an OpenAPI description worked out from the model when first asked."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from hub import filters
from hub.api import openapi_words
from hub.api.records import served
from hub.model.shape import sealed_beside, shape
from hub.model.spec import EntitySpec
from hub.query import LARGEST, PAGE

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_MEANS = {
    "": "equal to", "in": "one of, separated by commas", "lt": "before or below",
    "le": "up to and including", "gt": "after or above", "ge": "from", "contains": "contains",
    "missing": "true: has no value; false: has one",
}  # fmt: skip
_WHICH = "only these, separated by commas; phi.birth_date is of a sealed part"
_TYPES = {"flag": "boolean", "integer": "integer", "decimal": "number"}
SECURITY = {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}}
_ERRORS = {
    "400": "a parameter is unknown or unreadable; `code` and `detail` say which",
    "401": "no key, or one that is unknown, expired or revoked",
    "403": "the key lacks a scope",
}


def describe(prefix: str) -> Json:
    """`paths` and `components` of the routes below `prefix`."""
    paths: Json = {}
    for plural, spec in served().items():
        paths |= _paths_of(f"{prefix}/{plural}", spec)
    paths |= _lists(prefix)
    for path, operations in openapi_words.paths(prefix, _operation).items():
        paths[path] = paths.get(path, {}) | operations
    return {"paths": paths, "components": {"schemas": _schemas(), "securitySchemes": SECURITY}}


def _schemas() -> Json:
    models = [shape(spec.name, with_sealed=True) for spec in served().values()]
    _, made = models_json_schema([(m, "validation") for m in models], ref_template=_REF)
    schemas: Json = dict(made["$defs"])
    for spec in served().values():
        schemas[f"{spec.name}Page"] = _page_of({"$ref": _REF.format(model=_model(spec))})
    schemas["Problem"] = {
        "type": "object",
        "description": "what went wrong (RFC 9457); `code` is stable",
        "properties": {
            name: {"type": "integer" if name == "status" else "string"}
            for name in ("type", "title", "status", "code", "detail", "instance")
        },
    }
    return schemas


def _model(spec: EntitySpec) -> str:
    return shape(spec.name, with_sealed=True).__name__


def _page_of(item: Json) -> Json:
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "the cursor of the next page"},
        },
    }


def _paths_of(path: str, spec: EntitySpec) -> Json:
    one = [_path_parameter()]
    own = _REF.format(model=_model(spec))
    views, pages = _view_parameters(spec), _page_parameters(spec)
    clocks = [
        _parameter("as_of", "what was so in the world until this moment"),
        _parameter("known_at", "what the hub had been told until this moment"),
    ]
    tagged = 'ETag is W/"version"; of a merged record Content-Location names the one it is now'
    paged = _REF.format(model=f"{spec.name}Page")
    paths: Json = {
        path: {
            "get": _operation(spec, spec.says, [*pages, *_filters(spec), *views, *clocks], paged)
        },
        f"{path}/{{id}}": {"get": _operation(spec, tagged, [*one, *views, *clocks], own)},
        f"{path}/{{id}}/history": {
            "get": _operation(spec, "its versions, oldest first",
                              [*one, *pages[1:3], *views[1:]], "")
        },
    }  # fmt: skip
    why = "why fields have their values: who said them, which rule let them win, what others say"
    form = _parameter("format", "json, fhir or prov (W3C PROV-JSON)")
    paths[f"{path}/{{id}}/provenance"] = {
        "get": _operation(spec, why, [*one, _parameter("fields", _WHICH), form], "")
    }
    if spec.identifiers:
        found = _operation(spec, "who has all of these identifiers", [*pages, *views], paged)
        paths[f"{path}/search"] = {"post": {**found, "requestBody": _identifiers_body(spec)}}
    return paths


def _operation(spec: EntitySpec | None, says: str, parameters: list[Json], schema: str) -> Json:
    content = {"schema": {"$ref": schema}} if schema else {"schema": {"type": "object"}}
    answers: Json = {"200": {"description": "done", "content": {"application/json": content}}}
    problem = {"schema": {"$ref": _REF.format(model="Problem")}}
    for status, text in _ERRORS.items():
        answers[status] = {"description": text, "content": {"application/problem+json": problem}}
    return {
        "tags": [spec.name if spec else "hub"],
        "summary": says,
        "parameters": parameters,
        "responses": answers,
        "security": [{"key": []}],
    }


def _identifiers_body(spec: EntitySpec) -> Json:
    item = {"oneOf": [{"type": "string"}, {"$ref": _REF.format(model="ShownIdentifier")}]}
    types = ", ".join(spec.identifiers)
    return {
        "required": True,
        "description": f"type|value, type|assigner|value or an object; types: {types}",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["identifiers"],
                    "properties": {"identifiers": {"type": "array", "items": item}},
                }
            }
        },
    }


def _page_parameters(spec: EntitySpec) -> list[Json]:
    identifier = _parameter(
        "identifier", "type|value or type|assigner|value; repeated: all of them"
    )
    return [
        _parameter("sort", "a field, behind a minus from its end; records without it come last"),
        _parameter("cursor", "the `next` of the page before"),
        _parameter("limit", f"records of a page, at most {LARGEST}; {PAGE} unless said", "integer"),
        _parameter("superseded", "true: only records that were merged into others", "boolean"),
        *([identifier] if spec.identifiers else []),
    ]


def _view_parameters(spec: EntitySpec) -> list[Json]:
    parts = [*sealed_beside(spec.name), "labels", *(["identifiers"] if spec.identifiers else [])]
    return [
        _parameter("fields", "only these, separated by commas"),
        _parameter("include", f"also these, separated by commas: {', '.join(parts)}"),
        _parameter("provenance", "true: which system said each field, in which message", "boolean"),
    ]


def _filters(spec: EntitySpec) -> list[Json]:
    made = []
    for name, (_, kind, codes) in filters.filterable(spec.name).items():
        for test in filters.tests_of(kind):
            parameter = _parameter(f"{name}__{test}" if test else name, f"{name}: {_MEANS[test]}")
            if test in ("", "missing"):
                parameter["schema"]["type"] = _TYPES.get("flag" if test else kind, "string")
            if codes and not test:
                parameter["schema"]["enum"] = list(codes)
            made.append(parameter)
    return made


def _parameter(name: str, says: str, type: str = "string") -> Json:
    return {"name": name, "in": "query", "description": says, "schema": {"type": type}}


def _path_parameter() -> Json:
    schema = {"type": "string", "format": "uuid"}
    return {"name": "id", "in": "path", "required": True, "schema": schema}


def _lists(prefix: str) -> Json:
    limit = _parameter("limit", f"at most {LARGEST}", "integer")
    paged = [_parameter("cursor", "the `next` of the page before"), limit]
    open_ = _parameter("open", "true, false or any")
    findings = [
        open_,
        _parameter("study", "one study, by its id"),
        _parameter("state", "open, signed_off or closed"),
    ]
    rule, entity = _parameter("rule", "one rule"), _parameter("entity", "one kind of record")
    kind, state = _parameter("kind", "one kind"), _parameter("state", "open, accepted, declined")
    return {
        **_feed(prefix, limit),
        f"{prefix}/findings": {
            "get": _operation(None, "problems with the data", [rule, entity, *findings, *paged], "")
        },
        f"{prefix}/decisions": {
            "get": _operation(None, "questions for people", [kind, state, *paged], "")
        },
    }


def _feed(prefix: str, limit: Json) -> Json:
    """The change feed. `docs/change-feed.md` says what its cursor promises."""
    since = _parameter(
        "since", "the `next` or `cursor` of an earlier answer; empty: from the first version; now"
    )
    which = [
        since,
        _parameter("entity", "only these kinds of record, separated by commas"),
        _parameter("study", "only records of these studies, by their ids, separated by commas"),
    ]
    wait = _parameter(
        "wait", "seconds to wait for news where there are none; at most 60", "integer"
    )
    feed = "every version once, in order; `next` is always given, `more` says whether to go on"
    stream = _operation(None, "the feed as server-sent events, from Last-Event-ID on", which, "")
    stream["responses"]["200"] = {
        "description": "events until the reader leaves; each has its cursor as its id",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
    return {
        f"{prefix}/changes": {"get": _operation(None, feed, [*which, limit, wait], "")},
        f"{prefix}/changes/stream": {"get": stream},
    }
