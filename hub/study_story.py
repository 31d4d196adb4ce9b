"""One study as its people would tell it: what each system says, what is believed and why, what is
wrong and who should act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from hub import worklists
from hub.checks import CHECKS, approved, words
from hub.checks.look import Look, Statement
from hub.model.spec import entities
from hub.principal import Principal
from hub.provenance import Teller
from hub.query import Condition
from hub.render import Record, moment
from hub.views import read
from hub.views.asked import Asked
from hub.views.catalogue import named

# what people ask of a study first, in the order in which they do
BELIEVED = (
    "title", "status", "phase", "sponsor", "principal_investigator", "target_enrolment",
    "start_on", "primary_completion_on", "end_on",
)  # fmt: skip
_NOT_YET = ("potential", "prescreened", "consented", "screening", "eligible", "screen_failed")
_MOST = 500  # findings that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one system says of the study: how far it is, in its word and ours, and the subjects it
    has, by state. `enrolled` are those beyond screening. `at` is its last word, microseconds."""

    system: str
    role: str
    status: str
    status_native: str
    subjects: dict[str, int]
    enrolled: int
    at: int

    def plain(self) -> Record:
        """As an answer shows it."""
        return asdict(self) | {"at": moment(self.at) if self.at else None}


def tell(teller: Teller, principal: Principal, one: str, today: date) -> Record | None:
    """The story of the study with the id `one`, as JSON; None where it does not exist for the
    principal. `study` is its row of ctms_study_overview, `says` the systems, `believes` fields as
    `hub.provenance` tells them, `approvals` the newest of each board, `wrong` the open findings,
    the oldest first."""
    reader = teller.reader
    spec = entities()["Study"]
    story = teller.story(principal, spec, one)
    if story is None:
        return None
    look = Look(reader=reader, today=today, studies=[story.id])
    fields = {told["field"]: told for told in story.fields}
    return {
        "study": _overview(teller, principal, story.id),
        "name": look.name("Study", story.id),
        "says": [voice.plain() for voice in voices(look)],
        "believes": [fields[name] for name in BELIEVED if name in fields],
        "approvals": _approvals(look),
        "wrong": _wrong(teller, principal, story.id),
    }


def voices(look: Look) -> list[Voice]:
    """What each system says of the study looked at, those with the most subjects first."""
    own = look.said("Study", look.studies)
    rows = [row["id"] for row in look.of_studies("Enrollment")]
    by_system: dict[str, list[Statement]] = {}
    for statements in look.said("Enrollment", rows).values():
        for system in {said.system: said for said in statements}.values():
            by_system.setdefault(system.system, []).append(system)
    studies = {said.system: said for told in own.values() for said in told}
    made = [
        _voice(studies.get(system), by_system.get(system, []))
        for system in sorted(studies.keys() | by_system.keys())
    ]
    return sorted(made, key=lambda voice: (-voice.enrolled, voice.system))


def _voice(study: Statement | None, subjects: Sequence[Statement]) -> Voice:
    first = study or subjects[0]
    states = Counter(str(said.fields.get("state", "unknown")) for said in subjects)
    beyond = sum(n for state, n in states.items() if state not in (*_NOT_YET, "unknown"))
    fields = study.fields if study else {}
    return Voice(
        system=first.system,
        role=first.role,
        status=str(fields.get("status") or ""),
        status_native=str(fields.get("status_native") or ""),
        subjects=dict(sorted(states.items())),
        enrolled=beyond - states.get("entered_in_error", 0),
        at=max((said.when() for said in (*([study] if study else []), *subjects)), default=0),
    )


def _overview(teller: Teller, principal: Principal, one: str) -> Record:
    view = named("ctms_study_overview")
    asked = Asked(study=one, conditions=(Condition("study_id", "text", "", one),))
    rows = read.page(teller.reader, principal, view, asked).items
    return rows[0] if rows else {}


def _approvals(look: Look) -> list[Record]:
    """The newest approval of each board: what the IRB of record says, and what others note."""
    [study] = look.studies
    newest = {one.number: one for one in approved.approvals(look)[study]}
    rows = {row["id"]: row for row in look.where("IrbSubmission", "id", [
        one.id for one in newest.values()
    ])}  # fmt: skip
    boards = look.called("Organization", [row["board_id"] for row in rows.values()])
    last: dict[Any, Record] = {}
    for one in newest.values():
        board = rows[one.id]["board_id"]
        last[board, one.site] = {
            "number": one.number, "board": boards.get(board), "since": str(one.since),
            "until": str(one.until) if one.until else None, "of_record": not one.shadow,
            "site": look.name("StudySite", one.site) or None,
        }  # fmt: skip
    return sorted(last.values(), key=lambda it: (not it["of_record"], it["since"]))


def _wrong(teller: Teller, principal: Principal, one: str) -> list[Record]:
    found = worklists.findings(teller.reader, principal, study=one, limit=_MOST).items
    titles = {check.rule(kind.name): check.title for check in CHECKS.values()
              for kind in check.kinds}  # fmt: skip
    told = [
        {"check": titles.get(item["rule"], item["rule"]), "rule": item["rule"],
         "sentence": item["found"], "since": item["since"], "age_days": item["age_days"],
         "act": item["owner"] or item["expected"], "evidence": item["evidence"]}
        for item in found
    ]  # fmt: skip
    return sorted(told, key=lambda it: (it["since"] or "~", it["sentence"]))


def state(voice: Record) -> str:
    """OPEN TO ACCRUAL (open to accrual): how far the study is, as a system says it."""
    return words.status(voice["status_native"], voice["status"])
