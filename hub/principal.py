"""On whose behalf: every read of the store names who asks, what for and what they may see."""

from __future__ import annotations

from dataclasses import dataclass, field

READ, WRITE, PHI, UNBLINDED, OPERATE, ADMIN = (
    "records.read", "records.write", "phi.read", "unblinded.read", "ops.write", "admin",
)  # fmt: skip
ALL = (READ, WRITE, PHI, UNBLINDED, OPERATE, ADMIN)


class Forbidden(Exception):
    """The principal lacks a scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """`studies`: only records of these studies (canonical ids); None: of all. `sites` narrows
    further. `purpose` is why and `origin` from where: both enter the audit with every read of
    personal data and every change."""

    name: str
    scopes: frozenset[str]
    studies: frozenset[str] | None = None
    sites: frozenset[str] | None = None
    purpose: str = field(default="")
    origin: str = ""

    @property
    def grants(self) -> tuple[frozenset[str] | None, ...]:
        """All that decides what they may see."""
        return self.scopes, self.studies, self.sites

    def may(self, scope: str) -> bool:
        return scope in self.scopes or ADMIN in self.scopes

    def must(self, scope: str) -> None:
        """Raises Forbidden naming the scope that is missing."""
        if not self.may(scope):
            raise Forbidden(f"{self.name} lacks the scope {scope}")


SYSTEM = Principal(name="system", scopes=frozenset(ALL))
