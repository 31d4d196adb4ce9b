"""Compares a message with the standard's dictionary, on request, in a process of its own.

hl7apy needs time that grows with the square of the message and can take minutes; so it runs
beside, under limits, and never where a sender waits.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import orjson

from connectors.formats import er7, er7_structure

_START = "from connectors.formats.er7_validate import work; work()"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a message departs from the standard, and how; no value of the message."""

    place: str  # "PID-8", "PID", or "" for the whole message
    says: str


def validate(body: bytes, *, seconds: float = 10.0, megabytes: int = 512) -> list[Fault]:
    """What the standard of the message's own version finds wrong with it; empty: nothing.

    Never raises for a message: one that cannot be read, or that cannot be checked within
    `seconds` and `megabytes`, has that as its fault.
    """
    command = [sys.executable, "-c", _START, str(megabytes), str(ceil(seconds) + 1)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own module
            command, input=body, capture_output=True, timeout=seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return [Fault("", f"not checked: it took longer than {seconds:g} s")]
    if done.returncode != 0:
        return [Fault("", f"not checked: the check ended with status {done.returncode}")]
    return [Fault(place, says) for place, says in orjson.loads(done.stdout)]


def work() -> None:
    """The process itself: a message on stdin, its faults on stdout as JSON pairs."""
    _bound(int(sys.argv[1]), int(sys.argv[2]))
    faults = find_faults(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps([[fault.place, fault.says] for fault in faults]))


def _bound(megabytes: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # no such limit on this system; the time limit still holds
        return
    size = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    # whoever waits for the answer may be ended meanwhile: the check must not outlive that for long
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def find_faults(body: bytes) -> list[Fault]:
    """The check itself, in this process: only for messages known to be small."""
    try:
        message = er7.read(body)
        head = er7.header(body)
    except er7.Unreadable as error:
        return [Fault("MSH", error.reason)]
    faults = [Fault("MSH", note) for note in message.notes]
    if head.version not in er7_structure.versions():
        return [*faults, Fault("MSH-12", "not checked: no dictionary of this version")]
    if "\0" in message.separators:
        return [*faults, Fault("MSH-2", "not checked: it leaves delimiters out")]
    try:
        faults += _against_structure(message, er7_structure.structure(_type(head), head.version))
    except ValueError:
        faults.append(Fault("MSH-9", f"HL7 v{head.version} has no structure for this type"))
    faults += _against_segments(message, head.version)
    return list(dict.fromkeys(faults))


def _type(head: er7.Header) -> str:
    return "^".join(part for part in (head.type, head.trigger, head.structure) if part)


def _against_structure(message: er7.Message, shape: er7_structure.Group) -> Iterator[Fault]:
    known = set(shape.segments())
    there = Counter(segment.name for segment in message.all())
    for name in there:
        if name not in known and not name.startswith("Z"):
            yield Fault(name, f"no segment of {shape.name}")
    for name in shape.required():
        if name not in there:
            yield Fault(name, f"{shape.name} needs this segment")


def _against_segments(message: er7.Message, version: str) -> Iterator[Fault]:
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_segments

    # hl7apy reads CR only, and four encoding characters only.
    lines = [_plain(message, segment) for segment in message.all()]
    try:
        parsed = parse_segments("\r".join(lines), version, _marks(message))
    except HL7apyException as error:
        yield Fault("", f"hl7apy cannot read it: {type(error).__name__}")
        return
    if len(parsed) != len(lines):
        yield Fault("", f"hl7apy read {len(parsed)} of {len(lines)} segments")
    for segment in parsed:
        yield from _against_dictionary(segment)


def _plain(message: er7.Message, segment: er7.Segment) -> str:
    row = list(segment.row)
    if segment.name in ("MSH", "FHS", "BHS"):
        row[2] = message.separators.encoding_characters
        del row[1]
    return message.separators.field.join(row)


def _marks(message: er7.Message) -> dict[str, str]:
    field, component, repetition, escape, below = message.separators
    return {
        "SEGMENT": "\r",
        "FIELD": field,
        "COMPONENT": component,
        "REPETITION": repetition,
        "ESCAPE": escape,
        "SUBCOMPONENT": below,
        "GROUP": "\r",
    }


def _against_dictionary(segment: Any) -> Iterator[Fault]:  # noqa: ANN401 - hl7apy's Segment
    from hl7apy.exceptions import HL7apyException
    from hl7apy.validation import Validator

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        try:
            Validator.validate(segment, report_file=str(report))
        except HL7apyException:
            pass  # the first fault; all of them are in the report
        except (AttributeError, TypeError, KeyError, IndexError):
            yield Fault(segment.name, "hl7apy cannot check this segment")
            return
        for line in report.read_text().splitlines():
            yield _fault(segment.name, line)


# What the report says, and what of it may be repeated: names, never values.
_FORMS = (
    (re.compile(r"Missing required child (\w+)\.(\w+)"), "is required"),
    (re.compile(r"Child limit exceeded (\w+)\.(\w+)"), "comes too often"),
    (re.compile(r"Exceeded max length \(\d+\) of (\w+)\.(\w+)"), "is too long"),
    (re.compile(r"Datatype \w+ is not correct for (\w+)\.(\w+)"), "has the wrong data type"),
    (re.compile(r"not in table \w+ in element (\w+)\.(\w+)"), "is not in its table"),
)


def _fault(segment: str, line: str) -> Fault:
    for form, says in _FORMS:
        match = form.search(line)
        if match:
            inner = match[2].replace("_", "-") if match[2].startswith(segment) else match[2]
            outer = "" if match[1] == segment or match[2].startswith(segment) else match[1]
            place = f"{outer.replace('_', '-')} {inner}".strip()
            return Fault(place, says)
    return Fault(segment, "holds an element the standard does not have there")
