"""A feed tells how much it has brought, and how much of it could not be understood."""

from alembic import op

revision = "hub_0023"
down_revision = "hub_0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = "integer" if op.get_bind().dialect.name == "sqlite" else "bigint"
    for column in ("messages", "parked"):
        op.execute(f"alter table feed add column {column} {kind} not null default 0")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
