"""What a connector that listens must keep."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from connectors.promises.promise import promise
from connectors.protocol import Accepted, Connector, Listens
from connectors.record import Record

_TOO_SOON = 0.3  # seconds in which a hasty listener would have answered
_PATIENCE = 10.0  # seconds until something that must happen has not


class ListenPromises:
    """Fixtures: `connector`; `messages`, two different bodies or more; and `say`, a function
    that sends one and gives the answer when it comes. `say` is called from a thread as soon as
    `listen` runs: it tries to connect for some seconds."""

    def test_it_can_listen(self, connector: Connector) -> None:
        promise(isinstance(connector, Listens), "there is no listen(accept)")

    def test_what_is_said_is_handed_over_byte_for_byte(
        self, connector: Listens, messages: Sequence[bytes], say: Callable[[bytes], Any]
    ) -> None:
        heard: list[Record] = []
        answers: list[Any] = []

        async def scene() -> None:
            hub = _Hub(heard, keep_waiting=False)
            task = asyncio.create_task(connector.listen(hub.accept))
            for message in messages:
                answer = await _unless_it_ends(task, asyncio.to_thread(say, message))
                answers.append(answer)
            await _cancelled(task)

        asyncio.run(scene())
        promise([r.body for r in heard] == list(messages), "what was heard is not what was said")
        promise(all(answers), "a message was stored and not answered")
        keys = {r.message_key for r in heard}
        promise(len(keys) == len(messages), "two messages have one key")

    def test_nobody_is_answered_before_it_is_stored(
        self, connector: Listens, messages: Sequence[bytes], say: Callable[[bytes], Any]
    ) -> None:
        answered = threading.Event()

        def speaker() -> None:
            say(messages[0])
            answered.set()

        async def scene() -> bool:
            hub = _Hub([], keep_waiting=True)
            task = asyncio.create_task(connector.listen(hub.accept))
            speaking = asyncio.create_task(asyncio.to_thread(speaker))
            await _unless_it_ends(task, hub.heard_one.wait())
            too_soon = await asyncio.to_thread(answered.wait, _TOO_SOON)
            hub.store_all()
            await _unless_it_ends(task, speaking)
            await _cancelled(task)
            return too_soon

        too_soon = asyncio.run(scene())
        promise(not too_soon, "the sender was answered before the message was stored")
        promise(answered.is_set(), "the sender was never answered")

    def test_it_stops_when_cancelled(self, connector: Listens) -> None:
        async def scene() -> None:
            task = asyncio.create_task(connector.listen(_Hub([], keep_waiting=False).accept))
            await asyncio.sleep(0)
            await _cancelled(task)

        asyncio.run(scene())


class _Hub:
    """Stores at once, or when told to."""

    def __init__(self, heard: list[Record], *, keep_waiting: bool) -> None:
        self.heard = heard
        self.heard_one = asyncio.Event()
        self._keep_waiting = keep_waiting
        self._waiting: list[asyncio.Future[Accepted]] = []

    def accept(self, record: Record) -> asyncio.Future[Accepted]:
        stored = asyncio.get_running_loop().create_future()
        self.heard.append(record)
        self._waiting.append(stored)
        self.heard_one.set()
        if not self._keep_waiting:
            self.store_all()
        return stored

    def store_all(self) -> None:
        for stored in self._waiting:
            stored.set_result(Accepted("kept"))
        self._waiting.clear()
        self._keep_waiting = False


async def _unless_it_ends(task: asyncio.Task[None], work: Any) -> Any:  # noqa: ANN401 - awaitable
    """Waits for `work`; a listener that ends by itself has failed, and says why."""
    doing = asyncio.ensure_future(work)
    done, _ = await asyncio.wait(
        {task, doing}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
    )
    if doing in done:
        return doing.result()
    if task in done:
        task.result()
    raise AssertionError(f"nothing came of it within {_PATIENCE:g} s")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
    promise(done, f"still listening {_PATIENCE:g} s after it was cancelled")
    if not task.cancelled() and (error := task.exception()):
        raise error
