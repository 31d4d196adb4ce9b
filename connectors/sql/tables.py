"""Which tables of a database are read and written, as settings. Names are quoted, values bound."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import ColumnElement, Select, TableClause, and_, column, or_, select, table
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import UserDefinedType

from connectors.sql import place as places
from connectors.sql import rows
from connectors.sql.place import Place

# of YAML, where all values are text
Value = Annotated[
    str | int | float | bool | None, BeforeValidator(lambda said: None if said == "null" else said)
]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableIn(_Settings):
    """A table or view that is read. With `modified`, what changed since; with `whole`, always all
    of it, and what is missing has gone. `gone` are the values of a row that is deleted softly.

    `where` are values that columns must have; a list is any of them, null is none.
    """

    table: str = Field(min_length=1, description="The table or view that is read.")
    db_schema: str = Field(
        default="",
        alias="schema",
        description="The table's schema; empty: the database's own choice.",
    )
    columns: tuple[str, ...] = Field(min_length=1, description="The columns that are read.")
    where: dict[str, Value | tuple[Value, ...]] = Field(
        default_factory=dict,
        description="Values that columns must have; of a list any, null is none.",
    )
    id: str = Field(description="The column that names the row.")
    modified: str = Field(
        default="", description="The column with the time, or count, of the last change."
    )
    whole: bool = Field(
        default=False, description="Always reads all rows: what is missing has gone."
    )
    gone: dict[str, Value] = Field(
        default_factory=dict, description="The values of a row that is deleted softly."
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds read again, or numbers where it counts."
    )
    timezone: str = Field(
        default="UTC", description="Time zone of times without an offset, e.g. Europe/Vienna."
    )

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name!r} is no time zone, e.g. Europe/Vienna") from None
        return name

    @model_validator(mode="after")
    def _says_how(self) -> TableIn:
        if self.whole == bool(self.modified):
            raise ValueError("expected either `modified` (a column) or `whole: true`")
        named = {self.id, self.modified, *self.gone} - {""}
        missing = sorted(named - set(self.columns))
        if missing:
            raise ValueError(f"`columns` lacks {', '.join(missing)}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def is_gone(self, row: dict[str, Any]) -> bool:
        """Does the row say that it is deleted?"""
        return bool(self.gone) and all(
            rows.same(row[name], value) for name, value in self.gone.items()
        )


class TableOut(_Settings):
    """A table that is written: a delivery is a JSON object of `columns`; `keys` say which row."""

    table: str = Field(min_length=1, description="The table that is written.")
    db_schema: str = Field(
        default="",
        alias="schema",
        description="The table's schema; empty: the database's own choice.",
    )
    columns: tuple[str, ...] = Field(
        min_length=1, description="The columns that a delivery may fill."
    )
    keys: tuple[str, ...] = Field(
        min_length=1, description="The columns that say which row; they need a unique index."
    )

    @model_validator(mode="after")
    def _has_its_keys(self) -> TableOut:
        missing = sorted(set(self.keys) - set(self.columns))
        if missing:
            raise ValueError(f"`columns` lacks {', '.join(missing)}")
        return self


def query(one: TableIn, since: Place | None) -> Select[Any]:
    """The rows to read, in the order of `modified` and id. Rows without a `modified` come each
    time: nothing else would ever tell of their changes."""
    # columns of their table: by itself SQLite takes an unknown quoted name for a text
    columns = known(one.table, one.db_schema, (*one.columns, *one.where)).c
    found = select(*(columns[name] for name in one.columns))
    for name, value in one.where.items():
        found = found.where(_has(columns[name], value))
    if not one.modified:
        return found.order_by(columns[one.id])
    modified = columns[one.modified]
    if since:
        found = found.where(or_(modified >= places.since(since, one.overlap), modified.is_(None)))
    return found.order_by(modified, columns[one.id])


def known(name: str, schema: str, columns: tuple[str, ...]) -> TableClause:
    """A table with these columns, every name quoted."""
    within = quoted_name(schema, quote=True) if schema else None
    named = (column(quoted_name(one, quote=True), _AsItIs) for one in dict.fromkeys(columns))
    return table(quoted_name(name, quote=True), *named, schema=within)


class _AsItIs(UserDefinedType[Any]):
    """A value goes to the driver and comes from it as it is: the database knows the column's type
    and reads a text as that, which a cast of ours would forbid."""

    cache_ok = True

    def coerce_compared_value(self, _op: Any, _value: Any) -> _AsItIs:  # noqa: ANN401
        return self


def _has(one: ColumnElement[Any], value: Value | tuple[Value, ...]) -> Any:  # noqa: ANN401
    if isinstance(value, tuple):
        some = one.in_([each for each in value if each is not None])
        return or_(some, one.is_(None)) if None in value else and_(some)
    return one.is_(None) if value is None else one == value
