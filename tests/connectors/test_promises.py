"""The contract tests have teeth: each planted fault is caught by the promise it breaks."""

import asyncio
import inspect
import itertools
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ConfigDict, PrivateAttr

from connectors.errors import Misconfigured
from connectors.promises import CheckPromises, ListenPromises, PullPromises, PushPromises
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class Sound(Connector):
    """Five records, kept promises."""

    size: int = 5
    up: bool = True

    def check(self):
        return Health(ok=self.up, detail="here" if self.up else "gone")

    def record(self, number: int) -> Record:
        return Record(
            stream="things",
            message_key=f"k{number}",
            at=T0 + timedelta(days=number),
            body=b"%d" % number,
            media="text/plain",
            cursor=str(number),
        )

    def pull(self, stream, since):
        if stream != "things" or not self.up:
            raise Misconfigured("not here")
        if since and not (since.isascii() and since.isdigit() and len(since) < 9):
            raise Misconfigured("no cursor of mine")
        for number in range(int(since or "0") + 1, self.size + 1):
            yield self.record(number)


def outcome(promises: type, name: str, **fixtures: object) -> str:
    """ "" when the promise holds, else what the test says."""
    test = getattr(promises(), name)
    wanted = inspect.signature(test).parameters
    try:
        test(**{name: fixtures[name] for name in wanted})
    except AssertionError as error:
        return str(error) or "failed"
    return ""


def names(promises: type) -> list[str]:
    return [name for name in dir(promises) if name.startswith("test_")]


class OffByOne(Sound):
    def record(self, number):
        return replace(super().record(number), cursor=str(number + 1))


class AlwaysFromTheBeginning(Sound):
    def record(self, number):
        return replace(super().record(number), cursor="")


class SameKey(Sound):
    def record(self, number):
        return replace(super().record(number), message_key="k")


class NewKeysEachTime(Sound):
    def record(self, number):
        key = f"k{next(_numbers)}"
        return replace(super().record(number), message_key=key)


_numbers = itertools.count()


class Naive(Sound):
    def record(self, number):
        return replace(super().record(number), at=datetime(2026, 1, number))  # noqa: DTZ001


class NewestFirst(Sound):
    def record(self, number):
        return replace(super().record(number), at=T0 - timedelta(days=number))


class TextBody(Sound):
    def record(self, number):
        return replace(super().record(number), body=str(number))


class AnyStream(Sound):
    def pull(self, stream, since):
        return super().pull("things", since)


class CrashesOnCursor(Sound):
    def pull(self, stream, since):
        if since and not since.isdigit():
            raise ValueError(since)
        return super().pull(stream, since)


class CrashesWhenDown(Sound):
    def pull(self, stream, since):
        if not self.up:
            raise ConnectionRefusedError
        return super().pull(stream, since)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (OffByOne, "test_a_cursor_resumes_without_loss"),
        (AlwaysFromTheBeginning, "test_the_last_cursor_is_no_beginning"),
        (SameKey, "test_keys_are_unique"),
        (NewKeysEachTime, "test_a_pull_again_says_the_same"),
        (Naive, "test_times_are_aware"),
        (NewestFirst, "test_records_come_oldest_first"),
        (TextBody, "test_records_say_what_they_are"),
        (AnyStream, "test_an_unknown_stream_is_an_error_of_the_three"),
    ],
)
def test_a_planted_fault_of_a_pull_is_caught(kind, broken):
    fixtures = {"stream": "things", "down": Sound(up=False)}

    assert outcome(PullPromises, broken, connector=Sound(), **fixtures) == ""
    assert outcome(PullPromises, broken, connector=kind(), **fixtures) != ""


@pytest.mark.parametrize(
    ("kind", "broken", "error"),
    [
        (CrashesOnCursor, "test_a_strange_cursor_is_no_crash", ValueError),
        (
            CrashesWhenDown,
            "test_a_pull_from_a_system_that_is_down_is_an_error_of_the_three",
            ConnectionRefusedError,
        ),
    ],
)
def test_an_error_that_is_none_of_the_three_comes_through(kind, broken, error):
    with pytest.raises(error):
        outcome(PullPromises, broken, connector=kind(), stream="things", down=kind(up=False))


def test_a_sound_connector_keeps_every_promise_of_a_pull_and_a_check():
    fixtures = {"connector": Sound(), "down": Sound(up=False), "stream": "things"}

    for promises in (PullPromises, CheckPromises):
        for name in names(promises):
            assert outcome(promises, name, **fixtures) == "", name


def test_too_few_records_prove_nothing():
    told = outcome(
        PullPromises, "test_there_is_enough_to_judge", connector=Sound(size=2), stream="things"
    )

    assert told == "give at least three records; 2 came"


class Target(Connector):
    """Keeps each id once; `plant` breaks a promise."""

    plant: str = ""
    _kept: list = PrivateAttr(default_factory=list)

    def check(self):
        return Health(ok=True, detail="here")

    def push(self, deliveries):
        for delivery in deliveries:
            if self.plant == "twice" or delivery.id not in self._kept:
                self._kept.append(delivery.id)
        if self.plant == "nothing":
            self._kept.clear()
        receipts = [Receipt(id=d.id, outcome="delivered") for d in deliveries]
        if self.plant == "receipts":
            receipts.reverse()
        return receipts


@pytest.mark.parametrize(
    ("plant", "broken"),
    [
        ("twice", "test_the_same_again_leaves_one_thing"),
        ("nothing", "test_the_same_again_leaves_one_thing"),
        ("receipts", "test_each_delivery_has_its_receipt"),
        ("down", "test_a_push_to_a_system_that_is_down_is_told"),
    ],
)
def test_a_planted_fault_of_a_push_is_caught(plant, broken):
    two = [Delivery(id=i, stream="s", body=b"{}", media="application/json") for i in "ab"]

    def run(plant: str) -> str:
        target = Target(plant=plant)
        there = lambda: list(target._kept)  # noqa: E731
        down = target if plant == "down" else Mute()
        return outcome(
            PushPromises, broken, connector=target, deliveries=two, there=there, down=down
        )

    assert run("") == ""
    assert run(plant) != ""


class Mute(Target):
    def push(self, deliveries):
        raise Misconfigured("nobody there")


class Loose(Sound):
    model_config = ConfigDict(frozen=False, extra="ignore")


class Chatty(Sound):
    token: str = "hush"


@pytest.mark.parametrize(
    ("connector", "broken"),
    [
        (Loose(), "test_settings_do_not_change"),
        (Loose(), "test_a_setting_nobody_knows_is_refused"),
        (Chatty(), "test_secrets_are_never_shown"),
        (Sound(up=False), "test_a_system_that_answers_is_well"),
    ],
)
def test_a_planted_fault_of_settings_or_check_is_caught(connector, broken):
    assert outcome(CheckPromises, broken, connector=connector) != ""


class Line:
    """A wire to a listener in the same process."""

    def __init__(self, plant: str = "") -> None:
        self.plant = plant
        self.loop: asyncio.AbstractEventLoop | None = None
        self.queue: asyncio.Queue | None = None
        self.ready = threading.Event()

    def say(self, body: bytes) -> bytes:
        self.ready.wait(5)
        answer = asyncio.run_coroutine_threadsafe(self._said(body), self.loop)
        return answer.result(5)

    async def _said(self, body: bytes) -> bytes:
        answered = self.loop.create_future()
        await self.queue.put((body, answered))
        return await answered


class Ear(Connector):
    """Listens on a Line."""

    plant: str = ""
    _line: Line | None = None

    async def listen(self, accept):
        line = self._line
        line.loop, line.queue = asyncio.get_running_loop(), asyncio.Queue()
        line.ready.set()
        while True:
            body, answered = await line.queue.get()
            heard = body.upper() if self.plant == "changes" else body
            record = Record(
                stream="s", message_key=body.decode(), at=T0, body=heard, media="text/plain"
            )
            stored = accept(record)
            if self.plant != "hasty":
                await stored
            answered.set_result(b"" if self.plant == "silent" else b"ok")
            if self.plant == "gives up":
                return


@pytest.mark.parametrize(
    ("plant", "broken"),
    [
        ("changes", "test_what_is_said_is_handed_over_byte_for_byte"),
        ("silent", "test_what_is_said_is_handed_over_byte_for_byte"),
        ("gives up", "test_what_is_said_is_handed_over_byte_for_byte"),
        ("hasty", "test_nobody_is_answered_before_it_is_stored"),
    ],
)
def test_a_planted_fault_of_a_listener_is_caught(plant, broken):
    def run(plant: str) -> str:
        line, ear = Line(), Ear(plant=plant)
        ear._line = line
        fixtures = {"messages": [b"one", b"two"], "say": line.say}
        return outcome(ListenPromises, broken, connector=ear, **fixtures)

    assert run("") == ""
    assert run(plant) != ""


def test_a_listener_stops_when_it_is_cancelled():
    line, ear = Line(), Ear()
    ear._line = line

    assert outcome(ListenPromises, "test_it_stops_when_cancelled", connector=ear) == ""


def test_the_promises_need_no_pytest():
    code = "import connectors.promises, sys; sys.exit('pytest' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
