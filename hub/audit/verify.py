"""Whether the audit is as it was written: in the store with its versions, and in an export."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

import orjson

from hub import tables
from hub.audit.chain import Entry, Kept, entries, follow, version_text
from hub.audit.heads import Heads, Outside
from hub.audit.signing import Altered, Line, keys_in, plain, read
from hub.clock import micros
from hub.database import Row, Session
from hub.write import columns_of

_LONGEST = 1 << 24  # bytes of a line
_NAMED = 20  # versions that no batch knows which are named
_VERSION = "v, entity, id, n"


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong, the first of a chain first."""

    entries: int = 0
    chains: int = 0
    versions: int = 0
    heads: int = 0  # signed ones, of outside
    bare: list[str] = field(default_factory=list)  # places that should hold some and hold none
    keys: list[str] = field(default_factory=list)  # whose signatures hold
    exported: Line = field(default_factory=dict)  # what an export says of itself
    broken: list[str] = field(default_factory=list)


def store(session: Session, outside: Outside) -> Report:
    """The store: every chain, the versions of every batch against the digest the audit has of
    them, and what signed heads ask for. `session` should show one moment of it."""
    report = Report(heads=outside.lines, broken=list(outside.faults))
    for one in _followed(report, entries(session), outside):
        if one.entry.action == "settle":
            wrong = _batch(session, report, one.entry)
            report.broken += [f"{one.name}: {wrong}"] if wrong else []
    report.broken += outside.missing()
    total = session.one("select count(*) from version")
    if total and total[0] != report.versions:
        report.broken += _unknown(session)
    return report


def _followed(report: Report, kept: Iterator[Kept], outside: Outside) -> Iterator[Kept]:
    chain = ""
    for one, wrong in follow(kept):
        report.entries += 1
        report.chains += one.chain != chain
        chain = one.chain
        against = outside.look(one)
        if wrong or against:
            report.broken.append(f"{one.name}: {wrong or against}")
        yield one


def _batch(session: Session, report: Report, entry: Entry) -> str:
    """What is wrong with the versions of a settled batch, "" when nothing is."""
    said = _said(entry)
    if said is None:
        return "does not say which versions it settled"
    rows = _versions(session, said["first"], said["last"])
    report.versions += len(rows)
    digest = hashlib.sha256()
    for row in rows:
        digest.update(version_text(row))
    if digest.hexdigest() == said["sha256"]:
        return ""
    span = f"versions {said['first']} to {said['last']}"
    if len(rows) != said["versions"]:
        return f"settled {said['versions']} versions, {len(rows)} are there ({span})"
    return f"one of its {span} is not as it was written"


def _said(entry: Entry) -> dict[str, Any] | None:
    try:
        said = orjson.loads(entry.detail)
        return said if {"first", "last", "versions", "sha256"} <= said.keys() else None
    except (orjson.JSONDecodeError, AttributeError):
        return None


def _versions(session: Session, first: int, last: int) -> list[Row]:
    """A batch's versions: numbers in a row where one process writes; on PostgreSQL others write
    between them, in transactions of their own."""
    sql = f"select {', '.join(columns_of(tables.version))} from version where v between ? and ?"
    values: tuple[int, ...] = (first, last)
    if session.dialect == "postgresql":
        sql += " and xid = (select xid from version where v = ?)"
        values = (*values, first)
    return session.all(sql + " order by v", values)


def _unknown(session: Session) -> Iterator[str]:
    """Versions that no batch of the audit has settled. Only looked for where the numbers differ."""
    said = [_said(one.entry) for one in entries(session) if one.entry.action == "settle"]
    spans = sorted((one["first"], one["last"]) for one in said if one)
    if session.dialect == "postgresql":
        rows = session.all(
            f"select {_VERSION} from version where not xid = any(select xid from version "
            f"where v = any(?)) order by v limit {_NAMED}",
            ([first for first, _ in spans],),
        )
    else:
        rows = list(_between(session, spans))[:_NAMED]
    for v, entity, one, n in rows:
        yield f"version {v} ({entity} {one}, its {n}.): no entry of the audit knows it"


def _between(session: Session, spans: list[tuple[int, int]]) -> Iterator[Row]:
    sql = f"select {_VERSION} from version where v > ? and v < ? order by v limit {_NAMED}"
    last = -(1 << 62)
    for first, until in [*spans, (1 << 62, 0)]:
        if first > last + 1:
            yield from session.all(sql, (last, first))
        last = max(last, until)


def exported(stream: BinaryIO, outside: Outside, pinned: Mapping[str, str]) -> Report:
    """An export, offline: every line, every chain, the signed heads, and the signature over all.

    `pinned`: the public keys one trusts, by id; where it is empty those in the export are taken at
    their word, and `keys` of the report names them."""
    reading = _Reading(stream, pinned)
    report = Report(heads=outside.lines, broken=list(outside.faults))
    try:
        for one in _followed(report, reading.entries(), outside):
            reading.last[one.chain] = (one.n, one.hash.hex())
        report.broken += reading.ended()
    except Altered as error:
        report.broken.append(f"line {reading.number} (behind {reading.name}): {error}")
    report.broken += outside.missing()
    report.keys, report.exported = sorted(reading.known), reading.about
    return report


@dataclass(slots=True)
class _Reading:
    """An export as far as it has been read."""

    stream: BinaryIO
    pinned: Mapping[str, str]
    number: int = 0
    name: str = "the beginning"
    about: Line = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    last: Heads = field(default_factory=dict)
    said: Line = field(default_factory=dict)  # the line behind the entries
    _introduced: list[bytes] = field(default_factory=list)
    _raw: bytes = b""
    _digest: Any = field(default_factory=hashlib.sha256)

    def entries(self) -> Iterator[Kept]:
        """Its entries. Raises Altered where a line is none that was written."""
        self.about = self._next("export")
        while (said := self._next())["kind"] == "key":
            self._introduced.append(self._raw)
        self.known = keys_in(self._introduced)
        if self.pinned and not self.pinned.keys() & self.known.keys():
            raise Altered(f"is not signed with any key that is trusted ({', '.join(self.known)})")
        while said["kind"] == "entry":
            one = _entry(said)
            self.name = one.name
            yield one
            said = self._next()
        self.said = said

    def ended(self) -> Iterator[str]:
        """What is wrong with how the export ends. Raises Altered."""
        if self.said.get("kind") != "heads":
            raise Altered("expected the signed heads")
        yield from _against(self.last, read(self._raw, self.known)["chains"])
        before, lines = self._digest.hexdigest(), self.number
        self._next("end")
        said = read(self._raw, self.known)
        if (said["sha256"], said["lines"]) != (before, lines):
            raise Altered("does not end what is before it")
        if self.stream.read(1):
            raise Altered("something stands behind its end")

    def _next(self, kind: str = "") -> Line:
        raw = self.stream.readline(_LONGEST)
        self.number += 1
        if not raw.endswith(b"\n"):
            raise Altered("the export breaks off" if not raw else "the line breaks off")
        self._digest.update(raw)
        self._raw = raw[:-1]
        said = plain(self._raw)
        if not isinstance(said.get("kind"), str) or (kind and said["kind"] != kind):
            raise Altered(f"expected a line of the kind {kind or 'that is known'}")
        return said


def _entry(said: Line) -> Kept:
    """The entry that a line shows. Raises Altered for a line that `as_line` has not made."""
    from hub.audit.export import as_line

    try:
        at = micros(datetime.fromisoformat(said["at"]))
        entry = Entry(
            at=at, actor=said["actor"], action=said["action"], object=said["object"],
            reason=said["reason"], detail=said["detail"], origin=said["origin"],
        )  # fmt: skip
        one = Kept(said["chain"], said["n"], entry, bytes.fromhex(said["hash"]))
        same = as_line(one) == said
    except (KeyError, TypeError, ValueError, AttributeError):
        same = False
    if not same:
        raise Altered("is not an entry as it was written")
    return one


def _against(last: Heads, signed: Mapping[str, Any]) -> Iterator[str]:
    """What the signed heads have against how far the chains went."""
    for chain in sorted({*last, *signed}):
        n, hash_ = last.get(chain, (0, ""))
        wanted, signed_hash = signed.get(chain, (0, ""))
        if n < wanted:
            yield f"{chain}/{n + 1}: is missing; the signed heads go on to {chain}/{wanted}"
        elif n > wanted:
            yield f"{chain}/{wanted + 1}: is not in the signed heads"
        elif hash_ != signed_hash:
            yield f"{chain}/{n}: is not the entry that was signed"
