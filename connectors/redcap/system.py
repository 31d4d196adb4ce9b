"""A REDCap project: its settings, and pull, push and check through its API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PrivateAttr

from connectors import one_by_one
from connectors.address import BaseUrl
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Facts
from connectors.formats import json_text
from connectors.http import Http, HttpSettings
from connectors.pace import Pace
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.redcap import reading, writing
from connectors.redcap.line import Line, judge
from connectors.rest_stream import known_zone
from connectors.resume import instant, stamp, with_cursors
from connectors.secrets import Secret

_NAME = r"^[a-z][a-z0-9_]*$"
STREAMS = (*reading.LISTS, "records", "ids", "log")


class Redcap(Connector):
    """One REDCap project: a token is one user's key to one project.

    `fields` and `events` narrow what is read of a record to what research operations need;
    without them all that the token may see is read.
    """

    facts: ClassVar[Facts] = Facts(
        pulls="records, set-up, users, log",
        incremental="dateRangeBegin with overlap",
        deletes="the project's log, whole list of ids",
        pushes="registers a participant once",
        auth="token",
        tested="made-up project that PyCap agrees with",
    )

    base_url: BaseUrl = Field(description="The API's address, https://redcap.example.edu/api/.")
    token: Secret = Field(description="The API token of one user for one project, by reference.")
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC",
        description="Time zone of REDCap's server, whose log and filters are in local time.",
    )
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits of the HTTP client, and whom it trusts."
    )
    batch: int = Field(default=200, ge=1, le=500, description="Records asked for at once.")
    overlap: int = Field(
        default=300,
        ge=60,
        description="Seconds before the cursor read again; REDCap counts minutes.",
    )
    per_second: float = Field(
        default=5, gt=0, description="Requests a second; REDCap bans who asks too often."
    )
    fields: tuple[Annotated[str, Field(pattern=_NAME)], ...] = Field(
        default=(), description="Fields read of a record; none: all that the token may see."
    )
    events: tuple[Annotated[str, Field(pattern=_NAME)], ...] = Field(
        default=(), description="Events read of a record; none: all that the token may see."
    )
    own_id_field: str = Field(
        default="",
        pattern=rf"{_NAME}|^$",
        description="The field for the hub's number of an enrollment; needed to push.",
    )
    number_field: str = Field(
        default="",
        pattern=rf"{_NAME}|^$",
        description="The field of the subject's number, which finds who was put in by hand.",
    )
    event: str = Field(
        default="",
        pattern=rf"{_NAME}|^$",
        description="The event a pushed row goes to where it names none.",
    )

    _pace: Pace = PrivateAttr(default_factory=Pace)

    def check(self) -> Health:
        """Asks for the version and for the project, which needs the token."""
        try:
            with self._session() as http:
                line = self._line(http)
                version = line.ask("version").body.decode("ascii", "replace").strip()[:20]
                said = json_text.read(line.ask("project").body)
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        project = said.get("project_id", "") if isinstance(said, dict) else ""
        if not project:
            return Health(ok=False, detail="the answer names no project; is `base_url` the API?")
        return Health(ok=True, detail=f"REDCap {version}, project {project}", version=version)

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in reading.LISTS or stream == "ids"

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """See `Pulls`. The cursor of `records` is the server's clock when the names of what had
        changed were read; that of `log` the newest time in the log."""
        if stream not in STREAMS:
            raise Misconfigured(f"no stream is called {stream!r}; REDCap has {', '.join(STREAMS)}")
        with self._session() as http:
            try:
                yield from self._pulled(self._line(http), stream, since)
            except reading.Unreadable as page:
                yield page.record
                raise

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Registers participants; see `connectors.redcap.writing` for `Delivery.target`."""
        if not deliveries:
            return []
        with self._session() as http:
            line = self._line(http)
            field = reading.id_field(line)
            say = partial(self._say, line, field)
            return one_by_one.deliver(deliveries, say)

    def _say(self, line: Line, field: str, delivery: Delivery) -> Receipt:
        form = writing.Form(
            key=field, own=self.own_id_field, number=self.number_field, event=self.event
        )
        return writing.register(line, delivery, form)

    def _pulled(self, line: Line, stream: str, since: str) -> Iterator[Record]:
        now = self._world.now()
        if stream in reading.LISTS:
            return reading.whole_list(line, stream, now)
        if stream == "ids":
            return reading.listed(stream, reading.names(line, stream, None, now))
        window = self._window(since)
        if stream == "log":
            pages = reading.deleted(line, window, ZoneInfo(self.timezone), now)
        else:
            known = reading.names(line, stream, window, now)
            pages = reading.batches(line, known, self._narrowed(known.field), self.batch)
        return with_cursors(pages, since, stamp, reached=window.since if window else None)

    def _narrowed(self, field: str) -> list[tuple[str, str]]:
        wanted = [field, *(name for name in self.fields if name != field)] if self.fields else []
        return [
            ("exportDataAccessGroups", "true"),
            *((f"fields[{n}]", name) for n, name in enumerate(wanted)),
            *((f"events[{n}]", name) for n, name in enumerate(self.events)),
        ]

    def _window(self, since: str) -> reading.Window | None:
        then = instant(since)
        if since and then is None:
            raise Misconfigured(f"cursor {since!r} is none of ours, expected an instant")
        overlap = timedelta(seconds=self.overlap)
        local = ZoneInfo(self.timezone)
        return reading.Window(since=then, overlap=overlap, zone=local) if then else None

    def _line(self, http: Http) -> Line:
        return Line(
            http=http,
            url=f"{self.base_url}/",
            token=self.token,
            turn=partial(self._pace.keep, self.per_second, self._world),
        )

    def _session(self) -> Http:
        return Http(self.http, world=self._world, judge=judge)
