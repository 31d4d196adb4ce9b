"""Messages whose senders want an answer after settling are found among all others."""

import sqlalchemy as sa
from alembic import op

revision = "journal_0004"
down_revision = "journal_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    wanted = sa.text("(flags & 32) <> 0")
    op.create_index(
        "ix_message_answer",
        "message",
        ["connection", "part", "seq"],
        sqlite_where=wanted,
        postgresql_where=wanted,
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
