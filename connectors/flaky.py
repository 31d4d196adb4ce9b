"""A source and target that fail on purpose, as told, so that what stands on connectors can be
tried. The hub behind it must lose nothing and do nothing twice, whatever is set here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

Failure = Literal["try_later", "refused", "misconfigured", "crash"]


class Fault(BaseModel):
    """One planned failure. Each happens `times` times, then never again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: int = Field(ge=0)  # before the record (or delivery) of this position
    kind: Failure = "try_later"
    times: int = Field(1, gt=0)


class Crash(BaseException):
    """Not one of the three errors, and no Exception either: as if the process had died here."""


class Flaky(Connector):
    """`records` numbered records a stream, and a target that remembers what it was given.

    Probabilities are drawn from `seed`: the same calls on a new connector go the same way.
    State (which faults are spent, what was delivered) lives as long as the object.
    """

    streams: tuple[str, ...] = ("things",)
    records: int = Field(100, ge=0)
    lanes: int = Field(10, gt=0)  # each body names lane `number % lanes`
    faults: tuple[Fault, ...] = ()
    down: bool = False
    seed: int = 0
    try_later: float = Field(0.0, ge=0, le=1)  # chance a record: pull breaks off before it
    duplicate: float = Field(0.0, ge=0, le=1)  # chance a record: it comes twice
    swap: float = Field(0.0, ge=0, le=1)  # chance a record: it comes after the next one
    fault: float = Field(0.0, ge=0, le=1)  # chance a record: it cannot be understood
    refuse: float = Field(0.0, ge=0, le=1)  # chance a delivery: it will never be taken
    later: float = Field(0.0, ge=0, le=1)  # chance a delivery: not now
    unknown: float = Field(0.0, ge=0, le=1)  # chance a delivery: taken, but no answer

    _random: random.Random = PrivateAttr()
    _spent: dict[Fault, int] = PrivateAttr(default_factory=dict)
    _taken: dict[str, Delivery] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _: object) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def check(self) -> Health:
        """Well, unless `down`."""
        return Health(ok=not self.down, detail="down" if self.down else "up", version="flaky")

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """Records after number `since`. However it is swapped or doubled, a record's cursor
        never passes over one that has not come."""
        if stream not in self.streams:
            raise Misconfigured(f"no stream is called {stream!r}; expected {self.streams}")
        self._must_be_up()
        for record in self._disturbed(stream, _position(since)):
            if self._chance(self.try_later):
                raise TryLater("the source broke off, by chance")
            yield record
            if self._chance(self.duplicate):
                yield record

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Takes each delivery once, whatever it answers."""
        if deliveries:
            self._must_be_up()
            self._fail_at(0)
        return [self._receipt(place, delivery) for place, delivery in enumerate(deliveries)]

    def taken(self) -> list[Delivery]:
        """What was delivered, in the order of its first arrival."""
        return list(self._taken.values())

    def _must_be_up(self) -> None:
        if self.down:
            raise TryLater("the system is down")

    def _disturbed(self, stream: str, start: int) -> Iterator[Record]:
        number = start
        while number < self.records:
            swapped = number + 1 < self.records and self._chance(self.swap)
            for each in (number + 1, number) if swapped else (number,):
                self._fail_at(each)
                # the earlier of two that changed places is still to come: resume before it
                reached = number if swapped and each > number else max(each, number + swapped) + 1
                yield self._record(stream, each, reached)
            number += 1 + swapped

    def _record(self, stream: str, number: int, reached: int) -> Record:
        body = orjson.dumps({"number": number, "lane": number % self.lanes})
        # drawn apart from the rest: a record is bad in every pull or in none
        drawn = random.Random(f"{self.seed}/{stream}/{number}").random()  # noqa: S311
        return Record(
            stream=stream,
            message_key=f"{stream}/{number}",
            at=_EPOCH + timedelta(seconds=number),
            body=body,
            media="application/json",
            cursor=str(reached),
            fault="cannot be understood, on purpose" if drawn < self.fault else "",
        )

    def _receipt(self, place: int, delivery: Delivery) -> Receipt:
        if place:
            self._fail_at(place)
        if delivery.id in self._taken:
            return Receipt(id=delivery.id, outcome="delivered", native_id=delivery.id)
        if self._chance(self.refuse):
            return Receipt(id=delivery.id, outcome="refused", detail="refused, by chance")
        if self._chance(self.later):
            return Receipt(id=delivery.id, outcome="later", detail="not now, by chance")
        self._taken[delivery.id] = delivery
        if self._chance(self.unknown):
            return Receipt(id=delivery.id, outcome="unknown", detail="no answer, by chance")
        return Receipt(id=delivery.id, outcome="delivered", native_id=delivery.id)

    def _chance(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _fail_at(self, place: int) -> None:
        for fault in self.faults:
            if fault.at == place and self._spent.get(fault, 0) < fault.times:
                self._spent[fault] = self._spent.get(fault, 0) + 1
                raise _ERRORS[fault.kind](f"{fault.kind} at {place}, as planned")


_ERRORS: dict[Failure, type[BaseException]] = {
    "try_later": TryLater,
    "refused": Refused,
    "misconfigured": Misconfigured,
    "crash": Crash,
}


def _position(since: str) -> int:
    if not since:
        return 0
    if not (since.isdecimal() and len(since) < 19):
        raise Misconfigured("the cursor is no number; reset it")
    return int(since)
