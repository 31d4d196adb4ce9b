"""What was last said of each thing of a list that is pulled whole, so that deletes are noticed."""

import sqlalchemy as sa
from alembic import op

revision = "journal_0006"
down_revision = "journal_0005"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "present",
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("gone", sa.SmallInteger(), nullable=False),
        sa.Column("moved_at", Big, nullable=False),
        sa.PrimaryKeyConstraint("connection", "stream", "digest", name="pk_present"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
