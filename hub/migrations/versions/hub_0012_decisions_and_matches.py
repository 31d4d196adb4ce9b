"""Decisions that lapse, what was said of two keys, and how records that may be one are found."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0012"
down_revision = "hub_0011"
branch_labels = None
depends_on = None
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("decision", sa.Column("expires_at", _BIG))
    op.execute("alter table decision add column ids text")
    op.create_index("ix_decision_state", "decision", ["state", "kind", "id"])
    op.create_table(
        "relation",
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("one_x", _BIG, nullable=False),
        sa.Column("other_x", _BIG, nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("withdrawn_seq", _BIG),
        sa.PrimaryKeyConstraint("kind", "one_x", "other_x", name="pk_relation"),
    )
    for column in ("one_x", "other_x"):
        op.create_index(f"ix_relation_{column}", "relation", [column])
    _search()


def _search() -> None:
    op.create_table(
        "match_key",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("entity_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("digest", "entity_id", name="pk_match_key"),
    )
    op.create_index("ix_match_key_entity_id", "match_key", ["entity_id"])
    op.create_table(
        "match_pair",
        sa.Column("one", sa.String(36), nullable=False),
        sa.Column("other", sa.String(36), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("one", "other", name="pk_match_pair"),
    )
    op.create_index("ix_match_pair_other", "match_pair", ["other"])
    op.create_table(
        "match_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cursor", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_match_progress"),
    )
    op.execute("insert into match_progress(id, cursor) values (1, '')")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
