"""A REDCap project: the names of what changed, then records in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.redcap import Project, RedcapServer, dictionary
from tests.faults.pulled.source import SECRET, Source, at_answer

_SETTINGS = """connector: redcap
settings: {base_url: ADDRESS/api/, token: "${env:PULLED_SECRET}", batch: 60, per_second: 10000}
"""


@contextmanager
def records(_: Path) -> Iterator[Source]:
    fields = dictionary([(name, "person", "") for name in ("record_id", "sex", "turn")])
    project = Project(id=1, title="made up", tokens={SECRET: "hub"}, fields=fields)

    def put(people) -> None:
        for one in people:
            project.put({"record_id": one.id, "sex": one.sex, "turn": one.turn})

    with RedcapServer(project) as server:
        yield Source(
            put=put, due=at_answer(server), stream="records",
            settings=_SETTINGS.replace("ADDRESS", server.url),
            key="[0].record_id", sex="[0].sex",
        )  # fmt: skip
