"""The histories: keys, assertions, identifiers, versions, audit, and what stands beside them."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0001"
down_revision = None
branch_labels = ("hub",)
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("assertion", "version", "audit")


def upgrade() -> None:
    _what_was_meant()
    _what_is_believed()
    _what_is_wrong()
    _who_may()
    if op.get_bind().dialect.name == "postgresql":
        _for_workers_side_by_side()
    for table in APPEND_ONLY:
        _keep_every_row(table)


def _what_was_meant() -> None:
    op.create_table(
        "xref",
        sa.Column("x", Big, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("system", sa.String(80), nullable=False),
        sa.Column("native", sa.LargeBinary(), nullable=False),
        sa.Column("home_id", sa.String(36), nullable=False),
        sa.Column("entity_id", sa.String(36), nullable=False),
        sa.Column("live", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("x", name="pk_xref"),
        sa.UniqueConstraint("digest", name="uq_xref_digest"),
    )
    op.create_index("ix_xref_entity_id", "xref", ["entity_id"])
    op.create_table(
        "assertion",
        sa.Column("a", Big, autoincrement=False, nullable=False),
        sa.Column("x", Big, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("native_version", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("said", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("echo", sa.Text()),
        sa.PrimaryKeyConstraint("a", name="pk_assertion"),
    )
    op.create_index("ix_assertion_seq", "assertion", ["seq"])
    op.create_index("ix_assertion_x", "assertion", ["x"])
    op.create_table(
        "identifier",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("x", Big, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("assigner", sa.String(200), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("find", sa.LargeBinary(), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "x", name="pk_identifier"),
    )
    op.create_index("ix_identifier_find", "identifier", ["find"])
    op.create_index("ix_identifier_x", "identifier", ["x"])
    op.create_table(
        "same_as",
        sa.Column("kept_x", Big, nullable=False),
        sa.Column("retired_x", Big, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("withdrawn_seq", Big),
        sa.PrimaryKeyConstraint("kept_x", "retired_x", name="pk_same_as"),
    )


def _what_is_believed() -> None:
    op.create_table(
        "version",
        sa.Column("v", Big, autoincrement=False, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("valid_from", Big, nullable=False),
        sa.Column("recorded_at", Big, nullable=False),
        sa.Column("changed", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("v", name="pk_version"),
        sa.UniqueConstraint("id", "entity", "n", name="uq_version_id"),
    )
    op.create_index("ix_version_seq", "version", ["seq"])
    op.create_table(
        "audit",
        sa.Column("chain", sa.String(40), nullable=False),
        sa.Column("n", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("object", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "n", name="pk_audit"),
    )


def _what_is_wrong() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("rule", sa.String(60), nullable=False),
        sa.Column("x", Big),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(36)),
        sa.Column("field", sa.String(60), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.Column("opened_at", Big, nullable=False),
        sa.Column("closed_at", Big),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index(
        "ix_finding_x_open",
        "finding",
        ["x"],
        sqlite_where=sa.text("closed_at is null"),
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index(
        "uq_finding_open",
        "finding",
        ["digest"],
        unique=True,
        sqlite_where=sa.text("closed_at is null"),
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "feed",
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("system", sa.String(80), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("heard_at", Big),
        sa.Column("settled_at", Big),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "stream", name="pk_feed"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("opened_at", Big, nullable=False),
        sa.Column("decided_at", Big),
        sa.Column("decided_by", sa.String(200)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sa.UniqueConstraint("digest", name="uq_decision_digest"),
    )


def _who_may() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_at", Big, nullable=False),
        sa.Column("expires_at", Big, nullable=False),
        sa.Column("revoked_at", Big),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("hash", name="uq_api_key_hash"),
    )


def _for_workers_side_by_side() -> None:
    """Numbers they share, and a feed they cannot overtake: within one transaction id `v` counts,
    and only ids below the oldest running transaction are read."""
    for name in ("xref_x_seq", "assertion_a_seq", "version_v_seq"):
        op.execute(f"create sequence {name}")
    op.execute("alter table version add column xid xid8 not null default pg_current_xact_id()")
    op.execute("create index ix_version_feed on version(xid, v)")
    op.execute(
        "create function refuse_change() returns trigger language plpgsql as "
        "$$ begin raise exception '% is append-only', tg_table_name; end $$"
    )


def _keep_every_row(table: str) -> None:
    """Whoever rewrites `table` in a later migration must call this again (21 CFR 11.10(e))."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"create trigger {table}_is_append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"create trigger {table}_refuses_{verb} before {verb} on {table} "
            f"begin select raise(abort, '{table} is append-only'); end"
        )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
