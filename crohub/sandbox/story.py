"""What happened at the made-up institution today, to be read on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crohub.sandbox.days import Day
from crohub.sandbox.world import Event, Message


def headline(day: Day) -> str:
    """The day in one line."""
    spoilt = sum(1 for message in day.messages if message.why)
    changes = sum(len(event.changes) + len(event.gone) for event in day.events)
    staff = max(day.roster.count(b"\r\n") - 1, 0)
    return (
        f"{day.on:%A %d %B %Y}: {len(day.messages)} HL7 messages ({spoilt} of them odd), "
        f"{changes} changes in the register, a roster of {staff}"
    )


def told(
    events: Iterable[Event], messages: Iterable[Message], *, everything: bool = False
) -> Iterator[str]:
    """One line each, in the order of the day: what concerns research and staff, and messages
    that are not as they should be. With `everything` the ordinary hospital too."""
    lines = [
        (event.at, event.tale) for event in events if everything or event.changes or event.gone
    ]
    lines += [
        (message.at, f"{message.control_id or '(no id)'} goes out: {message.why}")
        for message in messages
        if message.why
    ]
    for at, text in sorted(lines):
        yield f"{at:%H:%M}  {text}"
