"""What became of each message, beside the effects it commits together with."""

import sqlalchemy as sa
from alembic import op

revision = "queue_0001"
down_revision = None
branch_labels = ("queue",)
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "progress",
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("upto", Big, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(80)),
        sa.Column("lease_until", Big, nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_progress"),
    )
    op.create_table(
        "outcome",
        sa.Column("seq", Big, autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("lane", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("revision", sa.Integer()),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outcome"),
    )
    op.create_index("ix_outcome_lane", "outcome", ["lane"])
    op.create_index("ix_outcome_state", "outcome", ["part", "state", "seq"])
    op.create_table(
        "held",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seq", Big, nullable=False),
        sa.PrimaryKeyConstraint("digest", "seq", name="pk_held"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_held_seq", "held", ["seq"])
    op.create_table(
        "gate",
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("since", Big, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", name="pk_gate"),
    )
    op.create_table(
        "unread",
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "path", name="pk_unread"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
