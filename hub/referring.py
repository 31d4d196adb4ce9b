"""Whatever refers to a thing whose keys are about to go elsewhere."""

from __future__ import annotations

from hub.context import Changes, Context
from hub.load import load_things
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
