"""What came of an order, as it stands in the audit."""

from __future__ import annotations

from typing import Any

import orjson

from hub.database import Session


def told(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """The detail of the last entry about this order's object; {} where there is none."""
    row = session.one(
        "select detail from audit where action = ? and object = ? order by at desc, n desc limit 1",
        (order["do"], order["object"]),
    )
    found: dict[str, Any] = orjson.loads(row[0]) if row else {}
    return found
