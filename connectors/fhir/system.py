"""A FHIR server: its settings, and pull, push and check over its REST interface."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from connectors.address import BaseUrl
from connectors.auth import Auth, BackendServices, NoAuth, TokenCache
from connectors.errors import ConnectorError, Misconfigured, Refused
from connectors.facts import Facts
from connectors.fhir import export, history, outcome, push, search
from connectors.fhir.export_job import Export
from connectors.fhir.write import Place
from connectors.formats import json_text
from connectors.http import Ask, Http, HttpSettings, Judge
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.resume import instant, stamp, with_cursors

Version = Literal["R4", "R4B", "R5"]

_NUMBERS = {"R4": "4.0", "R4B": "4.3", "R5": "5.0"}
_KIND = re.compile(r"[A-Z][A-Za-z]{2,63}")


class Search(BaseModel):
    """How one resource type is searched, beyond what every search says; or that it is not
    searched but exported in bulk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    params: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Further parameters of the search, by name; values or lists.",
    )
    by_post: bool = Field(
        default=False,
        description="Always POST the search; with personal parameters that is done anyway.",
    )
    export: Export | None = Field(
        default=None, description="Export in bulk instead of searching; unsaid: it is searched."
    )


class Fhir(Connector):
    """A FHIR R4, R4B or R5 server. A stream is a resource type.

    A pull reads what changed since its cursor, less `overlap` seconds (servers stamp a change
    before they commit it), and, where the server keeps history, what was deleted. A stream with
    `export` is read by Bulk Data export instead, whose manifest tells of deletions.
    """

    facts: ClassVar[Facts] = Facts(
        pulls="search, bulk export",
        incremental="_lastUpdated with overlap; transactionTime",
        deletes="history, the export's deleted files",
        pushes="conditional create and update, If-Match, transactions",
        auth="Basic, bearer, OAuth2, SMART Backend Services",
        tested="Medplum's FHIR router",
    )

    base_url: BaseUrl = Field(description="The FHIR root, as https://ehr.example/fhir/R4.")
    fhir_version: Version = Field(
        default="R4",
        description="Release of FHIR that is spoken; a check says when the server's differs.",
    )
    auth: Auth = Field(default=NoAuth(), description="How we sign in; unsaid: not at all.")
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits, trust and proxy of the HTTP client."
    )
    page_size: int = Field(
        default=200, ge=1, le=5000, description="Resources asked for on one page of a search."
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds before the cursor that are read again."
    )
    deletes: Literal["history", "never"] = Field(
        default="history", description="Learn of deletes from the server's history, or never."
    )
    streams: dict[str, Search] = Field(
        default_factory=dict,
        description="What is special about a stream, by resource type; empty: nothing.",
    )

    _tokens: TokenCache = PrivateAttr(default_factory=TokenCache)
    _stale: set[str] = PrivateAttr(default_factory=set)  # deliveries to be laid over what is there
    _jobs: export.Jobs = PrivateAttr(default_factory=export.Jobs)

    def check(self) -> Health:
        """Reads the CapabilityStatement. Signs in, so that wrong credentials show."""
        try:
            with self._session() as http:
                said, _ = self._capabilities(http)
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        number, expected = str(said.get("fhirVersion", "")), _NUMBERS[self.fhir_version]
        if not number.startswith(expected):
            found = number or "no version"
            return Health(ok=False, detail=f"the server speaks FHIR {found}, expected {expected}.x")
        software = said.get("software")
        name = software.get("name", "") if isinstance(software, dict) else ""
        return Health(ok=True, detail=f"FHIR {number} {name}".strip(), version=number)

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """Deletes first, then every match that changed, oldest first; see `Pulls`."""
        if not _KIND.fullmatch(stream):
            raise Misconfigured(f"{stream!r} is no FHIR resource type, expected for one Patient")
        extra = self.streams.get(stream, Search())
        if extra.export:
            yield from self._exported(stream, extra.export, since)
            return
        place, now = _Place.read(since), self._world.now()
        with self._session() as http:
            began = self._history_from(http, stream) if self.deletes == "history" else None
            if began and place.deleted:
                yield from self._deletes(http, stream, place, began)
            pages = search.pages(http, self._query(stream, place.updated), now)
            yield from with_cursors(
                pages, since, lambda newest: str(_Place(newest, began)), reached=place.updated
            )

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Conditional create and update, alone or as a transaction; see `connectors.fhir.push`
        and `connectors.fhir.write` for `Delivery.target`."""
        with self._session() as http:
            place = Place(http=http, base=self.base_url, headers=self._headers())
            return push.deliver(place, deliveries, self._stale)

    def _exported(self, stream: str, how: Export, since: str) -> Iterator[Record]:
        with self._session() as http, self._session(outcome.judge_job) as status:
            source = export.Source(
                http=http,
                status=status,
                base=self.base_url,
                headers=self._headers(),
                stream=stream,
                export=how,
                world=self._world,
                jobs=self._jobs,
            )
            yield from export.pull(source, since)

    def _deletes(self, http: Http, stream: str, place: _Place, began: datetime) -> Iterator[Record]:
        past = history.Past(
            base=self.base_url,
            kind=stream,
            headers=self._headers(),
            since=place.deleted - self._margin if place.deleted else began,
            count=self.page_size,
        )
        gone = history.deletes(http, past, self._world.now())
        read = str(_Place(place.updated, began))
        for position, record in enumerate(gone, start=1):
            yield replace(record, cursor=read if position == len(gone) else str(place))

    def _history_from(self, http: Http, stream: str) -> datetime | None:
        """The server's time now, up to which a history read now reaches; None where it promises
        no history of this type, or promises nothing at all."""
        try:
            said, now = self._capabilities(http)
        except Refused:
            return None
        return now if history.offers_history(said, stream) else None

    def _capabilities(self, http: Http) -> tuple[dict[str, Any], datetime | None]:
        """The CapabilityStatement and the server's clock as it gave it."""
        answer = http.ask(Ask(url=f"{self.base_url}/metadata", headers=self._headers()))
        said = json_text.read(answer.body)
        if not isinstance(said, dict) or said.get("resourceType") != "CapabilityStatement":
            raise Refused(f"{answer.told}: no CapabilityStatement; is `base_url` the FHIR root?")
        return said, answer.server_time

    def _query(self, stream: str, updated: datetime | None) -> search.Query:
        extra = self.streams.get(stream, Search())
        return search.Query(
            base=self.base_url,
            kind=stream,
            headers=self._headers(),
            params=tuple(
                (name, value)
                for name, values in extra.params.items()
                for value in ([values] if isinstance(values, str) else values)
            ),
            count=self.page_size,
            changed_since=updated - self._margin if updated else None,
            by_post=extra.by_post,
        )

    @property
    def _margin(self) -> timedelta:
        return timedelta(seconds=self.overlap)

    def _headers(self) -> dict[str, str]:
        return {"Accept": f"application/fhir+json; fhirVersion={_NUMBERS[self.fhir_version]}"}

    def _session(self, judge: Judge = outcome.judge) -> Http:
        return Http(self.http, self._auth, world=self._world, tokens=self._tokens, judge=judge)

    @property
    def _auth(self) -> Auth:
        auth = self.auth
        return auth.issued_by(self.base_url) if isinstance(auth, BackendServices) else auth


@dataclass(frozen=True, slots=True)
class _Place:
    """A cursor: up to where changes are read and, after a bar, deletes. Server's times."""

    updated: datetime | None
    deleted: datetime | None = None

    @classmethod
    def read(cls, cursor: str) -> _Place:
        if not cursor:
            return cls(None)
        updated, _, deleted = cursor.partition("|")
        found = instant(updated)
        if found is None or (deleted and instant(deleted) is None):
            raise Misconfigured(f"cursor {cursor!r} is none of ours, expected an instant")
        return cls(found, instant(deleted) or found)

    def __str__(self) -> str:
        parts = [stamp(time) for time in (self.updated, self.deleted) if time]
        return "|".join(parts)
