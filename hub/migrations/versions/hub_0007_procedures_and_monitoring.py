"""What is done with participants, how far their data are, their charges, and monitoring."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0007"
down_revision = "hub_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _visit_procedure()
    _deviation()
    _safety_event_ref()
    _data_query()
    _crf_status()
    _charge()
    _monitoring_visit()
    _monitoring_finding()


def _envelope() -> tuple[sa.Column[object], ...]:
    """What every record has."""
    return (
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("quality", sa.String(12), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("superseded_by", sa.String(36)),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("ext", sa.Text()),
    )


def _visit_procedure() -> None:
    op.create_table(
        "visit_procedure",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("procedure_def_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("done", sa.Boolean()),
        sa.Column("done_on", sa.String(10)),
        sa.Column("not_done_reason", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("billing_status", sa.String(64)),
        sa.Column("billing_status_native", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_visit_procedure"),
    )
    op.create_index("ix_visit_procedure_enrollment_id", "visit_procedure", ["enrollment_id"])
    op.create_index(
        "ix_visit_procedure_participant_visit_id", "visit_procedure", ["participant_visit_id"]
    )
    op.create_index("ix_visit_procedure_procedure_def_id", "visit_procedure", ["procedure_def_id"])
    op.create_index("ix_visit_procedure_study_id", "visit_procedure", ["study_id"])


def _deviation() -> None:
    op.create_table(
        "deviation",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("deviation_no", sa.Text()),
        sa.Column("category", sa.String(64)),
        sa.Column("category_native", sa.Text()),
        sa.Column("severity", sa.String(64)),
        sa.Column("severity_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("occurred_on", sa.String(10)),
        sa.Column("discovered_on", sa.String(10)),
        sa.Column("reportable", sa.Boolean()),
        sa.Column("reported_irb_on", sa.String(10)),
        sa.Column("reported_sponsor_on", sa.String(10)),
        sa.Column("capa", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("resolved_on", sa.String(10)),
        sa.Column("owner_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_deviation"),
    )
    op.create_index("ix_deviation_enrollment_id", "deviation", ["enrollment_id"])
    op.create_index("ix_deviation_owner_id", "deviation", ["owner_id"])
    op.create_index("ix_deviation_participant_visit_id", "deviation", ["participant_visit_id"])
    op.create_index("ix_deviation_study_id", "deviation", ["study_id"])
    op.create_index("ix_deviation_study_site_id", "deviation", ["study_site_id"])


def _safety_event_ref() -> None:
    op.create_table(
        "safety_event_ref",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("serious", sa.Boolean()),
        sa.Column("criteria", sa.JSON()),
        sa.Column("related", sa.Boolean()),
        sa.Column("related_native", sa.Text()),
        sa.Column("expected", sa.Boolean()),
        sa.Column("onset_on", sa.String(10)),
        sa.Column("ended_on", sa.String(10)),
        sa.Column("aware_on", sa.String(10)),
        sa.Column("report_due_on", sa.String(10)),
        sa.Column("reported_sponsor_on", sa.String(10)),
        sa.Column("reported_irb_on", sa.String(10)),
        sa.Column("reported_authority_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_safety_event_ref"),
    )
    op.create_index("ix_safety_event_ref_enrollment_id", "safety_event_ref", ["enrollment_id"])
    op.create_index("ix_safety_event_ref_study_id", "safety_event_ref", ["study_id"])
    op.create_index("ix_safety_event_ref_study_site_id", "safety_event_ref", ["study_site_id"])


def _data_query() -> None:
    op.create_table(
        "data_query",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("form", sa.Text()),
        sa.Column("item", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("raised_by", sa.Text()),
        sa.Column("opened_at", sa.String(40)),
        sa.Column("answered_at", sa.String(40)),
        sa.Column("closed_at", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_data_query"),
    )
    op.create_index("ix_data_query_enrollment_id", "data_query", ["enrollment_id"])
    op.create_index("ix_data_query_participant_visit_id", "data_query", ["participant_visit_id"])
    op.create_index("ix_data_query_study_id", "data_query", ["study_id"])
    op.create_index("ix_data_query_study_site_id", "data_query", ["study_site_id"])


def _crf_status() -> None:
    op.create_table(
        "crf_status",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("form", sa.Text()),
        sa.Column("repeat_key", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("required", sa.Boolean()),
        sa.Column("expected_on", sa.String(10)),
        sa.Column("entered_at", sa.String(40)),
        sa.Column("verified_at", sa.String(40)),
        sa.Column("signed_at", sa.String(40)),
        sa.Column("frozen_at", sa.String(40)),
        sa.Column("locked_at", sa.String(40)),
        sa.Column("open_queries", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_crf_status"),
    )
    op.create_index("ix_crf_status_enrollment_id", "crf_status", ["enrollment_id"])
    op.create_index("ix_crf_status_participant_visit_id", "crf_status", ["participant_visit_id"])
    op.create_index("ix_crf_status_study_id", "crf_status", ["study_id"])
    op.create_index("ix_crf_status_study_site_id", "crf_status", ["study_site_id"])


def _charge() -> None:
    op.create_table(
        "charge",
        *_envelope(),
        sa.Column("participant_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("visit_procedure_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("service_on", sa.String(10)),
        sa.Column("posted_on", sa.String(10)),
        sa.Column("procedure_code", sa.Text()),
        sa.Column("chargemaster_code", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("modifiers", sa.JSON()),
        sa.Column("condition_codes", sa.JSON()),
        sa.Column("research_diagnosis", sa.Boolean()),
        sa.Column("nct_number", sa.Text()),
        sa.Column("payer", sa.String(64)),
        sa.Column("payer_native", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_charge"),
    )
    op.create_index("ix_charge_enrollment_id", "charge", ["enrollment_id"])
    op.create_index("ix_charge_participant_id", "charge", ["participant_id"])
    op.create_index("ix_charge_participant_visit_id", "charge", ["participant_visit_id"])
    op.create_index("ix_charge_study_id", "charge", ["study_id"])
    op.create_index("ix_charge_visit_procedure_id", "charge", ["visit_procedure_id"])


def _monitoring_visit() -> None:
    op.create_table(
        "monitoring_visit",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("visit_no", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("method", sa.String(64)),
        sa.Column("method_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("planned_from", sa.String(10)),
        sa.Column("planned_to", sa.String(10)),
        sa.Column("actual_from", sa.String(10)),
        sa.Column("actual_to", sa.String(10)),
        sa.Column("monitor_id", sa.String(36)),
        sa.Column("co_monitors", sa.JSON()),
        sa.Column("confirmation_letter_on", sa.String(10)),
        sa.Column("report_due_on", sa.String(10)),
        sa.Column("report_submitted_on", sa.String(10)),
        sa.Column("report_approved_on", sa.String(10)),
        sa.Column("follow_up_letter_on", sa.String(10)),
        sa.Column("subjects_reviewed", sa.Integer()),
        sa.Column("sdv_percent", sa.String(40)),
        sa.Column("report_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_monitoring_visit"),
    )
    op.create_index("ix_monitoring_visit_monitor_id", "monitoring_visit", ["monitor_id"])
    op.create_index("ix_monitoring_visit_report_id", "monitoring_visit", ["report_id"])
    op.create_index("ix_monitoring_visit_study_id", "monitoring_visit", ["study_id"])
    op.create_index("ix_monitoring_visit_study_site_id", "monitoring_visit", ["study_site_id"])


def _monitoring_finding() -> None:
    op.create_table(
        "monitoring_finding",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("monitoring_visit_id", sa.String(36)),
        sa.Column("finding_no", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("category", sa.String(64)),
        sa.Column("category_native", sa.Text()),
        sa.Column("severity", sa.String(64)),
        sa.Column("severity_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("opened_on", sa.String(10)),
        sa.Column("due_on", sa.String(10)),
        sa.Column("closed_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("deviation_id", sa.String(36)),
        sa.Column("data_query_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_monitoring_finding"),
    )
    op.create_index("ix_monitoring_finding_data_query_id", "monitoring_finding", ["data_query_id"])
    op.create_index("ix_monitoring_finding_deviation_id", "monitoring_finding", ["deviation_id"])
    op.create_index(
        "ix_monitoring_finding_monitoring_visit_id", "monitoring_finding", ["monitoring_visit_id"]
    )
    op.create_index("ix_monitoring_finding_owner_id", "monitoring_finding", ["owner_id"])
    op.create_index("ix_monitoring_finding_study_id", "monitoring_finding", ["study_id"])
    op.create_index("ix_monitoring_finding_study_site_id", "monitoring_finding", ["study_site_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
