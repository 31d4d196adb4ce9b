"""Check 3: which consent form was signed, and whether it could be that day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.checks import words
from hub.checks.approved import (
    Approval,
    Form,
    approvals,
    at_site,
    forms,
    in_force,
    label,
    lapsed_on,
    version,
)
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record, Statement

_SIGNED = ("obtained", "withdrawn", "superseded", "expired", "ended")
_FORMS = (None, "main", "reconsent")  # other kinds are signed on forms of their own
_ON = ("consented", "screening", "eligible", "enrolled", "randomised", "on_treatment",
       "end_of_treatment", "follow_up")  # fmt: skip
_CAME = ("completed", "partial")
_COORDINATOR = "the study coordinator"


@dataclass(frozen=True, slots=True)
class _Subject:
    row: Record
    name: str
    consents: Sequence[Record]
    visits: Sequence[Record]

    @property
    def site(self) -> str:
        return str(self.row["study_site_id"] or "")

    def signed(self) -> dict[date, list[Record]]:
        """The consents by the day they were signed, the earliest first."""
        found: dict[date, list[Record]] = {}
        for row in self.consents:
            if day := words.day(row["signed_at"]):
                found.setdefault(day, []).append(row)
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str  # consent, visit
    says: str
    day: date
    ids: Sequence[str]


def find(look: Look) -> Iterator[Discrepancy]:
    """Each discrepancy about the consents and visits of these studies."""
    known, approved = forms(look), approvals(look)
    opened = {one["id"]: words.day(one["activated_on"]) for one in look.of_studies("StudySite")}
    sites = look.called("StudySite", opened)
    subjects = list(_subjects(look))
    said = look.said("Consent", {row["id"] for one in subjects for row in one.consents})
    for one in subjects:
        study = one.row["study_id"]
        yield from _versions(look, one, known.get(study, []), said)
        yield from _backlog(look, one, known.get(study, []))
        yield from _lapsed(look, one, approved.get(study, []))
        began = opened.get(one.site)
        if began:
            yield from _too_early(look, one, began, sites.get(one.site, "the site"))


def _subjects(look: Look) -> Iterator[_Subject]:
    rows = [r for r in look.of_studies("Enrollment") if r["state"] != "entered_in_error"]
    called = look.called("Enrollment", [row["id"] for row in rows])
    studies = look.called("Study", look.studies)
    consents = [
        c for c in look.of_studies("Consent") if c["status"] in _SIGNED and c["kind"] in _FORMS
    ]
    consents += look.where("Consent", "enrollment_id", [row["id"] for row in rows])
    visits = look.where("ParticipantVisit", "enrollment_id", [row["id"] for row in rows])
    by_own = _grouped(consents, "enrollment_id")
    by_person = _grouped([c for c in consents if not c["enrollment_id"]], "participant_id")
    came = _grouped([v for v in visits if v["status"] in _CAME], "enrollment_id")
    for row in rows:
        theirs = by_person.get(row["participant_id"], []) if row["participant_id"] else []
        own = {
            c["id"]: c
            for c in (*by_own.get(row["id"], []), *theirs)
            if c["study_id"] in (None, row["study_id"])
            and c["status"] in _SIGNED and c["kind"] in _FORMS
        }  # fmt: skip
        name = f"{studies.get(row['study_id'], 'a study')} {called.get(row['id'], 'a subject')}"
        yield _Subject(row, name, list(own.values()), came.get(row["id"], []))


def _grouped(rows: Sequence[Record], column: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in rows:
        if row[column]:
            found.setdefault(row[column], []).append(row)
    return found


def _versions(
    look: Look, one: _Subject, known: Sequence[Form], all_: Mapping[str, Sequence[Statement]]
) -> Iterator[Discrepancy]:
    """A form was signed that was not the approved one of that day, according to some system."""
    if not at_site(known, one.site):
        return
    for day, rows in one.signed().items():
        valid = in_force(known, one.site, day)
        told_ = [s for row in rows for s in all_.get(row["id"], [])]
        said = [s for s in told_ if s.fields.get("form_version")]
        right = {version(form.label) for form in valid}
        wrong = [s for s in said if version(s.fields["form_version"]) not in right]
        if not wrong:
            continue
        yield _of(
            one, "wrong-version", about=str(day), since=day,
            sentence=f"{one.name} signed {label(wrong[0].fields['form_version'])} on {day}"
            f"{_others(wrong, said)}; {_instead(valid, at_site(known, one.site), wrong[0], day)}.",
            evidence=[*(_signature(s, one.name, day) for s in said), *_approved(look, valid)],
            act=_who(look, rows),
        )  # fmt: skip


def _others(wrong: Sequence[Statement], said: Sequence[Statement]) -> str:
    """Who says so, where others say otherwise."""
    right = [one for one in said if one not in wrong]
    if not right:
        return ""
    mine = words.listed(sorted({f"the {words.role(one)}" for one in wrong}))
    theirs = [f"the {words.role(one)} says {label(one.fields['form_version'])}" for one in right]
    return f" according to {mine} ({words.listed(sorted(set(theirs)))})"


def _instead(valid: Sequence[Form], known: Sequence[Form], wrong: Statement, day: date) -> str:
    later = [
        form for form in known
        if version(form.label) == version(wrong.fields["form_version"]) and form.since > day
    ]  # fmt: skip
    early = f"{later[0].label} was approved only for {later[0].since} and after" if later else ""
    if not valid:
        return early or "no version was approved for that day"
    named = words.listed([f"{form.label}, in force since {form.since}" for form in valid])
    return f"the version approved for that day is {named}" + (early and f" ({early})")


def _backlog(look: Look, one: _Subject, known: Sequence[Form]) -> Iterator[Discrepancy]:
    """An amendment brought another form, and who is on study has not signed it in time."""
    signed = one.signed()
    if one.row["state"] not in _ON or not signed:
        return
    have = {version(row["form_version"]) for rows in signed.values() for row in rows}
    for form in in_force(known, one.site, look.today):
        late = words.days(form.since, look.today) > look.days("reconsent_days")
        last = max(signed)
        if not form.amended or not late or version(form.label) in have or last >= form.since:
            continue
        was = label(next((r["form_version"] for r in signed[last] if r["form_version"]), None))
        yield _of(
            one, "reconsent-due", about=form.label, since=form.since,
            sentence=f"{one.name} is on study and last signed {was} on {last}; an amendment "
            f"brought {form.label}, in force since {form.since}, which they have not signed.",
            evidence=[
                *(_signature(s, one.name, last)
                  for own in look.said("Consent", [r["id"] for r in signed[last]]).values()
                  for s in own),
                *_approved(look, [form]),
            ],
            act=_COORDINATOR,
        )  # fmt: skip


def _lapsed(look: Look, one: _Subject, known: Sequence[Approval]) -> Iterator[Discrepancy]:
    """Somebody signed, or came for a visit, while the approval had run out."""
    for event in _events(one):
        over = lapsed_on(known, one.site, event.day)
        if over is None or over.until is None:
            continue
        noted = [it for it in known if it.shadow and it.since <= event.day]
        of = f"approval {over.number}"
        yield _of(
            one, f"{event.kind}-in-lapse", about=f"{event.kind} {event.day}", since=event.day,
            sentence=f"{one.name} {event.says} on {event.day}, and the IRB's {of} had run out on "
            f"{over.until}.",
            evidence=[
                *_event(look, one, event),
                *told(look, "IrbSubmission", [over.id], "expires_on", says="expires {}", of=of),
                *told(look, "IrbSubmission", [it.id for it in noted], "expires_on",
                      says="expires {}", of="its note of the approval of another board"),
            ],
            act="the regulatory coordinator, with the principal investigator",
        )  # fmt: skip


def _too_early(look: Look, one: _Subject, began: date, site: str) -> Iterator[Discrepancy]:
    """Somebody signed, or came for a visit, before the site was activated."""
    for event in _events(one):
        if event.day < began:
            yield _of(
                one, f"{event.kind}-before-activation", about=f"{event.kind} {event.day}",
                since=event.day,
                sentence=f"{one.name} {event.says} on {event.day}, and {site} was activated on "
                f"{began} only.",
                evidence=[
                    *_event(look, one, event),
                    *told(look, "StudySite", [one.site], "activated_on", says="activated on {}",
                          of=site),
                ],
                act="the principal investigator, with the regulatory coordinator",
            )  # fmt: skip


def _events(one: _Subject) -> Iterator[_Event]:
    """What happened to a subject; of one day each once, however many records there are of it."""
    for day, rows in one.signed().items():
        yield _Event("consent", "signed the consent form", day, [row["id"] for row in rows])
    for on in sorted({on for row in one.visits if (on := words.day(row["actual_on"]))}):
        rows = [row for row in one.visits if words.day(row["actual_on"]) == on]
        kind = next((row["visit_type"] for row in rows if row["visit_type"]), "a visit")
        yield _Event("visit", f"came for {kind}", on, [row["id"] for row in rows])


def _event(look: Look, one: _Subject, event: _Event) -> Iterator[Evidence]:
    entity, field = {
        "consent": ("Consent", "signed_at"),
        "visit": ("ParticipantVisit", "actual_on"),
    }[event.kind]
    says = {"consent": "signed on {}", "visit": "came on {}"}[event.kind]
    return told(look, entity, event.ids, field, says=says, of=f"{one.name}, {event.kind}")


def _signature(said: Statement, name: str, day: date) -> Evidence:
    form = label(said.fields.get("form_version"))
    return Evidence(
        system=said.system, says=f"signed {form} on {day}", of=f"{name}, consent",
        at=said.when("form_version"),
    )  # fmt: skip


def _approved(look: Look, valid: Sequence[Form]) -> Iterator[Evidence]:
    said = look.said("DocumentVersion", [form.id for form in valid])
    for form in valid:
        for one in said.get(form.id, []):
            yield Evidence(
                system=one.system, says=f"{form.label} in force from {form.since}",
                of="informed consent form", at=one.when(),
            )  # fmt: skip


def _who(look: Look, rows: Sequence[Record]) -> str:
    people = look.called("Person", [row["obtained_by_id"] for row in rows])
    named = sorted(set(people.values()))
    return f"{_COORDINATOR}, with {words.listed(named)}" if named else _COORDINATOR


def _of(one: _Subject, kind: str, *, about: str, since: date, sentence: str,
        evidence: Sequence[Evidence], act: str) -> Discrepancy:  # fmt: skip
    return Discrepancy(
        kind=kind, entity="Enrollment", id=one.row["id"], study=one.row["study_id"], about=about,
        sentence=sentence, evidence=tuple(evidence), act=act, since=since,
    )  # fmt: skip


CHECK = Check(
    name="consent",
    number=3,
    title="Consent against approval",
    says="The form that was signed against the one that the IRB had approved for that day and "
    "site; consents and visits against the study's approval and the site's activation; and who has "
    "yet to sign what an amendment brought.",
    kinds=(
        Kind(name="wrong-version", act=_COORDINATOR,
             says="the form that was signed was not the approved one of that day"),
        Kind(name="consent-in-lapse", act="the regulatory coordinator",
             says="somebody signed while the approval had run out"),
        Kind(name="visit-in-lapse", act="the regulatory coordinator",
             says="somebody came for a visit while the approval had run out"),
        Kind(name="consent-before-activation", act="the principal investigator",
             says="somebody signed before the site was activated"),
        Kind(name="visit-before-activation", act="the principal investigator",
             says="somebody came for a visit before the site was activated"),
        Kind(name="reconsent-due", act=_COORDINATOR,
             says="somebody on study has not signed the form that an amendment brought"),
    ),
    find=find,
    tolerances={"reconsent_days": 45},
    tolerates={"reconsent_days": "days in which subjects sign a form that an amendment brought"},
)  # fmt: skip
