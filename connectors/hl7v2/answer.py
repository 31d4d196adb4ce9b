"""Acknowledgements: MSH, MSA, ERR in the sender's delimiters and version (v2.5.1 §2.9)."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from connectors.formats.er7_escape import STANDARD, Separators, escape
from connectors.formats.er7_header import Header
from connectors.hl7v2.frame import END, START
from connectors.protocol import Accepted


class Refusal(NamedTuple):
    """Why a message is not accepted. `code` is of HL7 table 0357, `field` of MSH (0: none)."""

    answer: str  # AE or AR, table 0008
    code: str
    field: int
    reason: str  # for people; never a value from the message body

    @property
    def name(self) -> str:
        """The stable name of what is wrong, in ERR-5 and in the stored message's reason."""
        return f"CROHUB-HL7-{self.code}"

    @property
    def told(self) -> str:
        """Name and reason."""
        return f"{self.name}: {self.reason}"


class From(NamedTuple):
    """How we name ourselves in answers; "" = as the sender addressed us."""

    application: str = ""
    facility: str = ""


def trace(body: bytes) -> str:
    """By what sender and hub mean the same refused message, whatever its control id: it is in the
    key that the message is stored under."""
    return f"sha256:{sha256(body).hexdigest()[:16]}"


CONFLICT = Refusal("AE", "205", 10, "this control id was used before with another message")
FULL = Refusal("AE", "207", 0, "there is no room to store the message; send it again later")
_CODES = frozenset(
    {"100", "101", "102", "103", "200", "201", "202", "203", "204", "205", "206", "207"}
)
_COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_OLD = ("2.1", "2.2", "2.3", "2.4")  # before 2.5 the whole error stands in ERR-1


def refusal(accepted: Accepted, found: Refusal | None) -> Refusal | None:
    """What stands against the message, now that the hub has spoken; None: it is accepted.

    The reason of a refused one may begin with a code of table 0357 (`201 …`), else 207 is given.
    """
    if accepted.outcome == "full":
        return FULL
    if found is not None:
        return found
    if accepted.outcome == "conflict":
        return CONFLICT
    if accepted.outcome == "refused":
        code, _, rest = accepted.reason.partition(" ")
        if code in _CODES:
            return Refusal("AE" if code in {"102", "205", "207"} else "AR", code, 0, rest)
        return Refusal("AR", "207", 0, accepted.reason)
    return None


def code(header: Header, against: Refusal | None) -> str:
    """MSA-1, table 0008, as MSH-15 and MSH-16 ask for it; "" when no answer is wanted.

    Original mode: AA, AE, AR. Enhanced mode: the commit answer CA, CE, CR at once, if MSH-15
    wants it. A sender that fills only MSH-16 is answered here as in original mode: no other
    answer would reach it.
    """
    accept, application = header.accept_ack.strip(), header.app_ack.strip()
    answer = "AA" if against is None else against.answer
    if not accept and not application:
        return answer
    wanted = accept or application
    if wanted == "NE" or (wanted == "ER" and against is None) or (wanted == "SU" and against):
        return ""
    return _COMMIT[answer] if accept else answer


def build(
    header: Header | None,
    answer: str,
    against: Refusal | None,
    *,
    we: From,
    stamp: str,
    control_id: str = "",
    acks: str = "",
    trace: str = "",
) -> bytes:
    """The acknowledgement, unframed. Without a `header` (an unreadable message) MSA-2 is empty.

    MSH-10 is `control_id`, or else the sender's own: an answer is known by what it answers. Where
    there is neither it is the stamp. `acks` is MSH-15 and MSH-16, with the separator between them;
    `trace` goes to ERR-7.
    """
    if header is None:
        return _build_blind(answer, against, we, stamp, trace)
    own = control_id or header.control_id or stamp
    before, between, after = _pieces(
        header,
        answer,
        we,
        version=header.version if _is_known(against) else "2.5.1",
        ids=own + header.control_id,
        acks=acks,
    )
    text = f"{before}{stamp}{between}{own}{after}{header.control_id}\r"
    if against is not None:
        text += _error(header, against, trace)
    return text.encode(header.codec)


class Mould(NamedTuple):
    """The framed acknowledgement of an accepted message but for its time and control id."""

    before: bytes
    between: bytes
    after: bytes
    end: bytes

    def cast(self, stamp: str, control_id: str) -> bytes:
        """The acknowledgement; the control id is ASCII."""
        own = control_id.encode()
        return b"".join((self[0], stamp.encode(), self[1], own, self[2], own, self[3]))


@lru_cache(maxsize=1024)
def mould(like: Header, we: From) -> Mould | None:
    """For accepted messages with this header, whatever their control ids; None: no answer is
    wanted. It casts what `code` and `build` give."""
    answer = code(like, None)
    if not answer:
        return None
    before, between, after = _pieces(like, answer, we, version=like.version, ids="", acks="")
    codec = like.codec
    return Mould(
        START + before.encode(codec),
        between.encode(codec),
        after.encode(codec),
        b"\r" + END,
    )


def _pieces(
    header: Header, answer: str, we: From, *, version: str, ids: str, acks: str
) -> tuple[str, str, str]:
    """What comes before the time, between time and control id, and up to MSA-2."""
    marks = header.separators
    bar, dot = marks.field, marks.component
    kind = f"ACK{dot}{header.trigger}{dot}ACK" if header.trigger else "ACK"
    before = (
        f"MSH{bar}{marks.encoding_characters}{bar}{we.application or header.receiving_app}"
        f"{bar}{we.facility or header.receiving_facility}{bar}{header.sending_app}"
        f"{bar}{header.sending_facility}{bar}"
    )
    between = f"{bar}{bar}{kind}{bar}"
    after = f"{bar}{header.processing_id or 'P'}{bar}{version}"
    if acks:
        after += bar * 3 + acks
    if header.charset and not (before + between + after + ids).isascii():
        after += bar * (2 if acks else 6) + header.charset
    return before, between, f"{after}\rMSA{bar}{answer}{bar}"


def _is_known(against: Refusal | None) -> bool:
    return against is None or against.code != "203"


def _build_blind(answer: str, against: Refusal | None, we: From, stamp: str, trace: str) -> bytes:
    text = (
        f"MSH|^~\\&|{we.application}|{we.facility}|||{stamp}||ACK|{stamp}|P|2.5.1\rMSA|{answer}|\r"
    )
    if against is not None:
        said = _words(against.reason, STANDARD)
        text += f"ERR||MSH^1|{against.code}^^HL70357|E|{against.name}||{trace}|{said}\r"
    return text.encode()


def _error(header: Header, against: Refusal, trace: str) -> str:
    marks = header.separators
    bar, dot = marks.field, marks.component
    place = f"MSH{dot}1{dot}{against.field}" if against.field else ""
    said = _words(against.reason, marks if marks.escape != "\0" else STANDARD)
    if header.version.startswith(_OLD):
        below = marks.subcomponent if marks.subcomponent != "\0" else ""
        place = place or f"MSH{dot}1{dot}"
        # code, words, its table, and our own code as the alternate one (CE)
        parts = (against.code, said, "HL70357", against.name)
        reason = below.join(parts) if below else against.code
        return f"ERR{bar}{place}{dot}{reason}\r"
    what = f"{against.code}{dot}{dot}HL70357"
    return f"ERR{bar}{bar}{place}{bar}{what}{bar}E{bar}{against.name}{bar}{bar}{trace}{bar}{said}\r"


def _words(reason: str, marks: Separators) -> str:
    return escape("".join(c if " " <= c <= "~" else "?" for c in reason), marks)


def application_answer(
    header: Header, against: Refusal | None, *, we: From, stamp: str, control_id: str
) -> bytes | None:
    """The application acknowledgement of enhanced mode: a message of its own with its own MSH-10,
    sent later on a connection of its own. It asks for a commit answer and for no other, so that
    answers end (v2.5.1 §2.9.3.2). None when MSH-16 wants none."""
    wanted = header.app_ack.strip()
    if wanted in ("", "NE") or (wanted == "ER" and not against) or (wanted == "SU" and against):
        return None
    answer = "AA" if against is None else against.answer
    acks = f"AL{header.separators.field}NE"
    return build(header, answer, against, we=we, stamp=stamp, control_id=control_id, acks=acks)
