"""A statement says when the hub came to know it, beside when it was so."""

from alembic import op

revision = "hub_0014"
down_revision = "hub_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # added in place: a table that is copied would lose its triggers. 0: before this release
    big = "integer" if op.get_bind().dialect.name == "sqlite" else "bigint"
    op.execute(f"alter table assertion add column recorded_at {big} not null default 0")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
