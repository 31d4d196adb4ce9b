"""An IRB's exchange: submissions page by page, with a continuation token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.irb import IrbState, irb_server
from tests.faults.pulled.source import SECRET, Source, at_answer

_SETTINGS = """connector: irb
settings:
  base_url: ADDRESS
  auth: {kind: bearer, token: "${env:PULLED_SECRET}"}
  per_second: 10000
"""


@contextmanager
def submissions(_: Path) -> Iterator[Source]:
    state = IrbState(token=SECRET, page=60)

    def put(people) -> None:
        for one in people:
            state.now = lambda at=one.at: at
            state.submit(one.id, sex=one.sex, turn=one.turn)

    with irb_server(state) as server:
        yield Source(
            put=put, due=at_answer(server), stream="submissions",
            settings=_SETTINGS.replace("ADDRESS", server.url), key="submissionId", sex="sex",
        )  # fmt: skip
