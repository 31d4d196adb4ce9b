"""The views whose rows are kept, so that a question about the whole institution reads them instead
of all that they are made of: a table a view, called as the view is."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from hub.tables import Big, metadata
from hub.views.catalogue import views
from hub.views.view import Kind, View

_TYPES: dict[Kind, Any] = {
    "text": Text, "code": Text, "date": Text, "instant": Text, "integer": Integer,
    "decimal": Float, "money": Big, "flag": Boolean,
}  # fmt: skip


@cache
def kept() -> tuple[View, ...]:
    """In alphabetical order."""
    return tuple(view for view in views().values() if view.kept)


def _table(view: View) -> Table:
    """A record that moves is kept of both studies until its former one is made anew."""
    columns = (
        Column(one.name, _TYPES[one.kind], primary_key=one.name == "study_id",
               index=one.name == "study_id")
        for one in view.columns
    )  # fmt: skip
    return Table(view.name, metadata, Column("id", Text, primary_key=True), *columns)


_TABLES = {view.name: _table(view) for view in kept()}


def table(view: View) -> Table:
    """Where the rows of a view are kept."""
    return _TABLES[view.name]
