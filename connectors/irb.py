"""An IRB's portal as JSON over HTTP: submissions and studies to read, proposals to hand in.

Two shapes are shipped as profiles: an exchange as Huron's (lists with a continuation token; bearer
token or a certificate), and UVA's Protocol Builder. A central IRB is a second connection. Nothing
is handed in without a person's decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, field_validator

from connectors import one_by_one
from connectors.address import BaseUrl
from connectors.auth import Auth, NoAuth
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Facts
from connectors.http import Http, HttpSettings
from connectors.pace import Pace
from connectors.pagers import PageToken
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.rest import Rest
from connectors.rest_lists import Listing, Lists, hung, laid_over
from connectors.rest_stream import Failure, Since, known_zone
from connectors.rest_writes import Write, Writer, told_error
from connectors.world import World

_CODES = ("errorCode", "code", "field")  # of an error, what is no value
_FAILURE = Failure(when="errors || errorCode", code="errorCode || errors[0].code")
_TOKEN = PageToken(
    kind="page_token", token="pagination.continuationToken",  # noqa: S106 - a place, no secret
    token_param="continuationToken", size_param="pageSize",  # noqa: S106 - a name
)  # fmt: skip


def _of_study(path: str, id: str, *, whole: bool = True) -> Listing:
    """A list of Protocol Builder, whose elements do not say whose they are."""
    params = {} if "{of}" in path else {"studyid": "{of}"}
    return Listing(
        path=path, params=params, of="user_studies", by="STUDYID", id=id, marked="STUDY",
        whole=whole,
    )  # fmt: skip


LISTS: dict[str, dict[str, Listing]] = {
    "exchange": {
        "submissions": Listing(
            path="/submissions", records="data", id="submissionId || id", modified="modified",
            since=Since(param="modifiedSince"), pager=_TOKEN, whole=False,
        ),
        "studies": Listing(path="/studies", records="data", id="id", pager=_TOKEN),
    },
    "protocol_builder": {
        "user_studies": Listing(path="/user_studies", id="STUDYID"),
        "investigators": _of_study(
            "/investigators", "join('|', [INVESTIGATORTYPE, NETBADGEID][*].to_string(@))"
        ),
        "sponsors": _of_study("/sponsors", "SPONSOR_ID"),
        # no rolls: which studies have gone is told by the list of studies
        "study": _of_study("/study", "'study'", whole=False),
        "required_docs": _of_study("/required_docs", "'required_docs'", whole=False),
        "irb_info": _of_study("/irb_info/{of}", "'irb_info'", whole=False),
    },
}  # fmt: skip
WRITES: dict[str, dict[str, Write]] = {
    "exchange": {
        "reportable_event": Write(
            find="/reportable-events", params={"externalId": "{id}"}, records="data",
            same=("externalId",), id="id", make="/reportable-events",
        ),
        "staff_change": Write(
            find="/staff-changes", params={"externalId": "{id}"}, records="data",
            same=("externalId",), id="id", make="/staff-changes",
        ),
        "training": Write(
            find="/training-records", params={"externalId": "{id}"}, records="data",
            same=("externalId",), id="id", make="/training-records",
        ),
    },
    "protocol_builder": {},
}  # fmt: skip


class Irb(Connector):
    """One IRB. `streams` and `writes` are laid over those of the profile."""

    decided: ClassVar[bool] = True
    facts: ClassVar[Facts] = Facts(
        pulls="submissions, documents, studies, teams",
        incremental="modified with overlap; studies whole",
        deletes="whole lists compared; submissions by their state",
        pushes="proposals that a person approved",
        auth="any of HTTP, certificate",
        tested="made-up IRB; public answers of Protocol Builder",
    )

    base_url: BaseUrl = Field(
        description="The address before the lists' own paths, https://irb.example.edu/api."
    )
    profile: Literal["exchange", "protocol_builder"] = Field(
        default="exchange",
        description="The portal's shape: exchange, as Huron's, or UVA's protocol_builder.",
    )
    auth: Auth = Field(
        default=NoAuth(),
        description="How it signs in; none: the certificate of `http` says who we are.",
    )
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits of the HTTP client, and the certificate."
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="Time zone of times without an offset, e.g. Europe/Vienna."
    )
    per_second: float = Field(
        default=5, gt=0, description="Lists and writes a second, one after the other."
    )
    failure: Failure | None = Field(
        default=_FAILURE, description="How an answer of status 200 says no."
    )
    streams: Annotated[dict[str, Listing], AfterValidator(hung)] = Field(
        default_factory=dict,
        validate_default=True,
        description="Lists by name, laid over those of the profile.",
    )
    writes: dict[str, Write] = Field(
        default_factory=dict,
        validate_default=True,
        description="What is handed in, by name, laid over those of the profile.",
    )

    _line: Rest = PrivateAttr()
    _pace: Pace = PrivateAttr(default_factory=Pace)

    @field_validator("streams", mode="before")
    @classmethod
    def _with_lists(cls, said: Any, others: ValidationInfo) -> Any:  # noqa: ANN401 - pydantic's
        local = {"timezone": others.data.get("timezone", "UTC")}
        shipped = LISTS[others.data.get("profile", "exchange")]
        return laid_over({n: one.model_copy(update=local) for n, one in shipped.items()}, said)

    @field_validator("writes", mode="before")
    @classmethod
    def _with_writes(cls, said: Any, others: ValidationInfo) -> Any:  # noqa: ANN401 - pydantic's
        return laid_over(WRITES[others.data.get("profile", "exchange")], said)

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        standing = {n: one.stream() for n, one in self.streams.items() if not one.of}
        self._line = Rest(
            base_url=self.base_url, auth=self.auth, http=self.http, streams=standing
        )  # fmt: skip

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Asks for the first page of the first list."""
        name = next(iter(self._line.streams))
        try:
            with self._session() as http:
                first = next(self._lists(http).read(name), None)
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        if first and first.fault:
            return Health(ok=False, detail=f"{name}: {first.fault}")
        return Health(ok=True, detail=f"the IRB lets us in and answers for {name}")

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].whole

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """See `Pulls`. A list that can be asked for changes has its newest `modified` as cursor;
        all others are read from their beginning."""
        if stream not in self.streams:
            known = ", ".join(self.streams)
            raise Misconfigured(f"no stream is called {stream!r}; this IRB has {known}")
        with self._session() as http:
            yield from self._lists(http).read(stream, since)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Hands in what a person has approved. A delivery's stream is one of `writes`; see
        `connectors.rest_writes`."""
        with self._session() as http:
            writer = Writer(
                http=http, base=self.base_url, headers={}, writes=self.writes, turn=self._turn
            )
            return one_by_one.deliver(deliveries, writer.say)

    def _lists(self, http: Http) -> Lists:
        return Lists(rest=self._line, http=http, listings=self.streams, turn=self._turn)

    def _turn(self) -> None:
        self._pace.keep(self.per_second, self._world)

    def _session(self) -> Http:
        return self._line.session(self.failure, partial(told_error, codes=_CODES))
