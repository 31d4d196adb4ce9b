"""Check 9: safety events and deviations against their counterparts and the clocks of reporting.

The clocks run from the day somebody became aware (21 CFR 312.32(c), 312.64(b), 312.66; ICH E6(R3)
2.7; 45 CFR 46.108(a)(4)): how long they are is each institution's to set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record, Statement

_VOID = "entered_in_error"
_SERIOUS = ("sae", "susar")
_UNANTICIPATED = ("susar", "unanticipated_problem")
_GRAVE = ("important", "major")
_DEADLY = ("death", "life_threatening")
_COMPARED = ("serious", "related", "expected", "onset_on")


@dataclass(frozen=True, slots=True)
class _Clock:
    """Until when an event must be reported to whom, and when it was."""

    kind: str
    to: str
    field: str
    within: str
    act: str


_SPONSOR = _Clock("sponsor-clock", "the sponsor", "reported_sponsor_on", "sponsor_days",
                  "the principal investigator")  # fmt: skip
_IRB = _Clock("irb-clock", "the IRB", "reported_irb_on", "irb_days", "the regulatory coordinator")
_AUTHORITY = _Clock("authority-clock", "the authority", "reported_authority_on", "authority_days",
                    "the sponsor's safety desk, through the principal investigator")  # fmt: skip
_AUTHORITY_SOON = _Clock(
    _AUTHORITY.kind, _AUTHORITY.to, _AUTHORITY.field, "deadly_days", _AUTHORITY.act
)


def find(look: Look) -> Iterator[Discrepancy]:
    """Each event of these studies that was reported late, not at all, or is told in two ways."""
    names = look.called("Study", look.studies)
    events = [one for one in look.of_studies("SafetyEventRef") if one["status"] != _VOID]
    said = look.said("SafetyEventRef", [one["id"] for one in events])
    subjects = look.called("Enrollment", [one["enrollment_id"] for one in events])
    for one in events:
        kind = (one["kind"] or "event").upper() if one["kind"] in _SERIOUS else "event"
        who = subjects.get(one["enrollment_id"], "a subject")
        name = f"{names.get(one['study_id'], 'a study')} {who}, {kind} of {one['onset_on']}"
        for clock in _clocks(one):
            yield from _late(look, one, name, clock)
        yield from _told_apart(look, one, name, said.get(one["id"], []))
    yield from _missing(look, events, said, names, subjects)
    yield from _deviations(look, names)


def _clocks(one: Record) -> Iterator[_Clock]:
    """The clocks that run for an event."""
    serious = bool(one["serious"]) or one["kind"] in _SERIOUS
    unforeseen = one["related"] is True and one["expected"] is False
    if serious:
        yield _SPONSOR
    if one["kind"] in _UNANTICIPATED or (serious and unforeseen):
        yield _IRB
    if one["kind"] == "susar" or (serious and unforeseen):
        yield _AUTHORITY_SOON if set(one["criteria"] or ()) & set(_DEADLY) else _AUTHORITY


def _late(look: Look, one: Record, name: str, clock: _Clock) -> Iterator[Discrepancy]:
    aware = words.day(one["aware_on"])
    if aware is None:
        return
    due = aware + timedelta(days=look.days(clock.within))
    reported = words.day(one[clock.field])
    if (reported or look.today) <= due:
        return
    how = f"was reported to {clock.to} on {reported}" if reported else \
        f"has not been reported to {clock.to}"  # fmt: skip
    yield Discrepancy(
        kind=clock.kind, entity="SafetyEventRef", id=one["id"], study=one["study_id"],
        sentence=f"{name}: known since {aware}, it {how}; it was due on {due}.",
        evidence=(
            *told(look, "SafetyEventRef", [one["id"]], "aware_on", says="known since {}", of=name),
            *told(look, "SafetyEventRef", [one["id"]], clock.field,
                  says=f"reported to {clock.to} on {{}}", of=name),
        ),
        act=clock.act, since=due,
    )  # fmt: skip


def _told_apart(
    look: Look, one: Record, name: str, said: Sequence[Statement]
) -> Iterator[Discrepancy]:
    """Two systems tell one event in two ways."""
    for field in _COMPARED:
        values = {s.system: s.fields[field] for s in said if s.fields.get(field) is not None}
        if len(set(map(str, values.values()))) < 2:
            continue
        what = field.removesuffix("_on")
        shown = [f"{_shown(value)} in {system}" for system, value in sorted(values.items())]
        at = max(s.when(field) for s in said)
        yield Discrepancy(
            kind="told-apart", entity="SafetyEventRef", id=one["id"], study=one["study_id"],
            about=field, sentence=f"{name}: {what} is {words.listed(shown)}.",
            evidence=tuple(
                Evidence(system=s.system, says=_shown(s.fields[field]), of=f"{name}, {what}",
                         at=s.when(field))
                for s in said if s.system in values
            ),
            act="the principal investigator, with the data manager",
            since=words.day_of(at, look.today),
        )  # fmt: skip


def _missing(
    look: Look, events: Sequence[Record], said: Mapping[str, Sequence[Statement]],
    names: Mapping[str, str], subjects: Mapping[str, str],
) -> Iterator[Discrepancy]:  # fmt: skip
    """A serious event is in one system, and another that has events of the study lacks it."""
    for study in look.studies:
        own = [one for one in events if one["study_id"] == study]
        keepers = {s.system: s for one in own for s in said.get(one["id"], ())}
        for one in own:
            first = words.day(one["aware_on"]) or words.day(one["onset_on"])
            serious = bool(one["serious"]) or one["kind"] in _SERIOUS
            if not serious or first is None:
                continue
            due = first + timedelta(days=look.days("missing_days"))
            there = {s.system for s in said.get(one["id"], ())}
            for system, keeper in sorted(keepers.items()):
                if system in there or due >= look.today:
                    continue
                name = f"{names.get(study, 'a study')} {subjects.get(one['enrollment_id'], '')}"
                yield Discrepancy(
                    kind="missing-in", entity="SafetyEventRef", id=one["id"], study=study,
                    about=system,
                    sentence=f"{name.strip()}: the serious event of {one['onset_on']} is in "
                    f"{words.listed(sorted(there))}, and the {words.role(keeper)} does not have "
                    "it.",
                    evidence=(
                        *told(look, "SafetyEventRef", [one["id"]], "onset_on", says="began {}",
                              of=name.strip()),
                        Evidence(system=system, says="not there", of=name.strip()),
                    ),
                    act=words.keeper(keeper), since=due,
                )  # fmt: skip


def _deviations(look: Look, names: Mapping[str, str]) -> Iterator[Discrepancy]:
    """A deviation that the IRB must hear of has not been reported in time."""
    rows = look.of_studies("Deviation")
    subjects = look.called("Enrollment", [one["enrollment_id"] for one in rows])
    for one in rows:
        must = one["reportable"] is True or (
            one["reportable"] is None and one["severity"] in _GRAVE
        )
        known = words.day(one["discovered_on"]) or words.day(one["occurred_on"])
        if not must or known is None:
            continue
        due = known + timedelta(days=look.days("deviation_days"))
        reported = words.day(one["reported_irb_on"])
        if (reported or look.today) <= due:
            continue
        how = f"reached the IRB on {reported}" if reported else "has not reached the IRB"
        number = f"deviation {one['deviation_no'] or ''}".strip()
        who = subjects.get(one["enrollment_id"], "")
        name = " ".join(p for p in (names.get(one["study_id"], "a study"), who, number) if p)
        yield Discrepancy(
            kind="deviation-clock", entity="Deviation", id=one["id"], study=one["study_id"],
            sentence=f"{name}: found on {known}, it {how}; it was due on {due}.",
            evidence=(
                *told(look, "Deviation", [one["id"]], "discovered_on", says="found on {}", of=name),
                *told(look, "Deviation", [one["id"]], "reported_irb_on",
                      says="reported to the IRB on {}", of=name),
                *_reviewed(look, one, name),
            ),
            act="the regulatory coordinator", since=due,
        )  # fmt: skip


def _reviewed(look: Look, one: Record, name: str) -> Iterator[Evidence]:
    """What the IRB itself has of reportable events of the study: how many."""
    sent = [
        row for row in look.where("IrbSubmission", "study_id", [one["study_id"]])
        if row["kind"] == "reportable_event"
    ]  # fmt: skip
    said = look.said("IrbSubmission", [row["id"] for row in sent])
    systems: dict[str, int] = {}
    for own in said.values():
        for statement in own:
            systems[statement.system] = systems.get(statement.system, 0) + 1
    for system, count in sorted(systems.items()):
        yield Evidence(system=system, says=f"{count} reportable events of the study", of=name)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


CHECK = Check(
    name="safety",
    number=9,
    title="Safety events and deviations",
    says="Whether each event that must be reported was, in time, and whether the systems that keep "
    "events tell them alike. The clocks run from the day somebody became aware.",
    kinds=(
        Kind(name="sponsor-clock", act=_SPONSOR.act,
             says="a serious event was reported to the sponsor late or not at all"),
        Kind(name="irb-clock", act=_IRB.act,
             says="an unanticipated problem was reported to the IRB late or not at all"),
        Kind(name="authority-clock", act=_AUTHORITY.act,
             says="an unexpected related serious event reached the authority late or not at all"),
        Kind(name="told-apart", act="the principal investigator",
             says="two systems tell one event in two ways"),
        Kind(name="missing-in", act="whoever keeps the system that lacks it",
             says="a serious event is in one system and not in another that has others"),
        Kind(name="deviation-clock", act="the regulatory coordinator",
             says="a reportable deviation reached the IRB late or not at all"),
    ),
    find=find,
    tolerances={
        "sponsor_days": 1, "irb_days": 5, "authority_days": 15, "deadly_days": 7,
        "missing_days": 5, "deviation_days": 10,
    },
    tolerates={
        "sponsor_days": "days from awareness to the report to the sponsor",
        "irb_days": "days from awareness to the report to the IRB",
        "authority_days": "days from awareness to the report to the authority",
        "deadly_days": "the same for an event that was deadly or life-threatening",
        "missing_days": "days in which a second system may still lack a serious event",
        "deviation_days": "days from finding a reportable deviation to the report to the IRB",
    },
)  # fmt: skip
