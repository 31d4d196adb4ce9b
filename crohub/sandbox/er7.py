"""HL7 v2.5.1 as the hospital's interface engine writes it (pipes, hats, carriage returns)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from crohub.sandbox.world import FACILITY, Message, World

_ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": "\\X0D\\"}
)


def escaped(text: str) -> str:
    """Text with the delimiters written as escapes (HL7 v2.5.1 §2.7)."""
    return text.translate(_ESCAPES)


def joined(*components: str) -> str:
    """One field of several components, each escaped; empty ones at the end are left off."""
    return "^".join(map(escaped, components)).rstrip("^")


def segment(name: str, fields: Mapping[int, str]) -> str:
    """A segment from its fields by number; what is not named stays empty."""
    values = [fields.get(place, "") for place in range(1, max(fields) + 1)]
    return "|".join((name, *values))


def stamp(at: datetime) -> str:
    """A time to the second with its offset from UTC."""
    return at.strftime("%Y%m%d%H%M%S%z")


def day(on: date | None) -> str:
    """A date, or nothing."""
    return on.strftime("%Y%m%d") if on else ""


def research_link(study: str, site: str, visit: str, on: date, subject_number: str) -> str:
    """The hospital's own segment that says an event is for a study."""
    fields = {1: "1", 2: study, 3: site, 4: visit, 5: day(on), 6: subject_number}
    return segment("ZRS", fields)


def message(
    world: World, *, kind: str, sender: str, at: datetime, line: int, segments: list[str]
) -> Message:
    """A message of `kind` ("ADT^A01^ADT_A01") that asks for one reply (original mode)."""
    control_id = f"CM{at:%y%m%d}{world.number('message'):06d}"
    header = segment(
        "MSH",
        {1: "^~\\&", 2: sender, 3: FACILITY, 4: "HUB", 5: "RESEARCH", 6: stamp(at), 8: kind,
         9: control_id, 10: "P", 11: "2.5.1", 17: "UNICODE UTF-8"},
    )  # fmt: skip
    body = "\r".join((header, *segments)) + "\r"
    return Message(at=at, line=line, control_id=control_id, body=body.encode())
