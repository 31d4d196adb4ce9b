"""What a read of the store needs: a session, the keys to what is sealed, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from hub.database import Session
from hub.model.shape import sealed_beside
from hub.model.spec import EntitySpec
from hub.policy import Policy
from hub.principal import PHI, UNBLINDED, Principal
from hub.seal import Keyring

# Told before an answer is given: which sealed entity, of which records, to whom. What it raises
# keeps the answer back: nothing personal is shown that the audit does not know of.
Saw = Callable[[str, Sequence[str], Principal], None]

SCOPES = {"phi": PHI, "unblinding": UNBLINDED}


@dataclass(frozen=True, slots=True)
class Reader:
    """The means of reading. `session` should show one moment of the store (a transaction)."""

    session: Session
    keyring: Keyring
    saw: Saw
    policy: Policy = field(default_factory=Policy)  # by which the past is folded


@cache
def sealed_parts(entity: str) -> MappingProxyType[str, EntitySpec]:
    """The entities sealed beside a record, by the name they have in its answers."""
    return MappingProxyType(sealed_beside(entity))


def field_of(spec: EntitySpec, name: str) -> tuple[EntitySpec, str]:
    """A field of the record, or as `phi.birth_date` of one of its sealed parts."""
    part, dot, rest = name.partition(".")
    parts = sealed_parts(spec.name)
    return (parts[part], rest) if dot and part in parts else (spec, name)


def scope_for(spec: EntitySpec) -> str:
    """The scope that a sealed entity asks for."""
    return SCOPES[spec.sensitivity]
