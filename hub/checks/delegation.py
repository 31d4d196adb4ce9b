"""Check 2: whether whoever is delegated a task may do it: training, licence, curriculum vitae and
the IRB's approval, today, soon, and on the days on which they acted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record
from hub.checks.qualified import Need, Papers, Span, needs, papers

_LACKS = {
    "training": "training-missing", "licence": "licence-missing", "cv": "cv-missing",
    "role": "role-not-approved",
}  # fmt: skip
_ACTS = {
    "training": "the training office",
    "licence": "the principal investigator",
    "cv": "the regulatory coordinator",
    "role": "the regulatory coordinator, with the IRB",
}
_SAYS = {"StaffAssignment": ("irb_approved_on", "approved from {}"),
         "Document": ("expires_on", "on file until {}")}  # fmt: skip
_NAMED = 5  # subjects that a finding names
_SIGNED = ("obtained", "withdrawn", "superseded", "expired", "ended")
_NEVER = ("draft", "pending_pi")  # not in force yet


@dataclass(frozen=True, slots=True)
class _Delegated:
    """What one person is delegated on one study, in however many lines of logs."""

    study: str
    person: str
    name: str  # of the person
    of: str  # of the study
    rows: Sequence[Record]

    def on(self, day: date) -> list[Record]:
        """The lines that hold on a day."""
        return [row for row in self.rows if row["status"] not in _NEVER and words.covers(row, day)]

    def now(self, today: date) -> list[Record]:
        return [row for row in self.on(today) if row["status"] in (None, "active")]


@dataclass(frozen=True, slots=True)
class _Consented:
    """Somebody obtained a subject's consent."""

    row: Record
    day: date
    subject: str  # as people call them
    enrollment: str


def find(look: Look) -> Iterator[Discrepancy]:
    """Each discrepancy about what people are delegated on these studies."""
    everybody = list(_everybody(look))
    known = papers(look, [one.person for one in everybody])
    consents = _consents(look)
    for one in everybody:
        own = consents.get((one.study, one.person), [])
        lacking = set()
        for need, row in _asked(known, one, one.now(look.today)):
            if need.holds(look.today):
                yield from _soon(look, one, need, row)
            else:
                lacking.add((need.kind, need.name))
                yield _lacks(look, one, need, row, own)
        yield from _acted(look, known, one, own, lacking)
    yield from _undelegated(look, everybody, consents)


def _everybody(look: Look) -> Iterator[_Delegated]:
    rows = [row for row in look.of_studies("Delegation") if row["person_id"]]
    studies = look.called("Study", look.studies)
    people = look.called("Person", [row["person_id"] for row in rows])
    for study, person in sorted({(row["study_id"], row["person_id"]) for row in rows}):
        own = [row for row in rows if (row["study_id"], row["person_id"]) == (study, person)]
        name = people.get(person, "somebody")
        yield _Delegated(study, person, name, studies.get(study, "a study"), own)


def _asked(known: Papers, one: _Delegated, rows: Sequence[Record]) -> Iterator[tuple[Need, Record]]:
    """What these lines of somebody's delegation ask for, each thing once, with its line."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        site = row["study_site_id"] or ""
        for need in needs(known, one.study, site, one.person, row["tasks"] or []):
            if (need.kind, need.name) not in seen:
                seen.add((need.kind, need.name))
                yield need, row


def _lacks(
    look: Look, one: _Delegated, need: Need, row: Record, consents: Sequence[_Consented]
) -> Discrepancy:
    """Somebody is delegated something today and lacks what it asks for."""
    over = need.ended(look.today)
    began = words.day(row["start_on"]) or words.day_of(row["valid_from"], look.today)
    since = max(_behind(over), began) if over else began
    affected = [it for it in consents if it.day >= since]
    return _of(
        one, _LACKS[need.kind], row, about=need.name, since=since,
        sentence=f"{one.name} is delegated {_tasks(row)} on {one.of} and has no valid "
        f"{_thing(need)}: {_state(need, over)}{_obtained(affected)}.",
        evidence=[*_log(look, one, row), *_papers(look, need, over), *_affected(look, affected)],
        act=_ACTS[need.kind],
    )  # fmt: skip


def _soon(look: Look, one: _Delegated, need: Need, row: Record) -> Iterator[Discrepancy]:
    """What a delegation asks for runs out soon."""
    ends, soon = need.ends(look.today), timedelta(days=look.days("soon_days"))
    last = words.day(row["end_on"])
    if need.kind == "role" or ends is None or ends - soon > look.today or (last and last <= ends):
        return
    span = next(it for it in need.spans if it.until == ends)
    yield _of(
        one, "expires-soon", row, about=need.name, since=ends - soon,
        sentence=f"{one.name} is delegated {_tasks(row)} on {one.of}, and their {_thing(need)} "
        f"runs out on {ends}.",
        evidence=[*_log(look, one, row), *_papers(look, need, span)],
        act=f"{one.name}, with {_ACTS[need.kind]}",
    )  # fmt: skip


def _acted(
    look: Look,
    known: Papers,
    one: _Delegated,
    consents: Sequence[_Consented],
    lacking: set[tuple[str, str]],
) -> Iterator[Discrepancy]:
    """Somebody obtained consents on days on which they lacked what they have now, or on which they
    were still delegated it."""
    found: dict[tuple[str, str], list[tuple[_Consented, Need, Record]]] = {}
    for it in consents:
        rows = [row for row in one.on(it.day) if "consent" in (row["tasks"] or ())]
        for need, row in _asked(known, one, rows):
            key = (need.kind, need.name)
            if key not in lacking and not need.holds(it.day):
                found.setdefault(key, []).append((it, need, row))
    for (_, name), those in found.items():
        affected, need, row = [it for it, _, _ in those], those[0][1], those[0][2]
        first = min(it.day for it in affected)
        over = need.ended(first)
        yield _of(
            one, "acted-without", row, about=name, since=first,
            sentence=f"{one.name} had no valid {_thing(need)} on {first} "
            f"({_state(need, over)}){_obtained(affected)}.",
            evidence=[*_log(look, one, row), *_papers(look, need, over),
                      *_affected(look, affected)],
            act="the principal investigator, with the regulatory coordinator",
        )  # fmt: skip


def _undelegated(
    look: Look,
    everybody: Sequence[_Delegated],
    consents: dict[tuple[str, str], list[_Consented]],
) -> Iterator[Discrepancy]:
    """Somebody obtained a consent on a day on which nobody had delegated that to them. Where no
    delegation of the study is known, nobody lacks one."""
    known = {(one.study, one.person): one for one in everybody}
    studies = {one.study: one.of for one in everybody}
    people = look.called("Person", [person for _, person in consents])
    for (study, person), own in sorted(consents.items()):
        one = known.get((study, person))
        bare = [it for it in own if not (one and _may_consent(one, it.day))]
        if study not in studies or not bare:
            continue
        name = people.get(person, "somebody")
        yield Discrepancy(
            kind="not-delegated", entity="Consent", id=bare[0].row["id"], study=study, about=name,
            sentence=f"{name} was not delegated to obtain consent on {studies[study]}"
            f"{_obtained(bare)}.",
            evidence=tuple(_affected(look, bare)), since=min(it.day for it in bare),
            act="the principal investigator, with the regulatory coordinator",
        )  # fmt: skip


def _may_consent(one: _Delegated, day: date) -> bool:
    return any("consent" in (row["tasks"] or ("consent",)) for row in one.on(day))


def _consents(look: Look) -> dict[tuple[str, str], list[_Consented]]:
    """Who obtained which consents, by study and person, the earliest first, each subject and day
    once."""
    rows = [
        row for row in look.of_studies("Consent")
        if row["obtained_by_id"] and row["status"] in _SIGNED and words.day(row["signed_at"])
    ]  # fmt: skip
    subjects = {
        (row["study_id"], row["participant_id"]): row["id"]
        for row in look.of_studies("Enrollment") if row["participant_id"]
    }  # fmt: skip
    whose = {
        row["id"]: row["enrollment_id"] or subjects.get((row["study_id"], row["participant_id"]))
        for row in rows
    }
    called = look.called("Enrollment", whose.values())
    found: dict[tuple[str, str], list[_Consented]] = {}
    for row in sorted(rows, key=lambda it: (it["signed_at"], it["id"])):
        day = words.day(row["signed_at"])
        who = whose[row["id"]] or ""
        one = _Consented(row, day or date.min, called.get(who, "a subject"), who)
        own = found.setdefault((row["study_id"], row["obtained_by_id"]), [])
        if (one.day, one.subject) not in [(it.day, it.subject) for it in own]:
            own.append(one)
    return found


def _behind(over: Span) -> date:
    """The first day on which it is not forgiven any more."""
    return (over.until or date.min) + timedelta(days=over.grace + 1)


def _tasks(row: Record) -> str:
    return words.listed([task.replace("_", " ") for task in row["tasks"] or ["tasks"]])


def _thing(need: Need) -> str:
    return {"training": f"{need.name} training", "role": "approval by the IRB"}.get(
        need.kind, need.name.removeprefix("a ")
    )


def _state(need: Need, over: Span | None) -> str:
    if over:
        return f"the last ran out on {over.until}"
    later = [span.since for span in need.spans]
    return f"the first is of {min(later)}" if later else "none is known"


def _obtained(affected: Sequence[_Consented]) -> str:
    if not affected:
        return ""
    named = [f"{it.subject} ({it.day})" for it in affected[:_NAMED]]
    more = [f"{len(affected) - _NAMED} more"] if len(affected) > _NAMED else []
    return f"; consents obtained by them: {words.listed(named + more)}"


def _log(look: Look, one: _Delegated, row: Record) -> Iterator[Evidence]:
    says = f"delegated {_tasks(row)} from {{}}"
    return told(look, "Delegation", [row["id"]], "start_on", says=says, of=f"{one.name}, {one.of}")


def _papers(look: Look, need: Need, span: Span | None) -> Iterator[Evidence]:
    if span:
        field, says = _SAYS.get(span.entity, ("expires_on", "valid until {}"))
        yield from told(look, span.entity, [span.id], field, says=says, of=_thing(need))


def _affected(look: Look, affected: Sequence[_Consented]) -> Iterator[Evidence]:
    """Each consent, and the visits since of whoever gave it."""
    for it in affected[:_NAMED]:
        yield from told(look, "Consent", [it.row["id"]], "signed_at", says="consented on {}",
                        of=it.subject)  # fmt: skip
        came = [
            row["id"]
            for row in look.where("ParticipantVisit", "enrollment_id", [it.enrollment or None])
            if row["status"] in ("completed", "partial")
            and (day := words.day(row["actual_on"])) and day >= it.day
        ]  # fmt: skip
        yield from told(look, "ParticipantVisit", came[:_NAMED], "actual_on", says="came on {}",
                        of=f"{it.subject}, visit since")  # fmt: skip


def _of(one: _Delegated, kind: str, row: Record, *, about: str, since: date, sentence: str,
        evidence: Sequence[Evidence], act: str) -> Discrepancy:  # fmt: skip
    return Discrepancy(
        kind=kind, entity="Delegation", id=row["id"], study=one.study, person=one.person,
        about=about, sentence=sentence, evidence=tuple(evidence), act=act, since=since,
    )  # fmt: skip


CHECK = Check(
    name="delegation",
    number=2,
    title="Delegation against training, licence, CV and IRB approval",
    says="Whether whoever is delegated a task has the training that is required, a licence where "
    "the task needs one, a curriculum vitae on file and the IRB's approval on the study: today, in "
    "the days to come, and on the days on which they obtained consents.",
    kinds=(
        Kind(name="training-missing", act=_ACTS["training"],
             says="somebody is delegated a task without valid training"),
        Kind(name="licence-missing", act=_ACTS["licence"],
             says="somebody is delegated a task that needs a licence, and has no valid one"),
        Kind(name="cv-missing", act=_ACTS["cv"],
             says="somebody is delegated a task without a curriculum vitae on file"),
        Kind(name="role-not-approved", act=_ACTS["role"],
             says="somebody is delegated a task whom the IRB has not approved on the study"),
        Kind(name="expires-soon", act="whoever it is about, with the training office",
             says="what a delegation asks for runs out soon"),
        Kind(name="acted-without", act="the principal investigator",
             says="somebody obtained consents while they lacked what it asks for"),
        Kind(name="not-delegated", act="the principal investigator",
             says="somebody obtained consents whom nobody had delegated it to"),
    ),
    find=find,
    tolerances={"soon_days": 30},
    tolerates={"soon_days": "days ahead in which it is told that something runs out"},
)  # fmt: skip
