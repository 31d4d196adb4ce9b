"""A deployment as a command meets it: beside a running hub, or alone with its data folder.

Orders go through the journal either way. Beside a running hub its settler obeys them; where no
hub runs, the command holds the folder's lock and settles what waits itself.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crohub import obeyed, schema
from crohub.backlog import waiting
from crohub.options import Options, places_of
from crohub.ownership import Busy, owned
from hub import seal
from pipelines import orders, settings, settling
from pipelines.journal import Journal, Kept
from pipelines.mapper import Limits
from pipelines.places import Places
from pipelines.settings import Deployment

_SEARCH = 3.0  # seconds


class NoData(Exception):
    """No hub has ever worked on this data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A data folder with its configuration. `alone`: this process holds its lock."""

    places: Places
    deployment: Deployment
    keyring: seal.Keyring
    alone: bool

    def order(self, *sent: dict[str, Any], seconds: float = 5.0) -> bool:
        """Stores orders, in this order, and has them obeyed. False: they are stored, and the
        running hub has not come to them within `seconds`."""
        journal = self.places.journal()
        try:
            dialect, origin = journal.dialect, whence()
            entries = [orders.entry(self.keyring, dialect, {"from": origin, **one}) for one in sent]
            kept = Journal(journal).keep(entries)
        finally:
            journal.close()
        if self.alone:
            self.settle()
            return True
        return self.obeyed(kept[-1], entries[-1].part, seconds)

    def told(self, order: dict[str, Any]) -> dict[str, Any]:
        """What came of an order that was obeyed."""
        hub = self.places.hub(read_only=self.places.embedded)
        try:
            return obeyed.told(hub, order)
        finally:
            hub.close()

    def obeyed(self, kept: Kept, part: int, seconds: float) -> bool:
        """Whether the running hub has settled a message, waiting so long for it."""
        hub = self.places.hub(read_only=self.places.embedded)
        try:
            return orders.wait(hub, kept.seq, part, seconds=seconds)
        finally:
            hub.close()

    def settle(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Settles what waits, in this process; only when alone. `told` hears how much is left.
        What is done meanwhile is done a little: a hub that runs has time for the rest."""
        with settling.undisturbed(self.places):
            settler = settling.build(
                self.places, self.deployment, worker="settler", limits=Limits()
            )
            looks, settler.meanwhile = settler.meanwhile, []
            try:
                while settler.step():
                    told(waiting(self.places))
                settler.meanwhile, until = looks, time.monotonic() + _SEARCH
                while settler.step() and time.monotonic() < until:
                    pass
            finally:
                settler.mapper.stop()
                settler.queue.journal.close()
                settler.queue.hub.close()

    def settled(self, seconds: float, told: Callable[[int], None] = lambda _: None) -> bool:
        """Has everything that is stored settled: by this process when alone, else by the running
        hub within `seconds`."""
        if self.alone:
            self.settle(told)
            return True
        until = time.monotonic() + seconds
        while left := waiting(self.places):
            told(left)
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True


@contextmanager
def reach(config: Path, data: Path | None = None, *, exists: bool = False) -> Iterator[Node]:
    """The node of a configuration, beside the hub that runs on it or alone.

    `exists`: raise NoData rather than begin with empty databases. Raises MappingErrors for a
    wrong configuration and DatabaseNewer for a newer release's data.
    """
    deployment = settings.load(config)
    places = places_of(Options(config=config, data=data), deployment)
    if schema.check(places) == "fresh" and exists:
        raise NoData(
            f"there are no data in {places.data}; run `crohub serve --config {config}` first, or "
            "name the folder with --data"
        )
    places.make()
    with ExitStack() as held:
        try:
            held.enter_context(owned(places.lock))
        except Busy:
            yield _node(places, deployment, alone=False)
            return
        schema.upgrade(places)
        yield _node(places, deployment, alone=True)


def whoever() -> str:
    """Who sits at the command line, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container without a user database
        return "cli:unknown"


def whence() -> str:
    """Where they sit: the machine, the terminal, and the address where they came from by SSH."""
    said = [socket.gethostname()]
    try:
        said.append(os.ttyname(0))
    except OSError:
        said.append("no terminal")
    if came := os.environ.get("SSH_CONNECTION", "").split():
        said.append(f"from {came[0]}")
    return " ".join(said)


def _node(places: Places, deployment: Deployment, *, alone: bool) -> Node:
    return Node(places=places, deployment=deployment, keyring=seal.load(places.keys), alone=alone)
