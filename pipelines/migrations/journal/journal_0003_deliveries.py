"""Deliveries have turns, keep what was sent until it is answered, and are found by lane.

The tables are made anew: nothing has written to them before this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "journal_0003"
down_revision = "journal_0002"
branch_labels = None
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DUE = sa.text("state in ('ready', 'waiting', 'approval', 'sending')")
OPEN = sa.text("state in ('behind', 'ready', 'waiting', 'approval', 'sending', 'unknown')")


def upgrade() -> None:
    op.drop_table("delivery")
    op.drop_table("consumer")
    op.create_table(
        "consumer",
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("upto", sa.Text(), nullable=False),
        sa.Column("turn", Big, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name="pk_consumer"),
    )
    _delivery()
    op.create_index("ix_fingerprint_delivery", "fingerprint", ["delivery"])


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("v", Big, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("lane", sa.LargeBinary(), nullable=False),
        sa.Column("turn", Big, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", Big, nullable=False),
        sa.Column("made_at", Big, nullable=False),
        sa.Column("tried_at", Big),
        sa.Column("ended_at", Big),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.Column("said", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("pipeline", "v", name="uq_delivery_pipeline"),
    )
    for name, columns, where in (
        ("ix_delivery_due", ["pipeline", "turn"], DUE),
        ("ix_delivery_open", ["pipeline", "lane", "turn"], OPEN),
        ("ix_delivery_record", ["pipeline", "entity_id"], None),
        ("ix_delivery_state", ["pipeline", "state"], None),
    ):
        op.create_index(name, "delivery", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
