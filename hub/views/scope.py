"""What the SQL of a view may refer to beside the tables: the day it is, the studies asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from hub import clock
from hub.database import Dialect


def begin(dialect: Dialect, scope: Sequence[str] | None, now: str) -> tuple[str, list[Any]]:
    """The head of a `with`, and its values; `scope`: the studies, None for all."""
    first = "clock(today, moment) as (select cast(? as text), cast(? as bigint))"
    values: list[Any] = [now[:10], clock.micros(datetime.fromisoformat(now))]
    if scope is None:
        return first, values
    if dialect == "sqlite":
        ids, given = "select value from json_each(?)", orjson.dumps(list(scope)).decode()
        return f"{first}, scope(id) as ({ids})", [*values, given]
    return f"{first}, scope(id) as (select unnest(cast(? as text[])))", [*values, list(scope)]
