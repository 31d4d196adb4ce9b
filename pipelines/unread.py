"""What mappings leave unread, counted per place, so that what is ignored is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hub.database import Session
from hub.said import Understood
from hub.statement import Meaning
from pipelines.work import Work

_LONGEST = 200  # characters of a path


def count(session: Session, understood: Iterable[tuple[Work, Meaning | Understood]]) -> None:
    """Adds to each pipeline's count of messages in which a place held data that no mapping reads.

    Only some messages are searched for such places, so the numbers compare places with each
    other. Belongs into the transaction that settles the messages; rows are touched in one order,
    so that two workers do not wait for each other in a circle.
    """
    found = Counter(
        (work.pipeline, path)
        for work, meaning in understood
        if meaning.unread
        for path in {path[:_LONGEST] for path in meaning.unread}
    )
    session.many(
        "insert into unread(pipeline, path, messages) values(?, ?, ?) on conflict(pipeline, "
        "path) do update set messages = unread.messages + excluded.messages",
        [(*place, messages) for place, messages in sorted(found.items())],
    )
