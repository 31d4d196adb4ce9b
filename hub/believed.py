"""By which policy the records of each entity were worked out: where it is another than the present
one, they are stale until they are worked out again."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from hub import tables
from hub.database import Session
from hub.model.spec import entities
from hub.policy import Policy

_SEVERAL = "several"


def digest(policy: Policy, entity: str) -> str:
    """What decides how an entity's records are worked out: the rules of its fields and the role
    each system plays."""
    fields = ("*", *entities()[entity].fields)
    rules: list[Any] = [[name, policy.rule(entity, name)] for name in fields]
    roles = sorted((one.name, one.role) for one in policy.systems.values())
    return hashlib.sha256(orjson.dumps([rules, roles])).hexdigest()


def stale(session: Session, policy: Policy) -> frozenset[str]:
    """The entities whose records were worked out by another policy; none in a new store."""
    known: dict[str, str] = dict(session.all("select entity, policy from believed"))
    return frozenset(
        name for name in entities() if known.get(name, "") not in ("", digest(policy, name))
    )


def begin(session: Session, policy: Policy) -> frozenset[str]:
    """`stale`, for whoever is about to write: what was never noted is noted now, and what is
    stale will soon be of several policies, so that going back to the former is no way out."""
    known = {row[0] for row in session.all("select entity from believed")}
    old = stale(session, policy)
    rows = [(name, digest(policy, name)) for name in entities() if name not in known]
    rows += [(name, _SEVERAL) for name in old]
    if rows:
        with session.transaction():
            session.upsert(tables.believed, ("entity", "policy"), rows, ("entity",))
    return old


def note(session: Session, policy: Policy, entity: str) -> None:
    """Every record of `entity` stands by this policy now."""
    rows = [(entity, digest(policy, entity))]
    session.upsert(tables.believed, ("entity", "policy"), rows, ("entity",))
