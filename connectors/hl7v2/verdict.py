"""What a target's answer says about our message (HL7 v2.5.1 §2.9, tables 0008 and 0357)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.formats import er7
from connectors.formats.er7 import Message, Segment

Outcome = Literal["delivered", "refused", "later", "unknown"]
_TRANSIENT = frozenset({"206", "207"})  # record locked, internal error: the same again may succeed


@dataclass(frozen=True, slots=True)
class Verdict:
    """`answers` is MSA-2, the control id this answers ("" when it names none)."""

    outcome: Outcome
    answers: str
    detail: str
    confirmed: bool = True  # False: it was sent, and nobody was asked to say so


def read(body: bytes) -> Verdict:
    """The verdict in an acknowledgement. One that cannot be read says nothing: `unknown`.

    The detail holds codes and places. The target's free words (MSA-3, ERR-8) are left out: they
    may repeat what the message said of a patient.
    """
    try:
        message = er7.read(body)
    except er7.Unreadable as error:
        return Verdict("unknown", "", f"the answer is no HL7 message: {error.reason}")
    msa = message.first("MSA")
    if msa is None:
        return Verdict("unknown", "", "the answer has no MSA segment")
    code = msa.field(1)
    errors = [_error(segment) for segment in message.segments("ERR")]
    codes = {found for found, _ in errors}
    return Verdict(_outcome(code, codes), msa.field(2), _detail(code, errors, message))


def _outcome(code: str, codes: set[str]) -> Outcome:
    if code in ("AA", "CA"):
        return "delivered"
    if code in ("AE", "CE"):
        return "later" if codes and codes <= _TRANSIENT else "refused"
    return "refused" if code in ("AR", "CR") else "unknown"


def _error(segment: Segment) -> tuple[str, str]:
    """Code and place: ERR-3 and ERR-2, before version 2.5 both in ERR-1."""
    code, place = segment.value(3), segment.field(2)
    if not code:
        code, place = segment.value(1, 4), segment.field(1).rpartition("^")[0]
    code = code if len(code) <= 8 and code.isalnum() else "?"
    return code, place if len(place) <= 24 else ""


def _detail(code: str, errors: list[tuple[str, str]], message: Message) -> str:
    said = code if len(code) <= 2 else "MSA-1 is no acknowledgement code"
    if not errors and code in ("AE", "AR", "CE", "CR"):
        old = message.row("MSA")
        return f"{said}, without a reason" if len(old) <= 3 else f"{said}, a reason in words only"
    return ", ".join(
        [said, *(f"{found} at {place}" if place else found for found, place in errors)]
    )
