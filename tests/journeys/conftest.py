"""A whole hub in a test: configuration, databases, edge, and the settler in its own process."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from crohub import schema
from hub import seal
from pipelines import bodies, settings
from pipelines.edge import open_edge
from pipelines.places import Places


class Hub:
    """A deployment in `folder`: write its files, then `async with hub.running()`."""

    def __init__(self, folder: Path, database: str = "embedded") -> None:
        self.folder = folder
        self.places = Places(folder / "data", database)
        for name in ("connections", "pipelines"):
            (folder / name).mkdir(parents=True)
        self.write("hub.yaml", f"participants: all\ndatabase: {database}\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    @contextlib.asynccontextmanager
    async def running(self):
        """The edge, started; it is stopped in order at the end."""
        self.places.make()
        schema.upgrade(self.places)
        seal.load(self.places.keys)
        failures: list[Exception] = []
        edge = open_edge(self.places, settings.load(self.folder), fatal=failures.append)
        await edge.start()
        try:
            await until(lambda: edge.accepting)
            yield edge
        finally:
            await edge.stop()
        assert not failures

    async def settled(self) -> None:
        """Waits until everything that arrived has been settled."""
        journal, hub = self.journal(), self.hub()
        last = dict(journal.all("select part, max(seq) from message group by part"))

        def all_through() -> bool:
            upto = dict(hub.all("select part, upto from progress"))
            again = hub.one("select 1 from outcome where state = 'ready' limit 1")
            return all(upto.get(part, 0) >= seq for part, seq in last.items()) and not again

        try:
            await until(all_through)
        finally:
            journal.close()
            hub.close()

    def journal(self):
        return self.places.journal(read_only=self.places.embedded)

    def ask(self, sql: str, *values):
        """Rows of the hub's store."""
        session = self.hub()
        try:
            return session.all(sql, values)
        finally:
            session.close()

    def hub(self):
        return self.places.hub(read_only=self.places.embedded)

    def bodies(self) -> list[tuple[str, bytes]]:
        """What arrived, by connection, in order, opened."""
        return [(name, body) for name, body, *_ in self.became()]

    def became(self) -> list[tuple[str, bytes, str, str]]:
        """What arrived, in order: connection, body, state and reason; `done` has no reason."""
        keyring, journal = seal.load(self.places.keys), self.journal()
        rows = journal.all("select connection, key, body, seq from message order by seq")
        journal.close()
        asked = self.ask("select seq, state, reason from outcome")
        ended = {seq: (state, reason) for seq, state, reason in asked}
        return [
            (
                name,
                bodies.unpack(keyring, cell, bodies.place_of(name, key)),
                *ended.get(seq, ("done", "")),
            )
            for name, key, cell, seq in rows
        ]


async def until(holds, seconds: float = 60.0) -> None:
    """Waits for something to become true."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - it is another process that makes it true
            await asyncio.sleep(0.02)


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(request, tmp_path: Path) -> Hub:
    """A deployment on each database."""
    if request.param == "postgresql":
        return Hub(tmp_path / "config", request.getfixturevalue("postgres_database"))
    return Hub(tmp_path / "config")


@pytest.fixture
def deployed(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "config")
