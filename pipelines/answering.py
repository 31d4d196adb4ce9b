"""The thread in which one node's senders get their application answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog

from connectors.protocol import Answers, Connector, Listens
from hub import clock
from hub.seal import Keyring
from pipelines.answers import Answerer, Desk
from pipelines.places import Places
from pipelines.settings import Deployment
from pipelines.writer import Writer

log = structlog.get_logger("answers")
_LOOK = 0.5  # seconds between looks at what settling has passed
_CALM = 10.0  # seconds until it begins anew after a failure of the store


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What answering needs of its node. `paused` gives the state of connections that a person
    stopped."""

    places: Places
    deployment: Deployment
    keyring: Keyring
    writer: Writer
    connector: Callable[[str], Connector]
    paused: Callable[[], Mapping[str, str]]


class Answering:
    """Answers while it runs; without a connection that could be asked for answers, no thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        names = [name for name in self._house.deployment.connections if self._is_asked(name)]
        if names:
            self._thread = threading.Thread(
                target=self._work, args=(names,), name="answers", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Finishes the batch at hand. The journal's writer must outlive it."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _is_asked(self, name: str) -> bool:
        connector = self._house.connector(name)
        listens = isinstance(connector, Listens) and getattr(connector, "port", 0) is not None
        return listens and isinstance(connector, Answers)

    def _is_paused(self, name: str) -> bool:
        return self._house.paused().get(name) == "paused"  # who drains is still answered

    def _work(self, names: list[str]) -> None:
        while not self._ending.is_set():
            try:
                self._answer(names)
            except Exception as error:  # noqa: BLE001 - the store may be away; begin anew from it
                log.error("answering begins anew", error=type(error).__name__)
                self._ending.wait(_CALM)

    def _answer(self, names: list[str]) -> None:
        places = self._house.places
        journal = places.journal(read_only=places.embedded)
        hub = places.hub(read_only=places.embedded)
        desk = Desk(
            hub=hub,
            journal=journal,
            writer=self._house.writer,
            keyring=self._house.keyring,
            clock=clock.now,
        )
        try:
            answerers = list(self._answerers(desk, names))
            while not self._ending.is_set():
                busy = [one.step() for one in answerers]
                if not any(busy):
                    self._ending.wait(_LOOK)
        finally:
            for session in (journal, hub):
                with suppress(Exception):  # it may be what failed
                    session.close()

    def _answerers(self, desk: Desk, names: list[str]) -> Iterator[Answerer]:
        for name in names:
            connector = self._house.connector(name)
            assert isinstance(connector, Answers)  # noqa: S101 - `start` has looked
            yield Answerer(
                desk,
                name,
                connector,
                paused=partial(self._is_paused, name),
                target=bool(getattr(connector, "target_host", "")),
            )
