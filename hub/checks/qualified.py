"""What somebody needs for what they are delegated, and for which days they have it."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.checks import words
from hub.checks.look import Look, Record

LICENCES = ("medical_license", "nursing_license", "pharmacy_license")
# tasks that only somebody with a licence may do
LICENSED = ("physical_exam", "ae_assessment", "ip_dispense", "unblinding")
_COURSES = ("course_group", "course_code")
_DONE = ("completed", "waived", "expired")
_HELD = (None, "valid", "expiring", "expired")


@dataclass(frozen=True, slots=True)
class Span:
    """Days for which somebody has something, `until` the last of them (None: for good); `grace`
    days more are forgiven."""

    entity: str
    id: str
    since: date
    until: date | None
    grace: int = 0

    def holds(self, day: date) -> bool:
        last = self.until and self.until + timedelta(days=self.grace)
        return self.since <= day and (last is None or day <= last)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a delegation asks for, and the days for which it is there."""

    kind: str  # training, licence, cv, role
    name: str  # a GCP training, a licence …
    spans: Sequence[Span]

    def holds(self, day: date) -> bool:
        return any(span.holds(day) for span in self.spans)

    def ended(self, day: date) -> Span | None:
        """What ran out last before this day; None: there was nothing yet."""
        over = [span for span in self.spans if span.until and span.until < day]
        return max(over, key=lambda span: span.until or day, default=None)

    def ends(self, today: date) -> date | None:
        """The last day on which it holds without a gap from today on; None: it does for good, or
        not at all."""
        day: date | None = None
        for span in sorted(self.spans, key=lambda one: one.since):
            begins = (day or today) + timedelta(days=1)
            if span.since <= begins and (span.until is None or span.until >= (day or today)):
                if span.until is None:
                    return None
                day = span.until
        return day


@dataclass(frozen=True, slots=True)
class Papers:
    """What is known of the people who are delegated something on the studies looked at."""

    rules: Sequence[Record]  # training requirements
    trained: Mapping[str, Sequence[Record]]
    held: Mapping[str, Sequence[Record]]  # credentials
    filed: Mapping[str, Sequence[Record]]  # curricula vitae in a binder
    roles: Mapping[tuple[str, str], Sequence[Record]]  # (study, person) → assignments
    known: frozenset[str]  # what is known of anybody: course groups, kinds of credential


def papers(look: Look, people: Iterable[str]) -> Papers:
    """Everything that bears on these people on the studies looked at."""
    people, rules = sorted(set(people)), _rules(look)
    roles: dict[tuple[str, str], list[Record]] = {}
    for row in look.of_studies("StaffAssignment"):
        if row["status"] != "entered_in_error":
            roles.setdefault((row["study_id"], row["person_id"]), []).append(row)
    filed = [
        row for row in look.where("Document", "person_id", people)
        if row["kind"] == "cv" and row["status"] not in ("draft", "withdrawn", "superseded")
    ]  # fmt: skip
    return Papers(
        rules=rules,
        trained=_by_person(look.where("TrainingRecord", "person_id", people)),
        held=_by_person(look.where("Credential", "person_id", people)),
        filed=_by_person(filed),
        roles=roles,
        known=_known(look, rules),
    )


def needs(found: Papers, study: str, site: str, person: str, tasks: Sequence[str]) -> list[Need]:
    """What these tasks ask of somebody there; nothing of a sort that is known of nobody."""
    mine = [row["role"] for row in found.roles.get((study, person), ()) if row["role"]]
    made = [
        _training(found, rule, study, person)
        for rule in found.rules
        if _binds(rule, study, site, mine, tasks) and _is_known(found, rule)
    ]
    if set(tasks) & set(LICENSED) and found.known & set(LICENCES):
        spans = [s for kind in LICENCES for s in _credentials(found, person, kind)]
        made.append(Need("licence", "a licence", spans))
    if "cv" in found.known:
        spans = [*_credentials(found, person, "cv"), *_curricula(found, person)]
        made.append(Need("cv", "a curriculum vitae on file", spans))
    if any(row["irb_approved_on"] for (of, _), own in found.roles.items() if of == study
           for row in own):  # fmt: skip
        made.append(Need("role", "the IRB's approval on the study", _role(found, study, person)))
    return made


def _rules(look: Look) -> list[Record]:
    """The requirements in force. They are few, and bind whoever they are about."""
    rows = look.where("TrainingRequirement", "active", [True]) + look.where(
        "TrainingRequirement", "scope", ["institution", "role", "study", "site", "task"]
    )
    found = {row["id"]: row for row in rows if row["active"] is not False}
    return [row for row in found.values() if words.covers(row, look.today)]


def _by_person(rows: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append(row)
    return found


def _known(look: Look, rules: Sequence[Record]) -> frozenset[str]:
    """What is told of anybody: without a source of licences nobody lacks one."""
    groups = {_plain(rule[name]) for rule in rules for name in _COURSES if rule[name]}
    asked = [("credential", "kind", word) for word in (*groups, *LICENCES, "cv")]
    asked += [("training_record", name, word) for name in _COURSES for word in groups]
    asked += [("document", "kind", "cv")]
    session = look.reader.session
    return frozenset(
        word for table, name, word in asked
        if session.one(f"select 1 from {table} where lower({name}) = ? limit 1", (word,))
    )  # fmt: skip


def _plain(word: object) -> str:
    return str(word).strip().casefold()


def _is_known(found: Papers, rule: Record) -> bool:
    names = {_plain(rule[name]) for name in _COURSES if rule[name]}
    return bool(names & found.known)


def _binds(rule: Record, study: str, site: str, roles: Sequence[str], tasks: Sequence[str]) -> bool:
    """Whether a requirement is about these tasks of somebody with these roles."""
    if rule["study_id"] not in (None, study) or rule["study_site_id"] not in (None, site):
        return False
    if rule["roles"] and not set(rule["roles"]) & set(roles):
        return False
    return not rule["tasks"] or bool(set(rule["tasks"]) & set(tasks))


def _training(found: Papers, rule: Record, study: str, person: str) -> Need:
    grace = rule["grace_days"] or 0
    spans = []
    for row in found.trained.get(person, ()):
        done = words.day(row["completed_on"])
        if row["status"] in _DONE and done and _counts(rule, row) and row["study_id"] in (
            None, study
        ):  # fmt: skip
            until = words.day(row["expires_on"]) or _after(done, rule["valid_months"])
            spans.append(Span("TrainingRecord", row["id"], done, until, grace))
    group = _plain(rule["course_group"] or "")
    spans += [
        Span(one.entity, one.id, one.since, one.until, grace)
        for one in _credentials(found, person, group)
    ]
    return Need("training", f"{rule['course_group'] or rule['name'] or 'a training'}", spans)


def _counts(rule: Record, row: Record) -> bool:
    """Whether a course is one that the requirement asks for."""
    if rule["course_code"]:
        return _plain(rule["course_code"]) == _plain(row["course_code"])
    names = [_plain(row[name]) for name in ("course_group", "course_name") if row[name]]
    return _plain(rule["course_group"] or "") in names


def _credentials(found: Papers, person: str, kind: str) -> list[Span]:
    return [
        Span("Credential", row["id"], words.day(row["issued_on"]) or date.min,
             words.day(row["expires_on"]))
        for row in found.held.get(person, ())
        if row["kind"] == kind and row["status"] in _HELD
    ]  # fmt: skip


def _curricula(found: Papers, person: str) -> list[Span]:
    return [
        Span("Document", row["id"],
             words.day(row["effective_on"]) or words.day(row["document_on"]) or date.min,
             words.day(row["expires_on"]))
        for row in found.filed.get(person, ())
    ]  # fmt: skip


def _role(found: Papers, study: str, person: str) -> list[Span]:
    return [
        Span("StaffAssignment", row["id"], since, words.day(row["end_on"]))
        for row in found.roles.get((study, person), ())
        if (since := words.day(row["irb_approved_on"]))
    ]


def _after(done: date, months: int | None) -> date | None:
    """The day on which so many months are over."""
    if not months:
        return None
    year, month = divmod(done.year * 12 + done.month - 1 + months, 12)
    return date(year, month + 1, min(done.day, calendar.monthrange(year, month + 1)[1]))
