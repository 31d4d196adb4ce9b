"""A key can be confined to studies and sites; one that was made before is confined to none."""

from alembic import op

revision = "hub_0025"
down_revision = "hub_0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("studies", "sites"):
        op.execute(f"alter table api_key add column {column} text")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
