"""Keys that came lately: SQLite keeps their digests in the order they came, and brings many at a
time into the order of the index.

A digest is random: alone it would write a page of its own of a large index, in each commit. Who
settles remembers the young ones; whoever else asks for a key reads them one after another.
"""

from __future__ import annotations

from collections.abc import Iterable

from hub.context import Context
from hub.database import Session

MOST = 32_768  # then they are brought into order; a search through them takes 2 ms

_ENTITY = (
    "select entity_id from xref where digest = ? and not young "
    "union all select entity_id from xref where young and digest = ?"
)


def entity_of(session: Session, digest: bytes) -> str | None:
    """The id of what a key stands for, None where the key is not known."""
    row = session.one(_ENTITY, (digest, digest))
    return str(row[0]) if row else None


def numbers(context: Context) -> dict[bytes, int]:
    """The young keys by their digests; on PostgreSQL there are none."""
    world = context.world
    if world.young is None:
        lately = "select digest, x from xref where young"
        world.young = dict(context.session.all(lately)) if born(context) else {}
    return world.young


def born(context: Context) -> bool:
    """Whether a new key is young. PostgreSQL writes its index behind the commit, and several
    workers would have to tell each other of their keys."""
    return context.session.dialect == "sqlite"


def remember(context: Context, keys: Iterable[int]) -> None:
    """Takes in keys that were written just now, and brings all into order when there are many."""
    if not born(context):
        return
    young, known = numbers(context), context.world.by_number
    young.update((known[x].digest, x) for x in keys)
    if len(young) >= MOST:
        aged = [(x,) for _, x in sorted(young.items())]
        context.session.many("update xref set young = false where x = ?", aged)
        young.clear()
