"""What an entity is, read off its table: the one description that everything else derives from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table

from hub.model.base import (
    ENVELOPE,
    SEALED,
    Area,
    Entity,
    IdentifierType,
    Lifecycle,
    Meta,
    Needed,
    Sensitivity,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field: `name` is what statements say, `column` where it is kept (study, study_id)."""

    name: str
    column: str
    meta: Meta
    sensitivity: Sensitivity

    @property
    def sealed(self) -> bool:
        """Kept encrypted: personal data and what would unblind."""
        return self.sensitivity in SEALED


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpec:
    """One entity. `fields` keeps the order of its file."""

    name: str
    plural: str
    says: str
    area: Area
    table: Table
    kind: type[Entity]
    fields: MappingProxyType[str, FieldSpec]
    identifiers: MappingProxyType[str, IdentifierType]
    sensitivity: Sensitivity
    beside: str  # the entity it is a sealed part of, or ""
    label: str
    lifecycle: Lifecycle | None = None
    needed: tuple[Needed, ...] = ()

    @property
    def sealed(self) -> bool:
        return self.sensitivity in SEALED


def _field(column: Any, entity: type[Entity]) -> FieldSpec:  # noqa: ANN401 - sqlalchemy Column
    meta: Meta = column.info["meta"]
    name = column.name.removesuffix("_id") if meta.kind == "ref" else column.name
    sensitivity = meta.sensitivity or entity.__sensitivity__
    return FieldSpec(name=name, column=column.name, meta=meta, sensitivity=sensitivity)


def _spec(entity: type[Entity]) -> EntitySpec:
    table: Table = entity.__table__  # type: ignore[attr-defined]
    fields = [_field(c, entity) for c in table.columns if c.name not in ENVELOPE]
    return EntitySpec(
        name=entity.__name__,
        plural=entity.__plural__ or table.name.replace("_", "-") + "s",
        says=(entity.__doc__ or _module_says(entity)).strip().splitlines()[0],
        area=entity.__area__,
        table=table,
        kind=entity,
        fields=MappingProxyType({f.name: f for f in fields}),
        identifiers=MappingProxyType({i.type: i for i in entity.__identifiers__}),
        sensitivity=entity.__sensitivity__,
        beside=entity.__beside__,
        label=entity.__label__,
        lifecycle=entity.__lifecycle__,
        needed=tuple(entity.__needed__),
    )


def _module_says(entity: type[Entity]) -> str:
    import sys

    return sys.modules[entity.__module__].__doc__ or entity.__name__


@cache
def entities() -> MappingProxyType[str, EntitySpec]:
    """Every entity by name, in alphabetical order."""
    import hub.model  # noqa: F401 - importing the package declares the tables

    kinds = sorted(Entity.__subclasses__(), key=lambda kind: kind.__name__)
    return MappingProxyType({kind.__name__: _spec(kind) for kind in kinds})


@cache
def by_plural() -> MappingProxyType[str, EntitySpec]:
    """Entities by the name they have in URLs."""
    return MappingProxyType({spec.plural: spec for spec in entities().values()})
