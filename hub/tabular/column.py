"""A column of a table that goes out: what it is called and what its values are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# decimal: a number as text, so that 1.10 stays 1.10; number: one that was reckoned. date and
# instant: as precise as they were said, so they stay texts; moment: an exact one in ISO 8601.
# texts: a list of texts. json: whatever JSON can say.
Kind = Literal[
    "text", "integer", "number", "decimal", "flag", "date", "instant", "moment", "texts", "json"
]
Rows = Iterable[Sequence[Any]]
PIECE = 65_536  # bytes, about, that are handed on together


@dataclass(frozen=True, slots=True)
class Column:
    """Its values are None or of its kind."""

    name: str
    kind: Kind = "text"


def together(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth handing on."""
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
