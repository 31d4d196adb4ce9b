"""A study shows the number that its sponsor calls it by now: the number has a history."""

from alembic import op

revision = "hub_0015"
down_revision = "hub_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table study add column sponsor_protocol_no text")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
