"""The checks as people read them: which there are, how much each has found, and its findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub import worklists
from hub.checks import CHECKS, names
from hub.checks.check import Check
from hub.checks.keeping import FAILED
from hub.checks.settings import Checks
from hub.grants import is_restricted
from hub.principal import READ, Principal
from hub.query import BadQuery
from hub.reader import Reader
from hub.render import Record
from hub.repository import Page

_Counts = dict[tuple[str, str], int]  # rule, state → findings


def overview(reader: Reader, principal: Principal, settings: Checks) -> list[Record]:
    """Each check: what it compares, what it tolerates, and how many of its findings are open and
    signed off, by kind. The counts are null for a principal who may see some studies only."""
    principal.must(READ)
    counts = None if is_restricted(principal) else _counts(reader)
    return [_one(check, settings, counts) for check in CHECKS.values()]


def findings(
    reader: Reader,
    principal: Principal,
    name: str,
    *,
    study: str = "",
    state: str = "open",
    after: str = "",
    limit: int = 100,
) -> Page:
    """What a check has found, by the time it was; of a study by its id. Raises BadQuery for a check
    or a state that there is not."""
    one = named(name)
    if state and state not in worklists.STATES:
        expected = ", ".join((*worklists.STATES, "any"))
        raise BadQuery("CROHUB-BAD-VALUE", f"state: expected one of: {expected}")
    page = worklists.findings(
        reader, principal, check=one.name, study=study, state=state, after=after, limit=limit
    )
    return Page(_told(reader, one, page.items), page.next)


def named(name: str) -> Check:
    """The check of that name. Raises BadQuery naming those there are."""
    if name not in CHECKS:
        raise BadQuery("CROHUB-UNKNOWN-CHECK", f"expected one of: {', '.join(CHECKS)}")
    return CHECKS[name]


def _one(check: Check, settings: Checks, counts: _Counts | None) -> Record:
    def count(kind: str, state: str) -> int | None:
        return None if counts is None else counts.get((check.rule(kind), state), 0)

    def all_(state: str) -> int | None:
        return None if counts is None else sum(count(kind.name, state) or 0 for kind in check.kinds)

    kinds = [
        {"name": kind.name, "says": kind.says, "act": kind.act, "open": count(kind.name, "open")}
        for kind in check.kinds
    ]
    return {
        "name": check.name, "number": check.number, "title": check.title, "says": check.says,
        "on": check.name not in settings.off, "kinds": kinds,
        "tolerances": {n: str(v) for n, v in settings.tolerance(check).items()},
        "open": all_("open"), "signed_off": all_("signed_off"), "failed": count(FAILED, "open"),
    }  # fmt: skip


def _counts(reader: Reader) -> _Counts:
    rows = reader.session.all(
        "select rule, case when signed_off_at is null then 'open' else 'signed_off' end as state, "
        "count(*) from finding where closed_at is null and scope <> '' group by rule, state"
    )
    return {(rule, state): int(count) for rule, state, count in rows}


def _told(reader: Reader, check: Check, items: Sequence[Record]) -> list[Record]:
    """Findings with the names of what they are about instead of bare ids."""
    studies = names.called(reader, "Study", sorted({i["study_id"] for i in items if i["study_id"]}))
    by_entity: dict[str, list[str]] = {}
    for item in items:
        if item["entity_id"]:
            by_entity.setdefault(item["entity"], []).append(item["entity_id"])
    called = {
        (entity, one): name
        for entity, ids in by_entity.items()
        for one, name in names.called(reader, entity, sorted(set(ids))).items()
    }
    return [_finding(check, item, studies, called) for item in items]


def _finding(
    check: Check, item: Record, studies: dict[str, str], called: dict[tuple[str, str], str]
) -> Record:
    study = item["study_id"]
    about: dict[str, Any] | None = None
    if item["entity_id"]:
        label = called.get((item["entity"], item["entity_id"]))
        about = {"entity": item["entity"], "id": item["entity_id"], "label": label}
    return {
        "id": item["id"], "check": check.name, "kind": item["rule"].rpartition(".")[2],
        "sentence": item["found"], "evidence": item["evidence"], "act": item["expected"],
        "owner": item["owner"], "since": item["since"], "age_days": item["age_days"],
        "study": {"entity": "Study", "id": study, "label": studies.get(study)} if study else None,
        "record": about, "state": item["state"], "signed_off": item["signed_off"],
        "opened_at": item["opened_at"], "closed_at": item["closed_at"],
    }  # fmt: skip
