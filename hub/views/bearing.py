"""Which studies a change bears on: those whose kept sums and rows must be made anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import orjson

from hub.changes import Change
from hub.database import Session
from hub.model.spec import EntitySpec, entities

_READ = re.compile(r"\b(?:from|join)\s+([a-z_]+)")

# the references, besides one to the study itself, by which a record counts for a study
_BY = {
    "BudgetLine": ("budget",),
    "DocumentVersion": ("document",),
    "EnrollmentState": ("enrollment",),
    "InvoiceLine": ("invoice", "receivable"),
    "ParticipantVisit": ("enrollment",),
    "PaymentAllocation": ("receivable", "invoice", "invoice_line"),
}  # fmt: skip
# what is of no study, and the records that show it
_SHOWN = {
    "Organization": (
        ("Study", "sponsor"), ("StudySite", "organization"), ("StudyGovernance", "unit"),
    ),
    "Payment": (("PaymentAllocation", "payment"),),
    "Person": (("StudySite", "principal_investigator"), ("StaffAssignment", "person")),
}  # fmt: skip


def read(sql: str) -> frozenset[str]:
    """The entities that a query reads."""
    by_table = {str(spec.table.name): name for name, spec in entities().items()}
    return frozenset(by_table[name] for name in _READ.findall(sql) if name in by_table)


def leads(entity: str) -> bool:
    """Whether the studies are known that a change of such a record bears on."""
    spec = entities()[entity]
    return entity == "Study" or entity in _SHOWN or bool(_references(spec))


def studies(session: Session, feed: Sequence[Change], read: frozenset[str]) -> set[str]:
    """The studies that the changes to entities in `read` bear on, those that a record belonged to
    before it moved among them."""
    found: set[str] = set()
    counted = [one for one in feed if one.entity in read]
    for entity in {one.entity for one in counted}:
        own = [one for one in counted if one.entity == entity]
        found |= _of(session, entity, {one.id for one in own})
        moved = {one.id for one in own if _has_moved(one)}
        for other, ids in _left(session, entity, moved).items():
            found |= _of(session, other, ids)
    return found


def _references(spec: EntitySpec) -> list[str]:
    own = ("study",) if "study" in spec.fields else ()
    return [*own, *_BY.get(spec.name, ())]


def _has_moved(one: Change) -> bool:
    if one.n == 1 or not one.changed:
        return False
    return any(f'"{name}":' in one.changed for name in _references(entities()[one.entity]))


def _left(session: Session, entity: str, ids: Iterable[str]) -> dict[str, set[str]]:
    """What these records have ever referred to that leads to a study, by entity."""
    spec, left = entities()[entity], dict[str, set[str]]()
    rows = session.among(
        "select changed from version where id in {members} and changed is not null", sorted(ids)
    )
    for (changed,) in rows:
        said = orjson.loads(changed)
        for name in _references(spec):
            if said.get(name):
                left.setdefault(spec.fields[name].meta.of, set()).add(said[name])
    return left


def _of(session: Session, entity: str, ids: Iterable[str]) -> set[str]:
    spec, shown = entities()[entity], set(ids if entity == "Study" else ())
    for name in _references(spec):
        field = spec.fields[name]
        sql = f"select distinct {field.column} from {spec.table.name} where id in {{members}}"
        shown |= _of(session, field.meta.of, _known(session, sql, ids))
    for other, name in _SHOWN.get(entity, ()):
        by = entities()[other]
        sql = f"select id from {by.table.name} where {by.fields[name].column} in {{members}}"
        shown |= _of(session, other, _known(session, sql, ids))
    return shown


def _known(session: Session, sql: str, ids: Iterable[str]) -> set[str]:
    rows = session.among(sql, sorted(ids))
    return {one for (one,) in rows if one is not None}
