"""What the API answers with, as pydantic models read off the specification, for OpenAPI.

The models describe and do not filter: what a principal may see is decided before.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from hub.model.base import Kind
from hub.model.spec import EntitySpec, FieldSpec, entities


class Reference(BaseModel):
    """Another record: its canonical id and the name people know it by, where there is one."""

    model_config = ConfigDict(extra="forbid")

    entity: str
    id: str
    label: str | None = None


class ShownIdentifier(BaseModel):
    """One identifier of a record."""

    model_config = ConfigDict(extra="forbid")

    type: str
    value: str
    assigner: str = ""


class HeldIdentifier(ShownIdentifier):
    """One identifier of a record, and its days where a source says them."""

    since: str | None = Field(None, description="its first day")
    until: str | None = Field(None, description="its last day; a number that retired is kept")


class Shape(BaseModel):
    """What every record has besides its own fields. Times are canonical moments."""

    model_config = ConfigDict(extra="forbid")

    id: str
    version: int = Field(description='counts up with every change; the ETag is W/"version"')
    valid_from: str = Field(description="since when it is so in the world")
    recorded_at: str = Field(description="since when the hub has believed it")
    quality: str = Field(description="ok; stub: only referred to, nobody has described it yet")
    withdrawn: bool = Field(description="the source no longer has it; these are its last values")
    superseded_by: str | None = Field(None, description="the id it was merged into")
    ext: dict[str, Any] | None = Field(None, description="a source's own fields, vendor:field")


@cache
def shape(name: str, *, with_sealed: bool = False) -> type[Shape]:
    """The model of entity `name`, fields in the order of its file; a reference `study` is a
    Reference. `with_sealed` adds the entities sealed beside it: a Participant's is `phi`.

    Raises KeyError for an entity that does not exist. The same arguments give the same model.
    """
    spec = entities()[name]
    parts: dict[str, Any] = {field.name: _field(field) for field in spec.fields.values()}
    if spec.identifiers:
        parts["identifiers"] = (list[HeldIdentifier], Field(default_factory=list))
    if with_sealed:
        parts |= {part: _beside(sealed) for part, sealed in sealed_beside(name).items()}
    model = f"{name}WithSealed" if with_sealed else name
    return create_model(model, __base__=Shape, __doc__=spec.says, **parts)


def sealed_beside(name: str) -> dict[str, EntitySpec]:
    """The entities sealed beside `name`, by the name they have in its answers."""
    return {
        spec.name.removeprefix(name).lower(): spec
        for spec in entities().values()
        if spec.beside == name
    }


def _beside(spec: EntitySpec) -> tuple[Any, Any]:
    parts: dict[str, Any] = {field.name: _field(field) for field in spec.fields.values()}
    config = ConfigDict(extra="forbid")
    model = create_model(spec.name, __config__=config, __doc__=spec.says, **parts)
    return (model | None, Field(None, description=f"only with the scope for {spec.sensitivity}"))


def _field(field: FieldSpec) -> tuple[Any, Any]:
    kind = _type(field)
    return (kind | None, Field(None, description=f"{field.meta.says} [{field.sensitivity}]"))


def _type(field: FieldSpec) -> Any:  # noqa: ANN401 - a type made at run time
    codes: Any = Literal[field.meta.codes] if field.meta.codes else str
    plain: dict[Kind, Any] = {
        "code": codes,
        "texts": list[codes],
        "integer": int,
        "flag": bool,
        "ref": Reference,
    }
    return plain.get(field.meta.kind, str)
