"""The canonical record as a pipeline shows it to one target system: as one of its versions left
it or as it is now, with the records it refers to as they are now.

A view keeps what was read of it: what has gone out may come back, and a sealed part that was
opened enters the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from hub.database import Row, Session
from hub.model.base import SEALED, Kind, Sensitivity
from hub.model.spec import EntitySpec, FieldSpec, entities
from hub.seal import Keyring
from hub.statement import Identifier
from hub.write import cell_place, version_place

_HOPS = 50  # merges of merges that are followed
_REFERRED = b"~"  # the key of what is known by identifier only: nobody's own

Rank = Callable[[str, str], int]  # (entity, system) → 0 is the strongest


@dataclass(frozen=True, slots=True)
class Read:
    """One field of one record that was read, with its value; of a reference, the id."""

    entity: str
    id: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Views:
    """Opens records for the target `system`. `reads` gathers the fields that are read of them,
    `opened` the records (entity, id) of which something personal was."""

    session: Session
    keyring: Keyring
    system: str
    rank: Rank
    reads: list[Read] = field(default_factory=list)
    opened: dict[tuple[str, str], None] = field(default_factory=dict)

    def version(self, entity: str, one: str, n: int) -> View:
        """The record as its `n`-th version left it; without fields for n = 0."""
        return View(self, entity, one, _folded(self, entity, one, n))

    def now(self, entity: str, one: str) -> View | None:
        """The record as it is, or the one it was merged into; None when it has no row."""
        spec = entities()[entity]
        home = _home(self.session, spec, one)
        names = ", ".join(str(known.column) for known in spec.fields.values())
        row = self.session.one(f"select {names} from {spec.table.name} where id = ?", (home,))
        return None if row is None else View(self, entity, home, _opened(self, spec, home, row))


@dataclass(frozen=True, slots=True)
class View:
    """One record, satisfying `mappings.canonical.CanonicalView`."""

    views: Views
    entity: str
    id: str
    fields: dict[str, Any]
    assumed: str = ""  # the target's key where it has none yet, to see what it would say then

    def get(self, name: str) -> Any:  # noqa: ANN401 - a canonical value
        """The value of a field, None when there is none."""
        value = self.fields.get(name)
        if value is not None:
            self.views.reads.append(Read(self.entity, self.id, name, value))
            self._note(entities()[self.entity].fields[name].sensitivity)
        return value

    def follow(self, step: str) -> View | None:
        """The record that the reference `step` points to, or the sealed part called `step`, as it
        is now; None when it is not known."""
        if entities()[self.entity].fields.get(step) is None:
            return self.views.now(step, self.id)
        one = self.get(step)
        of = entities()[self.entity].fields[step].meta.of
        return self.views.now(of, one) if one else None

    def find(self, entity: str, /, **wanted: str) -> list[View]:
        """Records of `entity` with these values in these fields as they are now, the oldest
        first; none that was merged away or that nobody stands by any more."""
        spec = entities()[entity]
        where = " and ".join(f"{spec.fields[name].column} = ?" for name in wanted)
        rows = self.views.session.all(
            f"select id from {spec.table.name} where {where} and superseded_by is null "
            f"and not withdrawn order by id",
            tuple(wanted.values()),
        )
        found = (self.views.now(entity, row[0]) for row in rows)
        return [view for view in found if view]

    def referring(
        self, entity: str, field: str, having: tuple[str, str] | None = None
    ) -> list[View]:
        """The records of `entity` whose reference `field` points to this one, as they are now;
        with `having`, a field and its value, those of which that is so."""
        spec = entities()[entity]
        rows = self.views.session.all(
            f"select id from {spec.table.name} where {spec.fields[field].column} = ? "
            "and superseded_by is null order by id",
            (self.id,),
        )
        found = [view for (one,) in rows if (view := self.views.now(entity, one))]
        return [view for view in found if having is None or view.get(having[0]) == having[1]]

    def identifiers(self, type: str) -> Sequence[Identifier]:
        """Those the target gave the record itself, then by the authority of who gave them; of one
        system's, what the record shows as its number now before what it was before."""
        keys = _keys(self)
        rows = self.views.session.among(
            "select x, assigner, value from identifier where type = ? and x in {members}",
            [key.x for key in keys],
            (type,),
        )
        by_key: dict[int, list[Identifier]] = {}
        for x, assigner, cell in rows:
            value = self.views.keyring.open(bytes(cell), f"identifier|{x}|value".encode())
            by_key.setdefault(x, []).append(Identifier(type, value.decode(), assigner))
        now = self.fields.get(type)
        found = [one for k in keys for one in sorted(by_key.get(k.x, []), key=_order(now))]
        if found:
            spec = entities()[self.entity]
            self._note(spec.identifiers[type].sensitivity or spec.sensitivity)
        return list(dict.fromkeys(found))

    def native_key(self) -> str | None:
        """The key by which the target knows the record; one that the target has not merged
        away, where there are several."""
        return next(self._native_keys(), self.assumed or None)

    def other_keys(self) -> list[str]:
        """The target's other keys for the record, where others say that what it keeps as several
        is one."""
        return list(self._native_keys())[1:]

    def _native_keys(self) -> Iterator[str]:
        for key in _keys(self):
            if key.system == self.views.system:
                native = self.views.keyring.open(key.native, f"xref|{key.x}|native".encode())
                if native != _REFERRED:
                    yield native.decode()

    def called(self, key: str) -> View:
        """The same record, as if the target knew it by `key` where it does not know it yet."""
        return replace(self, assumed=key)

    def systems(self) -> frozenset[str]:
        """Those that have a key for the record."""
        return frozenset(key.system for key in _keys(self))

    def filled(self) -> View:
        """The same record, with what is known of it now where it had no value yet."""
        now = self.views.now(self.entity, self.id)
        if now is None:
            return self
        own = {name: value for name, value in self.fields.items() if value is not None}
        return View(self.views, self.entity, now.id, now.fields | own, self.assumed)

    def _note(self, sensitivity: Sensitivity) -> None:
        if sensitivity in SEALED:
            self.views.opened[self.entity, self.id] = None

    @property
    def merged(self) -> bool:
        """Whether this version says that another record has taken its place."""
        return self.fields.get("#superseded_by") is not None


@dataclass(frozen=True, slots=True)
class _Key:
    x: int
    system: str
    native: bytes


def _keys(view: View) -> list[_Key]:
    """The keys of a record, best first: the target's own, then by authority, the oldest first;
    those that a system has merged away come last, and with them those that know the record by a
    number that went away so."""
    spec = entities()[view.entity]
    owner = spec.beside or spec.name
    session = view.views.session
    one = _home(session, entities()[owner], view.id)
    rows = session.all(
        "select x, system, native from xref where entity_id = ? and entity = ?", (one, owner)
    )
    retired = _retired(session, [row[0] for row in rows])
    keys = [_Key(x, system, bytes(native)) for x, system, native in rows]
    mine, rank = view.views.system, view.views.rank
    return sorted(
        keys, key=lambda k: (k.x in retired, k.system != mine, rank(owner, k.system), k.x)
    )


def _retired(session: Session, keys: Sequence[int]) -> set[int]:
    merged = session.among(
        "select t.kept_x, t.retired_x from same_as t join xref k on k.x = t.kept_x "
        "join xref r on r.x = t.retired_x and r.system = k.system "
        "where t.withdrawn_seq is null and t.kept_x in {members}",
        keys,
    )
    if not merged:
        return set()
    kept, away = {row[0] for row in merged}, {row[1] for row in merged}
    held = [
        (x, bytes(digest))
        for x, digest in session.among(
            "select x, digest from identifier where x in {members}", keys
        )
    ]
    gone = {digest for x, digest in held if x in away}
    gone -= {digest for x, digest in held if x in kept - away}
    return away | {x for x, digest in held if digest in gone}


def _home(session: Session, spec: EntitySpec, one: str) -> str:
    """The id that `one` leads to after all merges."""
    for _ in range(_HOPS):
        row = session.one(f"select superseded_by from {spec.table.name} where id = ?", (one,))
        if row is None or row[0] is None:
            break
        one = row[0]
    return one


def _order(now: Any) -> Callable[[Identifier], tuple[bool, str, str]]:  # noqa: ANN401 - JSON
    return lambda one: (one.value != now, one.assigner, one.value)


def _folded(views: Views, entity: str, one: str, n: int) -> dict[str, Any]:
    rows = views.session.all(
        "select v, changed, sealed from version where id = ? and entity = ? and n <= ? order by n",
        (one, entity, n),
    )
    fields: dict[str, Any] = {}
    for v, changed, sealed in rows:
        text = changed or "{}"
        if sealed is not None:
            text = views.keyring.open(bytes(sealed), version_place(v))
        fields |= orjson.loads(text)
    return fields


def _opened(views: Views, spec: EntitySpec, one: str, cells: Row) -> dict[str, Any]:
    values = zip(spec.fields.values(), cells, strict=True)
    return {
        known.name: _value(views, spec, one, known, cell)
        for known, cell in values
        if cell is not None
    }


def _value(views: Views, spec: EntitySpec, one: str, known: FieldSpec, cell: Any) -> Any:  # noqa: ANN401
    if known.sealed:
        place = cell_place(spec.name, one, known.column)
        return orjson.loads(views.keyring.open(bytes(cell), place))
    return _STORED.get(known.meta.kind, _as_is)(cell)


def _texts(cell: Any) -> Any:  # noqa: ANN401 - SQLite keeps JSON as text, psycopg reads it
    return orjson.loads(cell) if isinstance(cell, str) else cell


def _as_is(cell: Any) -> Any:  # noqa: ANN401
    return cell


_STORED: dict[Kind, Callable[[Any], Any]] = {"texts": _texts, "flag": bool}
