"""Which messages were settled again, so that their replay is not told to other systems."""

import sqlalchemy as sa
from alembic import op

revision = "queue_0002"
down_revision = "queue_0001"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "replayed",
        sa.Column("seq", Big, autoincrement=False, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_replayed"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
