"""What the hospital says of planted subjects over HL7: who they are, and what is charged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from crohub.sandbox.adt import SENDER, pid
from crohub.sandbox.charges import BILLING
from crohub.sandbox.er7 import day, joined, segment, stamp
from crohub.sandbox.people import Patient
from crohub.sandbox.studies import Study
from crohub.sandbox.world import FACILITY, ZONE, Message

LINE = 0
_NAMES = {"93000": "Electrocardiogram", "71260": "Computed tomography of the chest",
          "36415": "Blood draw"}  # fmt: skip


def registered(who: Patient, number: int, on: date) -> Message:
    """ADT^A28: a person whom the hospital knows."""
    at = datetime.combine(on, time(7), ZONE)
    segments = [
        segment("EVN", {1: "A28", 2: stamp(at)}),
        pid(who),
        segment("PV1", {1: "1", 2: "N"}),
    ]
    return _send("ADT^A28^ADT_A05", SENDER, f"PLA{number:05d}", at, segments)


def charged(
    of: Study, who: Patient, number: int, on: date, code: str, plan: str, *,
    marks: Sequence[str] = (), diagnosis: bool = True, nct: str = "",
) -> Message:  # fmt: skip
    """DFT^P03: something done for a study, and the plan it is billed under."""
    at = datetime.combine(on, time(18), ZONE)
    fields = {
        1: "1", 2: f"TP{number:05d}", 4: day(on), 5: day(on), 6: "CG",
        7: joined(code, _NAMES[code], "CDM"), 10: "1", 11: "150.00&USD",
        13: joined("RSCH", "Research Clinic"), 14: plan,
        19: joined("Z00.6", "Research", "I10") if diagnosis else joined("C16.9", "", "I10"),
        25: joined(code, _NAMES[code], "C4"), 26: "~".join(marks),
    }  # fmt: skip
    segments = [
        segment("EVN", {2: stamp(at)}),
        pid(who),
        segment("PV1", {1: "1", 2: "O"}),
        segment("FT1", fields),
        segment("CTI", {1: joined(of.number, FACILITY)}),
    ]
    if nct:
        segments.append(segment("ZCT", {1: nct}))
    return _send("DFT^P03^DFT_P03", BILLING, f"PLD{number:05d}", at, segments)


def _send(kind: str, sender: str, number: str, at: datetime, segments: list[str]) -> Message:
    head = segment("MSH", {1: "^~\\&", 2: sender, 3: FACILITY, 4: "HUB", 5: "RESEARCH",
                           6: stamp(at), 8: kind, 9: number, 10: "P", 11: "2.5.1",
                           17: "UNICODE UTF-8"})  # fmt: skip
    body = "".join(f"{one}\r" for one in (head, *segments)).encode()
    return Message(at=at, line=LINE, control_id=number, body=body)
