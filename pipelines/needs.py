"""What must be so before a delivery goes out: its target knows what the record refers to, and
belongs to the same environment as the record.

A target knows a record by a key of its own, or since it was told of it and took it. What would
have been told counts for a pipeline that only would tell, too.
"""

from __future__ import annotations

from hub.canonical_view import View
from pipelines.consume import Desk
from pipelines.deliveries import Open


def unmet(desk: Desk, one: Open) -> str:
    """What the target must know first, in words; "" where it knows all it needs to."""
    outlet = desk.outlet
    if not outlet.needs:
        return ""
    view = desk.views().version(one.entity, one.entity_id, one.n).filled()
    for name, walk in outlet.needs:
        found = walk(view)
        if found is None:
            return f"{name} is not known yet"
        assert isinstance(found, View)  # noqa: S101 - the hub's own views follow to such
        if found.native_key() is None and not _is_told(desk, found):
            return f"{outlet.system} does not know {name} yet"
    return ""


def elsewhere(desk: Desk, one: Open) -> str:
    """Why the record and the target are of different environments; "" where they are of one. A
    record is production data when any system that knows it is, or when none does."""
    outlet = desk.outlet
    if not (outlet.tests or outlet.is_test):
        return ""
    view = desk.views().now(one.entity, one.entity_id)
    systems = view.systems() if view else frozenset()
    is_test = bool(systems) and systems <= outlet.tests
    if is_test == outlet.is_test:
        return ""
    record, target = ("test", "production") if is_test else ("production", "test")
    return f"wrong environment: {record} data, and {outlet.connection} is a {target} system"


def _is_told(desk: Desk, view: View) -> bool:
    states = "('delivered', 'shadow')" if desk.outlet.shadow else "('delivered')"
    rows = desk.journal.among(
        f"select 1 from delivery where entity_id = ? and entity = ? and state in {states} "
        "and pipeline in {members} limit 1",
        sorted(desk.outlet.beside),
        (view.id, view.entity),
    )
    return bool(rows)
