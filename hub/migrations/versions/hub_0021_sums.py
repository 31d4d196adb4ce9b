"""What institution-wide views are answered from: sums of each study, those that are due, and how
far whoever keeps them has read the change feed; and which systems speak of which records."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0021"
down_revision = "hub_0020"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STUDY = (
    "subjects", "consented", "screened", "screen_failed", "enrolled", "on_treatment", "withdrawn",
    "completed", "sites_planned", "sites_active", "sites_closed", "open_issues",
)  # fmt: skip
_MONTH = (
    "potential", "prescreened", "consented", "screened", "screen_failed", "enrolled", "randomised",
    "started_treatment", "end_of_treatment", "follow_up", "withdrawn", "lost", "completed",
    "in_screening", "in_treatment", "screened_so_far", "screen_failed_so_far", "enrolled_so_far",
    "lost_so_far", "withdrawn_so_far",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "study_sum",
        sa.Column("study_id", sa.String(36), nullable=False),
        sa.Column("first_enrolled_on", sa.String(10)),
        *(sa.Column(name, sa.Integer, nullable=False) for name in _STUDY),
        sa.PrimaryKeyConstraint("study_id", name="pk_study_sum"),
    )
    op.create_table(
        "enrollment_sum",
        sa.Column("id", sa.String(90), nullable=False),
        sa.Column("study_id", sa.String(36), nullable=False),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("month", sa.String(7)),
        sa.Column("first_month", sa.String(7)),
        *(sa.Column(name, sa.Integer, nullable=False) for name in _MONTH),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment_sum"),
    )
    op.create_index("ix_enrollment_sum_study_id", "enrollment_sum", ["study_id"])
    op.create_table(
        "sum_due",
        sa.Column("study_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_sum_due"),
    )
    op.create_table(
        "sum_progress",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("cursor", sa.String(40), nullable=False),
        sa.Column("upto", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sum_progress"),
    )
    op.create_table(
        "fed",
        sa.Column("entity", sa.String(40), nullable=False),
        sa.Column("system", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("entity", "system", name="pk_fed"),
    )
    op.execute("insert into fed(entity, system) select distinct entity, system from xref")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
