"""A vault: VQL with pages, the deletions before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.vault import VaultState, vault_server
from tests.faults.pulled.source import SECRET, Source, at_answer

_SETTINGS = """connector: vault
settings:
  base_url: ADDRESS
  vault_id: "4711"
  user: hub@acme.example
  password: "${env:PULLED_SECRET}"
  streams: {subject: {also: [sex__c, turn__c]}}
"""


@contextmanager
def subjects(_: Path) -> Iterator[Source]:
    state = VaultState(page=60, password=SECRET, calls=1_000_000)

    def put(people) -> None:
        for one in people:
            state.now = lambda at=one.at: at
            state.put("subject__clin", one.id, name__v=one.id, sex__c=one.sex, turn__c=one.turn)

    with vault_server(state) as server:
        yield Source(
            put=put, due=at_answer(server), stream="subject",
            settings=_SETTINGS.replace("ADDRESS", server.url), key="id", sex="sex__c",
        )  # fmt: skip
