"""A system that is pulled while its reader is killed, and the people that it knows."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crohub.sandbox.web import Fault, WebServer

SECRET = "made-up"
HELD = 0.3  # seconds
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
SEXES = ("female", "male", "other")
_PERSON, _TURN = re.compile(rb"P\d{6}"), re.compile(rb"turn-\d+")

Said = tuple[str, str]  # who, and which of the contents that there were
Kept = Callable[[], int]  # how many messages the hub has kept
Due = Callable[[random.Random, Kept], "Mark"]


class Mark(NamedTuple):
    """Where a kill comes: once it is `reached`, within `seconds`."""

    reached: Callable[[], bool]
    seconds: float


@dataclass(frozen=True)
class Person:
    """`number` from 0; `turn` counts the changes; each is at a minute of its own."""

    number: int
    sex: str
    turn: str
    at: datetime

    @property
    def id(self) -> str:
        return f"P{self.number:06}"

    @property
    def said(self) -> Said:
        return self.id, self.turn


@dataclass(frozen=True, kw_only=True)
class Source:
    """How one connector pulls the people. `put` brings those that came or changed; `due` draws
    when the next kill comes and says when it is there. `settings` are the connection's, in YAML;
    `key` and `sex` are where its messages say them."""

    put: Callable[[Sequence[Person]], None]
    due: Due
    settings: str
    stream: str
    key: str
    sex: str
    reads: str = "application/json"
    every: str = "24h"
    people: int = 2_000
    secret: str = SECRET


@dataclass
class People:
    """Whom a source knows now, and all that it ever said of them."""

    put: Callable[[Sequence[Person]], None]
    now: dict[str, Person] = field(default_factory=dict)
    said: set[Said] = field(default_factory=set)
    _clock: datetime = BEGAN

    @property
    def said_now(self) -> set[Said]:
        return {one.said for one in self.now.values()}

    def come(self, count: int) -> None:
        """So many more."""
        first = len(self.now)
        sexes = [SEXES[number % 3] for number in range(first, first + count)]
        self._tell([Person(first + n, sex, "turn-0", self._tick()) for n, sex in enumerate(sexes)])

    def change(self, names: Sequence[str]) -> None:
        """These change, each to something it never was before."""
        self._tell([self._changed(self.now[name]) for name in names])

    def _changed(self, person: Person) -> Person:
        turn = f"turn-{int(person.turn.removeprefix('turn-')) + 1}"
        sex = SEXES[(SEXES.index(person.sex) + 1) % 3]
        return replace(person, sex=sex, turn=turn, at=self._tick())

    def _tick(self) -> datetime:
        self._clock += timedelta(minutes=1)
        return self._clock

    def _tell(self, people: list[Person]) -> None:
        self.put(people)
        self.now |= {one.id: one for one in people}
        self.said |= {one.said for one in people}


def said_in(body: bytes) -> Said:
    """Whom a message is about, and which of the contents it has."""
    return _PERSON.search(body)[0].decode(), _TURN.search(body)[0].decode()


def at_answer(server: WebServer) -> Due:
    """In a drawn answer, whose second half is held back: before it, in it or behind it."""

    def due(chance: random.Random, _kept: Kept) -> Mark:
        held = Fault("slow", passes=chance.randint(3, 10), seconds=HELD)
        server.faults[:] = [held]
        return Mark(lambda: held not in server.faults, HELD * 1.2)

    return due


def at_message(chance: random.Random, kept: Kept) -> Mark:
    """When a drawn number of messages more is kept."""
    mark = kept() + chance.randint(200, 900)
    return Mark(lambda: kept() >= mark, 0.03)
