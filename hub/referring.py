"""Whatever refers to a thing whose keys are about to go elsewhere."""

from __future__ import annotations

from hub.context import Changes, Context
from hub.disagree import CONFLICT
from hub.load import load_things, owner_of
from hub.model.spec import entities


def touch_referring(context: Context, changes: Changes, entity: str, one: str) -> None:
    """Marks every record that refers to this id to be folded again. Call it before the keys
    move: a record that is loaded afterwards would not show that its reference changed."""
    for spec in entities().values():
        for field in spec.fields.values():
            if field.meta.kind != "ref" or field.meta.of != entity:
                continue
            rows = context.session.all(
                f"select id from {spec.table.name} where {field.column} = ?", (one,)
            )
            load_things(context, {(spec.name, row[0]) for row in rows})
            found = {row[0] for row in rows}
            found |= {
                thing.id
                for thing in changes.things.values()
                if thing.entity == spec.name and thing.golden.get(field.name) == one
            }
            for other in found:
                changes.touched[spec.name, other] = context.world.things[spec.name, other]
    _touch_disputing(context, changes, one)


def _touch_disputing(context: Context, changes: Changes, one: str) -> None:
    """Records of which a system that is not believed refers to this id: whether systems disagree
    about them is looked at again."""
    rows = context.session.all(
        "select entity, entity_id from finding where closed_at is null and rule = ? "
        "and place like ?",
        (CONFLICT, f"%{one}%"),
    )
    rows += [(row[4], row[5]) for row in changes.findings if row[2] == CONFLICT and one in row[7]]
    load_things(context, {(owner_of(entities()[entity]), other) for entity, other in rows})
    for entity, other in rows:
        changes.touched[entity, other] = context.world.things[entity, other]
