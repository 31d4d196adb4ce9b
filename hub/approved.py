"""What a person has approved of is asserted, as the message that said it would have done."""

from __future__ import annotations

import orjson

from hub import settle
from hub.approve import held_place
from hub.assertions import take_in
from hub.conclude import conclude
from hub.context import Changes, Context
from hub.fetch import fetch
from hub.joining import CannotDo, Word
from hub.load import owner_of
from hub.model.spec import entities
from hub.said import Said, Settled
from hub.statement import Meaning
from hub.things import Assertion, Fields
from hub.write import write


def accept(context: Context, one: str, word: Word) -> None:
    """Takes in what the question `one` is about, within the caller's transaction. Raises CannotDo
    where the key it was said of is no more."""
    row = context.session.one("select proposal from decision where id = ?", (one,))
    held: Fields = orjson.loads(row[0])["held"] if row else {}
    spec = entities()[held["entity"]]
    found = context.session.one("select entity_id from xref where x = ?", (held["x"],))
    if found is None:
        raise CannotDo(f"nobody knows the {spec.name} any more that the question is about")
    fetch(context, entities()[owner_of(spec)], [found[0]])
    xref = context.world.by_number[held["x"]]
    value = held["value"]
    if "sealed" in held:
        value = orjson.loads(context.keyring.open(bytes.fromhex(held["sealed"]), held_place(held)))
    changes = Changes(now=context.clock())
    made = Assertion(
        context.numbers.next("assertion", "a"), xref.x, spec.name, held["seq"], held["at"],
        held["version"], "stated", {held["field"]: value},
    )  # fmt: skip
    take_in(context, changes, spec, xref, made)
    said = Said(seq=word.seq, system=xref.system, at=word.at, meaning=Meaning())
    conclude(context, changes, said)
    write(context, changes)
    settle.trail(context, changes, Settled(), [said])
