"""A FHIR server: searched page by page, and exported file by file."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from tests.faults.pulled.source import BEGAN, HELD, Due, Kept, Mark, Source

_SETTINGS = """connector: fhir
settings: {base_url: ADDRESS, page_size: 60, streams: {Patient: {EXTRA}}}
"""


@dataclass
class Clock:
    """The server's clock, which is looked at for every answer: the drawn one is held back."""

    at: datetime = BEGAN
    looks: int = 0
    mark: int = 0

    def __call__(self) -> datetime:
        self.looks += 1
        if self.looks == self.mark:
            time.sleep(HELD)
        return self.at

    def due(self, few: int, many: int) -> Due:
        def draw(chance: random.Random, _kept: Kept) -> Mark:
            self.mark = self.looks + chance.randint(few, many)
            return Mark(lambda: self.looks >= self.mark, HELD * 1.2)

        return draw


@contextmanager
def _register(extra: str, due: tuple[int, int], every: str) -> Iterator[Source]:
    store, clock = FhirStore(), Clock()

    def put(people) -> None:
        for one in people:
            named = {"name": [{"family": one.turn}], "gender": one.sex}
            store.put({"resourceType": "Patient", "id": one.id, **named}, one.at)
            clock.at = one.at + timedelta(seconds=30)

    server = FhirServer(store, clock)
    server.start()
    try:
        settings = _SETTINGS.replace("ADDRESS", server.url).replace("EXTRA", extra)
        yield Source(
            put=put, due=clock.due(*due), stream="Patient", settings=settings,
            reads="application/fhir+json", key="id", sex="gender", every=every,
        )  # fmt: skip
    finally:
        server.stop()


@contextmanager
def search(_: Path) -> Iterator[Source]:
    with _register("", (5, 12), "24h") as source:
        yield source


@contextmanager
def export(_: Path) -> Iterator[Source]:
    # what came meanwhile is part of the next export
    with _register("export: {}", (4, 6), "1s") as source:
        yield source
