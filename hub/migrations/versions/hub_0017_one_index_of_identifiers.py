"""One index serves both searches of an identifier, by value and by value with its assigner: each
random key is a page of its own to write, and there were two."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0017"
down_revision = "hub_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("pk_identifier", "identifier", type_="primary")
        op.create_primary_key("pk_identifier", "identifier", ["find", "digest", "x"])
        op.drop_index("ix_identifier_find")
        return
    _anew()


def _anew() -> None:
    """SQLite takes no primary key away; rows stay in the order they came."""
    op.execute("alter table identifier rename to identifier_before")
    op.drop_index("ix_identifier_find")
    op.drop_index("ix_identifier_x")
    op.create_table(
        "identifier",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("assigner", sa.String(200), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("find", sa.LargeBinary(), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("find", "digest", "x", name="pk_identifier"),
    )
    op.execute("insert into identifier select * from identifier_before order by rowid")
    op.drop_table("identifier_before")
    op.create_index("ix_identifier_x", "identifier", ["x"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
