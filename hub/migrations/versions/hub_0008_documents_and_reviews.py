"""Documents, submissions to boards and regulators, and milestones."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0008"
down_revision = "hub_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _document()
    _document_version()
    _expected_document()
    _regulatory_submission()
    _irb_submission()
    _ancillary_review()
    _milestone()


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


def _document() -> None:
    op.create_table(
        "document",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("country", sa.String(64)),
        sa.Column("person_id", sa.String(36)),
        sa.Column("title", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("tmf_artifact", sa.Text()),
        sa.Column("tmf_version", sa.Text()),
        sa.Column("sub_artifact", sa.Text()),
        sa.Column("level", sa.String(64)),
        sa.Column("level_native", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("unblinded", sa.Boolean()),
        sa.Column("document_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("current_version", sa.Text()),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("signature", sa.String(64)),
        sa.Column("signature_native", sa.Text()),
        sa.Column("milestone_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
    )
    op.create_index("ix_document_milestone_id", "document", ["milestone_id"])
    op.create_index("ix_document_person_id", "document", ["person_id"])
    op.create_index("ix_document_study_id", "document", ["study_id"])
    op.create_index("ix_document_study_site_id", "document", ["study_site_id"])


def _document_version() -> None:
    op.create_table(
        "document_version",
        *_envelope(),
        sa.Column("document_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("version_no", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("file_name", sa.Text()),
        sa.Column("media_type", sa.Text()),
        sa.Column("size_bytes", sa.Integer()),
        sa.Column("sha256", sa.Text()),
        sa.Column("checksum", sa.Text()),
        sa.Column("checksum_algorithm", sa.Text()),
        sa.Column("storage", sa.Text()),
        sa.Column("author_id", sa.String(36)),
        sa.Column("reviewer_id", sa.String(36)),
        sa.Column("approver_id", sa.String(36)),
        sa.Column("filed_at", sa.String(40)),
        sa.Column("signed_at", sa.String(40)),
        sa.Column("approved_on", sa.String(10)),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("irb_submission_id", sa.String(36)),
        sa.Column("irb_approved_on", sa.String(10)),
        sa.Column("supersedes_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_document_version"),
    )
    op.create_index("ix_document_version_approver_id", "document_version", ["approver_id"])
    op.create_index("ix_document_version_author_id", "document_version", ["author_id"])
    op.create_index("ix_document_version_document_id", "document_version", ["document_id"])
    op.create_index(
        "ix_document_version_irb_submission_id", "document_version", ["irb_submission_id"]
    )
    op.create_index("ix_document_version_reviewer_id", "document_version", ["reviewer_id"])
    op.create_index("ix_document_version_study_id", "document_version", ["study_id"])
    op.create_index("ix_document_version_study_site_id", "document_version", ["study_site_id"])
    op.create_index("ix_document_version_supersedes_id", "document_version", ["supersedes_id"])


def _expected_document() -> None:
    op.create_table(
        "expected_document",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("country", sa.String(64)),
        sa.Column("name", sa.Text()),
        sa.Column("tmf_artifact", sa.Text()),
        sa.Column("tmf_version", sa.Text()),
        sa.Column("level", sa.String(64)),
        sa.Column("level_native", sa.Text()),
        sa.Column("required", sa.Boolean()),
        sa.Column("due_on", sa.String(10)),
        sa.Column("milestone_id", sa.String(36)),
        sa.Column("document_id", sa.String(36)),
        sa.Column("filed_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_expected_document"),
    )
    op.create_index("ix_expected_document_document_id", "expected_document", ["document_id"])
    op.create_index("ix_expected_document_milestone_id", "expected_document", ["milestone_id"])
    op.create_index("ix_expected_document_study_id", "expected_document", ["study_id"])
    op.create_index("ix_expected_document_study_site_id", "expected_document", ["study_site_id"])


def _regulatory_submission() -> None:
    op.create_table(
        "regulatory_submission",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("authority_id", sa.String(36)),
        sa.Column("country", sa.String(64)),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("submission_no", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("due_on", sa.String(10)),
        sa.Column("submitted_on", sa.String(10)),
        sa.Column("decision", sa.Text()),
        sa.Column("decided_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_regulatory_submission"),
    )
    op.create_index(
        "ix_regulatory_submission_authority_id", "regulatory_submission", ["authority_id"]
    )
    op.create_index("ix_regulatory_submission_part_of_id", "regulatory_submission", ["part_of_id"])
    op.create_index("ix_regulatory_submission_study_id", "regulatory_submission", ["study_id"])


def _irb_submission() -> None:
    op.create_table(
        "irb_submission",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("native_no", sa.Text()),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("board_id", sa.String(36)),
        sa.Column("irb_of_record_id", sa.String(36)),
        sa.Column("review_level", sa.String(64)),
        sa.Column("review_level_native", sa.Text()),
        sa.Column("review_categories", sa.JSON()),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("determination", sa.Text()),
        sa.Column("submitted_on", sa.String(10)),
        sa.Column("meeting_on", sa.String(10)),
        sa.Column("determination_on", sa.String(10)),
        sa.Column("approval_on", sa.String(10)),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("expiry_day_valid", sa.Boolean()),
        sa.Column("fda_regulated", sa.Boolean()),
        sa.Column("common_rule", sa.String(64)),
        sa.Column("common_rule_native", sa.Text()),
        sa.Column("risk_level", sa.String(64)),
        sa.Column("risk_level_native", sa.Text()),
        sa.Column("pediatric_risk", sa.String(64)),
        sa.Column("pediatric_risk_native", sa.Text()),
        sa.Column("waivers", sa.JSON()),
        sa.Column("waivers_native", sa.JSON()),
        sa.Column("conditions", sa.Text()),
        sa.Column("letter_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_irb_submission"),
    )
    op.create_index("ix_irb_submission_board_id", "irb_submission", ["board_id"])
    op.create_index("ix_irb_submission_irb_of_record_id", "irb_submission", ["irb_of_record_id"])
    op.create_index("ix_irb_submission_letter_id", "irb_submission", ["letter_id"])
    op.create_index("ix_irb_submission_part_of_id", "irb_submission", ["part_of_id"])
    op.create_index("ix_irb_submission_study_id", "irb_submission", ["study_id"])
    op.create_index("ix_irb_submission_study_site_id", "irb_submission", ["study_site_id"])


def _ancillary_review() -> None:
    op.create_table(
        "ancillary_review",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("irb_submission_id", sa.String(36)),
        sa.Column("committee_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("requested_on", sa.String(10)),
        sa.Column("meeting_on", sa.String(10)),
        sa.Column("decided_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("comment", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ancillary_review"),
    )
    op.create_index("ix_ancillary_review_committee_id", "ancillary_review", ["committee_id"])
    op.create_index(
        "ix_ancillary_review_irb_submission_id", "ancillary_review", ["irb_submission_id"]
    )
    op.create_index("ix_ancillary_review_study_id", "ancillary_review", ["study_id"])
    op.create_index("ix_ancillary_review_study_site_id", "ancillary_review", ["study_site_id"])


def _milestone() -> None:
    op.create_table(
        "milestone",
        *_envelope(),
        sa.Column("scope", sa.String(64)),
        sa.Column("scope_native", sa.Text()),
        sa.Column("portfolio_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("contract_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("country", sa.String(64)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("baseline_on", sa.String(10)),
        sa.Column("planned_on", sa.String(10)),
        sa.Column("forecast_on", sa.String(10)),
        sa.Column("actual_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("critical", sa.Boolean()),
        sa.Column("waits_for_id", sa.String(36)),
        sa.Column("owner_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_milestone"),
    )
    op.create_index("ix_milestone_award_id", "milestone", ["award_id"])
    op.create_index("ix_milestone_contract_id", "milestone", ["contract_id"])
    op.create_index("ix_milestone_owner_id", "milestone", ["owner_id"])
    op.create_index("ix_milestone_portfolio_id", "milestone", ["portfolio_id"])
    op.create_index("ix_milestone_study_id", "milestone", ["study_id"])
    op.create_index("ix_milestone_study_site_id", "milestone", ["study_site_id"])
    op.create_index("ix_milestone_waits_for_id", "milestone", ["waits_for_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
