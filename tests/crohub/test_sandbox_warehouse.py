"""The made-up warehouse and our connector agree: goals are read whole, states are put once."""

import json

from connectors.record import Delivery
from connectors.sql import Sql
from crohub.sandbox.studies import STUDIES
from crohub.sandbox.warehouse import Warehouse


def test_goals_are_read_and_what_is_written_stays(tmp_path, monkeypatch):
    warehouse = Warehouse(tmp_path / "warehouse.db")
    warehouse.fill()
    monkeypatch.setenv("WAREHOUSE", warehouse.url)
    ours = Sql(
        url="${env:WAREHOUSE}",
        streams={"goals": {"table": "goal", "columns": ["goal_no", "study_no"], "id": "goal_no",
                           "whole": True}},
        out={"states": {"table": "study_state", "columns": ["study_no", "status"],
                        "keys": ["study_no"]}},
    )  # fmt: skip

    read = [json.loads(one.body)["study_no"] for one in ours.pull("goals", "")]
    for status in ("approved", "open_to_accrual"):
        body = json.dumps({"study_no": "ONC-101", "status": status}).encode()
        [receipt] = ours.push(
            [Delivery(id=status, stream="states", body=body, media="application/json")]
        )
        assert receipt.outcome == "delivered"
    warehouse.fill()  # the institution begins anew in the same folder

    assert sorted(read) == sorted(study.number for study in STUDIES)
    assert warehouse.states() == {"ONC-101": "open_to_accrual"}
