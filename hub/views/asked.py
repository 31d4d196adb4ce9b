"""What is asked of a view: filters, order, page, the studies it is narrowed to; read from a URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from types import MappingProxyType

from hub import cursors, filters
from hub.filters import Filterable, Params
from hub.history import Asked as Clocks
from hub.query import BadQuery, Condition, Order, Position
from hub.views.catalogue import named
from hub.views.view import View

OF_VIEWS = ("study", "sort", "cursor", "limit", "_limit", "fields", "as_of", "known_at")
ABOUT = ("as_of", "freshness")  # what every row says beside its columns
UNIT = 10_000  # parts of an amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A whole question to one view. `study`: what people call it, or its id; "": all."""

    conditions: tuple[Condition, ...] = ()
    study: str = ""
    order: Order = field(default_factory=Order)
    after: Position | None = None
    limit: int = 100
    fields: frozenset[str] = frozenset()
    clocks: Clocks = field(default_factory=Clocks)


def parse(view: View, params: Params) -> Asked:
    """The question in `params`. Raises BadQuery naming what is unknown, and what there is."""
    given = filters.once(params, OF_VIEWS)
    order = filters.order(_sortable(view.name), given.get("sort", "id"))
    tested = [(name, text) for name, text in params if name not in OF_VIEWS]
    asked = Asked(
        conditions=tuple(_condition(view, name, text) for name, text in tested),
        study=given.get("study", ""),
        order=order,
        after=cursors.read(given["cursor"], order) if given.get("cursor") else None,
        limit=filters.limit(given.get("limit", given.get("_limit", ""))),
        fields=_fields(view, given.get("fields", "")),
        clocks=Clocks(**{n: filters.moment(n, given[n]) for n in _CLOCKS if n in given}),
    )
    _narrow(view, asked)
    return asked


_CLOCKS = ("as_of", "known_at")
_KINDS = {"money": "decimal", "instant": "instant"}


@cache
def filterable(name: str) -> Filterable:
    """What a view can be filtered by: each of its columns."""
    return MappingProxyType({
        one.name: (one.name, _KINDS.get(one.kind, one.kind), one.codes)
        for one in named(name).columns
        if not one.scope
    })  # fmt: skip


@cache
def _sortable(name: str) -> MappingProxyType[str, tuple[str, str]]:
    columns = {one.name: (one.name, one.kind) for one in named(name).columns if not one.scope}
    plain = {n: (c, "integer" if kind == "money" else kind) for n, (c, kind) in columns.items()}
    return MappingProxyType({"id": ("id", "text"), **plain})


def _condition(view: View, name: str, text: str) -> Condition:
    one = filters.condition(filterable(view.name), view.name, OF_VIEWS, name, text)
    kind = next((c.kind for c in view.columns if c.name == one.column), "")
    if kind != "money" or one.test == "missing":
        return one
    try:
        return Condition(one.column, "integer", one.test, int(Decimal(text) * UNIT))
    except InvalidOperation:
        raise BadQuery("CROHUB-BAD-VALUE", f"{name}: expected a decimal number") from None


def _fields(view: View, text: str) -> frozenset[str]:
    wanted = frozenset(part for part in text.split(",") if part)
    known = [*(one.name for one in view.columns), *ABOUT]
    if wanted - set(known):
        raise BadQuery("CROHUB-UNKNOWN-FIELD", f"fields: expected some of: {', '.join(known)}")
    return wanted


def _narrow(view: View, asked: Asked) -> None:
    """Refuses what would read a large view whole."""
    free = not asked.conditions and asked.order.name == "id"
    if free or not view.narrowed_by or asked.study:
        return
    by = {one.column for one in asked.conditions if one.test in ("", "in")}
    if not by & set(view.narrowed_by):
        raise BadQuery(
            "CROHUB-TOO-WIDE",
            f"{view.name} has a row for {view.row}: it is filtered or sorted together with one "
            f"of: {', '.join(('study', *view.narrowed_by))}",
        )
