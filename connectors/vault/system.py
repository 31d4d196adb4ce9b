"""A vault: its settings, and pull, push and check over its REST API.

The API is one of JSON over HTTP as `connectors.rest` knows it; what is Vault's own are the
queries, the deletions beside them and what a write looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from connectors.address import BaseUrl
from connectors.auth import SessionLogin
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Facts
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import Answer, StatusRefused
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.rest import Rest
from connectors.resume import instant
from connectors.secrets import Secret
from connectors.vault import answers, push, query
from connectors.vault.query import SHIPPED, Query
from connectors.world import World

_REMEMBERED = timedelta(days=29)  # a vault forgets deletions after thirty days
_GONE = "deletions"


class Vault(Connector):
    """A Vault of Clinical Operations. `vault_id` is checked at each login, for a user of several
    vaults lands where they were last.

    A pull reads what was deleted since its cursor, then what changed since, less `overlap`
    seconds. `streams` are laid over those that are shipped.
    """

    facts: ClassVar[Facts] = Facts(
        pulls="objects and documents by VQL",
        incremental="modified_date__v with overlap",
        deletes="deletion endpoints",
        pushes="object upserts, documents, placeholders",
        auth="session",
        tested="made-up vault; names unverified against the vendor",
    )

    base_url: BaseUrl = Field(description="The vault's address, https://acme.veevavault.com.")
    vault_id: str = Field(
        pattern=r"^\d+$", description="The vault's number, checked at each login."
    )
    user: str = Field(description="The name of the account that signs in.")
    password: Secret = Field(description="The account's password, by reference.")
    api_version: str = Field(
        default="v25.1", pattern=r"^v\d+\.\d$", description="The version of the API, e.g. v25.1."
    )
    client_id: str = Field(
        default="crohub",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="What the vault's log of API use calls us.",
    )
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits of the HTTP client, and whom it trusts."
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds before the cursor that are read again."
    )
    streams: dict[str, Query] = Field(
        default_factory=dict, description="Queries by stream, laid over those that are shipped."
    )
    id_param: str = Field(
        default="external_id__v",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="The field by which an upsert finds its record.",
    )

    _line: Rest = PrivateAttr()

    @model_validator(mode="after")
    def _streams_are_whole(self) -> Self:
        for name, said in self.streams.items():
            if name not in SHIPPED and not (said.object and said.fields):
                raise ValueError(f"streams.{name}: not one of the shipped; say `object`, `fields`")
        return self

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        http = self.http
        if http.throttle is None:
            http = http.model_copy(update={"throttle": answers.THROTTLE})
        self._line = Rest(
            base_url=f"{self.base_url}/api/{self.api_version}",
            auth=SessionLogin(
                kind="session",
                login_url=f"{self.base_url}/api/{self.api_version}/auth",
                user=self.user,
                password=self.password,
                expects={"vaultId": self.vault_id},
            ),
            http=http,
            headers={"X-VaultAPI-ClientID": self.client_id},
            streams={_GONE: query.deletions(SHIPPED["study"], overlap=0)},
        )

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Signs in and compares the streams with the vault's metadata. Not well is what the
        settings name and the vault lacks; what only the shipped streams name is told."""
        try:
            with self._line.session(answers.FAILURE) as http:
                there = answers.objects(self._ask(http, "/metadata/vobjects"))
                lacks = {name: self._lacks(http, name, there) for name in SHIPPED | self.streams}
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        said = "; ".join(
            f"{name}: {', '.join(missing)}" for name, missing in lacks.items() if missing
        )
        ok = not any(set(lacks[name]) & self._named(name) for name in self.streams)
        detail = f"vault {self.vault_id}, {len(there)} objects"
        return Health(ok=ok, detail=f"{detail}; it lacks {said}" if said else detail,
                      version=self.api_version)  # fmt: skip

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """See `Pulls`. The cursor: up to where changes and, behind a bar, deletions are read."""
        place, wanted = _Place.read(since), self._query(stream)
        with self._line.session(answers.FAILURE) as http:
            known = self._fields(http, wanted)
        if missing := self._named(stream) & set(_unknown(wanted, known)):
            lacks = f"{wanted.object} has no {', '.join(sorted(missing))}"
            raise Misconfigured(f"streams.{stream}: {lacks}; check `fields` and `also`")
        line = self._line.model_copy(
            update={
                "streams": {
                    stream: query.stream(wanted, known, overlap=self.overlap),
                    _GONE: query.deletions(wanted, overlap=self.overlap),
                }
            }
        )
        if place.updated and wanted.deletions:
            for record in self._deleted(line, stream, place):
                place = replace(place, deleted=record.cursor or place.deleted)
                yield replace(record, cursor=str(place))
        for record in line.pull(stream, place.updated):
            yield replace(record, cursor=str(replace(place, updated=record.cursor)))

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Upserts of object records, and documents; see `connectors.vault.push`."""
        names = {name: self._query(name).object for name in SHIPPED | self.streams}
        with self._line.session(answers.FAILURE) as http:
            target = push.Target(
                http=http,
                base=self._line.base_url,
                headers=self._headers,
                names=names,
                id_param=self.id_param,
            )
            return push.deliver(target, deliveries)

    def _deleted(self, line: Rest, stream: str, place: _Place) -> Iterator[Record]:
        since = place.deleted or place.updated
        then = instant(since)
        if then and then < self._world.now() - _REMEMBERED:
            since = ""  # all that the vault remembers
        for record in line.pull(_GONE, since):
            key = record.message_key.removeprefix(_GONE)
            yield replace(
                record, stream=stream, message_key=f"{stream}{key}:gone", said="gone",
                cursor=record.cursor,
            )  # fmt: skip

    def _query(self, stream: str) -> Query:
        found = query.completed(stream, self.streams)
        if found is None:
            known = ", ".join(SHIPPED | self.streams)
            raise Misconfigured(f"no stream is called {stream!r}; known: {known}")
        return found

    def _named(self, stream: str) -> set[str]:
        """What the settings themselves ask for: its absence is a mistake."""
        said = self.streams.get(stream)
        named = said.model_dump(include=said.model_fields_set) if said else {}
        singles = {named[one] for one in ("object", "modified") if one in named}
        return singles | {*named.get("fields", ()), *named.get("also", ())}

    def _lacks(self, http: Http, stream: str, there: frozenset[str]) -> list[str]:
        wanted = self._query(stream)
        if wanted.object != query.DOCUMENTS and wanted.object not in there:
            return [wanted.object]
        return _unknown(wanted, self._fields(http, wanted))

    def _fields(self, http: Http, wanted: Query) -> frozenset[str]:
        try:
            return answers.fields(self._ask(http, wanted.metadata)) | {"id", wanted.modified}
        except StatusRefused as error:
            raise Misconfigured(f"the vault has no {wanted.object}: {error}") from error

    def _ask(self, http: Http, path: str) -> Answer:
        return http.ask(Ask(url=f"{self._line.base_url}{path}", headers=self._headers))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", **self._line.headers}


def _unknown(wanted: Query, known: frozenset[str]) -> list[str]:
    return [name for name in (*wanted.fields, *wanted.also) if name.partition(".")[0] not in known]


@dataclass(frozen=True, slots=True)
class _Place:
    updated: str
    deleted: str = ""

    @classmethod
    def read(cls, cursor: str) -> _Place:
        updated, _, deleted = cursor.partition("|")
        for part in filter(None, (updated, deleted)):
            if instant(part) is None:
                raise Misconfigured(f"cursor {cursor[:60]!r} is none of ours, expected an instant")
        return cls(updated, deleted)

    def __str__(self) -> str:
        return f"{self.updated}|{self.deleted}" if self.deleted else self.updated
