"""Check 4: whether the trial master file and the investigator's file hold what has happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.checks import filed, words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.events import Event, events
from hub.checks.filed import Filed
from hub.checks.look import Look, Record

_NEVER = date(9999, 12, 31)


def find(look: Look) -> Iterator[Discrepancy]:
    """What is missing, run out or unfinished in the files of these studies, system by system. A
    system that keeps no document of a study has no file of it that could be incomplete."""
    kept = filed.documents(look)
    happened = list(events(look))
    lists = look.of_studies("ExpectedDocument")
    names = look.called("Study", look.studies)
    for study in look.studies:
        own = [one for one in kept if one.study == study]
        for system in sorted({one.system for one in own}):
            file = _File(look, names.get(study, "a study"), study, system, own)
            listed = [it for it in lists if it["study_id"] == study]
            asked = list(_listed(file, listed)) if file.keeps_lists else []
            yield from (one for _, one in asked)
            told = {place for place, _ in asked}
            mine = [it for it in happened if it.study == study]
            yield from (one for place, one in _called_for(file, mine) if place not in told)
            yield from _run_out(file)
            yield from _unfinished(file)


@dataclass(frozen=True, slots=True)
class _File:
    """What one system keeps of one study."""

    look: Look
    name: str  # of the study
    study: str
    system: str
    everything: Sequence[Filed]

    @property
    def own(self) -> list[Filed]:
        return [one for one in self.everything if one.system == self.system]

    @property
    def keeps_lists(self) -> bool:
        return self.own[0].role == "ETMF"

    @property
    def keeper(self) -> str:
        return words.keeper(self.own[0].said)

    @property
    def title(self) -> str:
        return f"the {words.role(self.own[0].said)}"

    def at(self, site: str) -> str:
        """ONC-101 site 101, or the study alone."""
        where = self.look.name("StudySite", site) if site else ""
        return f"{self.name} {where}".strip()

    def held(self) -> Evidence:
        """How much it does keep."""
        return Evidence(system=self.system, says="not there",
                        of=f"{self.name}, beside {len(self.own)} other documents")  # fmt: skip


Placed = tuple[tuple[str, str], Discrepancy]  # kind of document and site, what is wrong


def _called_for(file: _File, happened: Sequence[Event]) -> Iterator[Placed]:
    """What has happened calls for a document, and none is filed that could be it. Of several that
    happened alike, the last takes the first that follows it, so that each has its own."""
    free = list(file.own)
    for one in sorted(happened, key=lambda it: (it.on, it.about), reverse=True):
        due = one.on + timedelta(days=int(file.look.tolerances[one.within]))
        fit = [it for it in free if it.kind == one.kind and it.site in ("", one.site)
               and (it.day or _NEVER) >= one.on - timedelta(days=one.early)]  # fmt: skip
        if fit:
            if one.is_own:
                free.remove(min(fit, key=lambda it: it.day or _NEVER))
            continue
        if due >= file.look.today:
            continue
        yield (one.kind, one.site), Discrepancy(
            kind="missing", entity=one.entity, id=one.id, study=file.study,
            about=f"{one.kind} in {file.system}",
            sentence=f"{file.at(one.site)}: {one.says} on {one.on}, and {file.title} has no "
            f"{filed.plain(one.kind)}, due on {due}.",
            evidence=(*one.evidence, file.held()), act=file.keeper, since=due,
        )  # fmt: skip


def _listed(file: _File, lists: Sequence[Record]) -> Iterator[Placed]:
    """A line of the list of expected documents whose day has passed with nothing filed for it."""
    for line in lists:
        due = words.day(line["due_on"])
        if line["required"] is False or line["document_id"] or not due or due >= file.look.today:
            continue
        site, kind = line["study_site_id"] or "", filed.KINDS.get(line["tmf_artifact"] or "", "")
        if any(one.artifact == line["tmf_artifact"] and one.site in ("", site) for one in file.own):
            continue
        what = line["name"] or "a document"
        yield (kind, site), Discrepancy(
            kind="expected-missing", entity="ExpectedDocument", id=line["id"], study=file.study,
            sentence=f"{file.at(site)}: {what} was expected by {due}, and {file.title} has none.",
            evidence=(
                Evidence(system=file.system, says=f"expected by {due}", of=f"list, {what}"),
                file.held(),
            ),
            act=file.keeper, since=due,
        )  # fmt: skip


def _run_out(file: _File) -> Iterator[Discrepancy]:
    """A document in force has run out, and no newer one of its kind is in its place."""
    for one in file.own:
        if not one.is_final or not one.expires or one.expires >= file.look.today:
            continue
        newer = [it for it in file.own if it.kind == one.kind and it.site in ("", one.site)
                 and (it.expires or _NEVER) > one.expires]  # fmt: skip
        if newer:
            continue
        yield _of(file, one, "expired", since=one.expires, says=f"good until {one.expires}",
                  sentence=f"{file.at(one.site)}: {one.title} ran out on {one.expires}, and "
                  f"{file.title} has no newer one.")  # fmt: skip


def _unfinished(file: _File) -> Iterator[Discrepancy]:
    """A document was filed and never finished."""
    for one in file.own:
        if one.is_final or not one.day:
            continue
        due = one.day + timedelta(days=int(file.look.tolerances["final_days"]))
        if due < file.look.today:
            state = words.status(one.native, one.status)
            yield _of(file, one, "not-final", since=due, says=f"{state}, dated {one.day}",
                      sentence=f"{file.at(one.site)}: {one.title} of {one.day} is still {state} in "
                      f"{file.title}; it was to be final by {due}.")  # fmt: skip


def _of(
    file: _File, one: Filed, kind: str, *, sentence: str, says: str, since: date
) -> Discrepancy:
    return Discrepancy(
        kind=kind, entity="Document", id=one.id, study=file.study, sentence=sentence,
        evidence=(Evidence(system=one.system, says=says, of=one.title, at=one.said.when()),),
        act=file.keeper, since=since,
    )  # fmt: skip


CHECK = Check(
    name="documents",
    number=4,
    title="Completeness of the trial master file and the investigator's file",
    says="What has happened on a study and at its sites (activation, approvals, contracts, "
    "monitoring), and the list of expected documents, against the documents that each file holds.",
    kinds=(
        Kind(name="missing", act="the document specialist",
             says="something has happened that calls for a document, and none is filed in time"),
        Kind(name="expected-missing", act="the document specialist",
             says="a document on the list of what is expected is not filed by its day"),
        Kind(name="expired", act="the regulatory coordinator",
             says="a document in force has run out, and there is no newer one"),
        Kind(name="not-final", act="the document specialist",
             says="a document is filed and was never finished"),
    ),
    find=find,
    tolerances={"activation_days": 0, "approval_days": 30, "contract_days": 30, "report_days": 30,
                "letter_days": 30, "final_days": 30},
    tolerates={
        "activation_days": "days after a site's activation until its own documents must be filed",
        "approval_days": "days after an approval of the IRB until it must be filed, with its forms",
        "contract_days": "days after a contract's last signature until it must be filed",
        "report_days": "days after a monitoring visit until its report must be filed",
        "letter_days": "days after a monitoring visit until its letter must be filed",
        "final_days": "days that a filed document may stay a draft or in review",
    },
)  # fmt: skip
