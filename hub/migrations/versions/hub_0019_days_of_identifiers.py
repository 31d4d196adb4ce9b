"""Numbers begin and retire: the first and the last day of an identifier, where a source says it."""

from alembic import op

revision = "hub_0019"
down_revision = "hub_0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("since", "until"):
        op.execute(f"alter table identifier add column {name} varchar(10) not null default ''")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
