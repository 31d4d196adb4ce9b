"""Portfolios and projects, and the design of studies: versions, procedures, criteria."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0005"
down_revision = "hub_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _portfolio()
    _portfolio_item()
    _research_project()
    _protocol_version()
    _procedure_def()
    _coverage_designation()
    _eligibility_criterion()
    _study_objective()
    _study_state()


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


def _portfolio() -> None:
    op.create_table(
        "portfolio",
        *_envelope(),
        sa.Column("name", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("lead_id", sa.String(36)),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_portfolio"),
    )
    op.create_index("ix_portfolio_lead_id", "portfolio", ["lead_id"])
    op.create_index("ix_portfolio_owner_id", "portfolio", ["owner_id"])
    op.create_index("ix_portfolio_part_of_id", "portfolio", ["part_of_id"])


def _portfolio_item() -> None:
    op.create_table(
        "portfolio_item",
        *_envelope(),
        sa.Column("portfolio_id", sa.String(36)),
        sa.Column("research_project_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("weight", sa.String(40)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_portfolio_item"),
    )
    op.create_index("ix_portfolio_item_portfolio_id", "portfolio_item", ["portfolio_id"])
    op.create_index(
        "ix_portfolio_item_research_project_id", "portfolio_item", ["research_project_id"]
    )
    op.create_index("ix_portfolio_item_study_id", "portfolio_item", ["study_id"])


def _research_project() -> None:
    op.create_table(
        "research_project",
        *_envelope(),
        sa.Column("project_no", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("lead_organization_id", sa.String(36)),
        sa.Column("lead_person_id", sa.String(36)),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_research_project"),
    )
    op.create_index(
        "ix_research_project_lead_organization_id", "research_project", ["lead_organization_id"]
    )
    op.create_index("ix_research_project_lead_person_id", "research_project", ["lead_person_id"])
    op.create_index("ix_research_project_part_of_id", "research_project", ["part_of_id"])


def _protocol_version() -> None:
    op.create_table(
        "protocol_version",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("version_no", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("amendment_no", sa.Text()),
        sa.Column("summary", sa.Text()),
        sa.Column("primary_reason", sa.Text()),
        sa.Column("substantial", sa.Boolean()),
        sa.Column("sponsor_approved_on", sa.String(10)),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("irb_approved_on", sa.String(10)),
        sa.Column("irb_submission_id", sa.String(36)),
        sa.Column("supersedes_id", sa.String(36)),
        sa.Column("document_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_protocol_version"),
    )
    op.create_index("ix_protocol_version_document_id", "protocol_version", ["document_id"])
    op.create_index(
        "ix_protocol_version_irb_submission_id", "protocol_version", ["irb_submission_id"]
    )
    op.create_index("ix_protocol_version_study_id", "protocol_version", ["study_id"])
    op.create_index("ix_protocol_version_supersedes_id", "protocol_version", ["supersedes_id"])


def _procedure_def() -> None:
    op.create_table(
        "procedure_def",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("procedure_code", sa.Text()),
        sa.Column("code_system", sa.String(64)),
        sa.Column("code_system_native", sa.Text()),
        sa.Column("chargemaster_code", sa.Text()),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_procedure_def"),
    )
    op.create_index("ix_procedure_def_study_id", "procedure_def", ["study_id"])


def _coverage_designation() -> None:
    op.create_table(
        "coverage_designation",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("visit_def_id", sa.String(36)),
        sa.Column("procedure_def_id", sa.String(36)),
        sa.Column("calendar_version", sa.Text()),
        sa.Column("designation", sa.String(64)),
        sa.Column("designation_native", sa.Text()),
        sa.Column("modifier", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("rationale", sa.Text()),
        sa.Column("determined_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_coverage_designation"),
    )
    op.create_index(
        "ix_coverage_designation_procedure_def_id", "coverage_designation", ["procedure_def_id"]
    )
    op.create_index("ix_coverage_designation_study_id", "coverage_designation", ["study_id"])
    op.create_index(
        "ix_coverage_designation_visit_def_id", "coverage_designation", ["visit_def_id"]
    )


def _eligibility_criterion() -> None:
    op.create_table(
        "eligibility_criterion",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("protocol_version_id", sa.String(36)),
        sa.Column("criterion_no", sa.Text()),
        sa.Column("category", sa.String(64)),
        sa.Column("category_native", sa.Text()),
        sa.Column("wording", sa.Text()),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_eligibility_criterion"),
    )
    op.create_index(
        "ix_eligibility_criterion_protocol_version_id",
        "eligibility_criterion",
        ["protocol_version_id"],
    )
    op.create_index("ix_eligibility_criterion_study_id", "eligibility_criterion", ["study_id"])


def _study_objective() -> None:
    op.create_table(
        "study_objective",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("level", sa.String(64)),
        sa.Column("level_native", sa.Text()),
        sa.Column("objective", sa.Text()),
        sa.Column("endpoint", sa.Text()),
        sa.Column("time_frame", sa.Text()),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_study_objective"),
    )
    op.create_index("ix_study_objective_study_id", "study_objective", ["study_id"])


def _study_state() -> None:
    op.create_table(
        "study_state",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("scope", sa.String(64)),
        sa.Column("scope_native", sa.Text()),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("actual", sa.Boolean()),
        sa.Column("started_on", sa.String(10)),
        sa.Column("ended_on", sa.String(10)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_study_state"),
    )
    op.create_index("ix_study_state_study_id", "study_state", ["study_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
