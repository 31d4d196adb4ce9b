"""Checks made for somebody who asks: what is wrong now, told and not kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from crohub.node import Node
from hub import clock
from hub.checks import told
from hub.checks.check import Check, Discrepancy
from hub.checks.keeping import HUB
from hub.checks.running import Checking
from hub.render import moment
from pipelines.settling import policy_of

Json = dict[str, Any]
_GROUP = 100  # studies or people that are looked at together


def found(node: Node, name: str = "", study: str = "") -> Iterator[Json]:
    """What the checks that are switched on (or the one of that name) find now, of a study by its id
    or of all. Raises BadQuery for a check that there is not."""
    asked = [told.named(name)] if name else node.deployment.checks.on()
    session = node.places.hub(read_only=node.places.embedded)
    checking = Checking(
        session=session, keyring=node.keyring, clock=clock.now, chain="",
        checks=node.deployment.checks, policy=policy_of(node.deployment),
        zone=ZoneInfo(node.deployment.hub.timezone),
    )  # fmt: skip
    try:
        for check in asked:
            ids = _ids(checking, check, study)
            for start in range(0, len(ids), _GROUP):
                look = checking.looks(check, ids[start : start + _GROUP])
                for one in check.find(look):
                    if study in ("", one.study):
                        yield _plain(check, one, checking)
    finally:
        session.close()


def lines(one: Json) -> Iterator[str]:
    """What was found, for a person."""
    yield f"{one['check']}: {one['sentence']}"
    for said in one["evidence"]:
        when = f", {said['at'][:10]}" if said["at"] else ""
        of = f" ({said['of']}{when})" if said["of"] else ""
        yield f"    {said['system']}: {said['says']}{of}"
    yield f"    {one['act']} should act; {one['age_days']} days old, since {one['since']}"


def _ids(checking: Checking, check: Check, study: str) -> Sequence[str]:
    if check.scope == "hub":
        return [HUB]
    if check.scope == "study" and study:
        return [study]
    rows = checking.session.all(
        f"select id from {check.scope} where superseded_by is null order by id"
    )
    return [row[0] for row in rows]


def _plain(check: Check, one: Discrepancy, checking: Checking) -> Json:
    evidence = [
        asdict(said) | {"at": moment(said.at) if said.at else None} for said in one.evidence
    ]
    return {
        "check": check.name, "kind": one.kind, "sentence": one.sentence, "evidence": evidence,
        "act": one.act, "since": str(one.since), "age_days": (checking.today() - one.since).days,
        "entity": one.entity, "id": one.id or None, "study": one.study or None,
    }  # fmt: skip
