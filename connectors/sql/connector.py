"""A database as a connector: its settings, and pull, push and check through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Connection, text

from connectors.errors import ConnectorError, Misconfigured, TryLater
from connectors.facts import Facts
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.secrets import Secret, reveal
from connectors.sql import database, rows
from connectors.sql import place as places
from connectors.sql.place import Place
from connectors.sql.tables import TableIn, TableOut, query
from connectors.sql.writing import write

_AT_ONCE = 500  # rows that are fetched together


class Sql(Connector):
    """A database. `url` is SQLAlchemy's address of it (`postgresql+psycopg://user:…@host/name`),
    by reference, since it holds a password; its driver must be installed."""

    facts: ClassVar[Facts] = Facts(
        pulls="tables and views",
        incremental="modified time and id with overlap",
        deletes="a column that marks them, whole lists compared",
        pushes="upsert",
        auth="the database's, by reference",
        tested="PostgreSQL, SQLite",
    )

    url: Secret = Field(
        description="SQLAlchemy's address of the database, by reference for its password."
    )
    streams: dict[str, TableIn] = Field(
        default_factory=dict, description="Tables that are read, by stream."
    )
    out: dict[str, TableOut] = Field(
        default_factory=dict, description="Tables that are written, by the stream of a delivery."
    )
    seconds: float = Field(default=300, gt=0, description="Seconds that one statement may take.")

    def check(self) -> Health:
        """Are we let in, and are the tables that are read there with their columns?"""
        try:
            with database.reading(self._url, seconds=self.seconds) as connection:
                for one in self.streams.values():
                    connection.execute(query(one, None).limit(1)).first()
                version = ".".join(map(str, connection.dialect.server_version_info or ()))
                detail = f"{connection.dialect.name} {version}: {len(self.streams)} tables read"
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=detail, version=version)

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].whole

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """The rows of a table, one query, streamed; see `Pulls`. With `modified`, oldest change
        first and the overlap again; a whole table always from its beginning."""
        if stream not in self.streams:
            raise Misconfigured(
                f"no stream is called {stream!r}; configured: {', '.join(self.streams) or 'none'}"
            )
        one = self.streams[stream]
        place = None if one.whole else places.read(since)
        with database.reading(self._url, seconds=self.seconds) as connection:
            now = _clock(connection)
            for row in self._rows(connection, one, place):
                place = _further(one, row, place, now)
                yield _record(stream, one, row, place, now)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Puts rows, all in one transaction; see `connectors.sql.writing`."""
        unknown = sorted({one.stream for one in deliveries} - set(self.out))
        if unknown:
            raise Misconfigured(
                f"nothing in `out` is called {', '.join(unknown)}; expected one of "
                f"{', '.join(sorted(self.out)) or 'none'}"
            )
        if not deliveries:
            return []
        with database.writing(self._url, seconds=self.seconds) as connection:
            return write(connection, self.out, deliveries)

    def _rows(
        self, connection: Connection, one: TableIn, place: Place | None
    ) -> Iterator[dict[str, Any]]:
        ends = self._world.now().timestamp() + self.seconds
        streamed = connection.execution_options(stream_results=True, yield_per=_AT_ONCE)
        with closing(streamed.execute(query(one, place))) as found:
            for some in found.partitions():
                for row in some:
                    yield dict(zip(one.columns, row, strict=True))
                if self._world.now().timestamp() > ends:
                    raise TryLater(f"{one.table}: the answer did not end within {self.seconds:g} s")

    @property
    def _url(self) -> str:
        return reveal(self.url)


def _clock(connection: Connection) -> datetime:
    """The database's own time; SQLite's and, by the standard, others' without offset is UTC."""
    said = connection.execute(text("select current_timestamp")).scalar()
    return rows.moment(said, ZoneInfo("UTC")) or datetime.now(UTC)


def _further(one: TableIn, row: dict[str, Any], place: Place | None, now: datetime) -> Place | None:
    """Rows come in the order of `modified`: the last one is the newest, unless it is in the
    future, or of the overlap."""
    found = places.of(row[one.modified]) if one.modified else None
    if found is None:
        return place
    found = places.capped(found, now, one.zone)
    return max(found, place, key=_order) if place and place.kind == found.kind else found


def _order(place: Place) -> Any:  # noqa: ANN401 - of the place's kind
    return places.since(place, 0)


def _record(
    stream: str, one: TableIn, row: dict[str, Any], place: Place | None, now: datetime
) -> Record:
    body = rows.body(row)
    of = rows.text(row[one.id])
    at = rows.moment(row[one.modified], one.zone) if one.modified else None
    return Record(
        stream=stream,
        message_key=f"{stream}/{of or 'unnamed'}@{sha256(body).hexdigest()[:32]}",
        at=at or now,
        body=body,
        media="application/json",
        said="gone" if one.is_gone(row) else "said",
        of=of if one.whole else "",
        cursor=str(place) if place else "",
        fault="" if of else f"the row has no {one.id}",
    )
