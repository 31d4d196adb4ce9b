"""One pull run: from the stored cursor to what there is now, page by page.

Records and cursor go into one commit, so a run that dies is resumed without loss; what is read
twice is known by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import structlog

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.protocol import Pulls
from connectors.record import Record
from hub.database import Session
from pipelines import arrivals
from pipelines.arrivals import Arrival
from pipelines.intake import Intake
from pipelines.journal import position_of

log = structlog.get_logger("pull")
PAGE, PAGE_BYTES = 250, 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a pull run did. `state`: done, later (`after` seconds), refused, misconfigured."""

    arrival: Arrival
    state: str
    detail: str = ""
    after: float = 0.0


def pull(
    connector: Pulls,
    connection: str,
    stream: str,
    *,
    intake: Intake,
    journal: Session,
    clock: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Pulls one stream to its end, or until `stop`. Never raises for what the source does."""
    since = position_of(journal, connection, stream)
    arrival = Arrival(
        id=arrivals.fresh_id(),
        connection=connection,
        stream=stream,
        kind="pull",
        began_at=clock(),
    )
    state, detail, after = "done", "", 0.0
    try:
        for page in _pages(connector.pull(stream, since)):
            since = next((r.cursor for r in reversed(page) if r.cursor), since)
            arrival = _keep(intake, arrival, page, since)
            if stop():
                state, detail = "later", "stopped"
                break
    except TryLater as error:
        state, detail, after = "later", str(error), error.after
    except Refused as error:
        state, detail = "refused", str(error)
    except Misconfigured as error:
        state, detail = "misconfigured", str(error)
    arrival = replace(arrival, ended_at=clock(), outcome=f"{state}: {detail}".rstrip(": "))
    intake.writer.keep([], [], [arrivals.put(arrival)])
    # what comes every few seconds and brings nothing is no news
    tell = log.info if arrival.read or state != "done" else log.debug
    tell("pulled", connection=connection, stream=stream, read=arrival.read, new=arrival.new,
             state=state, detail=detail)  # fmt: skip
    return Run(arrival=arrival, state=state, detail=detail, after=after)


def _keep(intake: Intake, arrival: Arrival, page: list[Record], position: str) -> Arrival:
    kept = intake.keep(
        arrival.connection, arrival.id, page, arrival.stream, position, [arrivals.put(arrival)]
    )
    new = sum(not one.again for one in kept)
    return replace(arrival, read=arrival.read + len(page), new=arrival.new + new)


def _pages(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Records in groups that are stored together. What came before an error is handed over."""
    page: list[Record] = []
    size = 0
    try:
        for record in records:
            page.append(record)
            size += len(record.body)
            if len(page) >= PAGE or size >= PAGE_BYTES:
                yield page
                page, size = [], 0
    except (TryLater, Refused, Misconfigured):
        if page:
            yield page
        raise
    if page:
        yield page
