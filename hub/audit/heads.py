"""The heads of all chains, signed together: what is kept outside shows a cut tail.

A hash chain shows what was changed or taken out before its end, never that the end itself is gone.
Whoever holds a signed head knows how far each chain went and which hash it had there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from hub.audit.chain import Kept
from hub.audit.signing import Altered, Line, Signer, keys_in, plain, read
from hub.clock import iso
from hub.database import Session

Heads = dict[str, tuple[int, str]]  # chain → number and hash of its last entry


def heads(session: Session) -> Heads:
    """How far each chain goes. One step of the key's index for each: chains are few."""
    found: Heads = {}
    chain = ""
    while row := session.one("select min(chain) from audit where chain > ?", (chain,)):
        if row[0] is None:
            break
        chain = str(row[0])
        last = session.one(
            "select n, hash from audit where chain = ? order by n desc limit 1", (chain,)
        )
        if last:
            found[chain] = (int(last[0]), bytes(last[1]).hex())
    return found


def stamped(signer: Signer, found: Heads, now: int, before: bytes = b"") -> bytes:
    """The line that is kept outside; `before` is the line it is put behind."""
    previous = hashlib.sha256(before).hexdigest() if before else ""
    return signer.stamp({"kind": "heads", "at": iso(now), "chains": found, "previous": previous})


@dataclass(slots=True)
class Outside:
    """What signed heads ask of the chains: which entries must be there, with which hash.

    `asked` loses what was found to be so; what is left in the end is missing.
    """

    asked: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)  # → hash, when
    lines: int = 0
    last: str = ""  # when the newest of them was signed
    faults: list[str] = field(default_factory=list)

    def add(self, said: Line) -> None:
        """Takes in what one signed line says."""
        self.lines += 1
        self.last = max(self.last, str(said["at"]))
        for chain, (n, hash_) in said["chains"].items():
            self.asked[chain, n] = (hash_, said["at"])

    def look(self, one: Kept) -> str:
        """What a signed head has against an entry, "" when nothing."""
        hash_, at = self.asked.pop((one.chain, one.n), ("", ""))
        if hash_ and hash_ != one.hash.hex():
            return f"it is not the entry that was signed on {at}"
        return ""

    def missing(self) -> Iterator[str]:
        """Entries that were signed and are not there: the tail of their chain is cut off."""
        for (chain, n), (_, at) in sorted(self.asked.items()):
            yield f"{chain}/{n}: was signed on {at}, and is not there"


def outside(lines: Iterable[bytes], known: Mapping[str, str], place: str) -> Outside:
    """What the signed heads in a file ask for; lines of other kinds (an export's) are passed over.
    A line that was altered, or that does not stand behind the one it was put behind, is a
    fault."""
    found = Outside()
    before = b""
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\n")
        try:
            if plain(line).get("kind") != "heads":
                continue
            said = read(line, known)
            if said["previous"] and said["previous"] != hashlib.sha256(before).hexdigest():
                found.faults.append(f"{place}:{number}: the line before it is gone or altered")
            found.add(said)
        except Altered as error:
            found.faults.append(f"{place}:{number}: {error}")
        before = line
    return found


def keys_of(lines: Iterable[bytes]) -> dict[str, str]:
    """The public keys that introduce themselves in a file. Raises Altered."""
    return keys_in(line for line in map(bytes.rstrip, lines) if b'"kind":"key"' in line[:20])
