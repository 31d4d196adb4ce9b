"""One frame's turn: the messages in it, what the hub said of each, and what is answered."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.formats import hl7batch
from connectors.hl7v2 import answer, intake
from connectors.hl7v2.frame import framed
from connectors.protocol import Accepted


class Turn:
    """One frame's place in the order of answers; `reply` is None until it is known."""

    __slots__ = ("batch", "missing", "reply", "taken", "told")

    def __init__(self, taken: list[intake.Taken], batch: hl7batch.Batch | None) -> None:
        self.taken = taken
        self.told: list[Accepted | None] = [None] * len(taken)
        self.missing = len(taken)
        self.batch = batch
        self.reply: bytes | None = None


def reply(turn: Turn, we: answer.From, stamp: str) -> bytes:
    """What is written for this turn, framed; b"" when no answer is wanted."""
    if turn.batch is None and turn.told[0] is not None and len(turn.told) == 1:
        return _framed_answer(turn.taken[0], turn.told[0], we, stamp)
    answers = [
        one
        for taken, accepted in zip(turn.taken, turn.told, strict=True)
        if accepted is not None and (one := _answer_to(taken, accepted, we, stamp))
    ]
    if not answers:
        return b""
    if turn.batch and (turn.batch.file_header or turn.batch.batch_headers):
        return framed(_batch_answer(turn.batch, answers))
    return b"".join([framed(one) for one in answers])


def _framed_answer(taken: intake.Taken, accepted: Accepted, we: answer.From, stamp: str) -> bytes:
    quick = accepted.outcome == "kept" and not taken.against and taken.is_alike
    if quick and taken.like and taken.control_id.isascii():
        mould = answer.mould(taken.like, we)
        return mould.cast(stamp, taken.control_id) if mould else b""
    one = _answer_to(taken, accepted, we, stamp)
    return framed(one) if one else b""


def _answer_to(taken: intake.Taken, accepted: Accepted, we: answer.From, stamp: str) -> bytes:
    against, header = answer.refusal(accepted, taken.against), taken.header
    if header is None:
        code = against.answer if against else "AA"
    else:
        code = answer.code(header, against)
        if not code:
            return b""
    trace = answer.trace(taken.record.body) if against else ""
    return answer.build(header, code, against, we=we, stamp=stamp, trace=trace)


def _batch_answer(batch: hl7batch.Batch, answers: Sequence[bytes]) -> bytes:
    """The answers as a batch that names the one it answers (BHS-12)."""
    marks = hl7batch.delimiters(batch.file_header or batch.batch_headers[0])
    bar = marks[0]
    head = f"BHS{marks}" + bar * 10 + batch.control_id + "\r"
    return b"".join(
        [head.encode("latin-1"), *answers, f"BTS{bar}{len(answers)}\r".encode("latin-1")]
    )
