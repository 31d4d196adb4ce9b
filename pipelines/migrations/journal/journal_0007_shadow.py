"""Outbound pipelines may send nothing, and what nobody acknowledged is told apart."""

import sqlalchemy as sa
from alembic import op

revision = "journal_0007"
down_revision = "journal_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, name, default in (("consumer", "shadow", "0"), ("delivery", "confirmed", "1")):
        op.add_column(
            table, sa.Column(name, sa.SmallInteger(), nullable=False, server_default=default)
        )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
