"""Reads a folder: which files are due, in which order, and the records in them."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import BinaryIO

from connectors import ledger as ledgers
from connectors.errors import TryLater
from connectors.files.checked import differs
from connectors.files.folder import Entry, Folder, trouble
from connectors.files.listing import Clock, archive, due
from connectors.files.streams import Stream
from connectors.formats.pieces import START, Piece, Place
from connectors.ledger import Current, Ledger
from connectors.record import Record

_BLOCK = 1024 * 1024
EVIDENCE_LIMIT = 1024 * 1024  # bytes kept of a file that is refused whole


@dataclass(frozen=True, slots=True)
class Inbox:
    """One stream of one folder."""

    folder: Folder
    name: str
    stream: Stream
    where: str  # for messages: the folder as people know it
    clock: Clock


@dataclass(slots=True)
class _Pull:
    """What one pull has in hand. `passed` are files to leave for the next one."""

    inbox: Inbox
    ledger: Ledger
    passed: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)
    _cursor: str = ""
    _since: int = 0  # records since it was written

    def cursor(self) -> str:
        """For the next record: one that loses nothing, written anew as often as is affordable."""
        self._since += 1
        if not self._cursor or self._since >= self.ledger.stride:
            self._cursor, self._since = self.ledger.cursor(), 0
        return self._cursor


@dataclass(frozen=True, slots=True)
class _File:
    """A file in hand; what all of its records share."""

    entry: Entry
    mark: str
    key: str
    at: datetime
    media: str


def pull(inbox: Inbox, since: str) -> Iterator[Record]:
    """Records of every file that is due, oldest file first (by time, then name), in file order;
    of one file only, where each is a whole list.

    A file that changes while it is read is left for the next pull. With `after: archive`, files
    that `since` says are stored are moved away first. Raises Misconfigured when the folder is
    not there, TryLater when it or one of its files cannot be read now; all others come first.
    """
    hand = _Pull(inbox, ledgers.read(since))
    held: Record | None = None  # one is held back: only then is the last known to be it
    try:
        for record in _records(hand):
            if held:
                yield held
            held = record
    except Exception:  # whatever ended the reading, what was read before stands
        if held:
            yield held
        raise
    if held:
        yield replace(held, cursor=hand.ledger.cursor())  # says all that was done


def _records(pull: _Pull) -> Iterator[Record]:
    inbox, where = pull.inbox, pull.inbox.where
    pull.cursor()  # until a new one is written, records carry the one the pull began with
    try:
        archive(inbox.folder, inbox.stream, pull.ledger)
        if inbox.stream.is_list:
            pull.ledger.current = None  # half a list says nothing of what is missing
        yield from _rest_of_current(pull)
        more = True
        while more:
            found = due(inbox.folder, inbox.stream, pull.ledger, pull.passed, inbox.clock)
            for entry in found.entries:
                said = yield from _file(pull, entry)
                if said and inbox.stream.is_list:
                    return
            pull.ledger.keep(found.looks)
            more = found.more
    except OSError as error:
        raise trouble(error, where) from error
    if pull.unreadable:
        raise TryLater(f"{where}: permission denied for {', '.join(pull.unreadable[:5])}")


def _file(pull: _Pull, entry: Entry) -> Generator[Record, None, bool]:
    """The records of a file; whether there were any."""
    look = ledgers.look(entry.name, entry.size, entry.time)
    pull.passed.add(look)
    if entry.size > pull.inbox.stream.largest:
        fault = f"{entry.size:,} bytes, at most {pull.inbox.stream.largest:,} are read"
        yield _whole(pull, entry, look, b"", f"CROHUB-FILE-SIZE: {fault}")
        pull.ledger.done(look, look)
        return True
    with ExitStack() as stack:
        try:
            source = stack.enter_context(pull.inbox.folder.open(entry.name))
        except FileNotFoundError:  # renamed or taken away since it was listed
            return False
        except PermissionError:
            pull.unreadable.append(entry.name)
            return False
        mark = _mark(pull.inbox.folder, entry, source)
        if not mark:
            return False
        known = pull.ledger.holds(mark)
        if not known:
            yield from _content(pull, entry, mark, source)
        pull.ledger.done(look, mark)
        return not known


def _mark(folder: Folder, entry: Entry, source: BinaryIO) -> str:
    """The mark of the file's content, or "" when it is not what was listed any more."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
    if source.tell() != entry.size or folder.look(entry.name) != entry:
        return ""
    return ledgers.content(entry.name, entry.size, digest.hexdigest())


def _content(pull: _Pull, entry: Entry, mark: str, source: BinaryIO) -> Iterator[Record]:
    refusal = "CROHUB-FILE-EMPTY: the file has no bytes"
    if entry.size:
        inbox = pull.inbox
        refusal = differs(inbox.folder, entry.name, inbox.stream.marker, source)
        source.seek(0)
        refusal = refusal or inbox.stream.refusal(source)
    if not refusal:
        yield from _pieces(pull, entry, mark, source, START)
        return
    source.seek(0)
    yield _whole(pull, entry, mark, source.read(EVIDENCE_LIMIT), refusal)


def _in_hand(inbox: Inbox, entry: Entry, mark: str) -> _File:
    """The key has the file's time in it: content that comes back after other content of the same
    name is said anew."""
    look = ledgers.look(entry.name, entry.size, entry.time)
    at = datetime.fromtimestamp(entry.time / 1e9, UTC)
    return _File(entry, mark, f"{inbox.name}/{look}{mark}", at, inbox.stream.media)


def _pieces(
    pull: _Pull, entry: Entry, mark: str, source: BinaryIO, start: Place
) -> Iterator[Record]:
    file = _in_hand(pull.inbox, entry, mark)
    odd = _chained(pull, source) if start == START else ""
    for piece in pull.inbox.stream.pieces(source, start):
        if not pull.inbox.stream.is_list:
            pull.ledger.current = Current(entry.name, mark, piece.after)
        yield _record(pull, file, piece, odd)
        odd = ""


def _chained(pull: _Pull, source: BinaryIO) -> str:
    """What is odd about the file's place in its chain; from here on it is the last one read."""
    link = pull.inbox.stream.link(source)
    if link is None or not link.own:
        return ""
    before, pull.ledger.chain = pull.ledger.chain, link.own
    if not link.prior or link.prior == before:
        return ""
    last = f"the last one read here is {before[:200]!r}" if before else "none was read here before"
    return f"the file follows {link.prior[:200]!r}, but {last}: a file may be missing"


def _record(pull: _Pull, file: _File, piece: Piece, odd: str) -> Record:
    stream = pull.inbox.stream
    at = None
    notes = (odd, *piece.notes) if odd else piece.notes
    try:
        at = stream.time(piece)
    except ValueError:
        notes = (*notes, "its own time is none with an offset; the file's time stands")
    of = stream.thing(piece)
    key = f"{pull.inbox.name}/{of}@{hashlib.sha256(piece.body).hexdigest()[:32]}"
    return Record(
        stream=pull.inbox.name,
        message_key=key if of else f"{file.key}/{piece.number}",
        at=at or file.at,
        body=piece.body,
        of=of,
        media=file.media,
        said="gone" if piece.gone else "said",
        cursor=pull.cursor(),
        test=stream.test(piece),
        fault=piece.fault and f"{file.entry.name}: {piece.fault}",
        notes=notes,
    )


def _whole(pull: _Pull, entry: Entry, mark: str, body: bytes, fault: str) -> Record:
    file = _in_hand(pull.inbox, entry, mark)
    kept = "" if len(body) == entry.size else f" ({len(body):,} of {entry.size:,} bytes kept)"
    return Record(
        stream=pull.inbox.name,
        message_key=f"{file.key}/file",
        at=file.at,
        body=body,
        media=pull.inbox.stream.file_media,
        cursor=pull.cursor(),
        fault=f"{entry.name}: {fault}{kept}",
    )


def _rest_of_current(pull: _Pull) -> Iterator[Record]:
    """Reads on where the last pull ended inside a file, before anything else: a cursor has room
    for one such place."""
    current = pull.ledger.current
    if not current:
        return
    entry = pull.inbox.folder.look(current.name)
    if entry and entry.kind == "file":
        with suppress(FileNotFoundError), pull.inbox.folder.open(entry.name) as source:
            if _mark(pull.inbox.folder, entry, source) == current.content:
                yield from _pieces(pull, entry, current.content, source, current.place)
                look = ledgers.look(entry.name, entry.size, entry.time)
                pull.ledger.done(look, current.content)
                return
    pull.ledger.current = None
    yield _lost(pull, current)


def _lost(pull: _Pull, current: Current) -> Record:
    inbox = pull.inbox
    return Record(
        stream=inbox.name,
        message_key=f"{inbox.name}/{current.content}/lost",
        at=datetime.fromtimestamp(inbox.clock.now(), UTC),
        body=b"",
        media=inbox.stream.file_media,
        cursor=pull.cursor(),
        fault=(
            f"{current.name}: CROHUB-FILE-LOST: changed or taken away after "
            f"{current.place.passed:,} lines or elements; its rest was not read"
        ),
    )
