"""A role of PostgreSQL that may add to the histories and read them, and do nothing else to them.

The triggers refuse whoever may write; the role that owns the tables could drop them. So the hub
works under a role of its own that owns nothing.
"""

from __future__ import annotations

import re

from hub.database import Session

HISTORIES = ("assertion", "version", "audit")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class CannotGuard(Exception):
    """The role cannot be what it should be. Its text says why, and what to do."""


def guard(session: Session, role: str, hub: str, journal: str) -> None:
    """Lets `role` work in the schemas `hub` and `journal`: of the histories it may only read and
    add. Run by whoever owns them; doing it again changes nothing."""
    if not _NAME.fullmatch(role):
        raise CannotGuard("a role that could be mistaken; expected a name such as crohub_app")
    if session.one("select 1 from pg_roles where rolname = ?", (role,)) is None:
        raise CannotGuard(f"there is no role {role}; make it with: create role {role} login")
    owner = session.one("select tableowner from pg_tables where schemaname = ? and tablename = ?",
                        (hub, "audit"))  # fmt: skip
    above = session.one("select pg_has_role(?, ?, 'member')", (role, owner[0] if owner else ""))
    if above and above[0]:
        raise CannotGuard(f"{role} owns the tables, or is above who does: it can undo any guard")
    for schema in (hub, journal):
        session.run(f"grant usage on schema {schema} to {role}")
        session.run(
            f"grant select, insert, update, delete on all tables in schema {schema} to {role}"
        )
        session.run(f"grant usage, select on all sequences in schema {schema} to {role}")
        session.run(f"revoke insert, update, delete on {schema}.alembic_version from {role}")
    for table in HISTORIES:
        session.run(f"revoke update, delete, truncate on {hub}.{table} from {role}")


def may_rewrite(session: Session) -> bool:
    """Whether the role of this session could change or take out an entry of the audit."""
    row = session.one(
        "select has_table_privilege('audit', 'update') or has_table_privilege('audit', 'delete') "
        "or has_table_privilege('audit', 'truncate')"
    )
    return bool(row and row[0])
