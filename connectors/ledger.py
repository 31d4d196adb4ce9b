"""Which files of a folder have been read, and how far into one: the whole of it is the cursor.

The hub keeps nothing for a connector but the cursor of the last record it stored, so the ledger
must be in it. A file that has been read leaves two marks: of its name, size and time, which tells
it apart without opening it; and of its name, size and content, which tells a file that was only
touched from new content under an old name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

import orjson

from connectors.errors import Misconfigured
from connectors.formats.pieces import START, Place

_MARK = 12  # characters; 72 bits, so that among a million files no two look alike
_VERSION = 1
_DEAR = 2048  # characters of cursor that one record may cost


def look(name: str, size: int, time: int) -> str:
    """The mark of a file as it is listed."""
    return _mark(f"{name}\0{size}\0{time}")


def content(name: str, size: int, sha256: str) -> str:
    """The mark of what a file holds; also the file's part of a message key."""
    return _mark(f"{name}\0{size}\0{sha256}")


def _mark(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest)[:_MARK].decode()


@dataclass(frozen=True, slots=True)
class Current:
    """The file that is being read: everything before `place` is stored."""

    name: str
    content: str
    place: Place = START


@dataclass(slots=True)
class Ledger:
    """Read files by `look` (and by `content`), and the one being read. `chain` is what the last
    file calls itself, where files of a stream say which one they follow."""

    looks: dict[str, str] = field(default_factory=dict)  # look → content
    current: Current | None = None
    _contents: set[str] = field(default_factory=set)
    chain: str = ""

    def knows(self, look: str) -> bool:
        """Was a file that looks so read to its end?"""
        return look in self.looks

    def holds(self, content: str) -> bool:
        """Was this content read to its end under this name?"""
        return content in self._contents

    def done(self, look: str, content: str) -> None:
        """The file has been read to its end."""
        self.looks[look] = content
        self._contents.add(content)
        self.current = None

    def keep(self, looks: Collection[str]) -> None:
        """Forgets the files that the folder no longer has. To be called when those it now has
        were read: until then the content of one that was touched must still be known."""
        self.looks = {look: self.looks[look] for look in looks if look in self.looks}
        self._contents = set(self.looks.values())

    def cursor(self) -> str:
        """The text that `read` makes this ledger of again."""
        seen = "".join(look + content for look, content in self.looks.items())
        at = self.current
        body = {"v": _VERSION, "seen": seen}
        reading = {"name": at.name, "content": at.content, "at": list(at.place)} if at else {}
        chain = {"chain": self.chain} if self.chain else {}
        return orjson.dumps(body | reading | chain).decode()

    @property
    def stride(self) -> int:
        """Records that share one cursor. A cursor names every file of the folder: where those
        are many, writing it for each record would cost more than the record."""
        return 1 + len(self.looks) * 2 * _MARK // _DEAR


def read(cursor: str) -> Ledger:
    """The ledger of a cursor; "" is an empty one. Raises Misconfigured for any other text."""
    if not cursor:
        return Ledger()
    try:
        body = orjson.loads(cursor)
        seen, version = body["seen"], body["v"]
        if version != _VERSION or len(seen) % (2 * _MARK):
            raise ValueError(version)
        looks = {
            seen[at : at + _MARK]: seen[at + _MARK : at + 2 * _MARK]
            for at in range(0, len(seen), 2 * _MARK)
        }
        current = None
        if "name" in body:
            current = Current(body["name"], body["content"], Place(*map(int, body["at"])))
        chain = str(body.get("chain", ""))
    except (ValueError, KeyError, TypeError):
        raise Misconfigured(
            f"the cursor is not one of a folder (version {_VERSION}); "
            "reset it to read the folder from the beginning"
        ) from None
    return Ledger(looks, current, set(looks.values()), chain)
