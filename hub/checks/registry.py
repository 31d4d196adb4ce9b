"""Check 10: what the public registry says of a study against what the institution knows, and the
clocks of registration and results (42 CFR 11.24, 11.44, 11.64)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.look import Look, Record, Statement

_REGISTRY = "REGISTRY"
_WORDS = re.compile(r"[^\W\d_]+")
# how far a study is, as coarse as registry and institution both count
_COURSE = {
    **dict.fromkeys(
        ("concept", "proposed", "feasibility", "in_start_up", "pending_irb", "approved"),
        "not yet recruiting",
    ),
    "open_to_accrual": "recruiting",
    **dict.fromkeys(("suspended", "suspended_with_intervention"), "suspended"),
    **dict.fromkeys(("closed_to_accrual", "closed_to_accrual_and_intervention", "db_locked"),
                    "active, not recruiting"),
    **dict.fromkeys(("completed", "archived"), "completed"),
    **dict.fromkeys(("terminated", "administratively_completed"), "terminated"),
    **dict.fromkeys(("withdrawn", "disapproved"), "withdrawn"),
}  # fmt: skip
_DATES = {
    "start_on": "the start", "primary_completion_on": "primary completion",
    "end_on": "completion",
}  # fmt: skip
_APPLICABLE = ("1_2", "2", "2_3", "3", "4")  # phase 1 alone is no applicable trial: 42 CFR 11.10
_NONE = ("screen_failed", "entered_in_error", "transferred")


@dataclass(frozen=True, slots=True)
class _Study:
    """A study, what people call it, what the registry says and what the others say."""

    row: Record
    name: str
    registry: Sequence[Statement]
    others: Sequence[Statement]


def find(look: Look) -> Iterator[Discrepancy]:
    """Each way in which the registry is behind or a clock has run out."""
    rows = look.of_studies("Study")
    said = look.said("Study", [row["id"] for row in rows])
    names = look.called("Study", look.studies)
    enrolled = look.of_studies("Enrollment")
    filed = look.of_studies("RegulatorySubmission")
    sponsors = {
        o["id"]: o for o in look.where("Organization", "id", [r["sponsor_id"] for r in rows])
    }
    for row in rows:
        own = said.get(row["id"], [])
        one = _Study(
            row, names.get(row["id"], "a study"), [s for s in own if s.role == _REGISTRY],
            [s for s in own if s.role != _REGISTRY],
        )  # fmt: skip
        subjects = [
            e for e in enrolled
            if e["study_id"] == row["id"] and e["state"] not in _NONE and e["enrolled_on"]
        ]  # fmt: skip
        if one.registry:
            yield from _status(look, one)
            yield from _dates(look, one)
            yield from _counted(look, one, subjects)
            yield from _investigator(look, one)
        if _is_ours(row, sponsors):
            yield from _registered(look, one, subjects)
            yield from _results(look, one, [f for f in filed if f["study_id"] == row["id"]])


def _is_ours(row: Record, sponsors: dict[str, Record]) -> bool:
    """An applicable trial for which the institution is the responsible party: its sponsor."""
    sponsor = sponsors.get(row["sponsor_id"] or "")
    is_own = sponsor is not None and sponsor["kind"] == "institution"
    return is_own and row["study_type"] == "interventional" and row["phase"] in _APPLICABLE


def _status(look: Look, one: _Study) -> Iterator[Discrepancy]:
    """The institution knows of a new status for longer than the registry may take."""
    for there in one.registry:
        public = _COURSE.get(there.fields.get("status", ""))
        for here in one.others:
            known = _COURSE.get(here.fields.get("status", ""))
            since = words.day_of(here.when("status"), look.today)
            due = since + timedelta(days=look.days("status_days"))
            if not public or not known or public == known or due >= look.today:
                continue
            if here.when("status") < there.when("status"):
                continue  # the registry has the newer word
            yield _of(
                one, "status-differs", about=here.system, since=due,
                sentence=f"{one.name} is {_state(here)} in the {words.role(here)} since {since}, "
                f"and the registry still says {_state(there)}.",
                evidence=[_told(s, "status", _state(s), one.name) for s in (here, there)],
            )  # fmt: skip


def _dates(look: Look, one: _Study) -> Iterator[Discrepancy]:
    for there in one.registry:
        for field, says in _DATES.items():
            public = words.day(there.fields.get(field))
            for here in one.others:
                known = words.day(here.fields.get(field))
                if not public or not known:
                    continue
                if abs(words.days(known, public)) <= look.days("date_days"):
                    continue
                since = words.day_of(max(here.when(field), there.when(field)), look.today)
                yield _of(
                    one, "date-differs", about=f"{field} {here.system}", since=since,
                    sentence=f"{one.name}: {says} is {known} in the {words.role(here)} and "
                    f"{public} in the registry.",
                    evidence=[
                        _told(here, field, str(known), f"{one.name}, {says}"),
                        _told(there, field, str(public), f"{one.name}, {says}"),
                    ],
                )  # fmt: skip


def _counted(look: Look, one: _Study, subjects: Sequence[Record]) -> Iterator[Discrepancy]:
    """The registry's final count of participants is not what came."""
    for there in one.registry:
        public = there.fields.get("actual_enrolment")
        if there.fields.get("enrolled_count_kind") != "actual" or public is None or not subjects:
            continue
        if abs(int(public) - len(subjects)) <= look.days("subjects"):
            continue
        yield _of(
            one, "enrolment-differs",
            since=words.day_of(there.when("actual_enrolment"), look.today),
            sentence=f"{one.name}: the registry counts {public} participants as actual, and "
            f"{len(subjects)} are enrolled.",
            evidence=[
                _told(there, "actual_enrolment", str(public), f"{one.name}, actual enrolment"),
                Evidence(system="crohub", says=f"{len(subjects)} enrolled", of=one.name),
            ],
        )  # fmt: skip


def _investigator(look: Look, one: _Study) -> Iterator[Discrepancy]:
    """The registry names another principal investigator. It gives a name in one text only, so that
    names are alike where one has all words of the other's family name."""
    for there in one.registry:
        public = there.fields.get("principal_investigator")
        for here in one.others:
            known = here.fields.get("principal_investigator")
            if not public or not known or public == known:
                continue
            people = {p["id"]: p for p in look.where("Person", "id", [public, known])}
            if len(people) < 2 or _alike(people[public], people[known]):
                continue
            names = [_person(people[known]), _person(people[public])]
            at = max(s.when("principal_investigator") for s in (here, there))
            yield _of(
                one, "investigator-differs", about=here.system,
                since=words.day_of(at, look.today),
                sentence=f"{one.name}: the principal investigator is {names[0]} in the "
                f"{words.role(here)} and {names[1]} in the registry.",
                evidence=[
                    _told(s, "principal_investigator", name, f"{one.name}, investigator")
                    for s, name in zip((here, there), names, strict=True)
                ],
            )  # fmt: skip


def _registered(look: Look, one: _Study, subjects: Sequence[Record]) -> Iterator[Discrepancy]:
    """21 days after the first participant the trial must be registered: 42 CFR 11.24(a)."""
    first = min((day for s in subjects if (day := words.day(s["enrolled_on"]))), default=None)
    if first is None or one.registry:
        return
    due = first + timedelta(days=look.days("registration_days"))
    if due < look.today:
        yield _of(
            one, "not-registered", since=due,
            sentence=f"{one.name}: the first participant was enrolled on {first}, and no registry "
            f"has the trial; it was due on {due}.",
            evidence=[Evidence(system="crohub", says=f"first enrolled on {first}", of=one.name)],
        )  # fmt: skip


def _results(look: Look, one: _Study, filed: Sequence[Record]) -> Iterator[Discrepancy]:
    """A year after primary completion results must have been submitted: 42 CFR 11.44(a)."""
    ended = words.day(one.row["primary_completion_on"])
    sent = [f for f in filed if f["kind"] == "results" and f["submitted_on"]]
    if ended is None or sent:
        return
    due = _a_year_later(ended)
    if due + timedelta(days=look.days("results_days")) < look.today:
        speakers = [
            s for s in (*one.registry, *one.others) if s.fields.get("primary_completion_on")
        ]
        yield _of(
            one, "results-overdue", since=due,
            sentence=f"{one.name}: primary completion was on {ended}, results were due on {due}, "
            "and none are submitted.",
            evidence=[
                _told(s, "primary_completion_on", str(s.fields["primary_completion_on"]),
                      f"{one.name}, primary completion")
                for s in speakers
            ],
        )  # fmt: skip


def _a_year_later(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return date(day.year + 1, 3, 1)


def _alike(one: Record, other: Record) -> bool:
    mine, theirs = _names(one), _names(other)
    family, public = _tokens(one["family_name"]), _tokens(other["family_name"])
    return bool(family & theirs == family or public & mine == public)


def _names(row: Record) -> set[str]:
    return _tokens(row["family_name"]) | _tokens(row["given_name"])


def _tokens(text: str | None) -> set[str]:
    return {word.casefold() for word in _WORDS.findall(text or "") if len(word) > 1}


def _person(row: Record) -> str:
    return " ".join(p for p in (row["given_name"], row["family_name"]) if p) or "somebody"


def _state(said: Statement) -> str:
    return words.status(said.fields.get("status_native"), said.fields.get("status"))


def _told(said: Statement, field: str, says: str, of: str) -> Evidence:
    return Evidence(system=said.system, says=says, of=of, at=said.when(field))


def _of(
    one: _Study, kind: str, *, sentence: str, evidence: Sequence[Evidence], since: date,
    about: str = "",
) -> Discrepancy:  # fmt: skip
    return Discrepancy(
        kind=kind, entity="Study", id=one.row["id"], study=one.row["id"], about=about,
        sentence=sentence, evidence=tuple(evidence), since=since,
        act="the regulatory coordinator, for whoever is responsible for the registration",
    )  # fmt: skip


CHECK = Check(
    name="registry",
    number=10,
    title="The public registry",
    says="What the registry says of status, dates, enrolment and investigator against what the "
    "institution's systems say. The clocks of registration and results run only for applicable "
    "trials whose sponsor is the institution.",
    kinds=(
        Kind(name="status-differs", act="the regulatory coordinator",
             says="the registry is behind the status that is known here"),
        Kind(name="date-differs", act="the regulatory coordinator",
             says="start or completion differ from the registry's"),
        Kind(name="enrolment-differs", act="the regulatory coordinator",
             says="the registry's actual enrolment is not what came"),
        Kind(name="investigator-differs", act="the regulatory coordinator",
             says="the registry names another principal investigator"),
        Kind(name="not-registered", act="the regulatory coordinator",
             says="a trial that must be registered is in no registry"),
        Kind(name="results-overdue", act="the regulatory coordinator",
             says="results are due and none are submitted"),
    ),
    find=find,
    tolerances={
        "status_days": 30, "date_days": 30, "subjects": 0, "registration_days": 21,
        "results_days": 0,
    },
    tolerates={
        "status_days": "days that the registry may take to hear of a status",
        "date_days": "days by which dates may differ",
        "subjects": "by how many the counts may differ",
        "registration_days": "days from the first participant to registration",
        "results_days": "days beyond the year in which results are due, of a certified delay",
    },
)  # fmt: skip
