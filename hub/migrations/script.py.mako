"""${message}"""

import sqlalchemy as sa
import sqlmodel  # autogenerate writes sqlmodel's types without importing them
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
