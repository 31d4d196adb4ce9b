"""The journal: what arrived, where pulls resume, and what is to be delivered."""

import sqlalchemy as sa
from alembic import op

revision = "journal_0001"
down_revision = None
branch_labels = ("journal",)
depends_on = None

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

PARTS = 16


def upgrade() -> None:
    _arrived()
    _timed()
    _to_be_said()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("create sequence message_seq")
        op.execute(f"insert into partition(part) select generate_series(0, {PARTS - 1})")


def _arrived() -> None:
    op.create_table(
        "message",
        sa.Column("seq", Big, autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.LargeBinary(), nullable=False),
        sa.Column("arrival", Big, nullable=False),
        sa.Column("at", Big, nullable=False),
        sa.Column("received_at", Big, nullable=False),
        sa.Column("media", sa.String(80), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("remark", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_message"),
        sa.UniqueConstraint("connection", "key", name="uq_message_connection"),
    )
    op.create_index("ix_message_lane", "message", ["lane", "seq"])
    op.create_index("ix_message_part", "message", ["part", "seq"])
    op.create_index("ix_message_received", "message", ["received_at"])
    op.create_table(
        "arrival",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("began_at", Big, nullable=False),
        sa.Column("ended_at", Big),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_arrival"),
    )
    op.create_index("ix_arrival_connection", "arrival", ["connection"])
    op.create_table(
        "cursor",
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("stream", sa.String(80), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("moved_at", Big, nullable=False),
        sa.PrimaryKeyConstraint("connection", "stream", name="pk_cursor"),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("made_at", Big, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.UniqueConstraint("hash", name="uq_revision_hash"),
    )


def _timed() -> None:
    op.create_table(
        "partition",
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_partition"),
    )
    op.create_table(
        "fired",
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("due_at", Big, nullable=False),
        sa.Column("began_at", Big, nullable=False),
        sa.Column("ended_at", Big),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "due_at", name="pk_fired"),
    )


def _to_be_said() -> None:
    op.create_table(
        "consumer",
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("upto", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name="pk_consumer"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("pipeline", sa.String(80), nullable=False),
        sa.Column("v", Big, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("entity_id", sa.String(36), nullable=False),
        sa.Column("lane", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", Big, nullable=False),
        sa.Column("made_at", Big, nullable=False),
        sa.Column("ended_at", Big),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("pipeline", "v", name="uq_delivery_pipeline"),
    )
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["pipeline", "v"],
        sqlite_where=sa.text("state in ('waiting','approval','ready')"),
        postgresql_where=sa.text("state in ('waiting','approval','ready')"),
    )
    op.create_table(
        "fingerprint",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("delivery", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_fingerprint"),
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
