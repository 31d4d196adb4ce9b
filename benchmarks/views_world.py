"""An institution of 2,000 studies, 100,000 participants and 1,000,000 visits as rows of the
canonical tables, made up: every column holds something, every reference leads somewhere.

Who belongs to whom is told by position: of N records the n-th belongs to the one that stands at the
same share of the way through its own entity, so that a visit, its enrollment and their study agree.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import orjson

from hub import feeds, tables
from hub.database import Row, Session
from hub.model.base import ENVELOPE
from hub.model.spec import EntitySpec, FieldSpec, entities

STUDIES = 2_000
# records a study; of whatever is not named here there are two
EACH = {
    "Study": 1, "Portfolio": 1, "Organization": 1, "Location": 1, "StudyGovernance": 1,
    "StudySite": 4, "Participant": 50, "Enrollment": 50, "ParticipantVisit": 500, "VisitDef": 10,
    "Consent": 50, "EnrollmentState": 100, "VisitProcedure": 100, "Charge": 100, "CrfStatus": 50,
    "DataQuery": 20, "Document": 50, "DocumentVersion": 50, "ExpectedDocument": 20, "Milestone": 10,
    "MonitoringVisit": 10, "MonitoringFinding": 20, "Deviation": 10, "SafetyEventRef": 5,
    "Budget": 2, "BudgetLine": 20, "Invoice": 10, "InvoiceLine": 20, "Payment": 10,
    "PaymentAllocation": 10, "Receivable": 10, "LedgerEntry": 20, "StaffAssignment": 10,
    "Credential": 5, "TrainingRecord": 10, "Delegation": 10, "StartupTask": 10,
    "IrbSubmission": 5, "TrainingRequirement": 5,
}  # fmt: skip
_AT = 1_772_000_000_000_000
_SEALED = ("ParticipantPhi", "EnrollmentArm")  # ciphertext, and no view shows it to everyone
_ANYWHERE = ("Person", "Organization", "Location")  # shared by studies
_FIRST_DAY, _DAYS, _LASTS = datetime.date(2025, 1, 1), 900, 700
_ENDS = ("end_on", "ends_on", "expires_on")
_CHUNK = 5_000


def fill(session: Session, studies: int = STUDIES) -> int:
    """Writes every record; how many there are."""
    written = 0
    for spec in entities().values():
        if spec.name in _SEALED:
            continue
        columns, rows = table(spec, studies)
        while some := list(itertools.islice(rows, _CHUNK)):
            with session.transaction():
                session.insert(spec.table, columns, some)
            written += len(some)
    with session.transaction():
        _beside(session, studies)
    return written


def _beside(session: Session, studies: int) -> None:
    """What else views read: who speaks of an enrollment, what is wrong with some, the feeds."""
    enrollments = [one("Enrollment", n) for n in range(count("Enrollment", studies))]
    keys: list[Row] = [
        (2 * n + k, b"%d" % (2 * n + k), "Enrollment", system, b"", owner, owner, "[]")
        for n, owner in enumerate(enrollments)
        for k, system in enumerate(_SYSTEMS[:2])
    ]
    session.insert(tables.xref, _XREF, keys)
    findings: list[Row] = [
        (one("Finding", n), b"%d" % n, _RULES[n % 2], 2 * n, "Enrollment", owner, "state", "",
         "ctms: enrolled; edc: completed", "one value", 1, _AT, _AT if n % 10 else None)
        for n, owner in enumerate(enrollments)
    ]  # fmt: skip
    session.insert(tables.finding, _FINDING, findings)
    feeds.note(session, _AT, {(name, "all"): (name, _AT) for name in _SYSTEMS})


_XREF = ("x", "digest", "entity", "system", "native", "home_id", "entity_id", "live")
_FINDING = (
    "id", "digest", "rule", "x", "entity", "entity_id", "field", "place", "found", "expected",
    "seq", "opened_at", "closed_at",
)  # fmt: skip
_SYSTEMS = ("ctms", "edc", "ehr", "binder", "irb", "erp")
_RULES = ("systems-disagree", "no-such-code")


def tell(session: Session, studies: int, told: Sequence[int]) -> None:
    """What was said of every record of some studies, and of what studies share: a statement each,
    from which the past is worked out."""
    for spec in entities().values():
        if spec.name in _SEALED:
            continue
        each = EACH.get(spec.name, 2)
        of = range(studies) if spec.name in _ANYWHERE else told
        numbers = [n for k in of for n in range(k * each, (k + 1) * each)]
        makers = _makers(spec, studies)
        with session.transaction():
            session.insert(tables.xref, _XREF, [_key(spec, n) for n in numbers])
            said = [_statement(spec, makers, n) for n in numbers]
            session.insert(tables.assertion, _ASSERTION, said)


def _key(spec: EntitySpec, n: int) -> Row:
    own = one(spec.name, n)
    return (_x(spec.name, n), own.encode(), spec.name, "ctms", b"", own, own, "[]")


def _statement(spec: EntitySpec, makers: dict[str, Maker], n: int) -> Row:
    said: dict[str, Any] = {}
    for field in spec.fields.values():
        value = makers[field.name](n)
        if value is None:
            continue
        if field.meta.kind == "ref":
            value = {"x": _x(field.meta.of, int(value[:8], 16))}
        said[field.name] = orjson.loads(value) if field.meta.kind == "texts" else value
    x = _x(spec.name, n)
    return (x, x, spec.name, 1, _AT, "", "stated", orjson.dumps(said).decode(), _AT)


def _x(entity: str, n: int) -> int:
    """The number of a record's key; those of `_beside` are below all of them."""
    return (_place(entity) + 1) * 10_000_000 + n


_ASSERTION = ("a", "x", "entity", "seq", "at", "native_version", "kind", "said", "recorded_at")


def count(entity: str, studies: int) -> int:
    """How many there are of an entity."""
    return EACH.get(entity, 2) * studies


def one(entity: str, n: int) -> str:
    """The id of the n-th record."""
    return f"{n:08x}{_tail(entity)}"


def protocol(n: int) -> str:
    """What the n-th study is called."""
    return f"sponsor_protocol_no {n}"


def table(spec: EntitySpec, studies: int) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The columns of an entity and its rows."""
    envelope = (name for name in ENVELOPE if name != "ext")
    columns = (*envelope, *(field.column for field in spec.fields.values()))
    return tuple(map(str, columns)), _rows(spec, studies)


def _rows(spec: EntitySpec, studies: int) -> Iterator[Row]:
    made = list(_makers(spec, studies).values())
    for n in range(count(spec.name, studies)):
        quality = "warning" if n % 40 == 0 else "ok"
        head = (one(spec.name, n), 1, _AT + n, _AT + n, quality, False, None, "1")
        yield (*head, *[make(n) for make in made])


Maker = Callable[[int], Any]


def _makers(spec: EntitySpec, studies: int) -> dict[str, Maker]:
    """What gives the value of each field."""
    fields = enumerate(spec.fields.values())
    return {field.name: _maker(spec, field, k, studies) for k, field in fields}


def _maker(spec: EntitySpec, field: FieldSpec, k: int, studies: int) -> Maker:
    """What gives a field's value in the n-th record; `k` keeps fields apart."""
    if field.sealed:
        return lambda _: None
    if field.meta.kind == "ref":
        return _reference(spec.name, field.meta.of, k, studies)
    if field.name == "tmf_artifact":  # of each zone of a master file some
        return lambda n: f"{1 + n % 11:02}.{1 + n % 4:02}.{1 + n % 9:02}"
    if field.name in _ALWAYS:
        return lambda _: _ALWAYS[field.name]
    return partial(_KINDS[field.meta.kind], field, k)


def _reference(entity: str, of: str, k: int, studies: int) -> Maker:
    mine, theirs = count(entity, studies), count(of, studies)
    if of in (entity, *_SEALED):
        return lambda _: None
    if of in _ANYWHERE:
        return lambda n: one(of, (n * 7 + k) % theirs)
    if of == "VisitDef":  # the visits of one participant are those of the calendar, in turn
        each = EACH[of]
        return lambda n: one(of, n * studies // mine * each + n % each)
    return lambda n: one(of, n * theirs // mine)


_ALWAYS = {"currency": "USD", "country": "US", "unblinded": False}
_FEW = {"course_code": 50, "course_group": 10, "department": 40}  # how many different ones


def _mixed(k: int, n: int) -> int:
    """A number that looks like chance, so that every state meets every kind."""
    mixed = (n * 2_654_435_761 + k * 2_246_822_519 + 97) & 0xFFFF_FFFF
    return (mixed ^ (mixed >> 15)) * 2_246_822_519 >> 13 & 0xFFFF


def _code(field: FieldSpec, k: int, n: int) -> str:
    codes = field.meta.codes
    return codes[_mixed(k, n) % len(codes)]


def _date(field: FieldSpec, k: int, n: int) -> str | None:
    if _mixed(k, n) % 4 == 0:
        return None
    return _day((n * 37 + k * 11) % _DAYS + (_LASTS if field.name in _ENDS else 0))


@cache
def _day(days: int) -> str:
    return (_FIRST_DAY + datetime.timedelta(days=days)).isoformat()


def _instant(field: FieldSpec, k: int, n: int) -> str | None:
    day = _date(field, k, n)
    return f"{day}T09:00Z[+00:00]" if day else None


def _texts(field: FieldSpec, k: int, n: int) -> str:
    return f'["{_code(field, k + 1, n) if field.meta.codes else field.name}"]'


_KINDS: dict[str, Callable[[FieldSpec, int, int], Any]] = {
    "text": lambda field, _, n: f"{field.name} {n % _FEW.get(field.name, n + 1)}",
    "code": _code,
    "date": _date,
    "instant": _instant,
    "integer": lambda _, k, n: 1 + (n + k) % 30,
    "decimal": lambda _, k, n: f"{10 + (n * 13 + k) % 990}.50",
    "flag": lambda _, k, n: _mixed(k, n) % 3 > 0,
    "texts": lambda field, k, n: _texts(field, k, n) if _mixed(k, n) % 2 else None,
}


@cache
def _tail(entity: str) -> str:
    """What follows in the ids of an entity."""
    return f"-0000-7000-8000-{_place(entity):012x}"


@cache
def _place(entity: str) -> int:
    return [*entities(), "Finding"].index(entity)
