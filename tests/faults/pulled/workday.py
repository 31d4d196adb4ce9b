"""A Workday report, asked for part by part, always read whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox.workday import Tenant, workday_server
from tests.faults.pulled.source import SECRET, Source, at_answer

_PARTS = [f"O{number}" for number in range(50)]
_SETTINGS = """connector: workday
settings:
  base_url: ADDRESS/ccx/service/customreport2/acme
  auth: {kind: basic, user: hub, password: "${env:PULLED_SECRET}"}
  reports: {workers: {path: /ISU/Workers, prompt: Supervisory_Org, values: PARTS}}
"""


@contextmanager
def workers(_: Path) -> Iterator[Source]:
    rows: dict[str, dict[str, str]] = {}
    tenant = Tenant(user="hub", password=SECRET, reports={})

    def put(people) -> None:
        for one in people:
            org = _PARTS[one.number % len(_PARTS)]
            rows[one.id] = {
                "Employee_ID": one.id, "Supervisory_Org": org, "sex": one.sex, "turn": one.turn,
            }  # fmt: skip
        tenant.reports["ISU/Workers"] = list(rows.values())

    with workday_server(tenant) as server:
        settings = _SETTINGS.replace("ADDRESS", server.url)
        yield Source(
            put=put, due=at_answer(server), stream="workers",
            settings=settings.replace("PARTS", f"[{', '.join(_PARTS)}]"),
            key="Employee_ID", sex="sex",
        )  # fmt: skip
