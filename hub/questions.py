"""Questions for people as they are read: one with the records it is about, and those that meet
conditions, to be answered together."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hub import repository
from hub.database import Session
from hub.decisions import COLUMNS, OPEN, ids_of, shown
from hub.grants import is_restricted
from hub.model.spec import entities
from hub.principal import READ, Forbidden, Principal
from hub.query import View
from hub.reader import Reader, sealed_parts
from hub.render import Record

MOST = 2000  # answered together
SEALED_PARTS, RECORDS = "phi", "records"  # what may be shown beside a question
_FORM = re.compile(r"([a-z][a-z_]*(?:\.[a-z][a-z_]*)*)(>=|<=|!=|=)(.{1,200})")
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le}
)


@dataclass(frozen=True, slots=True)
class Condition:
    """`weight>=20`, `entity=Person`, `fields.email.level=same`: a part of evidence or proposal put
    to one test. What a question lacks meets none but `!=`."""

    path: str
    test: str
    value: str

    def holds(self, said: Mapping[str, Any]) -> bool:
        """Whether a question that says this meets it."""
        found = said.get(self.path)
        if self.test in (">=", "<="):
            return isinstance(found, int | float) and _TESTS[self.test](found, float(self.value))
        return _TESTS[self.test]("" if found is None else str(found), self.value)


def condition(text: str) -> Condition:
    """Raises ValueError, with what was expected, for what is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a name, one of = != >= <=, and a value: weight>=20")
    path, test, value = match[1], match[2], match[3].strip()
    if test in (">=", "<="):
        try:
            float(value)
        except ValueError:
            raise ValueError(f"{path}{test}: expected a number behind it") from None
    return Condition(path, test, value)


def meeting(
    session: Session, *, kind: str, conditions: Sequence[Condition], state: str = OPEN
) -> list[Record]:
    """The questions of a kind ("": of any) that meet every condition, the oldest first, at most
    2,000."""
    where, values = ("state = ? and kind = ?", (state, kind)) if kind else ("state = ?", (state,))
    found = []
    rows = session.all(f"select {COLUMNS} from decision where {where} order by id", values)
    for question in map(shown, rows):
        said = dict(_said(question))
        if all(one.holds(said) for one in conditions):
            found.append(question)
        if len(found) == MOST:
            break
    return found


def one(
    reader: Reader, principal: Principal, question: str, include: frozenset[str]
) -> Record | None:
    """One question, with the records it is about where `include` says so: what is sealed of them
    only with the scope for it, and then the audit knows. Raises Forbidden for a principal who is
    confined to some studies: a question may be about records of others."""
    principal.must(READ)
    if is_restricted(principal):
        raise Forbidden(f"{principal.name} may see some studies only, decisions span all")
    row = reader.session.one(f"select {COLUMNS} from decision where id = ?", (question,))
    if row is None:
        return None
    found = shown(row)
    spec = entities().get(str(found["proposal"].get("entity")))
    if include and spec and not spec.beside:
        parts = include & sealed_parts(spec.name).keys()
        view = View(include=parts | ({"identifiers"} if spec.identifiers else set()))
        found["records"] = [
            repository.get(reader, principal, spec, each, view)
            for each in ids_of(found["proposal"])
        ]
    return found


def _said(question: Record) -> Iterator[tuple[str, Any]]:
    yield from (("kind", question["kind"]), ("opened_at", question["opened_at"]))
    yield from _parts(question["proposal"], "")
    yield from _parts(question["evidence"], "")


def _parts(said: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _parts(value, f"{above}{name}.")
        else:
            yield above + name, value
