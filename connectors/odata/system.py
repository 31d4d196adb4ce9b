"""An OData service: its settings, and pull, push and check.

It is JSON over HTTP as `connectors.rest` knows it; what is OData's own are the literals of its
filters, the delta links and the proof that goes with a write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from connectors import one_by_one
from connectors.address import BaseUrl
from connectors.auth import Csrf, NoAuth
from connectors.auth.csrf import Inner
from connectors.errors import ConnectorError, Misconfigured, Refused
from connectors.facts import Facts
from connectors.http import HttpSettings
from connectors.odata import answers, delta, push
from connectors.odata.entity_set import SHIPPED, EntitySet, completed
from connectors.odata.push import Output
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.rest import Rest
from connectors.world import World


class Odata(Connector):
    """`base_url` is the host, each entity set names its service. `params` go with every request
    (`sap-client`). `streams` are laid over those shipped for SAP S/4HANA, so are `out`."""

    facts: ClassVar[Facts] = Facts(
        pulls="entity sets of OData V2 and V4",
        incremental="time of change with overlap, delta links",
        deletes="@removed of delta links, whole lists compared",
        pushes="debit memos, made once",
        auth="Basic, bearer, OAuth2, with CSRF tokens",
        tested="SAP CAP (V2, V4); SAP's names unverified against the vendor",
    )

    base_url: BaseUrl = Field(
        description="The host, as https://my300000-api.s4hana.cloud.sap; sets name their service."
    )
    auth: Inner = Field(default=NoAuth(), description="How we sign in; unsaid: not at all.")
    csrf: bool = Field(
        default=True,
        description="Whether writes need a token that a read hands out, as SAP wants it.",
    )
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits, trust and proxy of the HTTP client."
    )
    params: dict[str, str] = Field(
        default_factory=dict,
        description="Parameters that go with every request, for one sap-client.",
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds before the newest change that are read again."
    )
    streams: dict[str, EntitySet] = Field(
        default_factory=dict, description="Entity sets by name, laid over the shipped ones."
    )
    out: dict[str, Output] = Field(
        default_factory=lambda: {"debit_memo": Output()},
        description="Kinds of documents that can be made, by name.",
    )

    _line: Rest = PrivateAttr()

    @model_validator(mode="after")
    def _streams_are_whole(self) -> Self:
        for name in self.streams:
            try:
                found = completed(name, self.streams)
            except ValueError as error:
                raise ValueError(f"streams.{name}: {error}") from None
            if not (found and found.service and found.set and found.key):
                raise ValueError(f"streams.{name}: not one of the shipped; say service, set, key")
        return self

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        first = next(iter(SHIPPED))
        line = Rest(
            base_url=self.base_url,
            auth=self.auth,
            http=self.http,
            streams={first: SHIPPED[first].stream(0, {})},
        )
        self._line = line.judged_by(answers.judge)

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Asks each stream of the settings, or the first shipped, for one entity."""
        names = list(self.streams) or [next(iter(SHIPPED))]
        try:
            health = [self._one(name) for name in names]
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        bad = next((one for one in health if not one.ok), None)
        return bad or Health(ok=True, detail=f"{self.base_url}: {', '.join(names)}")

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        known = stream in self.streams or stream in SHIPPED
        return known and self._set(stream).whole

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """See `Pulls`. The cursor is the newest `modified`, or the delta link."""
        wanted = self._set(stream)
        if not wanted.delta:
            yield from self._reading(stream, wanted).pull(stream, since)
            return
        place = delta.Place(
            name=stream,
            wanted=wanted,
            stream=wanted.stream(self.overlap, self.params),
            url=f"{self.base_url}{wanted.path}",
            headers=wanted.headers,
            now=self._world.now(),
        )
        with self._line.session() as http:
            yield from delta.pull(http, place, since)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Makes documents, one after the other; see `connectors.odata.push`."""
        return one_by_one.deliver(deliveries, self._say)

    def _say(self, delivery: Delivery) -> Receipt:
        name = delivery.target.get("object", "")
        output = self.out.get(name)
        if output is None:
            known = ", ".join(self.out)
            raise Refused(f"the target's `object` is {name[:40]!r}, expected one of {known}")
        line = self._line
        if self.csrf:
            proof = Csrf(kind="csrf", signs=self.auth, fetch_url=f"{self.base_url}{output.service}")
            line = line.model_copy(update={"auth": proof})
        with line.session() as http:
            target = push.Target(
                http=http,
                url=f"{self.base_url}{output.service}/{output.set}",
                output=output,
                params=tuple(self.params.items()),
            )
            return push.create(target, delivery)

    def _one(self, name: str) -> Health:
        wanted = self._set(name).model_copy(update={"delta": False})
        return self._reading(name, wanted, self.params | {"$top": "1"}).check()

    def _reading(self, name: str, wanted: EntitySet, params: dict[str, str] | None = None) -> Rest:
        stream = partial(wanted.stream, self.overlap)(params or self.params)
        return self._line.model_copy(update={"headers": wanted.headers, "streams": {name: stream}})

    def _set(self, stream: str) -> EntitySet:
        found = completed(stream, self.streams)
        if found is None:
            known = ", ".join(SHIPPED | self.streams)
            raise Misconfigured(f"no stream is called {stream!r}; known: {known}")
        return found
