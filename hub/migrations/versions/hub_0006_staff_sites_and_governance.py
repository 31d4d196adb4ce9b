"""Employment, delegation and training of staff, the start-up of sites, governance and accounts."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0006"
down_revision = "hub_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _employment()
    _delegation()
    _credential()
    _training_record()
    _training_requirement()
    _feasibility_assessment()
    _startup_task()
    _study_site_state()
    _study_governance()
    _kri_value()
    _account_access()


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


def _employment() -> None:
    op.create_table(
        "employment",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("employer_id", sa.String(36)),
        sa.Column("hr_id", sa.Text()),
        sa.Column("record_no", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("job_title", sa.Text()),
        sa.Column("job_code", sa.Text()),
        sa.Column("department_id", sa.String(36)),
        sa.Column("department_name", sa.Text()),
        sa.Column("cost_centre", sa.Text()),
        sa.Column("supervisor_id", sa.String(36)),
        sa.Column("fte", sa.String(40)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("leave_from", sa.String(10)),
        sa.Column("leave_to", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_employment"),
    )
    op.create_index("ix_employment_department_id", "employment", ["department_id"])
    op.create_index("ix_employment_employer_id", "employment", ["employer_id"])
    op.create_index("ix_employment_person_id", "employment", ["person_id"])
    op.create_index("ix_employment_supervisor_id", "employment", ["supervisor_id"])


def _delegation() -> None:
    op.create_table(
        "delegation",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("assignment_id", sa.String(36)),
        sa.Column("tasks", sa.JSON()),
        sa.Column("tasks_native", sa.JSON()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("staff_signed_at", sa.String(40)),
        sa.Column("pi_signed_at", sa.String(40)),
        sa.Column("delegated_by_id", sa.String(36)),
        sa.Column("trained", sa.Boolean()),
        sa.Column("document_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
    )
    op.create_index("ix_delegation_assignment_id", "delegation", ["assignment_id"])
    op.create_index("ix_delegation_delegated_by_id", "delegation", ["delegated_by_id"])
    op.create_index("ix_delegation_document_id", "delegation", ["document_id"])
    op.create_index("ix_delegation_person_id", "delegation", ["person_id"])
    op.create_index("ix_delegation_study_id", "delegation", ["study_id"])
    op.create_index("ix_delegation_study_site_id", "delegation", ["study_site_id"])


def _credential() -> None:
    op.create_table(
        "credential",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("number", sa.Text()),
        sa.Column("issuer", sa.Text()),
        sa.Column("jurisdiction", sa.Text()),
        sa.Column("country", sa.String(64)),
        sa.Column("issued_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("verified_on", sa.String(10)),
        sa.Column("verified_by_id", sa.String(36)),
        sa.Column("evidence_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
    )
    op.create_index("ix_credential_evidence_id", "credential", ["evidence_id"])
    op.create_index("ix_credential_person_id", "credential", ["person_id"])
    op.create_index("ix_credential_verified_by_id", "credential", ["verified_by_id"])


def _training_record() -> None:
    op.create_table(
        "training_record",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("course_code", sa.Text()),
        sa.Column("course_name", sa.Text()),
        sa.Column("course_group", sa.Text()),
        sa.Column("provider", sa.Text()),
        sa.Column("curriculum", sa.Text()),
        sa.Column("stage", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("assigned_on", sa.String(10)),
        sa.Column("due_on", sa.String(10)),
        sa.Column("completed_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("score", sa.String(40)),
        sa.Column("pass_mark", sa.String(40)),
        sa.Column("certificate_url", sa.Text()),
        sa.Column("study_id", sa.String(36)),
        sa.Column("protocol_version_id", sa.String(36)),
        sa.Column("evidence_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_training_record"),
    )
    op.create_index("ix_training_record_evidence_id", "training_record", ["evidence_id"])
    op.create_index("ix_training_record_person_id", "training_record", ["person_id"])
    op.create_index(
        "ix_training_record_protocol_version_id", "training_record", ["protocol_version_id"]
    )
    op.create_index("ix_training_record_study_id", "training_record", ["study_id"])


def _training_requirement() -> None:
    op.create_table(
        "training_requirement",
        *_envelope(),
        sa.Column("name", sa.Text()),
        sa.Column("scope", sa.String(64)),
        sa.Column("scope_native", sa.Text()),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("roles", sa.JSON()),
        sa.Column("roles_native", sa.JSON()),
        sa.Column("tasks", sa.JSON()),
        sa.Column("tasks_native", sa.JSON()),
        sa.Column("course_group", sa.Text()),
        sa.Column("course_code", sa.Text()),
        sa.Column("valid_months", sa.Integer()),
        sa.Column("grace_days", sa.Integer()),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("active", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_training_requirement"),
    )
    op.create_index(
        "ix_training_requirement_organization_id", "training_requirement", ["organization_id"]
    )
    op.create_index("ix_training_requirement_study_id", "training_requirement", ["study_id"])
    op.create_index(
        "ix_training_requirement_study_site_id", "training_requirement", ["study_site_id"]
    )


def _feasibility_assessment() -> None:
    op.create_table(
        "feasibility_assessment",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("respondent_id", sa.String(36)),
        sa.Column("sent_on", sa.String(10)),
        sa.Column("returned_on", sa.String(10)),
        sa.Column("decided_on", sa.String(10)),
        sa.Column("score", sa.String(40)),
        sa.Column("projected_enrolment", sa.Integer()),
        sa.Column("projected_months", sa.Integer()),
        sa.Column("outcome", sa.String(64)),
        sa.Column("outcome_native", sa.Text()),
        sa.Column("comment", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_feasibility_assessment"),
    )
    op.create_index(
        "ix_feasibility_assessment_organization_id", "feasibility_assessment", ["organization_id"]
    )
    op.create_index(
        "ix_feasibility_assessment_respondent_id", "feasibility_assessment", ["respondent_id"]
    )
    op.create_index("ix_feasibility_assessment_study_id", "feasibility_assessment", ["study_id"])
    op.create_index(
        "ix_feasibility_assessment_study_site_id", "feasibility_assessment", ["study_site_id"]
    )


def _startup_task() -> None:
    op.create_table(
        "startup_task",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("planned_on", sa.String(10)),
        sa.Column("started_on", sa.String(10)),
        sa.Column("actual_on", sa.String(10)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("waiting_for", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_startup_task"),
    )
    op.create_index("ix_startup_task_organization_id", "startup_task", ["organization_id"])
    op.create_index("ix_startup_task_owner_id", "startup_task", ["owner_id"])
    op.create_index("ix_startup_task_study_id", "startup_task", ["study_id"])
    op.create_index("ix_startup_task_study_site_id", "startup_task", ["study_site_id"])


def _study_site_state() -> None:
    op.create_table(
        "study_site_state",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("started_on", sa.String(10)),
        sa.Column("ended_on", sa.String(10)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_study_site_state"),
    )
    op.create_index("ix_study_site_state_study_id", "study_site_state", ["study_id"])
    op.create_index("ix_study_site_state_study_site_id", "study_site_state", ["study_site_id"])


def _study_governance() -> None:
    op.create_table(
        "study_governance",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("unit_id", sa.String(36)),
        sa.Column("role", sa.String(64)),
        sa.Column("role_native", sa.Text()),
        sa.Column("share_percent", sa.String(40)),
        sa.Column("lead_id", sa.String(36)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_study_governance"),
    )
    op.create_index("ix_study_governance_lead_id", "study_governance", ["lead_id"])
    op.create_index("ix_study_governance_study_id", "study_governance", ["study_id"])
    op.create_index("ix_study_governance_unit_id", "study_governance", ["unit_id"])


def _kri_value() -> None:
    op.create_table(
        "kri_value",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("indicator", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("value", sa.String(40)),
        sa.Column("unit", sa.Text()),
        sa.Column("warning_threshold", sa.String(40)),
        sa.Column("threshold", sa.String(40)),
        sa.Column("bad_side", sa.String(64)),
        sa.Column("bad_side_native", sa.Text()),
        sa.Column("breached", sa.Boolean()),
        sa.Column("period_from", sa.String(10)),
        sa.Column("period_to", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_kri_value"),
    )
    op.create_index("ix_kri_value_study_id", "kri_value", ["study_id"])
    op.create_index("ix_kri_value_study_site_id", "kri_value", ["study_site_id"])


def _account_access() -> None:
    op.create_table(
        "account_access",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("account_system", sa.Text()),
        sa.Column("username", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("access_role", sa.Text()),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("opened_on", sa.String(10)),
        sa.Column("closed_on", sa.String(10)),
        sa.Column("last_login_at", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_account_access"),
    )
    op.create_index("ix_account_access_person_id", "account_access", ["person_id"])
    op.create_index("ix_account_access_study_id", "account_access", ["study_id"])
    op.create_index("ix_account_access_study_site_id", "account_access", ["study_site_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
