"""The hub's face to other systems: listeners, pulls and deliveries, and the journal they fill.

The edge alone writes the journal. It looks at what people paused twice a second and starts or
stops what that concerns; everything else goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from connectors.errors import Misconfigured
from connectors.protocol import Connector, Counts, Listens
from hub import clock, seal
from pipelines import janitor, revision, settling
from pipelines.answering import Answering, House
from pipelines.dispatch import Dispatcher, Office
from pipelines.intake import Intake, reader_of
from pipelines.janitor import Janitor
from pipelines.places import Places
from pipelines.process import SettlerProcess
from pipelines.queue import PARTS
from pipelines.resumed import Resumed
from pipelines.schedule import Desk, Scheduler
from pipelines.settings import Deployment
from pipelines.subscribers import Subscribers
from pipelines.writer import Writer

log = structlog.get_logger("edge")
_LOOK = 0.5  # seconds between looks at what is paused
_AGAIN = 2.0  # seconds before a port that could not be had is tried again


@dataclass(slots=True)
class Edge:
    """Everything of one node that speaks to the outside, and the settler beside it."""

    places: Places
    deployment: Deployment
    keyring: seal.Keyring
    writer: Writer
    settler: SettlerProcess
    intake: Intake
    paused: dict[str, str] = field(default_factory=dict)  # connection → paused, draining
    listening: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    addresses: dict[str, tuple[str, int]] = field(default_factory=dict)  # of open listeners
    trouble: dict[str, str] = field(default_factory=dict)
    scheduler: Scheduler = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    answering: Answering = field(init=False)
    subscribers: Subscribers = field(init=False)
    _watching: asyncio.Task[None] | None = None
    _connectors: dict[str, Connector] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(
            Desk(
                deployment=self.deployment,
                connector=self.connector,
                intake=self.intake,
                open_journal=partial(self.places.journal, read_only=self.places.embedded),
                paused=lambda: self.paused,
                resumed=Resumed(partial(self.places.hub, read_only=self.places.embedded)).news,
            )
        )
        office = Office(
            places=self.places,
            deployment=self.deployment,
            keyring=self.keyring,
            writer=self.writer,
            policy=settling.policy_of(self.deployment),
            connector=self.connector,
            paused=lambda: self.paused,
        )
        self.dispatcher, self.subscribers = Dispatcher(office), Subscribers(office)
        self.scheduler.also("janitor", janitor.EVERY, self._janitor().tick)
        self.answering = Answering(
            House(
                places=self.places,
                deployment=self.deployment,
                keyring=self.keyring,
                writer=self.writer,
                connector=self.connector,
                paused=lambda: self.paused,
            )
        )

    def _janitor(self) -> Janitor:
        return Janitor(
            open_hub=partial(self.places.hub, read_only=self.places.embedded),
            writer=self.writer,
            keyring=self.keyring,
            clock=clock.now,
            days=self.deployment.hub.held_for_days,
            matching=self.deployment.matching,
        )

    async def start(self) -> None:
        """Starts the journal, the settler, the listeners, the schedules and the deliveries."""
        self.writer.start()
        self.settler.start()
        await self._look()
        self._watching = asyncio.create_task(self._watch())
        self.scheduler.start()
        self.dispatcher.start()
        self.subscribers.start()
        self.answering.start()

    async def stop(self) -> None:
        """Takes nothing new in, stores what came, lets the settler finish its batch."""
        if self._watching:
            self._watching.cancel()
        for task in self.listening.values():
            task.cancel()
        await asyncio.gather(*self.listening.values(), return_exceptions=True)
        await asyncio.to_thread(self.scheduler.stop)
        await asyncio.to_thread(self.dispatcher.stop)
        await asyncio.to_thread(self.subscribers.stop)
        await asyncio.to_thread(self.answering.stop)
        await asyncio.to_thread(self.writer.stop)
        await asyncio.to_thread(self.settler.stop)

    def connector(self, name: str) -> Connector:
        """The connector of a connection; one instance, so that it can keep a line open."""
        with self._guard:
            if name not in self._connectors:
                self._connectors[name] = self.deployment.connector(name)
            return self._connectors[name]

    def counts(self, name: str) -> dict[str, int]:
        """What the connector of a connection counts beside its messages."""
        connector = self.connector(name)
        return dict(connector.counts()) if isinstance(connector, Counts) else {}

    @property
    def accepting(self) -> bool:
        """Whether every listener that should, takes connections, and settling runs."""
        return self.settler.alive and all(
            name in self.addresses for name, task in self.listening.items() if not task.done()
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await self._look()

    async def _look(self) -> None:
        self.paused = await asyncio.to_thread(self.gates)
        for name in self.deployment.connections:
            connector = self.connector(name)
            if isinstance(connector, Listens) and getattr(connector, "port", 0) is not None:
                self._keep_listening(name, connector)

    def gates(self) -> dict[str, str]:
        """The connections that a person stopped: paused or draining."""
        session = self.places.hub(read_only=self.places.embedded)
        try:
            return {str(c): str(s) for c, s in session.all("select connection, state from gate")}
        finally:
            session.close()

    def _keep_listening(self, name: str, connector: Listens) -> None:
        task = self.listening.get(name)
        if name in self.paused:
            if task and not task.done():
                log.info("listener stops", connection=name, state=self.paused[name])
                task.cancel()
        elif task is None or task.done():
            self.listening[name] = asyncio.create_task(self._listen(name, connector))

    async def _listen(self, name: str, connector: Any) -> None:  # noqa: ANN401 - Listens, started
        reuse = getattr(connector, "reused_control_id", "refuse")
        accept = self.intake.accept(name, 0, reuse="accept" if reuse == "accept" else "park")

        def started(host: str, port: int) -> None:
            self.addresses[name] = (host, port)
            self.trouble.pop(name, None)
            log.info("listens", connection=name, host=host, port=port)

        try:
            await connector.listen(accept, started=started)
        except (OSError, Misconfigured) as error:
            if self.trouble.get(name) != str(error):
                log.error("cannot listen", connection=name, error=str(error))
            self.trouble[name] = str(error)
            await asyncio.sleep(_AGAIN)
        finally:
            self.addresses.pop(name, None)


def open_edge(
    places: Places, deployment: Deployment, *, fatal: Callable[[Exception], None]
) -> Edge:
    """An edge under the present configuration, not started yet."""
    keyring = seal.load(places.keys)
    journal = places.journal()
    number = revision.enter(journal, deployment.folder)
    revision.lay_out(journal, number, places.revisions)
    parts = PARTS[journal.dialect]
    journal.close()
    settler = SettlerProcess(places, deployment)
    writer = Writer(places.journal, wake=settler.wake, fatal=fatal)
    intake = Intake(
        keyring=keyring,
        writer=writer,
        revision=number,
        parts=parts,
        clock=clock.now,
        reader_of=partial(reader_of, deployment),
    )
    return Edge(places, deployment, keyring, writer, settler, intake)
