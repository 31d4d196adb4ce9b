"""A study shows the number that the institution calls it by: the name people use for it."""

from alembic import op

revision = "hub_0022"
down_revision = "hub_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table study add column local_protocol_no text")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
