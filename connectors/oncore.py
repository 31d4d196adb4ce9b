"""Advarra OnCore: what its REST API hands out protocol by protocol, and what it is told.

There are no pages and no way to ask for changes: each pull reads a list whole, for every protocol.
Spellings that public callers of the API do not show are settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, PrivateAttr, field_validator

from connectors import one_by_one
from connectors.address import BaseUrl
from connectors.auth import ClientCredentials
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Facts
from connectors.http import Ask, Http, HttpSettings
from connectors.pace import Pace
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.rest import Rest
from connectors.rest_lists import Listing, Lists, hung, laid_over
from connectors.rest_writes import Write, Writer, told_error
from connectors.secrets import Secret
from connectors.world import World

_PATH = r"^(/[^?#]*)?$"
_CODES = ("errorType", "field")  # of an error, what is no value


def _of_protocol(path: str, id: str) -> Listing:
    return Listing(
        path=path, params={"protocolId": "{of}"}, of="protocols", by="protocolId", id=id
    )  # fmt: skip


LISTS: dict[str, Listing] = {
    "protocols": Listing(path="/protocols", id="protocolId"),
    # no roll: which protocols have gone is told by the list of protocols
    "protocol_management": Listing(
        path="/protocolManagementDetails", params={"protocolId": "{of}"}, of="protocols",
        by="protocolId", id="protocolId", whole=False,
    ),
    "protocol_institutions": _of_protocol(
        "/protocolInstitutions", "join('|', [protocolId, institution][*].to_string(@))"
    ),
    "protocol_staff": _of_protocol(
        "/protocolStaff", "join('|', [protocolId, contactId, role][*].to_string(@))"
    ),
    "contacts": Listing(
        path="/contacts/{of}", of="protocol_staff", by="contactId", id="contactId", whole=False
    ),
    "protocol_subjects": _of_protocol("/protocolSubjects", "protocolSubjectId"),
    "subject_demographics": Listing(
        path="/subjectDemographics/{of}", of="protocol_subjects", by="subjectDemographicsId",
        id="subjectDemographicsId", whole=False,
    ),
    "calendars": _of_protocol("/protocolCalendarVisits", "calendarVisitId"),
    "visits": _of_protocol("/protocolSubjectVisits", "protocolSubjectVisitId"),
}  # fmt: skip
WRITES: dict[str, Write] = {
    "subject_status": Write(
        find="/protocolSubjects/{id}", id="protocolSubjectId", change="/protocolSubjects/{found}"
    ),
    "subject_person": Write(
        find="/protocolSubjects/{id}", id="protocolSubjectId", each="id",
        change="/protocolSubjects/{found}",
    ),
    "demographics": Write(
        find="/subjectDemographics/{id}", id="subjectDemographicsId",
        change="/subjectDemographics/{found}",
    ),
    "visit": Write(
        find="/protocolSubjectVisits", params={"protocolId": "{protocol}"},
        same=("protocolSubjectId", "calendarVisitId"), id="protocolSubjectVisitId",
        make="/protocolSubjectVisits", change="/protocolSubjectVisits/{found}",
    ),
    "irb_review": Write(
        find="/protocolReviews", params={"protocolId": "{protocol}"},
        same=("protocolId", "irbReviewNo"), id="protocolReviewId",
        make="/protocolReviews", change="/protocolReviews/{found}",
    ),
    "credential": Write(
        find="/contactCredentials", params={"contactId": "{contact}"},
        same=("contactId", "credentialType", "credentialNo"), id="contactCredentialId",
        make="/contactCredentials", change="/contactCredentials/{found}",
    ),
}  # fmt: skip


class Oncore(Connector):
    """An OnCore. `streams` and `writes` are laid over those that are shipped."""

    facts: ClassVar[Facts] = Facts(
        pulls="protocols, staff, subjects, demographics, visits",
        incremental="whole, compared by content",
        deletes="whole lists compared",
        pushes="subject status, demographics, visits, IRB reviews, credentials",
        auth="OAuth2",
        tested="made-up OnCore; names unverified against the vendor",
    )

    base_url: BaseUrl = Field(description="The address of the server, https://oncore.example.edu.")
    client_id: str = Field(description="The client that OnCore's administrator registered.")
    client_secret: Secret = Field(description="The client's secret, by reference.")
    api_path: str = Field(
        default="/oncore-api/rest",
        pattern=_PATH,
        description="The path of the API below `base_url`.",
    )
    sign_in_path: str = Field(
        default="/forte-platform-web/api/oauth/token",
        pattern=_PATH,
        description="The path below `base_url` where a token is had.",
    )
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits of the HTTP client, and whom it trusts."
    )
    per_second: float = Field(
        default=10, gt=0, description="Requests a second, one after the other."
    )
    streams: Annotated[dict[str, Listing], AfterValidator(hung)] = Field(
        default_factory=dict,
        validate_default=True,
        description="Lists by name, laid over those that are shipped.",
    )
    writes: dict[str, Write] = Field(
        default_factory=dict,
        validate_default=True,
        description="What is written, by name, laid over those that are shipped.",
    )

    _line: Rest = PrivateAttr()
    _pace: Pace = PrivateAttr(default_factory=Pace)

    @field_validator("streams", mode="before")
    @classmethod
    def _with_lists(cls, said: Any) -> Any:  # noqa: ANN401 - pydantic's
        return laid_over(LISTS, said)

    @field_validator("writes", mode="before")
    @classmethod
    def _with_writes(cls, said: Any) -> Any:  # noqa: ANN401 - pydantic's
        return laid_over(WRITES, said)

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        self._line = Rest(
            base_url=f"{self.base_url}{self.api_path}",
            auth=ClientCredentials(
                kind="oauth2",
                token_url=f"{self.base_url}{self.sign_in_path}",
                client_id=self.client_id,
                client_secret=self.client_secret,
                sends="json",
            ),
            http=self.http,
            streams={"protocols": self.streams["protocols"].stream()},
        )

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Signs in and asks for one protocol that nobody has."""
        path = self.streams["protocols"].path
        try:
            with self._session() as http:
                http.ask(
                    Ask(
                        url=f"{self._line.base_url}{path}",
                        params=(("protocolNo", "crohub-check"),),
                        headers={"Accept": "application/json"},
                    )
                )
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"OnCore lets {self.client_id} in and answers at {path}")

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].whole

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """Every element of a list, from its beginning; see `Pulls`. There are no cursors."""
        if stream not in self.streams:
            known = ", ".join(self.streams)
            raise Misconfigured(f"no stream is called {stream!r}; OnCore has {known}")
        with self._session() as http:
            lists = Lists(rest=self._line, http=http, listings=self.streams, turn=self._turn)
            yield from lists.read(stream)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """A delivery's stream is one of `writes`; see `connectors.rest_writes`."""
        with self._session() as http:
            writer = Writer(
                http=http, base=self._line.base_url, headers={}, writes=self.writes, turn=self._turn
            )
            return one_by_one.deliver(deliveries, writer.say)

    def _turn(self) -> None:
        self._pace.keep(self.per_second, self._world)

    def _session(self) -> Http:
        return self._line.session(also=partial(told_error, codes=_CODES))
