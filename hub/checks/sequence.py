"""Check 7: what cannot have happened in this order, and more subjects than were agreed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from hub.checks import words
from hub.checks.approved import Approval, approvals
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record

_SIGNED = ("cta",)
_NOT_COUNTED = ("screen_failed", "entered_in_error", "transferred")


def find(look: Look) -> Iterator[Discrepancy]:
    """Each impossible order in these studies, and each that has gone above its ceiling."""
    subjects = [
        one for one in look.of_studies("Enrollment")
        if one["state"] != "entered_in_error" and words.day(one["enrolled_on"])
    ]  # fmt: skip
    known = approvals(look)
    names = look.called("Study", look.studies)
    contracts, sites = look.of_studies("Contract"), look.of_studies("StudySite")
    for study in look.studies:
        own = sorted(
            (one for one in subjects if one["study_id"] == study),
            key=lambda it: (it["enrolled_on"], it["id"]),
        )
        if not own:
            continue
        first, name = own[0], names.get(study, "a study")
        yield from _contract(look, name, first, [c for c in contracts if c["study_id"] == study])
        yield from _approval(look, name, first, known[study])
        yield from _sites(look, name, own, [s for s in sites if s["study_id"] == study])
        yield from _ceiling(look, name, own, _row(look, study))
    yield from _randomised(look, names)


def _contract(
    look: Look, name: str, first: Record, contracts: Sequence[Record]
) -> Iterator[Discrepancy]:
    """The first subject came before the trial agreement was signed by all."""
    own = [one for one in contracts if one["kind"] in _SIGNED]
    if not own:
        return  # nobody tells of contracts of this study
    signed = min((day for one in own if (day := words.day(one["fully_executed_on"]))), default=None)
    on = _on(first)
    if signed is not None and signed <= on:
        return
    when = f"was signed by all on {signed}" if signed else "has not been signed by all"
    yield _of(
        look, "before-contract", name, first,
        says=f"and the trial agreement {when}", act="the contract office",
        evidence=tuple(
            piece for one in own
            for piece in told(look, "Contract", [one["id"]], "state", says="{}",
                              of=f"contract {one['contract_no'] or ''}".strip())
        ),
    )  # fmt: skip


def _approval(
    look: Look, name: str, first: Record, known: Sequence[Approval]
) -> Iterator[Discrepancy]:
    """The first subject came before the IRB had approved the study."""
    own = [one for one in known if not one.shadow]
    if not own or own[0].since <= _on(first):
        return
    yield _of(
        look, "before-approval", name, first,
        says=f"and the IRB approved the study on {own[0].since}",
        act="the principal investigator, with the regulatory coordinator",
        evidence=tuple(told(look, "IrbSubmission", [own[0].id], "approval_on",
                            says="approved on {}", of=own[0].number)),
    )  # fmt: skip


def _sites(
    look: Look, name: str, own: Sequence[Record], sites: Sequence[Record]
) -> Iterator[Discrepancy]:
    """At a site the first subject came before it was activated, or more came than it may have."""
    called = look.called("StudySite", [site["id"] for site in sites])
    for site in sites:
        there = [one for one in own if one["study_site_id"] == site["id"]]
        if not there:
            continue
        where = f"{name} {called.get(site['id'], 'a site')}"
        active = words.day(site["activated_on"])
        if active and active > _on(there[0]):
            yield _of(
                look, "before-activation", where, there[0],
                says=f"and the site was activated on {active}", act="the study coordinator",
                evidence=tuple(told(look, "StudySite", [site["id"]], "activated_on",
                                    says="activated on {}", of=where)),
            )  # fmt: skip
        yield from _ceiling(look, where, there, site, entity="StudySite")


def _ceiling(
    look: Look, name: str, own: Sequence[Record], row: Record, *, entity: str = "Study"
) -> Iterator[Discrepancy]:
    """More subjects are enrolled than were approved or agreed. Who failed screening is none."""
    most = row["target_enrolment"]
    counted = [one for one in own if one["state"] not in _NOT_COUNTED]
    if most is None or len(counted) <= most + look.days("above_subjects"):
        return
    above = counted[most]
    yield Discrepancy(
        kind="above-ceiling", entity=entity, id=row["id"], study=own[0]["study_id"],
        sentence=f"{name}: {len(counted)} subjects are enrolled, and {most} were agreed; the first "
        f"above it came on {_on(above)}.",
        evidence=(
            *told(look, entity, [row["id"]], "target_enrolment", says="{} agreed", of=name),
            Evidence(system="crohub", says=f"{len(counted)} enrolled", of=name),
        ),
        act="the principal investigator", since=_on(above),
    )  # fmt: skip


def _randomised(look: Look, names: dict[str, str]) -> Iterator[Discrepancy]:
    """Somebody was randomised before being found eligible, or though not eligible."""
    for one in look.of_studies("Enrollment"):
        on, fit = words.day(one["randomised_on"]), words.day(one["eligible_on"])
        if on is None or one["state"] == "entered_in_error":
            continue
        if one["eligible"] is False:
            says = "and is not eligible"
        elif fit and fit > on:
            says = f"and was found eligible on {fit}"
        else:
            continue
        number = look.name("Enrollment", one["id"]) or "a subject"
        name = f"{names.get(one['study_id'], 'a study')} {number}"
        evidence = [
            piece for field, words_ in (("randomised_on", "randomised on {}"),
                                        ("eligible_on", "eligible on {}"),
                                        ("eligible", "eligible: {}"))
            for piece in told(look, "Enrollment", [one["id"]], field, says=words_, of=name)
        ]  # fmt: skip
        yield Discrepancy(
            kind="randomised-before-eligible", entity="Enrollment", id=one["id"],
            study=one["study_id"], sentence=f"{name} was randomised on {on} {says}.",
            evidence=tuple(evidence), act="the principal investigator", since=on,
        )  # fmt: skip


def _of(
    look: Look, kind: str, name: str, first: Record, *, says: str, act: str,
    evidence: tuple[Evidence, ...],
) -> Discrepancy:  # fmt: skip
    number = look.name("Enrollment", first["id"]) or "the first subject"
    return Discrepancy(
        kind=kind, entity="Enrollment", id=first["id"], study=first["study_id"],
        sentence=f"{name}: the first subject, {number}, was enrolled on {_on(first)}, {says}.",
        evidence=(
            *told(look, "Enrollment", [first["id"]], "enrolled_on", says="enrolled on {}",
                  of=number),
            *evidence,
        ),
        act=act, since=_on(first),
    )  # fmt: skip


def _on(row: Record) -> date:
    found = words.day(row["enrolled_on"])
    if found is None:
        raise ValueError("only subjects whose day of enrolment is known are looked at")
    return found


def _row(look: Look, study: str) -> Record:
    return look.where("Study", "id", [study])[0]


CHECK = Check(
    name="sequence",
    number=7,
    title="Impossible sequences",
    says="Whether the first subject came after contract, approval and activation, whether nobody "
    "was randomised before being eligible, and whether no more came than were agreed.",
    kinds=(
        Kind(name="before-contract", act="the contract office",
             says="the first subject came before the trial agreement was signed by all"),
        Kind(name="before-approval", act="the principal investigator",
             says="the first subject came before the IRB had approved the study"),
        Kind(name="before-activation", act="the study coordinator",
             says="a site's first subject came before it was activated"),
        Kind(name="randomised-before-eligible", act="the principal investigator",
             says="somebody was randomised before being found eligible"),
        Kind(name="above-ceiling", act="the principal investigator",
             says="more subjects are enrolled than were approved or agreed"),
    ),
    find=find,
    tolerances={"above_subjects": 0},
    tolerates={"above_subjects": "subjects above what was agreed that are let pass"},
)  # fmt: skip
