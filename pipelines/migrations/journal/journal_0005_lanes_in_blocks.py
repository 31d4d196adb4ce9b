"""Messages are found by lane block by block, so that storing one writes few pages."""

from alembic import op

revision = "journal_0005"
down_revision = "journal_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_lane", "message")
    op.execute("create index ix_message_lane on message((seq >> 9), lane)")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
