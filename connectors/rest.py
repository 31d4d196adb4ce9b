"""Any system that answers JSON over HTTP, described by settings alone.

A vendor's system is a profile: its address, how it lets us in, and for each stream where the
list is, how it pages, and how it is asked for changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, ClassVar, Self
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, PrivateAttr

from connectors.address import BaseUrl
from connectors.auth import Auth, NoAuth, TokenCache
from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.facts import Facts
from connectors.http import Ask, Http, HttpSettings, Judge
from connectors.http_policy import Answer, StatusRefused
from connectors.pagers import Came, count_at
from connectors.protocol import Connector, Health
from connectors.record import Record
from connectors.rest_elements import elements
from connectors.rest_stream import (
    Failure,
    Stream,
    changed,
    element_id,
    judge,
    record,
    since_param,
)
from connectors.resume import Page, Seen, instant, stamp, with_cursors

_PAGE_GONE = frozenset({400, 404, 410})
_BY_THE_SERVER = ("page_token", "next_link", "link_header")  # it may forget its own marks
_FORM = "application/x-www-form-urlencoded"


def _no_secrets(headers: dict[str, str]) -> dict[str, str]:
    for name in headers:
        if name.lower() in ("authorization", "proxy-authorization", "cookie", "x-api-key"):
            raise ValueError(f"{name} is a secret; it belongs into `auth`, by reference")
    return headers


class Rest(Connector):
    """A JSON-over-HTTP system; `streams` names what can be pulled from it."""

    facts: ClassVar[Facts] = Facts(
        pulls="JSON lists, seven ways of paging",
        incremental="watermark with overlap",
        deletes="whole lists compared",
        auth="Basic, bearer, key, OAuth2, SMART, session, CSRF",
        tested="servers of the tests; ClinicalTrials.gov's recorded answers",
    )

    base_url: BaseUrl = Field(
        description="What stands before every path; without a slash at the end."
    )
    auth: Auth = Field(default=NoAuth(), description="How we sign in; unsaid: not at all.")
    http: HttpSettings = Field(
        default=HttpSettings(), description="Limits, trust and proxy of the HTTP client."
    )
    headers: Annotated[dict[str, str], AfterValidator(_no_secrets)] = Field(
        default_factory=dict, description="Headers that go with each request; never a secret."
    )
    check_path: str = Field(
        default="",
        pattern=r"^(/[^?#]*)?$",
        description="Path that answers 200 when all is well; empty: the first stream is asked.",
    )
    streams: dict[str, Stream] = Field(
        min_length=1, description="Lists that can be pulled, by name."
    )

    _tokens: TokenCache = PrivateAttr(default_factory=TokenCache)
    _judge: Judge | None = PrivateAttr(default=None)

    def judged_by(self, judge: Judge) -> Self:
        """The same connection, for a profile that knows what its system's answers mean."""
        other = self.model_copy()
        other._judge = judge  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Asks for `check_path`, else for the first page of the first stream."""
        name, stream = next(iter(self.streams.items()))
        ask = self._first(stream, None)
        if self.check_path:
            ask = Ask(url=f"{self.base_url}{self.check_path}", headers=self._headers())
        try:
            with self.session(stream.failure) as http:
                answer = _fetch(http, ask, stream, following=False)
                if not self.check_path:
                    elements(answer.body, stream.records)
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"{answer.told}: HTTP {answer.status} ({name})")

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].whole

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """The elements of every page; see `Pulls`. The cursor is the newest `modified` time; a
        whole list has none, since it is always read from its beginning."""
        if stream not in self.streams:
            raise Misconfigured(
                f"no stream is called {stream!r}; configured: {', '.join(self.streams)}"
            )
        settings = self.streams[stream]
        with self.session(settings.failure) as http:
            yield from self.read(http, stream, settings, since)

    def read(self, http: Http, name: str, stream: Stream, since: str = "") -> Iterator[Record]:
        """As `pull`, for a profile with a session and lists of its own."""
        if stream.whole:
            since = ""
        then = instant(since)
        if since and then is None:
            raise Misconfigured(f"cursor {since!r} is none of ours, expected an instant")
        pages = self._pages(http, name, stream, then)
        yield from with_cursors(pages, since, stamp, reached=then)

    def _pages(
        self, http: Http, name: str, stream: Stream, since: datetime | None
    ) -> Iterator[Page]:
        ask: Ask | None = self._first(stream, since)
        seen, asked, count, totals = Seen(), set[bytes](), 0, set[int]()
        while ask:
            answer = _fetch(http, ask, stream, following=bool(asked))
            came, page = self._understand(answer, name, stream, seen)
            yield page
            if came is None:
                raise Refused(f"{answer.told}: unreadable page, its next is unknown")
            asked.add(_mark(ask))
            count += len(page.records)
            if stream.total:
                totals.add(count_at(stream.total, came.value))
            ask = stream.pager.next(ask, came)
            if ask and _mark(ask) in asked:
                raise Refused(f"{answer.told}: the pages lead in a circle")
        if totals and totals != {count}:  # a list that shifted while read has lost something
            said = " then ".join(str(one) for one in sorted(totals))
            where = f"{self.base_url}{stream.path}"
            raise TryLater(f"{where}: {count} things came of a list of {said}, it is read again")

    def _understand(
        self, answer: Answer, name: str, stream: Stream, seen: Seen
    ) -> tuple[Came | None, Page]:
        """What the pager needs and what came; None and one faulty record for a page that
        cannot be read."""
        at = answer.server_time or self._world.now()
        try:
            found, whole = elements(answer.body, stream.records)
        except Refused as error:
            return None, Page(records=[_unreadable(answer, name, str(error), at)])
        records = [record(name, stream, element, at) for element in found]
        dated = () if stream.whole else found
        times = [time for element in dated if (time := changed(stream, element))]
        came = Came(
            value=whole,
            headers=answer.headers,
            url=answer.url,
            count=len(found),
            last_id=element_id(stream, found[-1]) if found else "",
            last=found[-1].value if found else None,
        )
        return came, Page(
            records=[one for one in records if seen.first(one.message_key)],
            times=times,
            server_time=answer.server_time,
            ordered=stream.ordered,
        )

    def _first(self, stream: Stream, since: datetime | None) -> Ask:
        params = stream.params | dict(since_param(stream, since) if since else ())
        ask = Ask(
            url=f"{self.base_url}{stream.path}",
            params=tuple(params.items()),
            headers=self._headers(),
        )
        return stream.pager.first(ask)

    def session(self, failure: Failure | None = None, also: Judge | None = None) -> Http:
        """A session like those of the streams, for a profile that asks for more than they do;
        `also` judges first."""
        also = also or self._judge
        return Http(
            self.http,
            self.auth,
            world=self._world,
            tokens=self._tokens,
            judge=lambda answer: (also and also(answer)) or judge(failure, answer),
        )

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", **self.headers}


def _fetch(http: Http, ask: Ask, stream: Stream, *, following: bool) -> Answer:
    try:
        return http.ask(_sent(ask, stream))
    except StatusRefused as error:
        forgotten = following and stream.pager.kind in _BY_THE_SERVER
        if forgotten and (error.status in _PAGE_GONE or error.status < 300):
            raise TryLater(
                f"{ask.told}: HTTP {error.status} for a next page, the system has forgotten it; "
                "the pull resumes from its cursor"
            ) from error
        raise


def _sent(ask: Ask, stream: Stream) -> Ask:
    """`ask` as it travels: the parameters of a POST are a form; a link that an answer held is
    followed with GET."""
    if stream.method == "GET" or ask.params is None:
        return ask
    headers = {**ask.headers, "Content-Type": _FORM}
    body = urlencode(ask.params).encode()
    return replace(ask, method="POST", params=None, headers=headers, body=body, repeatable=True)


def _mark(ask: Ask) -> bytes:
    return sha256(repr((ask.url, ask.params)).encode()).digest()[:8]


def _unreadable(answer: Answer, name: str, fault: str, at: datetime) -> Record:
    return Record(
        stream=name,
        message_key=f"{name}/page@{sha256(answer.body).hexdigest()[:32]}",
        at=at,
        body=answer.body,
        media="application/json",
        fault=fault,
    )
