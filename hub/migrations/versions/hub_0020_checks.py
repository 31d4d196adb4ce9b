"""Findings of checks: evidence, study, since when, what a person signed off; and how far the checks
have read the change feed."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0020"
down_revision = "hub_0019"
branch_labels = None
depends_on = None

_ADDED = (
    "scope varchar(36) not null default ''",
    "study_id varchar(36)",
    "since varchar(10)",
    "evidence text not null default ''",
    "signed_off_at {big}",
    "signed_off_by varchar(200)",
    "signed_off_reason text",
    "signed_off_until varchar(10)",
)


def upgrade() -> None:
    big = "integer" if op.get_bind().dialect.name == "sqlite" else "bigint"
    for column in _ADDED:
        op.execute(f"alter table finding add column {column.format(big=big)}")
    op.create_index(
        "ix_finding_scope_open",
        "finding",
        ["scope", "rule"],
        sqlite_where=sa.text("closed_at is null"),
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "check_progress",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("cursor", sa.String(40), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_check_progress"),
    )
    op.create_table(
        "check_due",
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("scope", "id", name="pk_check_due"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
