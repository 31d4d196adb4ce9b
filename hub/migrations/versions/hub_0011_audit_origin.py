"""The audit says from where; and on SQLite an entry that is there cannot be replaced either."""

from alembic import op

revision = "hub_0011"
down_revision = "hub_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # added in place: a table that is copied would lose its triggers
    op.execute("alter table audit add column origin varchar(200) not null default ''")
    if op.get_bind().dialect.name == "sqlite":
        # `insert or replace` deletes without telling the triggers on delete (SQLite documentation,
        # ON CONFLICT) unless recursive triggers are on: sessions of ours have them, others may not.
        # For versions and assertions, which are many, it would cost a fiftieth of settling
        op.execute(
            "create trigger audit_refuses_replace before insert on audit when exists "
            "(select 1 from audit where chain = new.chain and n = new.n) "
            "begin select raise(abort, 'audit is append-only'); end"
        )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
