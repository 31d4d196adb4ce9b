"""What the one truth of a run looks like: a field's story, two systems that disagree, a merge that
is undone. Shown by the demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crohub import lookup
from crohub.ops import give
from crohub.why import lines
from hub.model.spec import entities
from hub.policy import Policy
from hub.principal import SYSTEM
from hub.provenance import Teller
from hub.reader import Reader
from pipelines.edge import Edge
from pipelines.settling import policy_of

Json = dict[str, Any]


def shown(edge: Edge) -> Json:
    """`disagreement`: the finding and the rule that settled it; `story`: the same field, told;
    `merge`: what it gave, and what undoing it. Each is null where the run has none."""
    policy = policy_of(edge.deployment)
    found = _disagreement(edge, policy)
    story = _story(edge, policy, found["id"]) if found else None
    return {"disagreement": found, "story": story, "merge": _merge_undone(edge)}


def told(found: Json) -> list[str]:
    """The same for a person."""
    said: list[str] = []
    if found["disagreement"]:
        one = found["disagreement"]
        said += [f"{one['label']}: {one['found']}", f"  {one['rule']}", ""]
    if found["story"]:
        said += [*found["story"], ""]
    if found["merge"]:
        merge = found["merge"]
        said.append(
            f"two organizations merged by mistake: {merge['merged']} record; undone: "
            f"{merge['undone']}, both as before: {'yes' if merge['as_before'] else 'NO'}"
        )
    return said


def _disagreement(edge: Edge, policy: Policy) -> Json | None:
    session = lookup.reading(edge.places)
    try:
        row = session.one(
            "select f.entity_id, f.found, f.expected, e.subject_number from finding f "
            "join enrollment e on e.id = f.entity_id where f.rule = 'systems-disagree' "
            "and f.field = 'state' and f.closed_at is null order by e.subject_number, f.id limit 1"
        )
    finally:
        session.close()
    if row is None:
        return None
    order = ", ".join(policy.rule("Enrollment", "state").order)
    return {
        "id": row[0], "label": f"Enrollment {row[3]}, state", "found": row[1],
        "rule": f"{row[2]} (Enrollment.state: {order})",
    }  # fmt: skip


def _story(edge: Edge, policy: Policy, one: str) -> list[str] | None:
    session = lookup.reading(edge.places)
    try:
        reader = Reader(session, edge.keyring, lambda *_: None, policy)
        teller = Teller(reader, policy, lambda seqs: lookup.sources(session, seqs))
        story = teller.story(SYSTEM, entities()["Enrollment"], one, ["state"])
    finally:
        session.close()
    return list(lines(story)) if story else None


def _merge_undone(edge: Edge) -> Json | None:
    """Two organizations that a person makes one by mistake, and takes apart again. Nobody else is
    told of organizations, so that no other system hears of the mistake."""
    ids = _two(edge)
    if len(ids) < 2:
        return None
    before = _rows(edge, ids)
    said = {"entity": "Organization", "reason": "the demonstration shows that it can be undone"}
    merge = {"do": "merge", "ids": ids, "object": f"Organization {' '.join(ids)}", **said}
    give.order(edge, SYSTEM, merge)
    merged = _standing(_rows(edge, ids))
    undo = {"do": "unmerge", "id": ids[1], "object": f"Organization {ids[1]}", **said}
    give.order(edge, SYSTEM, undo)
    after = _rows(edge, ids)
    return {"merged": merged, "undone": _standing(after), "as_before": after == before}


def _two(edge: Edge) -> list[str]:
    session = lookup.reading(edge.places)
    try:
        rows = session.all(
            "select id from organization where superseded_by is null order by id limit 2"
        )
    finally:
        session.close()
    return [row[0] for row in rows]


def _standing(rows: Sequence[tuple[Any, ...]]) -> int:
    return sum(superseded is None for superseded, *_ in rows)


def _rows(edge: Edge, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """The business fields of these records and whose word they are."""
    columns = ", ".join(field.column for field in entities()["Organization"].fields.values())
    session = lookup.reading(edge.places)
    try:
        return session.among(
            f"select superseded_by, {columns}, provenance from organization "
            "where id in {members} order by id",
            list(ids),
        )
    finally:
        session.close()
