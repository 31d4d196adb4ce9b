"""Rows of views that are kept for questions about the whole institution, a table a view, and the
day that they are of; and accrual by year."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "hub_0024"
down_revision = "hub_0023"
branch_labels = None
depends_on = None

_KINDS: dict[str, Any] = {
    "text": sa.Text(), "whole": sa.Integer(), "real": sa.Float(), "flag": sa.Boolean(),
    "money": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
}  # fmt: skip
# the view → its columns by their kind, in their order
_VIEWS = {
    "ctms_budget_vs_actual": (
        ("text", "study_id study study_site_id site category"),
        ("money",
         "budget earned invoiced received outstanding age_0_30 age_31_60 age_61_90 "
         "age_91_up holdback forecast"),
        ("text", "currency dq_flag"),
    ),
    "ctms_data_queries": (
        ("text", "study_id study study_site_id site"),
        ("whole", "forms_expected forms_entered forms_verified forms_locked"),
        ("real", "entered_percent"),
        ("whole", "queries_open queries_answered queries_closed"),
        ("real", "median_age_days"),
        ("whole", "oldest_days"),
        ("text", "dq_flag"),
    ),
    "ctms_reg_documents": (
        ("text",
         "study_id study study_site_id site title kind kind_native tmf_artifact level "
         "person version status status_native effective_on expires_on"),
        ("whole", "days_to_expiry"),
        ("flag", "expected missing"),
        ("text", "due_on"),
        ("whole", "days_overdue"),
        ("text", "dq_flag"),
    ),
    "ctms_site_performance": (
        ("text", "study_id study study_site_id site institution open_since"),
        ("whole", "target enrolled"),
        ("real", "target_percent enrolled_per_month"),
        ("whole", "screened"),
        ("real",
         "screen_failure_percent drop_out_percent median_entry_lag_days "
         "median_query_days queries_per_subject"),
        ("whole", "deviations major_deviations"),
        ("real", "deviations_per_subject"),
        ("text", "dq_flag"),
    ),
    "ctms_site_status": (
        ("text",
         "study_id study study_site_id site_no institution country "
         "principal_investigator status status_native status_since"),
        ("whole", "days_in_status startup_done startup_total"),
        ("text",
         "irb_approval_on irb_expires_on irb_board contract_executed_on siv_on "
         "activated_on first_subject_on"),
        ("whole", "target enrolled"),
        ("text", "last_monitoring_on next_monitoring_on monitors dq_flag"),
    ),
    "ctms_tmf_health": (
        ("text", "study_id study zone zone_name"),
        ("whole", "expected filed"),
        ("real", "complete_percent"),
        ("whole", "overdue"),
        ("real", "median_days_to_file"),
        ("whole", "documents quality_issues"),
        ("text", "dq_flag"),
    ),
}  # fmt: skip


def upgrade() -> None:
    for view, columns in _VIEWS.items():
        op.create_table(
            view,
            sa.Column("id", sa.Text(), nullable=False),
            *(
                sa.Column(name, _KINDS[kind], nullable=name != "study_id")
                for kind, names in columns
                for name in names.split()
            ),
            sa.PrimaryKeyConstraint("id", "study_id", name=f"pk_{view}"),
        )
        op.create_index(f"ix_{view}_study_id", view, ["study_id"])
    op.create_table(
        "accrual_sum",
        sa.Column("study_id", sa.String(36), nullable=False),
        sa.Column("year", sa.String(4), nullable=False),
        sa.Column("enrolled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "year", name="pk_accrual_sum"),
    )
    for name in ("day", "turning"):
        op.execute(f"alter table sum_progress add column {name} varchar(10) not null default ''")


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
