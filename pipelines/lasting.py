"""`policies/decisions.yaml`: how long questions of each kind wait for a person."""

from __future__ import annotations

from pathlib import Path

from hub.lapsing import KINDS, Lapsing
from mappings import document
from mappings.document import Text
from mappings.mistakes import Mistakes, one_of

FILE = "decisions.yaml"


def lapsing(folder: Path, mistakes: Mistakes) -> Lapsing:
    """For each kind the days after which a question lapses; 0, as for what it does not name: it
    waits for good."""
    path = folder / "policies" / FILE
    table = document.read(path, mistakes, name=f"policies/{FILE}") if path.exists() else None
    days: dict[str, int] = {}
    for kind, node in table.items.items() if table else ():
        said = node.value if isinstance(node, Text) else ""
        if kind not in KINDS and table:
            expected = "lapse_after_days of identity.yaml" if kind == "match" else ""
            mistakes.add(table.keys[kind], f"the kind {kind!r}", expected or one_of(kind, KINDS))
        elif not said.isascii() or not said.isdigit():
            mistakes.add(node, f"{kind}: {said!r}", "a number of days, or 0 to wait for good")
        else:
            days[kind] = int(said)
    return Lapsing(days)
