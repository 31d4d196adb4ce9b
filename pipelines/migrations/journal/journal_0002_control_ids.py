"""Messages are found by their control id (HL7 v2 MSH-10)."""

import sqlalchemy as sa
from alembic import op

revision = "journal_0002"
down_revision = "journal_0001"
branch_labels = None
depends_on = None

BATCH = 5000


def upgrade() -> None:
    op.add_column("message", sa.Column("control", sa.Text()))
    _fill(op.get_bind())
    known = sa.text("control is not null")
    op.create_index(
        "ix_message_control", "message", ["control"], sqlite_where=known, postgresql_where=known
    )


def _fill(connection: sa.Connection) -> None:
    """MSH-10 is the third part of the key of every HL7 message."""
    last = -1
    find = sa.text(
        "select seq, key from message where media = 'hl7v2' and seq > :last order by seq limit :n"
    )
    put = sa.text("update message set control = :control where seq = :seq")
    while rows := connection.execute(find, {"last": last, "n": BATCH}).all():
        last = rows[-1][0]
        split = [(seq, key.split("|", 3)) for seq, key in rows]
        known = [{"seq": s, "control": p[2]} for s, p in split if len(p) > 2 and p[2]]
        if known:
            connection.execute(put, known)


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
