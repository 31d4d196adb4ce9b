"""An ERP over OData: V2 by the time of change, V4 by delta link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.erp import ErpState, erp_server, ticks
from tests.faults.pulled.source import SECRET, Source, at_answer

_SETTINGS = """connector: odata
settings:
  base_url: ADDRESS
  auth: {kind: basic, user: CROHUB, password: "${env:PULLED_SECRET}"}
  streams: {STREAMS}
"""
_V2 = "invoices: {page: 60}"
_V4 = "people: {service: /sap/opu/odata4/people, set: People, version: 4, key: [No], delta: true}"


@contextmanager
def changes(_: Path) -> Iterator[Source]:
    state, rows = ErpState(password=SECRET), dict[str, dict]()

    def put(people) -> None:
        for one in people:
            at = ticks(one.at, offset=True)
            rows[one.id] = {
                "BillingDocument": one.id, "LastChangeDateTime": at,
                "sex": one.sex, "turn": one.turn,
            }  # fmt: skip
        state.sets["A_BillingDocument"] = list(rows.values())

    with erp_server(state) as server:
        yield Source(
            put=put, due=at_answer(server), stream="invoices",
            settings=_SETTINGS.replace("ADDRESS", server.url).replace("STREAMS", _V2),
            key="BillingDocument", sex="sex",
        )  # fmt: skip


@contextmanager
def delta(_: Path) -> Iterator[Source]:
    state, rows = ErpState(password=SECRET, page=60), dict[str, dict]()

    def put(people) -> None:
        said = {one.id: {"No": one.id, "sex": one.sex, "turn": one.turn} for one in people}
        rows.update(said)
        state.sets["People"] = list(rows.values())
        state.changes.setdefault("People", []).extend(said.values())

    with erp_server(state) as server:
        yield Source(
            put=put, due=at_answer(server), stream="people",
            settings=_SETTINGS.replace("ADDRESS", server.url).replace("STREAMS", _V4),
            key="No", sex="sex",
        )  # fmt: skip
