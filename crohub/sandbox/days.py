"""One day of the made-up institution: what happened, what is sent, what the files say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from crohub.sandbox.clinics import clinics
from crohub.sandbox.mistakes import with_mistakes
from crohub.sandbox.planted import happenings
from crohub.sandbox.recruitment import recruitment
from crohub.sandbox.staffing import roster, staffing
from crohub.sandbox.visits import visits
from crohub.sandbox.wards import wards
from crohub.sandbox.world import ZONE, Event, Message, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day, complete. Events and messages are in the order in which they happen."""

    on: date
    events: Sequence[Event]
    messages: Sequence[Message]
    roster: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of a day up to `until`."""

    until: datetime
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def play(world: World, today: date) -> Day:
    """Lives through a day and changes the world. Days must be played in order, each once."""
    scripts = (happenings, staffing, wards, recruitment, visits, clinics)
    events = [event for script in scripts for event in script(world, today)]
    events.sort(key=lambda event: event.at)
    messages = with_mistakes(world, today, [m for event in events for m in event.messages])
    return Day(on=today, events=events, messages=messages, roster=roster(world, today))


def sliced(day: Day, parts: int) -> list[Slice]:
    """The day in equal parts; what belongs together in time stays together."""
    begin = datetime.combine(day.on, datetime.min.time(), ZONE)
    slices = [Slice(until=begin + timedelta(days=(n + 1) / parts)) for n in range(parts)]
    for event in day.events:
        slices[_part(event.at, begin, parts)].events.append(event)
    for message in day.messages:
        slices[_part(message.at, begin, parts)].messages.append(message)
    return slices


def in_turn(message: Message) -> tuple[datetime, str]:
    """By what messages are put in the order in which they are sent."""
    return message.at, message.control_id


def _part(at: datetime, begin: datetime, parts: int) -> int:
    share = (at - begin) / timedelta(days=1)
    return min(max(int(share * parts), 0), parts - 1)
