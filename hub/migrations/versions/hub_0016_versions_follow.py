"""The recorded intervals of one record do not overlap: a version follows the one before it, which
ends where it begins. The database sees to it, whoever writes."""

from alembic import op

revision = "hub_0016"
down_revision = "hub_0015"
branch_labels = None
depends_on = None

_BROKEN = (
    "new.n > 1 and not exists (select 1 from version where id = new.id and entity = new.entity "
    "and n = new.n - 1 and recorded_at <= new.recorded_at)"
)
_SAYS = "a version does not begin before the one it follows"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"create trigger version_follows before insert on version when {_BROKEN} "
            f"begin select raise(abort, '{_SAYS}'); end"
        )
        return
    op.execute(
        "create function version_follows() returns trigger language plpgsql as "
        f"$$ begin if {_BROKEN} then raise exception '{_SAYS}'; end if; return new; end $$"
    )
    op.execute(
        "create trigger version_follows before insert on version "
        "for each row execute function version_follows()"
    )


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
