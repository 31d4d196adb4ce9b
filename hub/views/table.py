"""A whole view as a table: its columns, and its rows read one after another in one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hub.principal import Principal
from hub.query import BadQuery
from hub.reader import Reader
from hub.tabular.column import Column, Kind
from hub.views import limit, read
from hub.views.asked import Asked
from hub.views.view import View

MOST = 1_000_000  # rows of one table
LONGEST = 300.0  # seconds until the last of them
_KINDS: dict[str, Kind] = {
    "text": "text", "code": "text", "date": "date", "instant": "instant", "integer": "integer",
    "decimal": "number", "money": "decimal", "flag": "flag",
}  # fmt: skip
_ABOUT = (Column("as_of", "moment"), Column("freshness", "json"))
_WHOLE = "a table has all rows that meet the filters: no cursor or limit"


def columns(view: View, asked: Asked) -> list[Column]:
    """The row's id, the columns that are asked for, and what every row says besides."""
    made = [Column("id"), *(Column(one.name, _KINDS[one.kind]) for one in view.columns), *_ABOUT]
    return [one for one in made if not asked.fields or one.name in {"id", *asked.fields}]


def rows(
    reader: Reader, principal: Principal, view: View, asked: Asked, *, now: str = ""
) -> Iterator[Sequence[Any]]:
    """The rows in the order of `columns`, at most MOST. The reader's session must show one moment
    for as long as this is read. Raises what `hub.views.read.page` raises, before the first row."""
    if asked.after:
        raise BadQuery("CROHUB-UNKNOWN-PARAMETER", _WHOLE)
    names = [column.name for column in columns(view, asked)]
    fresh = read.freshness(reader.session, view)
    with read.place_of(reader, principal, view, asked, now) as place:
        sql, values = read.statement(place, principal, view, asked)
        narrow = ", ".join(("study", *view.narrowed_by))
        with limit.within(place.session, LONGEST, narrow):
            for row in place.session.each(f"{sql} limit ?", (*values, MOST)):
                made = read.record(view, asked, row, principal, place.now, fresh)
                yield [made[name] for name in names]
