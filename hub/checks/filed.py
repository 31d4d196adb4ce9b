"""The documents that the files of a study hold, as each system that keeps a file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from hub.checks import words
from hub.checks.look import Look, Statement

ROLES = ("ETMF", "EREG")
_UNFINISHED = ("draft", "in_review")
_GONE = ("expected", "missing", "withdrawn")  # not there yet, or not any more
# what a number of the TMF reference model is, for what is called for by events as well
KINDS: Mapping[str, str] = MappingProxyType({
    "02.02.03": "informed_consent", "04.01.02": "irb_approval", "05.02.04": "cv",
    "05.02.08": "form_1572", "05.02.10": "financial_disclosure", "05.02.12": "contract",
    "05.02.16": "delegation_log", "05.04.03": "monitoring_report",
    "05.04.12": "monitoring_letter",
})  # fmt: skip
_PLAIN = {
    "cv": "curriculum vitae of the investigator", "form_1572": "Form FDA 1572",
    "irb_approval": "approval letter of the IRB", "informed_consent": "consent form",
    "monitoring_letter": "follow-up letter",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filed:
    """A document as one system has it; `site` "" where it belongs to the whole study."""

    id: str
    study: str
    site: str
    kind: str
    said: Statement

    @property
    def system(self) -> str:
        return self.said.system

    @property
    def role(self) -> str:
        return self.said.role

    @property
    def title(self) -> str:
        return str(self.said.fields.get("title") or plain(self.kind))

    @property
    def artifact(self) -> str:
        return str(self.said.fields.get("tmf_artifact", ""))

    @property
    def status(self) -> str:
        return str(self.said.fields.get("status", ""))

    @property
    def native(self) -> str:
        return str(self.said.fields.get("status_native", ""))

    @property
    def is_final(self) -> bool:
        return self.status not in _UNFINISHED

    @property
    def day(self) -> date | None:
        """The day on it, else since when it is in force."""
        fields = self.said.fields
        return words.day(fields.get("document_on")) or words.day(fields.get("effective_on"))

    @property
    def expires(self) -> date | None:
        return words.day(self.said.fields.get("expires_on"))


def documents(look: Look) -> list[Filed]:
    """Every document that is in a file of these studies, once for each system that keeps it."""
    rows = {row["id"]: row for row in look.of_studies("Document")}
    said = look.said("Document", rows)
    return [
        Filed(one, row["study_id"], row["study_site_id"] or "", row["kind"] or "", statement)
        for one, row in rows.items()
        for statement in said.get(one, [])
        if statement.role in ROLES and statement.fields.get("status") not in _GONE
    ]


def plain(kind: str) -> str:
    """What people call a kind of document."""
    return _PLAIN.get(kind) or (kind or "document").replace("_", " ")
