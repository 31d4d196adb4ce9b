"""An OnCore: a list of subjects for each protocol, always read whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.oncore import OncoreState, oncore_server
from tests.faults.pulled.source import SECRET, Source, at_answer

PROTOCOLS = 50
_SETTINGS = """connector: oncore
settings:
  base_url: ADDRESS
  client_id: crohub
  client_secret: "${env:PULLED_SECRET}"
  per_second: 10000
"""


@contextmanager
def subjects(_: Path) -> Iterator[Source]:
    state = OncoreState(client_secret=SECRET)
    for number in range(PROTOCOLS):
        state.put("protocols", protocolId=number + 1, protocolNo=f"ONC-{number}")

    def put(people) -> None:
        for one in people:
            state.put(
                "protocolSubjects", protocolSubjectId=one.id, sex=one.sex, turn=one.turn,
                protocolId=one.number % PROTOCOLS + 1,
            )  # fmt: skip

    with oncore_server(state) as server:
        yield Source(
            put=put, due=at_answer(server), stream="protocol_subjects",
            settings=_SETTINGS.replace("ADDRESS", server.url), key="protocolSubjectId", sex="sex",
        )  # fmt: skip
