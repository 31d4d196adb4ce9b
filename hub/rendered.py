"""Records as JSON, kept by version: a version never changes, and lists show the same ones often."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from hub.database import Row
from hub.model.spec import EntitySpec
from hub.principal import Principal
from hub.query import Query
from hub.reader import Reader
from hub.render import sheet
from hub.repository import listed

_NEXT = b'"next":'
_KEY = ("id", "version", "recorded_at")


class Rendered:
    """The JSON of records that were shown, whole and without anything sealed. What may be seen
    is asked of the store each time; only how it is written is remembered."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._known: dict[tuple[str, Row], bytes] = {}

    def page(self, reader: Reader, principal: Principal, spec: EntitySpec, query: Query) -> bytes:
        """A page in JSON, as `hub.repository.page` gives it for a view that says nothing."""
        rows, following = listed(reader, principal, spec, query, _KEY)
        keys = [row[:3] for row in rows]
        shown = [self._known.get((spec.name, key), b"") for key in keys]
        if not all(shown):
            missing = [key for key, text in zip(keys, shown, strict=True) if not text]
            made = self._write(reader, spec, missing)
            shown = [text or made[key] for key, text in zip(keys, shown, strict=True)]
        return b'{"items":[%b],"next":%b}' % (b",".join(shown), orjson.dumps(following))

    def _write(self, reader: Reader, spec: EntitySpec, keys: Sequence[Row]) -> dict[Row, bytes]:
        own = sheet(spec.name)
        rows = reader.session.among(
            f"select {', '.join(own.columns)}, recorded_at from {spec.table.name} "
            "where id in {members}",
            [key[0] for key in keys],
        )
        made = {
            (row[0], row[own.columns.index("version")], row[-1]): orjson.dumps(record)
            for row, record in zip(rows, own.records(rows), strict=True)
        }
        if len(self._known) + len(made) > self._most:
            self._known.clear()
        self._known |= {(spec.name, key): text for key, text in made.items()}
        return made


def next_in(body: bytes) -> str | None:
    """Where a page in JSON says that it goes on."""
    found: str | None = orjson.loads(body[body.rindex(_NEXT) + len(_NEXT) : -1])
    return found
