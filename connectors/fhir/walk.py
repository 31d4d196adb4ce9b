"""Goes from page to page of a FHIR search or history, by the server's own next links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from connectors.address import follow
from connectors.errors import Refused, TryLater
from connectors.fhir.bundle import Bundle, next_of_unreadable, read
from connectors.http import Ask, Http
from connectors.http_policy import Answer, StatusRefused
from connectors.record import Record

MEDIA = "application/fhir+json"
_PAGE_GONE = frozenset({400, 404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A page as it came. Without `bundle` it cannot be read, `fault` says why."""

    answer: Answer
    bundle: Bundle | None
    fault: str = ""


def walk(http: Http, ask: Ask) -> Iterator[Fetched]:
    """The pages that begin with `ask`; next links are followed as they stand (FHIR http §3.1.4).

    Raises Refused for a link to another origin, a circle, and after an unreadable page whose
    next link is unknown; TryLater for a link the server has forgotten: resume from the cursor.
    """
    visited: set[bytes] = set()
    following = False
    while True:
        answer = _fetch(http, ask, following=following)
        page = _understand(answer)
        yield page
        link = page.bundle.links.get("next", "") if page.bundle else next_of_unreadable(answer.body)
        if not link and page.bundle is None:
            raise Refused(f"{answer.told}: unreadable page ({page.fault}), its next is unknown")
        if not link:
            return
        url = follow(link, seen_at=answer.url)
        mark = sha256(url.encode()).digest()[:8]
        if mark in visited:
            raise Refused(f"{answer.told}: the next links lead in a circle")
        visited.add(mark)
        ask, following = Ask(url=url, headers=ask.headers), True


def unreadable(page: Fetched, stream: str, now: datetime) -> Record:
    """The whole page as one record that cannot be understood."""
    body = page.answer.body
    return Record(
        stream=stream,
        message_key=f"{stream}/page@{sha256(body).hexdigest()[:32]}",
        at=page.answer.server_time or now,
        body=body,
        media=MEDIA,
        fault=page.fault,
    )


def _understand(answer: Answer) -> Fetched:
    try:
        return Fetched(answer=answer, bundle=read(answer.body))
    except Refused as error:
        return Fetched(answer=answer, bundle=None, fault=str(error))


def _fetch(http: Http, ask: Ask, *, following: bool) -> Answer:
    try:
        return http.ask(ask)
    except StatusRefused as error:
        if following and error.status in _PAGE_GONE:
            raise TryLater(
                f"{ask.told}: HTTP {error.status} for a next page, the server has forgotten it; "
                "the pull resumes from its cursor"
            ) from error
        raise
