"""Findings are somebody's, and are found by their record; the store knows by which policy its
records were worked out."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0013"
down_revision = "hub_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table finding add column owner varchar(200) not null default ''")
    op.create_index(
        "ix_finding_entity_id_open",
        "finding",
        ["entity_id"],
        sqlite_where=sa.text("closed_at is null"),
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "believed",
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("entity", name="pk_believed"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
