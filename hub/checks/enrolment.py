"""Check 1: who is on the study, subject by subject, in the EDC, the CTMS and the EHR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.look import Look, Record, Statement

ROLES = ("EDC", "CTMS", "EHR")

# How far a subject has come, in steps that all three count: systems differ in finer ones by design
# (an EDC randomises, a CTMS is "on study", an EHR "on study: treatment").
_BEFORE, _CONSENTED, _ON, _ENDED = 0, 1, 2, 3
_FAILED = "screen_failed"
_STEPS = {
    **dict.fromkeys(("potential", "prescreened"), _BEFORE),
    **dict.fromkeys(("consented", "screening", "eligible"), _CONSENTED),
    **dict.fromkeys(
        ("enrolled", "randomised", "on_treatment", "end_of_treatment", "follow_up"), _ON
    ),
    **dict.fromkeys(
        (_FAILED, "completed", "withdrawn", "lost_to_follow_up", "died", "off_study",
         "transferred"), _ENDED,
    ),
}  # fmt: skip
# the dates that tell since when a step holds, the best first
_SINCE = {
    _BEFORE: ("prescreened_on",),
    _CONSENTED: ("consented_on", "screened_on", "eligible_on"),
    _ON: ("enrolled_on", "registered_at", "randomised_on", "on_treatment_on"),
    _ENDED: ("off_study_on", "completed_on", "lost_on", "died_on"),
}
_DATES = {
    "consented_on": "the day of consent", "enrolled_on": "the day of enrolment",
    "randomised_on": "the day of randomisation", "off_study_on": "the last day on study",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Subject:
    """One subject: the record, what people call it, and what the systems of ROLES say of it."""

    row: Record
    name: str
    said: Sequence[Statement]

    @property
    def told(self) -> list[Statement]:
        """Who says how far the subject has come."""
        return [one for one in self.said if one.fields.get("state") in _STEPS]

    @property
    def furthest(self) -> Statement | None:
        """Who has the subject furthest on."""
        return max(self.told, key=_step, default=None)


def find(look: Look) -> Iterator[Discrepancy]:
    """Each discrepancy about the subjects of these studies."""
    everybody = _subjects(look)
    for study in look.studies:
        subjects = [one for one in everybody if one.row["study_id"] == study]
        for one in subjects:
            yield from _behind(look, one)
            yield from _dates(look, one)
            yield from _sites(look, one)
        yield from _missing(look, subjects)
        yield from _twice(look, subjects)
    yield from _consents(look, everybody)


def _subjects(look: Look) -> list[_Subject]:
    rows = [r for r in look.of_studies("Enrollment") if r["state"] != "entered_in_error"]
    said = look.said("Enrollment", [row["id"] for row in rows])
    called = look.called("Enrollment", [row["id"] for row in rows])
    studies = look.called("Study", look.studies)
    return [
        _Subject(
            row,
            f"{studies.get(row['study_id'], 'a study')} {called.get(row['id'], 'a subject')}",
            [s for s in said.get(row["id"], []) if s.role in ROLES],
        )
        for row in rows
    ]


def _behind(look: Look, one: _Subject) -> Iterator[Discrepancy]:
    """One system has the subject further on than another."""
    first = one.furthest
    if first is None:
        return
    since = _since(look, first)
    if words.days(since, look.today) < look.days("behind_days"):
        return
    for other in one.told:
        if _step(other) < _step(first):
            yield _of(
                one, "status-behind", about=f"{other.system} behind {first.system}",
                sentence=f"{one.name} is {_state(first)} in the {words.role(first)} since {since} "
                f"and still {_state(other)} in the {words.role(other)}.",
                evidence=[_status(said, one) for said in one.told],
                act=words.keeper(other), since=since,
            )  # fmt: skip


def _missing(look: Look, subjects: Sequence[_Subject]) -> Iterator[Discrepancy]:
    """A subject is on study, and a system that has others of the study has never heard of them.
    Who is there under another number is not missing, and who failed screening need not be there."""
    systems = {said.system: said for one in subjects for said in one.said}
    known = [one for one in subjects if one.row["participant_id"]]
    heard = {(said.system, one.row["participant_id"]) for one in known for said in one.said}
    for one in subjects:
        first = one.furthest
        if first is None or _step(first) < _ON or first.fields["state"] == _FAILED:
            continue
        since = _since(look, first, _ON)
        if words.days(since, look.today) < look.days("missing_days"):
            continue
        there = {said.system for said in one.said}
        for system, keeper in sorted(systems.items()):
            if system in there or (system, one.row["participant_id"]) in heard:
                continue
            has = words.listed([f"the {words.role(said)}" for said in one.told])
            others = sum(system in {said.system for said in it.said} for it in subjects)
            yield _of(
                one, "missing-in", about=system,
                sentence=f"{one.name} is on study since {since} according to {has}, and the "
                f"{words.role(keeper)} does not have them.",
                evidence=[
                    *(_status(said, one) for said in one.told),
                    Evidence(system=system, says="not there",
                             of=f"{one.name}, beside {others} others of the study"),
                ],
                act=words.keeper(keeper), since=since,
            )  # fmt: skip


def _dates(look: Look, one: _Subject) -> Iterator[Discrepancy]:
    """Two systems have other days of the same event."""
    for name, says in _DATES.items():
        days = {s.system: (words.day(s.fields.get(name)), s) for s in one.said}
        known = sorted(
            ((day, said) for day, said in days.values() if day),
            key=lambda it: (it[0], it[1].system),
        )
        if len(known) < 2:
            continue
        (first, early), (last, late) = known[0], known[-1]
        if words.days(first, last) <= look.days("date_days"):
            continue
        yield _of(
            one, "date-differs", about=name,
            sentence=f"{one.name}: {says} is {first} in the {words.role(early)} and {last} in the "
            f"{words.role(late)}.",
            evidence=[
                Evidence(system=said.system, says=str(day), of=f"{one.name}, {says}",
                         at=said.when(name))
                for day, said in known
            ],
            act=words.listed(_keepers([early, late])),
            since=min(last, words.day_of(max(early.when(name), late.when(name)), look.today)),
        )  # fmt: skip


def _sites(look: Look, one: _Subject) -> Iterator[Discrepancy]:
    """Two systems have the subject at different sites."""
    at = [said for said in one.said if said.fields.get("study_site")]
    if len({said.fields["study_site"] for said in at}) < 2:
        return
    names = look.called("StudySite", [said.fields["study_site"] for said in at])
    told = [f"{names.get(s.fields['study_site'], 'a site')} in the {words.role(s)}" for s in at]
    yield _of(
        one, "wrong-site",
        sentence=f"{one.name} is at {words.listed(told)}.",
        evidence=[
            Evidence(system=said.system, says=names.get(said.fields["study_site"], "a site"),
                     of=f"{one.name}, site", at=said.when("study_site"))
            for said in at
        ],
        act=words.listed(_keepers(at)),
        since=min(
            _day_of_row(look, one.row),
            words.day_of(max(said.when("study_site") for said in at), look.today),
        ),
    )  # fmt: skip


def _twice(look: Look, subjects: Sequence[_Subject]) -> Iterator[Discrepancy]:
    """One person is on the study under two numbers at once; who came again after an end is not."""
    by_person: dict[str, list[_Subject]] = {}
    for one in subjects:
        step = _STEPS.get(one.row["state"], _BEFORE)
        if one.row["participant_id"] and step in (_CONSENTED, _ON):
            by_person.setdefault(one.row["participant_id"], []).append(one)
    for same in by_person.values():
        kept, *others = sorted(same, key=lambda it: (it.row["subject_number"] or "~", it.row["id"]))
        for one in others:
            number = kept.name.rpartition(" ")[2]
            yield _of(
                one, "duplicate", about=number,
                sentence=f"{one.name} and {number} are one person, on study under both numbers.",
                evidence=[
                    Evidence(system=said.system, says=_state(said), of=it.name,
                             at=said.when("state"))
                    for it in (kept, one)
                    for said in it.said
                ],
                act="the study coordinator, with the data manager",
                since=max(_day_of_row(look, it.row) for it in (kept, one)),
            )  # fmt: skip


def _consents(look: Look, subjects: Sequence[_Subject]) -> Iterator[Discrepancy]:
    """Somebody has signed, and no system has them as a subject."""
    on = {(one.row["study_id"], one.row["participant_id"]) for one in subjects}
    known = {one.row["id"] for one in subjects}
    seen: set[tuple[str, str]] = set()
    studies = look.called("Study", look.studies)
    for row in look.of_studies("Consent"):
        who = (row["study_id"], row["participant_id"])
        signed = words.day(row["signed_at"])
        if row["status"] != "obtained" or row["kind"] not in (None, "main", "reconsent"):
            continue
        if not signed or not who[1] or who in on | seen or row["enrollment_id"] in known:
            continue
        if words.days(signed, look.today) < look.days("consent_days"):
            continue
        seen.add(who)
        said = look.said("Consent", [row["id"]]).get(row["id"], [])
        form = row["form_name"] or "the consent form"
        yield Discrepancy(
            kind="consent-without-enrolment", entity="Consent", id=row["id"], study=who[0],
            sentence=f"Somebody signed {form} of {studies.get(who[0], 'a study')} on {signed}, and "
            "no system has them as a subject.",
            evidence=tuple(_signature(one, form) for one in said),
            act="the study coordinator", since=signed,
        )  # fmt: skip


def _signature(said: Statement, form: str) -> Evidence:
    on = str(said.fields.get("signed_at", "a day it does not tell"))[:10]
    return Evidence(system=said.system, says=f"signed on {on}", of=form, at=said.when())


def _of(one: _Subject, kind: str, *, evidence: Sequence[Evidence], sentence: str, act: str,
        since: date, about: str = "") -> Discrepancy:  # fmt: skip
    return Discrepancy(
        kind=kind, entity="Enrollment", id=one.row["id"], study=one.row["study_id"], about=about,
        sentence=sentence, evidence=tuple(evidence), act=act, since=since,
    )  # fmt: skip


def _step(said: Statement) -> int:
    return _STEPS[said.fields["state"]]


def _state(said: Statement) -> str:
    return words.status(said.fields.get("state_native"), said.fields.get("state"))


def _since(look: Look, said: Statement, step: int | None = None) -> date:
    """Since when it says so: its own date of the step, else the day it said it."""
    dates = (words.day(said.fields.get(n)) for n in _SINCE[_step(said) if step is None else step])
    return next((one for one in dates if one), words.day_of(said.when("state"), look.today))


def _day_of_row(look: Look, row: Record) -> date:
    names: Mapping[int, Sequence[str]] = _SINCE
    days = (words.day(row[name]) for step in (_ON, _CONSENTED) for name in names[step])
    return next((one for one in days if one), words.day_of(row["valid_from"], look.today))


def _status(said: Statement, one: _Subject) -> Evidence:
    return Evidence(
        system=said.system, says=_state(said), of=f"{one.name}, status", at=said.when("state")
    )


def _keepers(said: Sequence[Statement]) -> list[str]:
    return sorted({words.keeper(one) for one in said})


CHECK = Check(
    name="enrolment",
    number=1,
    title="Enrolment, subject by subject",
    says="Who is on the study, where and since when, as the EDC, the CTMS and the EHR count. Only "
    "systems that have subjects of the study are compared.",
    kinds=(
        Kind(name="missing-in", act="whoever keeps the system that lacks them",
             says="a subject is on study, and a system that has others of the study lacks them"),
        Kind(name="status-behind", act="whoever keeps the system that is behind",
             says="one system has a subject further on than another"),
        Kind(name="date-differs", act="whoever keeps the two systems",
             says="two systems have other days of consent, enrolment, randomisation or the end"),
        Kind(name="wrong-site", act="whoever keeps the two systems",
             says="two systems have a subject at different sites"),
        Kind(name="duplicate", act="the study coordinator, with the data manager",
             says="one person is on the study under two numbers at once"),
        Kind(name="consent-without-enrolment", act="the study coordinator",
             says="somebody has signed, and no system has them as a subject"),
    ),
    find=find,
    tolerances={"behind_days": 3, "missing_days": 5, "date_days": 1, "consent_days": 7},
    tolerates={
        "behind_days": "days that a system may take to hear of a subject's new status",
        "missing_days": "days after coming on study in which a system may still lack a subject",
        "date_days": "days by which two systems' dates may differ",
        "consent_days": "days between signing and becoming a subject",
    },
)  # fmt: skip
