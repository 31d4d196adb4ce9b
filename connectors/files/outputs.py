"""How the deliveries of one stream become files: tables, workbooks, ODM documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from connectors.errors import Refused
from connectors.files.stream import Delimiter
from connectors.formats import json_text, odm_write, sheet_write, table_text, tables
from connectors.record import Delivery


def _a_name(pattern: str) -> str:
    rest = pattern.replace("{stream}", "").replace("{id}", "", 1)
    if "{id}" not in pattern or any(c in rest for c in "/\\{}") or pattern[0] in ".-":
        raise ValueError("expected a file name with {id} in it, and {stream} where wanted")
    return pattern


def _a_sheet(name: str) -> str:
    if not sheet_write.is_sheet_name(name):
        raise ValueError("a sheet's name has up to 31 characters, none of []:*?/\\'")
    return name


Name = Annotated[str, AfterValidator(_a_name)]


class FileOut(BaseModel):
    """What every kind of file says.

    A file is named by the first delivery in it: the same deliveries again are the same file.
    Where batches may be cut differently when repeated, `per: delivery` gives each its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per: Literal["batch", "delivery"] = Field(
        default="batch", description="What one file holds: a batch of deliveries, or one delivery."
    )


class TableOut(FileOut):
    """Delimited text. A body is a JSON object of column names and values, or one row with its
    header."""

    format: Literal["csv"] = Field(default="csv", description="Delimited text.")
    columns: tuple[str, ...] = Field(min_length=1, description="The columns of the file, in order.")
    name: Name = Field(
        default="{stream}-{id}.csv",
        description="The file's name with {id} of its first delivery, and {stream}.",
    )
    delimiter: Delimiter = Field(default=",", description="The character between two cells.")
    totals: str = Field(
        default="",
        description="How a last line with number, sums and SHA-256 of the rows begins, e.g. TRL.",
    )
    sums: tuple[str, ...] = Field(default=(), description="Columns whose sums the last line says.")

    @model_validator(mode="after")
    def _sums_are_of_columns(self) -> Self:
        strange = [name for name in self.sums if name not in self.columns]
        if strange:
            raise ValueError(f"sums: no column is called {', '.join(strange)}")
        if self.sums and not self.totals:
            raise ValueError("sums stand in the last line; say how it begins (`totals: TRL`)")
        return self

    def read(self, delivery: Delivery) -> Any:  # noqa: ANN401 - what `written` takes
        """Raises Refused for a body that the file cannot hold."""
        found = cells(delivery, self.columns)
        for name in self.sums:
            try:
                table_text.number(found[self.columns.index(name)])
            except ValueError:
                raise Refused(f"{name} is no number, and is to be summed") from None
        return found

    def written(self, said: Sequence[Any], *, id: str, now: datetime) -> bytes:
        """The file; `id` and `now` are for formats that say them."""
        return table_text.written(
            self.columns, said, delimiter=self.delimiter, totals=self.totals, sums=self.sums
        )


class SheetOut(FileOut):
    """A workbook of one sheet, every cell a text. Bodies as for TableOut."""

    format: Literal["xlsx"] = Field(description="A workbook of one sheet, every cell a text.")
    columns: tuple[str, ...] = Field(
        min_length=1, description="The columns of the sheet, in order."
    )
    name: Name = Field(
        default="{stream}-{id}.xlsx",
        description="The file's name with {id} of its first delivery, and {stream}.",
    )
    sheet: Annotated[str, AfterValidator(_a_sheet)] = Field(
        default="data", description="The sheet's name."
    )

    def read(self, delivery: Delivery) -> Any:  # noqa: ANN401 - what `written` takes
        """Raises Refused for a body that the file cannot hold."""
        found = cells(delivery, self.columns)
        long = [
            column
            for column, value in zip(self.columns, found, strict=True)
            if len(table_text.safe(value)) > sheet_write.LONGEST
        ]
        if long:
            raise Refused(f"{', '.join(long)} has more than {sheet_write.LONGEST:,} characters")
        return found

    def written(self, said: Sequence[Any], *, id: str, now: datetime) -> bytes:
        """The file; `id` and `now` are for formats that say them."""
        return sheet_write.written(self.columns, said, sheet=self.sheet)


class OdmOut(FileOut):
    """A Transactional ODM 1.3.2 document. A body is a JSON object, see
    `connectors.formats.odm_write.Subject`."""

    format: Literal["odm"] = Field(description="A Transactional ODM 1.3.2 document.")
    name: Name = Field(
        default="{stream}-{id}.xml",
        description="The file's name with {id} of its first delivery, and {stream}.",
    )
    originator: str = Field(default="", description="The institution's name.")

    def read(self, delivery: Delivery) -> Any:  # noqa: ANN401 - what `written` takes
        """Raises Refused for a body that the file cannot hold."""
        subject = odm_write.read(delivery.body)
        odm_write.written([subject], file_oid="trial", created=datetime.min)  # noqa: DTZ901
        return subject

    def written(self, said: Sequence[Any], *, id: str, now: datetime) -> bytes:
        """The file, whose FileOID is the id of its first delivery."""
        return odm_write.written(said, file_oid=id, created=now, originator=self.originator)


def _format(said: Any) -> str:  # noqa: ANN401 - settings or an object
    found = said.get("format", "csv") if isinstance(said, dict) else said.format
    return str(found)


Out = Annotated[
    Annotated[TableOut, Tag("csv")]
    | Annotated[SheetOut, Tag("xlsx")]
    | Annotated[OdmOut, Tag("odm")],
    Discriminator(_format),
]


def cells(delivery: Delivery, columns: tuple[str, ...]) -> list[Any]:
    """The values of a delivery in the order of `columns`. Raises Refused for a body of another
    shape, and for a column that the file lacks."""
    if delivery.media.startswith(tables.MEDIA):
        values: Any = tables.read_row(delivery.body, delivery.media)
    else:
        values = json_text.read(delivery.body)
    if not isinstance(values, dict):
        raise Refused("the body is no JSON object; expected one member a column")
    surplus = sorted(set(values) - set(columns))
    if surplus:
        raise Refused(f"no column is called {', '.join(surplus)}")
    nested = [name for name, value in values.items() if isinstance(value, dict | list)]
    if nested:
        raise Refused(f"{', '.join(nested)} is a list or an object; a cell holds one value")
    return [values.get(column) for column in columns]
