"""Check 5: whether what is charged fits who is on the study, and who pays for it by the coverage
analysis (CMS NCD 310.1; 42 CFR 411.15: what the sponsor pays is billed to nobody else)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record

_VOID = ("reversed", "not_billable", "entered_in_error")
_ENDS = ("off_study_on", "completed_on", "lost_on", "died_on")
_OVER = (
    "screen_failed", "withdrawn", "lost_to_follow_up", "died", "off_study", "completed",
    "transferred",
)  # fmt: skip
_SPONSOR = ("research_paid", "sponsor_invoiceable")
_OTHERS = ("insurance", "patient")
_MARKS = ("Q0", "Q1")
_TRIAL = "30"  # NUBC condition code of a qualifying clinical trial


@dataclass(frozen=True, slots=True)
class _Charged:
    """A charge of a study, who it is of, and what the coverage analysis says of its procedure."""

    row: Record
    on: date
    what: str  # 71260 of S-0012 on 2026-03-09, 1,840.00 USD
    enrollment: Record | None
    designation: Record | None


def find(look: Look) -> Iterator[Discrepancy]:
    """Each charge of these studies that should not be as it is."""
    plan = _Plan.of(look)
    for one in _charges(look, plan):
        yield from _off_study(look, one)
        yield from _payer(look, one)
        yield from _marks(look, one)
        if one.designation is None and plan.is_analysed(one.row["study_id"]):
            yield _of(
                look, one, "no-designation", since=one.on,
                says="the coverage analysis does not say who pays for it",
                act="the coverage analyst",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    """The procedures of the studies, and who pays for them."""

    by_code: Mapping[tuple[str, str], Sequence[str]]  # study, code → procedures
    designations: Sequence[Record]

    @classmethod
    def of(cls, look: Look) -> _Plan:
        by_code: dict[tuple[str, str], list[str]] = {}
        for row in look.of_studies("ProcedureDef"):
            for code in {row["procedure_code"], row["chargemaster_code"]} - {None}:
                by_code.setdefault((row["study_id"], code), []).append(row["id"])
        return cls(by_code, look.of_studies("CoverageDesignation"))

    def is_analysed(self, study: str) -> bool:
        """Whether there is a coverage analysis of the study at all."""
        return any(one["study_id"] == study for one in self.designations)

    def designation(self, row: Record) -> Record | None:
        """What is decided for the procedure of a charge: the latest where there are several."""
        codes = (row["procedure_code"], row["chargemaster_code"])
        meant = {one for code in codes for one in self.by_code.get((row["study_id"], code), ())}
        own = [one for one in self.designations if one["procedure_def_id"] in meant]
        return max(own, key=lambda it: (it["determined_on"] or "", it["id"]), default=None)


def _charges(look: Look, plan: _Plan) -> Iterator[_Charged]:
    enrolled = look.of_studies("Enrollment")
    by_id = {one["id"]: one for one in enrolled}
    by_person = {(one["study_id"], one["participant_id"]): one for one in enrolled}
    subjects, studies = look.called("Enrollment", by_id), look.called("Study", look.studies)
    for row in _rows(look, by_id):
        whose = (row["study_id"], row["participant_id"])
        who = by_id.get(row["enrollment_id"]) or by_person.get(whose)
        on = words.day(row["service_on"])
        if on is None:
            continue
        names = [
            studies.get(row["study_id"], "a study"),
            subjects.get(who["id"], "") if who else "",
        ]
        code = row["procedure_code"] or row["chargemaster_code"] or "a charge"
        money = f", {row['amount']} {row['currency'] or ''}".rstrip() if row["amount"] else ""
        what = f"{' '.join(name for name in names if name)}: {code} of {on}{money}"
        yield _Charged(row, on, what, who, plan.designation(row))


def _rows(look: Look, enrolled: Mapping[str, Record]) -> Iterator[Record]:
    """The charges that count; the hospital may name the study, or the subject only."""
    found = {one["id"]: one for one in look.of_studies("Charge")}
    for one in look.where("Charge", "enrollment_id", enrolled):
        found.setdefault(one["id"], one | {"study_id": enrolled[one["enrollment_id"]]["study_id"]})
    for one in found.values():
        if one["status"] not in _VOID and one["kind"] in (None, "charge"):
            yield one


def _off_study(look: Look, one: _Charged) -> Iterator[Discrepancy]:
    """The study is charged for somebody who is not, or not any more, or not yet on it."""
    who = one.enrollment
    if who is None:
        return
    began = words.day(who["consented_on"]) or words.day(who["enrolled_on"])
    ended = min((day for name in _ENDS if (day := words.day(who[name]))), default=None)
    if began and one.on < began:
        says, field = f"that was before consent on {began}", "consented_on"
    elif who["state"] in _OVER and ended and one.on > ended:
        says, field = f"they have been off study since {ended}", "off_study_on"
    else:
        return
    yield _of(
        look, one, "off-study", says=f"it is charged to the study, and {says}", since=one.on,
        act="research billing, before the claim goes out", who=(who["id"], field),
    )  # fmt: skip


def _payer(look: Look, one: _Charged) -> Iterator[Discrepancy]:
    """What the study pays for goes to somebody else."""
    decided = one.designation
    if decided is None or decided["designation"] not in _SPONSOR:
        return
    if one.row["payer"] in _OTHERS:
        yield _of(
            look, one, "wrong-payer", since=one.on,
            says=f"it goes to {words.status(one.row['payer_native'], one.row['payer'])}, and by "
            "the coverage analysis the study pays",
            act="research billing, before the claim goes out",
        )  # fmt: skip


def _marks(look: Look, one: _Charged) -> Iterator[Discrepancy]:
    """Routine care of a trial goes to the insurance without the marks of a trial."""
    decided, row = one.designation, one.row
    if decided is None or decided["designation"] != "routine_care" or row["payer"] != "insurance":
        return
    lacks = []
    if not set(row["modifiers"] or ()) & set(_MARKS):
        lacks.append("modifier Q0 or Q1")
    if row["research_diagnosis"] is not True:
        lacks.append("diagnosis Z00.6")
    if not row["nct_number"]:
        lacks.append("the NCT number")
    if lacks:
        yield _of(
            look, one, "unmarked", since=one.on,
            says=f"it goes to the insurance as routine care of a trial and lacks "
            f"{words.listed(lacks)}",
            act="research billing, before the claim goes out",
        )  # fmt: skip


def _of(
    look: Look, one: _Charged, kind: str, *, says: str, since: date, act: str,
    who: tuple[str, str] | None = None,
) -> Discrepancy:  # fmt: skip
    row = one.row
    charge = told(look, "Charge", [row["id"]], "service_on", says="done on {}", of=one.what)
    payer = told(look, "Charge", [row["id"]], "payer", says="goes to {}", of=one.what)
    evidence = [*charge, *payer]
    if who:
        evidence += told(
            look, "Enrollment", [who[0]], "state", says="{}", of="state of the subject"
        )
        evidence += told(look, "Enrollment", [who[0]], who[1], says="{}", of=_FIELDS[who[1]])
    if one.designation:
        evidence += told(look, "CoverageDesignation", [one.designation["id"]], "designation",
                         says="{}", of="coverage analysis")  # fmt: skip
    return Discrepancy(
        kind=kind, entity="Charge", id=row["id"], study=row["study_id"], since=since, act=act,
        sentence=f"{one.what}: {says}.", evidence=tuple(evidence),
    )  # fmt: skip


_FIELDS = {"consented_on": "day of consent", "off_study_on": "last day on study"}

CHECK = Check(
    name="billing",
    number=5,
    title="Research billing",
    says="Charges of a study against who was on it that day, and against the coverage analysis: "
    "who pays, and which marks a claim needs. A study without a coverage analysis is held against "
    "its subjects only.",
    kinds=(
        Kind(name="off-study", act="research billing",
             says="a charge to the study from before consent or after the end"),
        Kind(name="wrong-payer", act="research billing",
             says="what the study pays for goes to insurance or patient"),
        Kind(name="unmarked", act="research billing",
             says="routine care of a trial goes to the insurance without the marks of a trial"),
        Kind(name="no-designation", act="the coverage analyst",
             says="a charge of which the coverage analysis does not say who pays"),
    ),
    find=find,
)  # fmt: skip
