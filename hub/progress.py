"""How far somebody has come with work that is done a little at a time: one row, which one worker
holds while it is at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from hub.database import Row, Session


def held(session: Session, table: Table, first: Mapping[str, Any]) -> Row | None:
    """The columns named in `first` of the row with id 1, kept from others until the caller's
    transaction ends; where nobody has begun, the row is made of `first`. None: another has it."""
    names = ", ".join(first)
    if not session.one(f"select 1 from {table.name}"):
        marks = ", ".join("?" * len(first))
        session.run(
            f"insert into {table.name}(id, {names}) values (1, {marks}) on conflict do nothing",
            tuple(first.values()),
        )
    only = " for update skip locked" if session.dialect == "postgresql" else ""
    return session.one(f"select {names} from {table.name} where id = 1{only}")
