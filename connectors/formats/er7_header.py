"""The MSH segment read straight from bytes, without decoding the message behind it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from connectors.formats.er7_escape import Separators

BOM = b"\xef\xbb\xbf"
HEADERS = frozenset({"MSH", "FHS", "BHS"})  # segments whose field 1 is the separator itself
MOST_SEGMENTS = 50_000
MOST_REPETITIONS = 10_000
_MOST_LEADING = 1024  # blank bytes before MSH


class Unreadable(ValueError):
    """There is no message to read. `code` is the reason in HL7 table 0357."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Header(NamedTuple):
    """What MSH says; "" where it says nothing. Applications and facilities are whole fields."""

    separators: Separators
    sending_app: str  # MSH-3
    sending_facility: str
    receiving_app: str
    receiving_facility: str
    time: str  # MSH-7
    type: str  # MSH-9.1
    trigger: str
    structure: str
    control_id: str  # MSH-10
    processing_id: str  # MSH-11.1
    version: str  # MSH-12.1
    accept_ack: str  # MSH-15
    app_ack: str
    charset: str  # MSH-18, first repetition
    codec: str  # what the MSH segment itself was read with; writes its bytes back


def header(body: bytes) -> Header:
    """The header of the message in `body`. Raises Unreadable when it has none."""
    like, time, control_id = apart(body)
    return like._replace(time=time, control_id=control_id)


def apart(body: bytes) -> tuple[Header, str, str]:
    """The header without its time and control id, and those two. In nothing else do the messages
    of one sender and type differ, mostly: what they share is read once and may be remembered.
    One that is too long for that is given whole. Raises as `header`."""
    line, codec = _first_line(body if body.startswith(b"MSH") else opening(body))
    if len(line) < 5:
        raise Unreadable("MSH ends before MSH-2, expected the encoding characters", "100")
    fields = line.split(line[3])
    if len(fields) < 18:
        fields += [""] * (18 - len(fields))
    time, control_id = fields[6], fields[9]
    fields[6] = fields[9] = ""
    if len(line) > _LONG:
        whole = _like.__wrapped__(tuple(fields), line[3], codec)
        return whole._replace(time=time, control_id=control_id), time, control_id
    return _like(tuple(fields), line[3], codec), time, control_id


_LONG = 512  # characters of an MSH


@lru_cache(maxsize=1024)
def _like(fields: tuple[str, ...], field: str, codec: str) -> Header:
    separators = separators_of(field, fields[1])
    component = separators.component
    kind = fields[8].split(component) if fields[8] else _NOTHING
    return Header(
        separators,
        fields[2],
        fields[3],
        fields[4],
        fields[5],
        "",
        kind[0],
        kind[1] if len(kind) > 1 else "",
        kind[2] if len(kind) > 2 else "",
        "",
        _head(fields[10], component),
        _head(fields[11], component),
        fields[14],
        fields[15],
        _head(fields[17], separators.repetition),
        codec,
    )


_NOTHING = [""]


def opening(body: bytes) -> bytes:
    """`body` from its MSH on: a byte order mark and blanks before it are passed over."""
    if body.startswith(b"MSH"):
        return body
    start = body.removeprefix(BOM)
    start = start[len(start[:_MOST_LEADING]) - len(start[:_MOST_LEADING].lstrip()) :]
    if not start.startswith(b"MSH"):
        raise Unreadable("the message does not begin with MSH", "100")
    return start


def _first_line(body: bytes) -> tuple[str, str]:
    end = body.find(b"\r")
    line = body if end < 0 else body[:end]
    if b"\n" in line:
        line = line[: line.find(b"\n")]
    try:
        return line.decode(), "utf-8"
    except UnicodeDecodeError:
        return line.decode("latin-1"), "latin-1"  # reads any byte, and the same each time


def _head(value: str, separator: str) -> str:
    end = value.find(separator)
    return value if end < 0 else value[:end]


@lru_cache(maxsize=256)
def separators_of(field: str, encoding: str) -> Separators:
    r"""The delimiters that MSH-1 and MSH-2 declare.

    A doubled escape character (`^~\\&`) is taken as one, a fifth character (`#`, truncation, HL7
    v2.7 §2.5.5.2) is passed over. Raises Unreadable when two are the same or none are given.
    """
    doubled = len(encoding) > 3 and encoding[2] == encoding[3]
    chars = encoding[:3] + encoding[4:] if doubled else encoding
    if not 1 <= len(chars) <= 5:
        raise Unreadable(f"MSH-2 has {len(encoding)} characters, expected 4 such as ^~\\&", "100")
    used = field + chars
    if len(set(used)) != len(used):
        raise Unreadable("two delimiters in MSH-1 and MSH-2 are the same character", "100")
    if not all("!" <= c <= "~" and not c.isalnum() for c in used):
        raise Unreadable("a delimiter in MSH-1 or MSH-2 is no punctuation character", "100")
    return Separators(field, *chars[:4].ljust(4, "\0"))
