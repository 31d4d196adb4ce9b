"""What happens on a study that calls for a document, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.checks import words
from hub.checks.check import Evidence
from hub.checks.look import Look, Record, Statement

_DONE = ("completed", "report_draft", "report_review", "report_approved")
_LONG = 3650  # days that what a site has once may be older than what calls for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened `on` a day, in words, and the `kind` of document it calls for
    `within` a tolerance. The document may bear a day so many days `early`er; one that `is_own`
    stands for one event only."""

    entity: str
    id: str
    study: str
    site: str = ""
    on: date
    says: str
    kind: str
    within: str
    evidence: tuple[Evidence, ...]
    early: int = 0
    is_own: bool = True

    @property
    def about(self) -> str:
        return f"{self.id} {self.kind}"


def events(look: Look) -> Iterator[Event]:
    """All of these studies, of which the hub knows the day."""
    yield from _activations(look)
    yield from _contracts(look)
    yield from _approvals(look)
    yield from _forms(look)
    yield from _monitoring(look)


def _activations(look: Look) -> Iterator[Event]:
    drugs = {
        row["study_id"] for row in look.of_studies("RegulatorySubmission")
        if row["kind"] in ("ind", "ide")
    }  # fmt: skip
    rows = look.of_studies("StudySite")
    told = look.said("StudySite", [row["id"] for row in rows])
    for row in rows:
        kinds = ["delegation_log", "cv"]
        if row["study_id"] in drugs:  # 21 CFR 312.53 and 54.4
            kinds += ["form_1572", "financial_disclosure"]
        for kind in kinds:
            yield from _event(told, "StudySite", row, "activated_on", kind, "activation_days",
                              says="the site was activated", site=row["id"], early=_LONG,
                              is_own=False)  # fmt: skip


def _contracts(look: Look) -> Iterator[Event]:
    rows = look.of_studies("Contract")
    told = look.said("Contract", [row["id"] for row in rows])
    for row in rows:
        if row["kind"] == "cta" and row["state"] in ("executed", "amended"):
            name = f"contract {row['contract_no'] or ''}".strip()
            yield from _event(told, "Contract", row, "fully_executed_on", "contract",
                              "contract_days", says=f"{name} was signed by all")  # fmt: skip


def _approvals(look: Look) -> Iterator[Event]:
    rows = look.of_studies("IrbSubmission")
    told = look.said("IrbSubmission", [row["id"] for row in rows])
    for row in rows:
        if row["state"] == "approved" and not _is_note(row):
            name = f"submission {row['native_no'] or ''}".strip()
            yield from _event(told, "IrbSubmission", row, "approval_on", "irb_approval",
                              "approval_days", says=f"the IRB approved {name}")  # fmt: skip


def _is_note(row: Record) -> bool:
    """A portal's note of what another board decides calls for nothing."""
    of_record, board = row["irb_of_record_id"], row["board_id"]
    return bool(of_record and board and of_record != board)


def _forms(look: Look) -> Iterator[Event]:
    """Versions that an IRB approved, of documents that are consent forms."""
    rows = [row for row in look.of_studies("DocumentVersion") if row["irb_approved_on"]]
    forms = {
        row["id"] for row in look.where("Document", "id", [row["document_id"] for row in rows])
        if row["kind"] == "informed_consent"
    }  # fmt: skip
    told = look.said("DocumentVersion", [row["id"] for row in rows])
    for row in rows:
        if row["document_id"] in forms:
            says = f"the IRB approved version {row['version_no']} of the consent form"
            yield from _event(told, "DocumentVersion", row, "irb_approved_on", "informed_consent",
                              "approval_days", says=says)  # fmt: skip


def _monitoring(look: Look) -> Iterator[Event]:
    rows = look.of_studies("MonitoringVisit")
    told = look.said("MonitoringVisit", [row["id"] for row in rows])
    for row in rows:
        if row["status"] not in _DONE:
            continue
        says = f"monitoring visit {row['visit_no'] or ''}".strip() + " ended"
        for kind, within in (("monitoring_report", "report_days"),
                             ("monitoring_letter", "letter_days")):  # fmt: skip
            yield from _event(told, "MonitoringVisit", row, "actual_to", kind, within, says=says,
                              site=row["study_site_id"] or "")  # fmt: skip


def _event(
    told: Mapping[str, Sequence[Statement]], entity: str, row: Record, field: str, kind: str,
    within: str, *, says: str, site: str | None = None, early: int = 0, is_own: bool = True,
) -> Iterator[Event]:  # fmt: skip
    on = words.day(row[field])
    if on is None:
        return
    evidence = tuple(
        Evidence(system=one.system, says=str(one.fields[field])[:10], of=says, at=one.when(field))
        for one in told.get(row["id"], ()) if one.fields.get(field)
    )  # fmt: skip
    yield Event(
        entity=entity, id=row["id"], study=row["study_id"], on=on, says=says, kind=kind,
        site=row.get("study_site_id") or "" if site is None else site, within=within,
        evidence=evidence, early=early, is_own=is_own,
    )  # fmt: skip
