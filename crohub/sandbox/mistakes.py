"""What goes wrong on the way out of a hospital, with the answer a careful receiver gives.

A spoilt message goes out first; what it should have said follows a few minutes later under a
control id of its own, so that a receiver which sets the spoilt one aside loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from crohub.sandbox.world import Message, World, dice, workday

A_WEEKDAY = 3


def with_mistakes(world: World, today: date, messages: Sequence[Message]) -> list[Message]:
    """The day's messages in the order in which they are sent, mistakes among them.

    Every kind of mistake comes round within a fortnight, whatever the seed.
    """
    rng = dice(world, today, "mistakes")
    sent = sorted(messages, key=lambda m: (m.at, m.control_id))
    if workday(today):
        for turn in range(A_WEEKDAY):
            kinds = sorted(KINDS)
            kind = kinds[((today - world.first_day).days * A_WEEKDAY + turn) % len(kinds)]
            sent = KINDS[kind](world, rng, sent)
    arriving, world.late = [*world.late, *sent], []
    kept = [m for m in arriving if m.at.date() <= today]
    world.late = [m for m in arriving if m.at.date() > today]
    return sorted(kept, key=lambda m: (m.at, m.control_id))


def field(message: Message, segment: str, number: int) -> str:
    """A field of the first segment of that name; "" when there is none."""
    for line in message.body.decode(errors="replace").split("\r"):
        parts = line.split("|")
        if parts[0] == segment:
            place = number - 1 if segment == "MSH" else number
            return parts[place] if place < len(parts) else ""
    return ""


def altered(message: Message, segment: str, number: int, value: str) -> bytes:
    """The body with one field replaced in the first segment of that name."""
    lines = message.body.decode().split("\r")
    for index, line in enumerate(lines):
        parts = line.split("|")
        if parts[0] == segment:
            parts[number - 1 if segment == "MSH" else number] = value
            lines[index] = "|".join(parts)
            break
    return "\r".join(lines).encode()


def _pick(rng: Random, sent: Sequence[Message], kind: str = "ADT^A") -> Message | None:
    """A message of a kind about one person that no mistake has touched yet."""
    times = Counter(m.control_id for m in sent)
    good = [m for m in sent if not m.why and times[m.control_id] == 1 and _about_one(m, kind)]
    return rng.choice(good) if good else None


def _about_one(message: Message, kind: str) -> bool:
    what = field(message, "MSH", 9)
    return what.startswith(kind) and not what.startswith(("ADT^A40", "ADT^A37"))


def _renamed(world: World, message: Message, why: str, expect: str = "AA") -> Message:
    """A copy under a new control id; the original is what follows."""
    control_id = f"{message.control_id[:8]}{world.number('message'):06d}"
    copy = replace(message, control_id=control_id, why=why, expect=expect)
    return replace(copy, body=altered(message, "MSH", 10, control_id))


def _before(sent: list[Message], spoilt: Message, right: Message) -> list[Message]:
    """The spoilt one in the place of the right one, which follows four minutes later."""
    later = replace(right, at=right.at + timedelta(minutes=4))
    return [m for m in sent if m is not right] + [spoilt, later]


def _unknown_code(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    right = _pick(rng, sent)
    if not right:
        return sent
    copy = _renamed(world, right, "PID-8 holds a code no table has")
    spoilt = replace(copy, body=altered(copy, "PID", 8, "Q"))
    return _before(sent, spoilt, right)


def _unreadable_date(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    right = _pick(rng, sent)
    if not right:
        return sent
    copy = _renamed(world, right, "PID-7 holds no date")
    wrong = rng.choice(("19710230", "31/12/1970", "00000000", "201610015080000"))
    return _before(sent, replace(copy, body=altered(copy, "PID", 7, wrong)), right)


def _said_twice(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    first = _pick(rng, sent)
    if not first:
        return sent
    again = replace(first, at=first.at + timedelta(minutes=9), why="sent twice, same body")
    return [*sent, again]


def _id_used_again(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    first = _pick(rng, sent)
    others = [m for m in sent if first and m.line == first.line and m.at > first.at]
    second = _pick(rng, others)
    if not (first and second):
        return sent
    spoilt = replace(
        second, control_id=first.control_id, body=altered(second, "MSH", 10, first.control_id),
        expect="AE", why="control id used before with another body",
    )  # fmt: skip
    return _before(sent, spoilt, second)


def _no_id(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    right = _pick(rng, sent)
    if not right:
        return sent
    body = altered(right, "MSH", 10, "")
    spoilt = replace(right, control_id="", body=body, expect="AR", why="MSH-10 is empty")
    return _before(sent, spoilt, right)


def _latin_1(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    accented = [m for m in sent if not m.body.isascii() and field(m, "MSH", 9).startswith("ADT")]
    right = _pick(rng, accented)
    if not right:
        return sent
    copy = _renamed(world, right, "Latin-1 bytes where MSH-18 says UTF-8", "AE")
    return _before(sent, replace(copy, body=copy.body.decode().encode("latin-1")), right)


def _cut_short(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    right = _pick(rng, sent)
    if not right:
        return sent
    copy = _renamed(world, right, "ends inside PID, before the patient's number")
    cut = copy.body.index(b"\rPID|") + len(b"\rPID|1")
    return _before(sent, replace(copy, body=copy.body[:cut]), right)


def _test_message(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    model = _pick(rng, sent, "ADT^A04")
    if not model:
        return sent
    copy = _renamed(world, model, "a test message (MSH-11 T)")
    copy = replace(copy, body=altered(copy, "MSH", 11, "T"))
    copy = replace(copy, body=altered(copy, "PID", 3, "99999999^^^CEDARMESA^MR"))
    return [*sent, replace(copy, body=altered(copy, "PID", 5, "ZZTEST^PATIENT"))]


def _overtaken(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    """Two reschedulings of one appointment arrive in the wrong order; the times inside are
    right."""
    moves = [m for m in sent if field(m, "MSH", 9).startswith("SIU^S13") and not m.why]
    for earlier in moves:
        for later in moves:
            same = field(earlier, "SCH", 2) == field(later, "SCH", 2)
            if same and earlier.at < later.at:
                swapped = [m for m in sent if m is not earlier and m is not later]
                why = "overtook, or was overtaken by, another change of the same appointment"
                return [
                    *swapped,
                    replace(earlier, at=later.at, why=why),
                    replace(later, at=earlier.at, why=why),
                ]
    return sent


def _a_day_late(world: World, rng: Random, sent: list[Message]) -> list[Message]:
    right = _pick(rng, sent, "ADT^A08")
    if not right:
        return sent
    late = replace(right, at=right.at + timedelta(days=1), why="left a day late")
    return [*(m for m in sent if m is not right), late]


KINDS: dict[str, Callable[[World, Random, list[Message]], list[Message]]] = {
    "a day late": _a_day_late,
    "cut short": _cut_short,
    "id used again": _id_used_again,
    "latin-1": _latin_1,
    "no id": _no_id,
    "overtaken": _overtaken,
    "said twice": _said_twice,
    "test message": _test_message,
    "unknown code": _unknown_code,
    "unreadable date": _unreadable_date,
}
