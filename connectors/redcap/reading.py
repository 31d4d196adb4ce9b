"""What REDCap has, as records: lists of the project's set-up, its records, and its log.

There are no pages: the names of the records that changed come first, then the records in
batches. What is in a batch is as it was when the batch was read; what changed since the names
were read is part of the next pull, whose cursor is the server's clock at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.http_policy import Answer
from connectors.record import Record
from connectors.redcap.line import Line
from connectors.rest_elements import Element, elements
from connectors.rest_stream import Stream, record
from connectors.resume import Page

_DELETED = re.compile(r"deleted?\s+record\b", re.IGNORECASE)


def _list(content: str, id: str) -> Stream:
    return Stream(path="", method="POST", params={"content": content}, id=id, whole=True)


LISTS = {
    "project": _list("project", "project_id"),
    "metadata": _list("metadata", "field_name"),
    "arms": _list("arm", "arm_num"),
    "events": _list("event", "unique_event_name"),
    "event_forms": _list("formEventMapping", "join('|', [unique_event_name, form])"),
    "dags": _list("dag", "unique_group_name"),
    "users": _list("user", "username"),
}
_LONGITUDINAL = ("arms", "events", "event_forms")  # REDCap refuses them for other projects


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What changed since a moment of the server's clock, asked for in its local time."""

    since: datetime
    overlap: timedelta
    zone: ZoneInfo

    def begin(self, now: datetime) -> str:
        """The beginning, to the minute. Where the clock was set back in between, local times came
        twice: the hour that hides changes is read again."""
        start = self.since - self.overlap
        offsets = [moment.astimezone(self.zone).utcoffset() for moment in (start, now)]
        local = start.astimezone(UTC) + min(offset for offset in offsets if offset is not None)
        return f"{local:%Y-%m-%d %H:%M}"


def whole_list(line: Line, name: str, now: datetime) -> Iterator[Record]:
    """Every element of one list of the project's set-up."""
    if name in _LONGITUDINAL and not _is_longitudinal(line):
        return
    answer = line.ask(LISTS[name].params["content"])
    yield from _read(name, answer, now)


def _read(name: str, answer: Answer, now: datetime) -> Iterator[Record]:
    at = answer.server_time or now
    for element in _elements(name, answer, at):
        yield record(name, LISTS[name], element, at)


def _is_longitudinal(line: Line) -> bool:
    said = json_text.read(line.ask("project").body)
    return str(said.get("is_longitudinal", "")) == "1" if isinstance(said, dict) else False


def id_field(line: Line) -> str:
    """The field that names a record: the first of the project."""
    answer = line.ask("metadata")
    found = json_text.read(answer.body)
    first = found[0] if isinstance(found, list) and found else None
    name = first.get("field_name") if isinstance(first, dict) else None
    if not isinstance(name, str) or not name:
        raise Refused(f"{answer.told}: metadata without a first field_name")
    return name


# -- records


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of records, in REDCap's order, and when they were given."""

    field: str
    rows: dict[str, Element]
    at: datetime
    clock: datetime | None  # the server's: what a cursor may be made of


def names(line: Line, stream: str, window: Window | None, now: datetime) -> Names:
    """Every record, or each that was made or changed in `window`."""
    field = id_field(line)
    asked = [("type", "flat"), ("fields[0]", field)]
    if window:
        asked.append(("dateRangeBegin", f"{window.begin(now)}:00"))
    answer = line.ask("record", asked)
    at, rows = answer.server_time or now, dict[str, Element]()
    for element in _elements(stream, answer, at):
        rows.setdefault(_name(element, field), element)
    return Names(field=field, rows=rows, at=at, clock=answer.server_time)


def listed(stream: str, known: Names) -> Iterator[Record]:
    """One record for each name: what is missing from the next list has gone."""
    for name, row in known.rows.items():
        made = _record(stream, name, [row], known.at)
        yield replace(made, of=name)


def batches(
    line: Line, known: Names, extra: Sequence[tuple[str, str]], size: int
) -> Iterator[Page]:
    """The rows of the named records, a message for each record with all its rows. A batch that
    cannot be read is kept as it came, since what follows it is known."""
    wanted = [name for name in known.rows if name]
    for start in range(0, len(wanted), size):
        asked = [(f"records[{n}]", one) for n, one in enumerate(wanted[start : start + size])]
        answer = line.ask("record", [("type", "flat"), *extra, *asked])
        at = answer.server_time or known.at
        try:
            records = _by_record(_elements("records", answer, at), known.field, at)
        except Unreadable as page:
            records = [page.record]
        times = [known.clock] if known.clock else []
        yield Page(records=records, times=times, ordered=False)


def _by_record(rows: Sequence[Element], field: str, at: datetime) -> list[Record]:
    grouped: dict[str, list[Element]] = {}
    for row in rows:
        grouped.setdefault(_name(row, field), []).append(row)
    return [_record("records", name, group, at) for name, group in grouped.items()]


def _record(stream: str, name: str, rows: Sequence[Element], at: datetime) -> Record:
    """The rows as the answer spells them, in a list."""
    body = b"[" + b",".join(row.text.encode() for row in rows) + b"]"
    faults = [row.fault for row in rows if row.fault]
    return Record(
        stream=stream,
        message_key=f"{stream}/{name or 'unnamed'}@{_digest(body)}",
        at=at,
        body=body,
        media="application/json",
        fault=faults[0] if faults else "" if name else "the row names no record",
    )


def _name(row: Element, field: str) -> str:
    found = row.value.get(field) if isinstance(row.value, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


# -- the log


def deleted(line: Line, window: Window | None, zone: ZoneInfo, now: datetime) -> Iterator[Page]:
    """The records that the log says were deleted. The newest come first; times are to the
    minute, in the server's time zone."""
    asked = [("logtype", "record_delete")]
    if window:
        asked.append(("beginTime", window.begin(now)))
    answer = line.ask("log", asked)
    at = answer.server_time or now
    found = _elements("log", answer, at)
    rows = [row for row in reversed(found) if row.fault or _DELETED.match(_text(row, "action"))]
    times = [_moment(row, zone) for row in rows]
    yield Page(
        records=[_farewell(row, time or at) for row, time in zip(rows, times, strict=True)],
        times=[time for time in times if time],
        server_time=answer.server_time,
        ordered=False,
    )


def _farewell(row: Element, at: datetime) -> Record:
    name = _text(row, "record")
    return Record(
        stream="log",
        message_key=f"log/{name or 'unnamed'}@{_digest(row.text.encode())}",
        at=at,
        body=row.text.encode(),
        media="application/json",
        said="gone",
        fault=row.fault or ("" if name else "the log's row names no record"),
    )


def _moment(row: Element, zone: ZoneInfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(row, "timestamp"))
    except ValueError:
        return None
    return found.replace(tzinfo=zone).astimezone(UTC)


def _text(row: Element, name: str) -> str:
    value: Any = row.value.get(name) if isinstance(row.value, dict) else None
    return str(value) if isinstance(value, str | int) else ""


# -- what cannot be read


class Unreadable(Refused):
    """A page that is no list of rows; `record` keeps it as it came."""

    def __init__(self, stream: str, answer: Answer, fault: str, at: datetime) -> None:
        super().__init__(f"{answer.told}: {fault}")
        self.record = Record(
            stream=stream,
            message_key=f"{stream}/page@{_digest(answer.body)}",
            at=at,
            body=answer.body,
            media="application/json",
            fault=fault,
        )


def _elements(stream: str, answer: Answer, at: datetime) -> list[Element]:
    try:
        return elements(answer.body, "@")[0]
    except Refused as error:
        raise Unreadable(stream, answer, str(error), at) from None


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]
