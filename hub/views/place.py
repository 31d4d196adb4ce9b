"""Where a view is read: the store as it is, or what it was, laid out apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub import clock
from hub.database import Session
from hub.views import summing
from hub.views.words import Words

_FEW = 20  # studies whose sums are made while somebody waits


@dataclass(frozen=True, slots=True)
class Place:
    """A session, how SQL is spelled there, the studies that are read (None: all) and the moment it
    is there. `summed`: until when the sums that are kept tell of everything; "": none are read.
    `kept`: rows of views that are kept are read as well."""

    session: Session
    words: Words
    scope: list[str] | None
    now: str
    summed: str = ""
    kept: bool = False


def present(session: Session, scope: list[str] | None, now: str) -> Place:
    """The store as it is. Sums of few studies are made on the spot; those of many are read as they
    are kept, where somebody keeps them."""
    narrowed = scope is not None
    if scope is not None and len(scope) <= _FEW:
        return Place(session, Words(dialect=session.dialect, narrowed=True), scope, now)
    upto = summing.upto(session, clock.micros(datetime.fromisoformat(now)))
    if not upto:  # nobody keeps any, or whoever does has not come to the end for the first time
        return Place(session, Words(dialect=session.dialect, narrowed=narrowed), scope, now)
    words = Words(dialect=session.dialect, narrowed=narrowed, live=False)
    kept = summing.day(session) == now[:10]
    return Place(session, words, scope, now, clock.iso(upto), kept)
