"""Digests are random keys: each new one is a page of its own to write in every index it stands in.

One index serves both searches of an identifier, by value and by value with its assigner. Keys that
came lately stand in no order on SQLite; many at a time are brought into that of the index.
"""

import sqlalchemy as sa
from alembic import op

revision = "hub_0017"
down_revision = "hub_0016"
branch_labels = None
depends_on = None

_YOUNG: sa.Column[bool] = sa.Column(
    "young", sa.Boolean(), nullable=False, server_default=sa.text("false")
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("pk_identifier", "identifier", type_="primary")
        op.create_primary_key("pk_identifier", "identifier", ["find", "digest", "x"])
        op.drop_index("ix_identifier_find")
        op.add_column("xref", _YOUNG)
        # an index on both databases: SQLite's leaves the young keys out
        op.drop_constraint("uq_xref_digest", "xref", type_="unique")
        op.create_index("uq_xref_digest", "xref", ["digest"], unique=True)
    else:
        _identifiers_anew()
        _keys_anew()
    op.create_index(
        "ix_xref_young",
        "xref",
        ["x", "digest", "young"],
        sqlite_where=sa.text("young"),
        postgresql_where=sa.text("young"),
    )


def _identifiers_anew() -> None:
    """SQLite takes no primary key away; rows stay in the order they came."""
    op.drop_index("ix_identifier_find")
    op.drop_index("ix_identifier_x")
    op.rename_table("identifier", "identifier_before")
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


def _keys_anew() -> None:
    """Nor an index that a constraint made."""
    op.drop_index("ix_xref_entity_id")
    op.rename_table("xref", "xref_before")
    op.create_table(
        "xref",
        sa.Column("x", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("system", sa.String(80), nullable=False),
        sa.Column("native", sa.LargeBinary(), nullable=False),
        sa.Column("home_id", sa.String(36), nullable=False),
        sa.Column("entity_id", sa.String(36), nullable=False),
        sa.Column("live", sa.Text(), nullable=False),
        _YOUNG,
        sa.PrimaryKeyConstraint("x", name="pk_xref"),
    )
    op.execute("insert into xref select *, false from xref_before order by x")
    op.drop_table("xref_before")
    op.create_index("ix_xref_entity_id", "xref", ["entity_id"])
    op.create_index(
        "uq_xref_digest", "xref", ["digest"], unique=True, sqlite_where=sa.text("not young")
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
