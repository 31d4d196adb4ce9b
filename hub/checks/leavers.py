"""Check 8: who has left, or has ended their part in a study, and can still do what they did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.evidence import told
from hub.checks.look import Look, Record

_EMPLOYED = (None, "active", "leave", "contingent")
_OPEN = (None, "active")
_ACCOUNTS = "whoever keeps the accounts of"


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody of whom HR has told something, with all that is open to them."""

    row: Record
    name: str
    jobs: Sequence[Record]
    accounts: Sequence[Record]
    delegations: Sequence[Record]
    roles: Sequence[Record]

    def left(self, today: date) -> date | None:
        """Their last day; None where they still work here, or nobody has told. Who came back under
        another number works here."""
        if self.jobs:
            ends = [_last_day(job) for job in self.jobs]
            if any(_works(job, today) for job in self.jobs) or None in ends:
                return None
            return max(day for day in ends if day)
        if self.row["employment_status"] != "terminated":
            return None
        left = words.day(self.row["left_on"])
        return left if left and left < today else None


def find(look: Look) -> Iterator[Discrepancy]:
    """Each discrepancy about these people."""
    everybody = list(_everybody(look))
    own = [row for one in everybody for row in (*one.accounts, *one.delegations, *one.roles)]
    studies = _Studies(look, [row["study_id"] for row in own])
    for one in everybody:
        left = one.left(look.today)
        if left is None:
            yield from _ended(look, one, studies)
        elif words.days(left, look.today) > look.days("grace_days"):
            yield from _accounts(look, one, left)
            yield from _delegations(look, one, left, studies)
            yield from _roles(look, one, left, studies)


class _Studies:
    """The studies that people have something to do with: what they are called, who leads them."""

    def __init__(self, look: Look, ids: Iterable[str | None]) -> None:
        rows = look.where("Study", "id", ids)
        self.names = look.called("Study", [row["id"] for row in rows])
        leads = look.called("Person", [row["principal_investigator_id"] for row in rows])
        self.leads = {
            row["id"]: leads[row["principal_investigator_id"]]
            for row in rows
            if row["principal_investigator_id"] in leads
        }

    def name(self, study: str | None) -> str:
        return self.names.get(study or "", "a study")

    def lead(self, study: str | None) -> str:
        """Who leads a study, as whoever should act."""
        named = self.leads.get(study or "")
        return "the principal investigator" + (f", {named}" if named else "")


def _everybody(look: Look) -> Iterator[_Person]:
    rows = look.of_people("Person")
    called = look.called("Person", [row["id"] for row in rows])
    parts = [
        _grouped(look.of_people(entity))
        for entity in ("Employment", "AccountAccess", "Delegation", "StaffAssignment")
    ]
    for row in rows:
        jobs, accounts, delegations, roles = (part.get(row["id"], []) for part in parts)
        yield _Person(
            row, called.get(row["id"], "somebody"), jobs,
            [it for it in accounts if it["status"] in _OPEN and not it["closed_on"]],
            [it for it in delegations if it["status"] in _OPEN and words.covers(it, look.today)],
            # a list of users, as an EDC has one, says who may log in, not who has which part
            [it for it in roles if it["status"] != "entered_in_error"
             and (it["role"] or it["role_native"])],
        )  # fmt: skip


def _accounts(look: Look, one: _Person, left: date) -> Iterator[Discrepancy]:
    for row in one.accounts:
        system = row["account_system"] or "a system"
        user = f" (user {row['username']})" if row["username"] else ""
        yield _of(
            one, "account-open", "AccountAccess", row, about=system, since=left,
            sentence=f"{one.name} left on {left} and still has an open account in {system}{user}.",
            evidence=[*_gone(look, one, left), *_account(look, one, row)],
            act=f"{_ACCOUNTS} {system}",
        )  # fmt: skip


def _delegations(look: Look, one: _Person, left: date, studies: _Studies) -> Iterator[Discrepancy]:
    for study, rows in _by_study(one.delegations).items():
        yield _of(
            one, "delegation-open", "Delegation", rows[0], about="", since=left,
            sentence=f"{one.name} left on {left} and is still delegated {_tasks(rows)} on "
            f"{studies.name(study)}.",
            evidence=[*_gone(look, one, left), *_log(look, rows, studies.name(study))],
            act=studies.lead(study),
        )  # fmt: skip


def _roles(look: Look, one: _Person, left: date, studies: _Studies) -> Iterator[Discrepancy]:
    now = [it for it in one.roles if it["status"] in _OPEN and words.covers(it, look.today)]
    for study, rows in _by_study(now).items():
        named = words.listed(sorted({_role(row) for row in rows}))
        yield _of(
            one, "role-open", "StaffAssignment", rows[0], about="", since=left,
            sentence=f"{one.name} left on {left} and is still {named} of {studies.name(study)}.",
            evidence=[
                *_gone(look, one, left),
                *told(look, "StaffAssignment", [row["id"] for row in rows], "role",
                      says="still {}", of=studies.name(study)),
            ],
            act=f"the study coordinator, with {studies.lead(study)}",
        )  # fmt: skip


def _ended(look: Look, one: _Person, studies: _Studies) -> Iterator[Discrepancy]:
    """Who works here and has ended their part in a study: what is left open to them of it."""
    for study, rows in _by_study(one.roles).items():
        ended = _over(look, rows)
        if ended is None or words.days(ended, look.today) <= look.days("grace_days"):
            continue
        name = studies.name(study)
        over = list(told(look, "StaffAssignment", [row["id"] for row in rows], "end_on",
                         says="ended {}", of=f"{one.name}, part in {name}"))  # fmt: skip
        delegated = [it for it in one.delegations if it["study_id"] == study]
        if delegated:
            yield _of(
                one, "delegation-after-role", "Delegation", delegated[0], about="", since=ended,
                sentence=f"{one.name} ended their part in {name} on {ended} and is still delegated "
                f"{_tasks(delegated)} there.",
                evidence=[*over, *_log(look, delegated, name)], act=studies.lead(study),
            )  # fmt: skip
        for row in (it for it in one.accounts if it["study_id"] == study):
            system = row["account_system"] or "a system"
            yield _of(
                one, "account-after-role", "AccountAccess", row, about=system, since=ended,
                sentence=f"{one.name} ended their part in {name} on {ended} and still has an open "
                f"account of the study in {system}.",
                evidence=[*over, *_account(look, one, row)], act=f"{_ACCOUNTS} {system}",
            )  # fmt: skip


def _over(look: Look, rows: Sequence[Record]) -> date | None:
    """The last day of somebody's part in a study; None while any of it goes on. The IRB's list does
    not tell: who has left stays on it until the study's next amendment."""
    said = look.said("StaffAssignment", [row["id"] for row in rows])
    own = [
        row for row in rows
        if {it.role for it in said.get(row["id"], [])} != {"IRB"}
    ]  # fmt: skip
    ends = [words.day(row["end_on"]) for row in own]
    if not own or None in ends or any(row["status"] not in ("ended", None) for row in own):
        return None
    last = max(day for day in ends if day)
    return last if last < look.today else None


def _works(job: Record, today: date) -> bool:
    end = words.day(job["end_on"])
    return job["status"] in _EMPLOYED and (end is None or end >= today)


def _last_day(job: Record) -> date | None:
    return words.day(job["end_on"])


def _grouped(rows: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append(row)
    return found


def _by_study(rows: Sequence[Record]) -> Mapping[str | None, list[Record]]:
    found: dict[str | None, list[Record]] = {}
    for row in rows:
        if row["study_id"]:
            found.setdefault(row["study_id"], []).append(row)
    return found


def _role(row: Record) -> str:
    return str(row["role"] or row["role_native"] or "on the staff").replace("_", " ")


def _tasks(rows: Sequence[Record]) -> str:
    named = sorted({task.replace("_", " ") for row in rows for task in row["tasks"] or ()})
    return words.listed(named) or "tasks"


def _gone(look: Look, one: _Person, left: date) -> list[Evidence]:
    """Who says that they have left."""
    of = f"{one.name}, employment"
    jobs = [job["id"] for job in one.jobs]
    said = list(told(look, "Employment", jobs, "end_on", says="last day {}", of=of))
    return said or list(told(look, "Person", [one.row["id"]], "left_on", says="last day {}", of=of))


def _log(look: Look, rows: Sequence[Record], study: str) -> Iterator[Evidence]:
    return told(look, "Delegation", [row["id"] for row in rows], "status", says="delegation {}",
                of=study)  # fmt: skip


def _account(look: Look, one: _Person, row: Record) -> Iterator[Evidence]:
    return told(look, "AccountAccess", [row["id"]], "status", says="account {}", of=one.name)


def _of(one: _Person, kind: str, entity: str, row: Record, *, about: str, since: date,
        sentence: str, evidence: Sequence[Evidence], act: str) -> Discrepancy:  # fmt: skip
    return Discrepancy(
        kind=kind, entity=entity, id=row["id"], study=row["study_id"] or "", person=one.row["id"],
        about=about, sentence=sentence, evidence=tuple(evidence), act=act,
        since=since + timedelta(days=1),
    )  # fmt: skip


CHECK = Check(
    name="leavers",
    number=8,
    title="Leavers and ended roles",
    says="Who has left according to HR, or has ended their part in a study, against the accounts, "
    "delegations and study roles that are still open to them. Who came back under another number "
    "has not left.",
    kinds=(
        Kind(name="account-open", act="whoever keeps the accounts",
             says="somebody has left and still has an open account"),
        Kind(name="delegation-open", act="the principal investigator",
             says="somebody has left and is still delegated tasks of a study"),
        Kind(name="role-open", act="the study coordinator",
             says="somebody has left and still has a role on a study"),
        Kind(name="delegation-after-role", act="the principal investigator",
             says="somebody has ended their part in a study and is still delegated its tasks"),
        Kind(name="account-after-role", act="whoever keeps the accounts",
             says="somebody has ended their part in a study and still has an account of it"),
    ),
    find=find,
    scope="person",
    tolerances={"grace_days": 1},
    tolerates={"grace_days": "days after the last one in which what was open is still closed"},
)  # fmt: skip
