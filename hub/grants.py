"""Which records a principal may see at all: the one place where study and site grants become SQL.

A record belongs to a study by its own reference, or through its enrollment or its site. One that
is about a participant and belongs to no study that can be told is shown only to those who may see
all; a place, a person or an organization belongs to none and is shown to everyone who may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.database import Dialect
from hub.model.spec import EntitySpec
from hub.principal import READ, Principal
from hub.sql import Clause, members

_ABOUT_PARTICIPANTS = ("confidential", "phi", "unblinding")


def visible(principal: Principal, spec: EntitySpec, dialect: Dialect) -> list[Clause]:
    """Conditions on the record `e` of which all must hold. Raises Forbidden without the scope
    to read."""
    principal.must(READ)
    clauses = []
    if principal.studies is not None:
        clauses += _granted(spec, dialect, "study", principal.studies)
    if principal.sites is not None:
        clauses += _granted(spec, dialect, "study_site", principal.sites)
    return clauses


def is_restricted(principal: Principal) -> bool:
    """Whether the principal is confined to some studies or sites."""
    return principal.studies is not None or principal.sites is not None


def covers(wide: Principal, narrow: Principal) -> bool:
    """Whether `wide` may see every study and site that `narrow` may."""
    pairs = ((wide.studies, narrow.studies), (wide.sites, narrow.sites))
    return all(w is None or (n is not None and n <= w) for w, n in pairs)


def of_studies(spec: EntitySpec, dialect: Dialect, studies: Iterable[str]) -> list[Clause]:
    """That the record `e` belongs to one of `studies`; one of a kind that belongs to none does
    not. It narrows what is asked for, and grants nothing."""
    test, value = members(dialect, sorted(studies))
    paths = list(_paths(spec, "study", test))
    return [Clause(f"({' or '.join(paths) or '1 = 0'})", [value] * len(paths))]


def _granted(spec: EntitySpec, dialect: Dialect, what: str, granted: Iterable[str]) -> list[Clause]:
    """`what`: study or study_site."""
    test, value = members(dialect, sorted(granted))
    paths = list(_paths(spec, what, test))
    values = [value] * len(paths)
    if not _is_personal(spec):
        if not paths:
            return []
        paths.append(" and ".join(f"e.{c} is null" for c in _columns(spec, what)) or "1 = 0")
    return [Clause(f"({' or '.join(paths) or '1 = 0'})", values)]


def _is_personal(spec: EntitySpec) -> bool:
    return spec.sensitivity in _ABOUT_PARTICIPANTS


def _columns(spec: EntitySpec, what: str) -> list[str]:
    """The record's own columns that tell its study or site."""
    names = {"study": ("study", "study_site"), "study_site": ("study_site",)}[what]
    return [spec.fields[name].column for name in names if name in spec.fields]


def _paths(spec: EntitySpec, what: str, test: str) -> Iterator[str]:
    """Each way a record can be of a granted study or site; every one has one value."""
    column, own = f"{what}_id", ""
    if spec.name == {"study": "Study", "study_site": "StudySite"}[what]:
        yield f"e.id {test}"
    if spec.name == "Participant":
        yield f"e.id in (select n.participant_id from enrollment n where n.{column} {test})"
    if what in spec.fields:
        yield f"e.{column} {test}"
        own = f"e.{column} is null and "
    if what == "study" and "study_site" in spec.fields:
        yield f"({own}e.study_site_id in (select s.id from study_site s where s.study_id {test}))"
    if "enrollment" in spec.fields:
        yield f"({own}e.enrollment_id in (select n.id from enrollment n where n.{column} {test}))"
