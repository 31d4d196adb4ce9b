"""One pull run: from the stored cursor to what there is now, page by page.

Records and cursor go into one commit, so a run that dies is resumed without loss; what is read
twice is known by its key. A list that is pulled whole is compared with the one before: its cursor
moves only once what is missing from it has been said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import structlog

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.protocol import Pulls, Whole
from connectors.record import Record
from hub.database import Session
from pipelines import arrivals
from pipelines.arrivals import Arrival
from pipelines.intake import Intake
from pipelines.journal import Also, position_of
from pipelines.present import Guard, Roll

log = structlog.get_logger("pull")
PAGE, PAGE_BYTES = 250, 4 << 20
_GUARD = Guard()
_STOPPED = "stopped"  # by ourselves, which is no trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a pull run did. `state`: done, later (`after` seconds), refused, misconfigured, asks
    (so much is missing from a list that a person must say whether it is right)."""

    arrival: Arrival
    state: str
    detail: str = ""
    after: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Transfer:
    """A run under way. `position` is where it would be resumed."""

    source: Pulls
    intake: Intake
    journal: Session
    clock: Callable[[], int]
    stop: Callable[[], bool]
    arrival: Arrival
    position: str

    def pages(self, since: str) -> Iterator[list[Record]]:
        return _pages(self.source.pull(self.arrival.stream, since))

    def keep(self, records: list[Record], *, read: int, also: Sequence[Also] = ()) -> None:
        """Stores records, position and counts in one commit."""
        one = self.arrival
        kept = self.intake.keep(
            one.connection, one.id, records, one.stream, self.position, [*also, arrivals.put(one)]
        )
        new = sum(not each.again for each in kept)
        self.arrival = replace(one, read=one.read + read, new=one.new + new)

    def end(self, outcome: str) -> Arrival:
        self.arrival = replace(self.arrival, ended_at=self.clock(), outcome=outcome)
        self.intake.writer.keep([], [], [arrivals.put(self.arrival)])
        return self.arrival


def pull(
    connector: Pulls,
    connection: str,
    stream: str,
    *,
    intake: Intake,
    journal: Session,
    clock: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
    guard: Guard = _GUARD,
) -> Run:
    """Pulls one stream to its end, or until `stop`. Never raises for what the source does."""
    arrival = Arrival(
        id=arrivals.fresh_id(),
        connection=connection,
        stream=stream,
        kind="pull",
        began_at=clock(),
    )
    transfer = _Transfer(
        source=connector,
        intake=intake,
        journal=journal,
        clock=clock,
        stop=stop,
        arrival=arrival,
        position=position_of(journal, connection, stream),
    )
    after = 0.0
    try:
        whole = isinstance(connector, Whole) and connector.is_whole(stream)
        state, detail = _lists(transfer, guard) if whole else _changes(transfer)
    except TryLater as error:
        state, detail, after = "later", str(error), error.after
    except Refused as error:
        state, detail = "refused", str(error)
    except Misconfigured as error:
        state, detail = "misconfigured", str(error)
    arrival = transfer.end(f"{state}: {detail}".rstrip(": "))
    tell = _teller(arrival, state, detail)
    tell("pulled", connection=connection, stream=stream, read=arrival.read, new=arrival.new,
         state=state, detail=detail)  # fmt: skip
    return Run(arrival=arrival, state=state, detail=detail, after=after)


def _teller(arrival: Arrival, state: str, detail: str) -> Callable[..., None]:
    if state != "done" and detail != _STOPPED:  # not reached, or refused: somebody may have to act
        return log.warning  # type: ignore[no-any-return] # structlog's loggers are made late
    # what comes every few seconds and brings nothing is no news
    return log.info if arrival.read or state != "done" else log.debug  # type: ignore[no-any-return]


def _changes(transfer: _Transfer) -> tuple[str, str]:
    """What came since; each page moves the cursor."""
    for page in transfer.pages(transfer.position):
        transfer.position = _reached(page, transfer.position)
        transfer.keep(page, read=len(page))
        if transfer.stop():
            return "later", _STOPPED
    return "done", ""


def _lists(transfer: _Transfer, guard: Guard) -> tuple[str, str]:
    """Whole lists, the oldest first, until none is newer. One that a person is asked about has no
    effect on what is missing, and a newer one answers for it."""
    since, told = transfer.position, ("done", "")
    while True:
        roll = Roll(
            transfer.journal,
            transfer.intake.keyring,
            transfer.arrival.connection,
            transfer.arrival.stream,
            transfer.clock,
        )
        with closing(roll):
            reached = _read(transfer, roll, since)
            if reached == since and roll.missing() and not transfer.stop():
                _look_again(transfer, roll, since)
            if transfer.stop():
                return "later", _STOPPED
            if since and not roll.read:
                return told
            told = _compare(transfer, roll, guard)
        if told[0] == "done" and reached != transfer.position:
            transfer.position = reached
            transfer.keep([], read=0)
        if reached == since:
            return told
        since = reached


def _read(transfer: _Transfer, roll: Roll, since: str) -> str:
    """Stores what is news in a list, from its beginning to its end; the cursor behind it."""
    reached = since
    for page in transfer.pages(since):
        reached = _reached(page, reached)
        fresh, moved = roll.take(page)
        transfer.keep(fresh, read=len(page), also=[moved])
        if transfer.stop():
            break
    return reached


def _look_again(transfer: _Transfer, roll: Roll, since: str) -> None:
    """A list without cursors may have shifted while it was read: whoever is deleted on one page
    pulls another thing over the edge of the next. What is there the second time is not missing."""
    roll.again, read = True, transfer.arrival.read
    _read(transfer, roll, since)
    transfer.arrival = replace(transfer.arrival, read=read)


def _compare(transfer: _Transfer, roll: Roll, guard: Guard) -> tuple[str, str]:
    """Says of what is missing that it has gone, where that can be believed."""
    if not roll.sound:
        return "done", "an element names no thing: what is missing was not looked for"
    missing = roll.missing()
    if guard.asks(roll, missing):
        return "asks", (
            f"{missing:,} of {roll.known:,} things are missing from the list, more than "
            f"{guard.limit:.0%}, and none is marked as gone; if that is right, say so with "
            "`crohub run PIPELINE --accept-vanishing --reason …`"
        )
    for farewells, moved in roll.leave() if missing else ():
        transfer.keep(farewells, read=0, also=[moved])
    return "done", f"{missing:,} of {roll.known:,} things have gone" if missing else ""


def _reached(page: Sequence[Record], since: str) -> str:
    return next((record.cursor for record in reversed(page) if record.cursor), since)


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
