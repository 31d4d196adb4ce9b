"""The pattern of an entity: a SQLModel table whose columns carry their own specification.

A column is made by one of the functions below (`text`, `code`, `date` …). Each takes the words
that explain it, its sensitivity and its crosswalk, and keeps them in the column's `info`. From
there documentation, masks, statement checks and the API schema are derived (`hub.model.spec`).
SQLModel tables validate nothing by themselves: `hub.model.check` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.ext.declarative import DeferredReflection
from sqlmodel import Field, SQLModel

Sensitivity = Literal["public", "internal", "confidential", "phi", "unblinding"]
SEALED: tuple[Sensitivity, ...] = ("phi", "unblinding")  # kept encrypted
Area = Literal[
    "portfolio",
    "studies",
    "places",
    "people",
    "sites",
    "participants",
    "monitoring",
    "regulatory",
    "finance",
    "governance",
]
Kind = Literal["text", "code", "date", "instant", "integer", "decimal", "flag", "ref", "texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What a column is, in words and rules."""

    kind: Kind
    says: str  # one line for people
    sensitivity: Sensitivity | None = None  # None: the entity's own
    codes: tuple[str, ...] = ()  # the allowed canonical codes
    of: str = ""  # the entity a reference points to
    longest: int = 4000
    crosswalk: dict[str, str] = field(default_factory=dict)  # peer → its name there


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierType:
    """One way a thing is identified. Listed strongest first on its entity.

    A `strong` one identifies by itself; a weak one only finds. `assigned` means the value is
    unique only together with its assigner. `form` is the pattern of a valid value, as it is after
    normalising (upper case, no separators), and `check` names a check-digit rule ("npi",
    "orcid", "ror", "dea"); a value that fails is kept but never matches.
    """

    type: str
    says: str
    strong: bool = True
    assigned: bool = False
    single: bool = False  # two different values (of one assigner) contradict: never the same thing
    form: str = ""
    check: str = ""
    placeholders: tuple[str, ...] = ()  # patterns of values that mean "none"
    literal: bool = False  # punctuation is part of the value (e-mail, OID), never a separator
    sensitivity: Sensitivity | None = None  # None: the entity's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How a status field may move. A jump that is not drawn here is reported, never blocked."""

    field: str
    steps: Mapping[str, tuple[str, ...]]  # state → the states that may follow
    always: tuple[str, ...] = ()  # ends: may follow any state that is not itself one of them

    def allows(self, old: str, new: str) -> bool:
        """Staying is allowed; so is any step from a state this table does not know."""
        if old == new or new in self.steps.get(old, (new,)):
            return True
        return new in self.always and old not in self.always


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A field that must have a value where others have these: without it the record stands, and a
    finding of this `rule` asks for it."""

    rule: str
    field: str
    where: Mapping[str, tuple[object, ...]]  # field → the values with which it is needed
    says: str  # what is expected, and who asks for it


class Entity(DeferredReflection, SQLModel):
    """The envelope every canonical record has. Times are microseconds since 1970, UTC.

    The hub reads and writes tables, not objects: neither the mapping of objects nor pydantic's
    validators are built, which saves 40 % of the time and memory the model takes to load. Whoever
    wants objects in a SQLModel session calls `Entity.prepare(engine)` first.
    """

    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment] # SQLModel's is private

    __area__: ClassVar[Area]  # the chapter of docs/model it stands in
    __sensitivity__: ClassVar[Sensitivity] = "internal"
    __identifiers__: ClassVar[Sequence[IdentifierType]] = ()
    __beside__: ClassVar[str] = ""  # the entity this one is a sealed part of; shares its id
    __plural__: ClassVar[str] = ""  # kebab-case, in URLs; "" = the table name + "s"
    __label__: ClassVar[str] = ""  # the column a person reads as its name
    __lifecycle__: ClassVar[Lifecycle | None] = None
    __needed__: ClassVar[Sequence[Needed]] = ()

    id: str = Field(primary_key=True, sa_type=String(36))
    version: int = Field(default=1)
    valid_from: int = Field(sa_type=BigInteger)
    recorded_at: int = Field(sa_type=BigInteger)
    quality: str = Field(default="ok", sa_type=String(12))
    withdrawn: bool = Field(default=False)
    superseded_by: str | None = Field(default=None, sa_type=String(36))
    provenance: str = Field(default="", sa_type=Text)
    ext: str | None = Field(default=None, sa_type=Text)

    @classmethod
    def __table_cls__(cls, name: str, metadata: MetaData, *parts: Any, **options: Any) -> Table:  # noqa: ANN401
        """In an entity that is sealed as a whole every column of its own holds ciphertext."""
        if cls.__sensitivity__ in SEALED:
            for part in parts:
                if isinstance(part, Column) and "meta" in part.info:
                    part.type = LargeBinary()
        return Table(name, metadata, *parts, **options)


ENVELOPE = tuple(Entity.model_fields)


def _column(type_: Any, meta: Meta, *, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel
    sealed = meta.sensitivity in SEALED
    return Field(
        default=None,
        sa_type=LargeBinary if sealed else type_,
        index=index,
        sa_column_kwargs={"info": {"meta": meta}, "comment": meta.says},
    )


def text(
    says: str, *, sensitivity: Sensitivity | None = None, longest: int = 4000, **peers: str
) -> Any:  # noqa: ANN401 - SQLModel's own Field is Any
    """Free text of one line or more."""
    meta = Meta(kind="text", says=says, sensitivity=sensitivity, longest=longest, crosswalk=peers)
    return _column(Text, meta)


def texts(
    says: str, codes: Sequence[str] = (), *, sensitivity: Sensitivity | None = None, **peers: str
) -> Any:  # noqa: ANN401
    """A list of texts, or of canonical `codes`; order means nothing."""
    meta = Meta(
        kind="texts", says=says, codes=tuple(codes), sensitivity=sensitivity, crosswalk=peers
    )
    return _column(JSON, meta)


def code(
    says: str, codes: Sequence[str], *, sensitivity: Sensitivity | None = None, **peers: str
) -> Any:  # noqa: ANN401
    """One of the canonical `codes`; what the source called it stands in `<name>_native`."""
    meta = Meta(
        kind="code", says=says, codes=tuple(codes), sensitivity=sensitivity, crosswalk=peers
    )
    return _column(String(64), meta)


def date(says: str, *, sensitivity: Sensitivity | None = None, **peers: str) -> Any:  # noqa: ANN401
    """A calendar date, as precise as it was said: 2026, 2026-03 or 2026-03-01. Never shifted."""
    return _column(
        String(10), Meta(kind="date", says=says, sensitivity=sensitivity, crosswalk=peers)
    )


def instant(says: str, *, sensitivity: Sensitivity | None = None, **peers: str) -> Any:  # noqa: ANN401
    """A moment: UTC with the offset the source used, 2026-03-01T08:30Z[+01:00] (RFC 9557).

    Where the source said no time of day it is a date, as precise as that was (`hub.dates`).
    """
    return _column(
        String(40), Meta(kind="instant", says=says, sensitivity=sensitivity, crosswalk=peers)
    )


def integer(says: str, *, sensitivity: Sensitivity | None = None, **peers: str) -> Any:  # noqa: ANN401
    """A whole number."""
    return _column(
        Integer, Meta(kind="integer", says=says, sensitivity=sensitivity, crosswalk=peers)
    )


def decimal(says: str, *, sensitivity: Sensitivity | None = None, **peers: str) -> Any:  # noqa: ANN401
    """A decimal number as text, so that 1.10 stays 1.10."""
    return _column(
        String(40), Meta(kind="decimal", says=says, sensitivity=sensitivity, crosswalk=peers)
    )


def flag(says: str, *, sensitivity: Sensitivity | None = None, **peers: str) -> Any:  # noqa: ANN401
    """Yes or no; null is not known."""
    return _column(Boolean, Meta(kind="flag", says=says, sensitivity=sensitivity, crosswalk=peers))


def ref(of: str, says: str, **peers: str) -> Any:  # noqa: ANN401
    """A reference to entity `of`. The column is called `<name>_id`, the stated field `<name>`."""
    return _column(String(36), Meta(kind="ref", says=says, of=of, crosswalk=peers), index=True)
