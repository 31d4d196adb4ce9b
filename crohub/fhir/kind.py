"""What the facade knows of a resource type: whose records it shows, how, and how they are found.

Everything else is worked out from these: routes, searches, includes and the CapabilityStatement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from crohub.fhir.scene import Json, Scene, Version
from hub.query import Condition
from hub.render import Record

Search = Literal["identifier", "token", "flag", "date", "reference", "string"]
BOTH: tuple[Version, ...] = ("R4", "R5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A search parameter on one field. `table`: FHIR's codes for the field's, by version; without
    one the canonical codes as they are. `target`: what a reference points to."""

    name: str
    search: Search
    field: str = ""
    says: str = ""
    target: str = ""
    table: str | tuple[str, str] = ""  # one for both versions, or (R4, R5)
    inbound: str = ""  # or a table by which FHIR's codes are read
    versions: tuple[Version, ...] = BOTH
    own: bool = False  # none of FHIR's own

    def table_of(self, version: Version) -> str:
        if isinstance(self.table, str):
            return self.table
        return self.table[BOTH.index(version)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Child records that are written into the resource: those whose reference `by` points to it."""

    name: str
    entity: str
    by: str
    sort: str = "id"
    versions: tuple[Version, ...] = BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type. `only`: which of the entity's records are ones. `sealed`: the sealed part
    that is opened for each, which needs its scope and enters the audit."""

    type: str
    entity: str
    says: str
    write: Callable[[Record, Scene], Json]
    params: tuple[Param, ...]
    parts: tuple[Part, ...] = ()
    only: tuple[Condition, ...] = ()
    sealed: str = ""
    dates: tuple[str, ...] = field(default=())  # fields that can be sorted by, beside the usual

    def offered(self, version: Version) -> list[Param]:
        """The parameters of one version of FHIR."""
        return [param for param in self.params if version in param.versions]

    def links(self, version: Version) -> dict[str, Param]:
        """References that `_include` follows and `_revinclude` finds."""
        return {one.name: one for one in self.offered(version) if one.search == "reference"}
