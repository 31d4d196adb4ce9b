"""A record as of another day: what was so in the world until then, as far as was known then.

Versions tell what was believed when; they cannot tell what was so on a day about which more became
known later, since a late word that changes nothing today makes none. So the statements about that
day are folded anew: those made until it (`as_of`), of them those known until `known_at`, by the
present policy and between the records as they are tied now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from hub.database import Row
from hub.fold import fold, is_gone, speaking, still_live
from hub.load import assertion_place
from hub.model.spec import EntitySpec
from hub.reader import Reader
from hub.things import Assertion, Fields, Xref

_COLUMNS = "a, x, entity, seq, at, native_version, kind, said, sealed, echo"


@dataclass(frozen=True, slots=True)
class Past:
    """A record as it was: its fields, who won each, and whether all had withdrawn it."""

    fields: Fields
    winners: dict[str, int]
    withdrawn: bool


def past(
    reader: Reader, spec: EntitySpec, ids: Sequence[str], as_of: int, known_at: int | None
) -> dict[str, Past]:
    """Those of the records `ids` of which anything had been said, as they were; both times in
    microseconds. A statement that says no time of its own was always so."""
    keys = _keys(reader, ids)
    rows = _statements(reader, spec, list(keys), known_at)
    for x, said in _standing(reader, rows, as_of).items():
        keys[x].live = still_live(said)
    homes = _homes(reader, keys.values())
    by_record: dict[str, list[Xref]] = {}
    for key in keys.values():
        by_record.setdefault(key.entity_id, []).append(key)
    found = {}
    for one, own in by_record.items():
        voices = speaking(spec.name, own)
        if voices:
            fields, winners = fold(spec.name, own, reader.policy, homes.__getitem__)
            gone = all(is_gone(said) for _, said in voices)
            found[one] = Past(fields, winners, gone)
    return found


def _keys(reader: Reader, ids: Sequence[str]) -> dict[int, Xref]:
    rows = reader.session.among(
        "select x, digest, entity, system, native, home_id, entity_id from xref "
        "where entity_id in {members}",
        list(ids),
    )
    return {row[0]: Xref(*row) for row in rows}


def _statements(
    reader: Reader, spec: EntitySpec, keys: Sequence[int], known_at: int | None
) -> list[Row]:
    sql, values = f"select {_COLUMNS} from assertion where entity = ?", [spec.name]
    if known_at is not None:
        sql += f" and recorded_at <= {known_at:d}"
    return reader.session.among(f"{sql} and x in {{members}} order by a", keys, values)


def _standing(reader: Reader, rows: Sequence[Row], as_of: int) -> dict[int, list[Assertion]]:
    """What each key had said until `as_of` and has not been made void since."""
    void = {(row[1], row[3]): row[0] for row in rows if row[6] == "void"}
    found: dict[int, list[Assertion]] = {}
    for a, x, entity, seq, at, version, kind, said, sealed, echo in rows:
        if kind == "void" or at > as_of or a < void.get((x, seq), -1):
            continue
        body = reader.keyring.open(bytes(sealed), assertion_place(a)) if sealed else said
        fields = orjson.loads(body) if body else {}
        echoes = frozenset(orjson.loads(echo)) if echo else frozenset()
        one = Assertion(a, x, entity, seq, at, version, kind, fields, echoes)
        found.setdefault(x, []).append(one)
    return found


def _homes(reader: Reader, keys: Iterable[Xref]) -> dict[int, str]:
    """The records that references lead to."""
    meant = {
        value["x"]
        for key in keys
        for said in key.live
        for value in said.fields.values()
        if type(value) is dict and "x" in value
    }
    rows = reader.session.among("select x, entity_id from xref where x in {members}", sorted(meant))
    return dict(rows)
