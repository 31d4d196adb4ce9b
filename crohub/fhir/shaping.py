"""A written resource made ready to go out: checked by fhir.resources, tagged, cut to what was
asked for.

What goes out is the resource that was checked, not what fhir.resources would write of it: that
loses the digits of amounts (3825.00 becomes 3825.0).
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from pydantic import BaseModel, ValidationError

from crohub.fhir.kind import Kind
from crohub.fhir.scene import Json, Version, tidy
from hub.render import Record

log = structlog.get_logger("fhir")
# fhir.resources has no R4; R4B is R4 for all that the facade shows
PACKAGES: Mapping[Version, str] = MappingProxyType(
    {"R4": "fhir.resources.R4B", "R5": "fhir.resources"}
)
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED",
}  # fmt: skip
# What was found sound stays so: the check takes ten times as long as all else, and pages are read
# again and again. Only what a resource says is remembered, as a digest.
_SOUND: set[tuple[Version, str]] = set()
_MOST = 100_000
_ALWAYS = ("resourceType", "id", "meta")


class NotWritable(Exception):
    """A record that cannot be said in FHIR: what somebody said is of a form that FHIR refuses."""


@cache
def model(version: Version, type_: str) -> type[BaseModel]:
    """The class of a resource type. Its first use loads it, which takes a moment."""
    module = importlib.import_module(f"{PACKAGES[version]}.{type_.lower()}")
    made: type[BaseModel] = getattr(module, type_)
    return made


@cache
def elements(version: Version, type_: str, mark: str) -> frozenset[str]:
    """The names of elements with a mark: `summary_element_property`, `element_required`."""
    found = set()
    for field in model(version, type_).model_fields.values():
        extra = field.json_schema_extra
        if field.alias and isinstance(extra, dict) and (extra.get(mark) or _must(field, mark)):
            found.add(field.alias)
    return frozenset(found)


def _must(field: Any, mark: str) -> bool:  # noqa: ANN401 - pydantic's FieldInfo
    return mark == "element_required" and bool(field.is_required())


def finish(kind: Kind, version: Version, written: Json, record: Record) -> Json:
    """The resource with its id and meta. Raises NotWritable."""
    body = tidy(written)
    head = {"resourceType": kind.type, "id": record["id"]}
    digest = hashlib.sha256(dump(head | body)).hexdigest()
    meta = {
        "versionId": f"{record['version']}-{digest[:12]}",
        "lastUpdated": record["recorded_at"],
    }
    made: Json = head | {"meta": meta} | body
    if (version, digest) not in _SOUND:
        checked(version, made)
        if len(_SOUND) >= _MOST:
            _SOUND.clear()
        _SOUND.add((version, digest))
    return made


def checked(version: Version, made: Json) -> None:
    """Raises NotWritable, and says in the log which element it is of."""
    try:
        model(version, made["resourceType"]).model_validate(made)
    except ValidationError as error:
        places = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        log.warning("no FHIR", type=made["resourceType"], id=made["id"], elements=places)
        raise NotWritable(
            f"{made['resourceType']}/{made['id']} cannot be said in FHIR {version}: "
            f"{', '.join(places)}"
        ) from None


def tag(resource: Json) -> str:
    """Its version as a weak validator: another one as soon as anything shown is another."""
    return f'W/"{resource["meta"]["versionId"]}"'


def cut(version: Version, resource: Json, summary: str, wanted: tuple[str, ...]) -> Json:
    """What `_summary` or `_elements` leave of it, marked as a part."""
    if summary in ("false", "data") and not wanted:
        return resource  # there is no narrative that `data` could leave out
    type_ = resource["resourceType"]
    kept = set(_ALWAYS) | set(elements(version, type_, "element_required"))
    if wanted:
        kept |= set(wanted)
    elif summary == "true":
        kept |= elements(version, type_, "summary_element_property")
    made = {name: v for name, v in resource.items() if name.removeprefix("_") in kept}
    made["meta"] = resource["meta"] | {"tag": [_SUBSETTED]}
    return made


def dump(body: Json, *, pretty: bool = False) -> bytes:
    """As JSON; decimals keep their digits."""
    return orjson.dumps(body, default=_digits, option=orjson.OPT_INDENT_2 if pretty else None)


def _digits(value: Any) -> Any:  # noqa: ANN401 - what orjson cannot write
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)
