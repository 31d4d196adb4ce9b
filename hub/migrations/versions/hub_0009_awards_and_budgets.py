"""Awards, contracts, budgets, the codes they are booked on, and effort."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0009"
down_revision = "hub_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _award()
    _award_deliverable()
    _contract()
    _budget()
    _budget_line()
    _accounting_code()
    _effort_record()


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


def _award() -> None:
    op.create_table(
        "award",
        *_envelope(),
        sa.Column("award_no", sa.Text()),
        sa.Column("sponsor_award_no", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("sponsor_id", sa.String(36)),
        sa.Column("prime_sponsor_id", sa.String(36)),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("principal_investigator_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("research_project_id", sa.String(36)),
        sa.Column("mechanism", sa.Text()),
        sa.Column("assistance_listing", sa.Text()),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("original_end_on", sa.String(10)),
        sa.Column("budget_start_on", sa.String(10)),
        sa.Column("budget_end_on", sa.String(10)),
        sa.Column("f_and_a_rate", sa.String(40)),
        sa.Column("obligated_amount", sa.String(40)),
        sa.Column("anticipated_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("accounting_code_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_award"),
    )
    op.create_index("ix_award_accounting_code_id", "award", ["accounting_code_id"])
    op.create_index("ix_award_organization_id", "award", ["organization_id"])
    op.create_index("ix_award_prime_sponsor_id", "award", ["prime_sponsor_id"])
    op.create_index("ix_award_principal_investigator_id", "award", ["principal_investigator_id"])
    op.create_index("ix_award_research_project_id", "award", ["research_project_id"])
    op.create_index("ix_award_sponsor_id", "award", ["sponsor_id"])
    op.create_index("ix_award_study_id", "award", ["study_id"])


def _award_deliverable() -> None:
    op.create_table(
        "award_deliverable",
        *_envelope(),
        sa.Column("award_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("period_from", sa.String(10)),
        sa.Column("period_to", sa.String(10)),
        sa.Column("due_on", sa.String(10)),
        sa.Column("submitted_on", sa.String(10)),
        sa.Column("accepted_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("owner_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_award_deliverable"),
    )
    op.create_index("ix_award_deliverable_award_id", "award_deliverable", ["award_id"])
    op.create_index("ix_award_deliverable_owner_id", "award_deliverable", ["owner_id"])
    op.create_index("ix_award_deliverable_study_id", "award_deliverable", ["study_id"])


def _contract() -> None:
    op.create_table(
        "contract",
        *_envelope(),
        sa.Column("contract_no", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("party_id", sa.String(36)),
        sa.Column("other_parties", sa.JSON()),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("version_no", sa.Text()),
        sa.Column("received_on", sa.String(10)),
        sa.Column("first_draft_on", sa.String(10)),
        sa.Column("legal_review_on", sa.String(10)),
        sa.Column("out_for_signature_on", sa.String(10)),
        sa.Column("fully_executed_on", sa.String(10)),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("renewal_due_on", sa.String(10)),
        sa.Column("value_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("payment_terms", sa.Text()),
        sa.Column("payment_days", sa.Integer()),
        sa.Column("holdback_percent", sa.String(40)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("document_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_contract"),
    )
    op.create_index("ix_contract_award_id", "contract", ["award_id"])
    op.create_index("ix_contract_document_id", "contract", ["document_id"])
    op.create_index("ix_contract_owner_id", "contract", ["owner_id"])
    op.create_index("ix_contract_part_of_id", "contract", ["part_of_id"])
    op.create_index("ix_contract_party_id", "contract", ["party_id"])
    op.create_index("ix_contract_study_id", "contract", ["study_id"])
    op.create_index("ix_contract_study_site_id", "contract", ["study_site_id"])


def _budget() -> None:
    op.create_table(
        "budget",
        *_envelope(),
        sa.Column("name", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("version_no", sa.Text()),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("contract_id", sa.String(36)),
        sa.Column("calendar_version", sa.Text()),
        sa.Column("overhead_rate", sa.String(40)),
        sa.Column("total_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("approved_on", sa.String(10)),
        sa.Column("supersedes_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_budget"),
    )
    op.create_index("ix_budget_award_id", "budget", ["award_id"])
    op.create_index("ix_budget_contract_id", "budget", ["contract_id"])
    op.create_index("ix_budget_study_id", "budget", ["study_id"])
    op.create_index("ix_budget_study_site_id", "budget", ["study_site_id"])
    op.create_index("ix_budget_supersedes_id", "budget", ["supersedes_id"])


def _budget_line() -> None:
    op.create_table(
        "budget_line",
        *_envelope(),
        sa.Column("budget_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("category", sa.String(64)),
        sa.Column("category_native", sa.Text()),
        sa.Column("visit_def_id", sa.String(36)),
        sa.Column("procedure_def_id", sa.String(36)),
        sa.Column("per", sa.String(64)),
        sa.Column("per_native", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("unit_amount", sa.String(40)),
        sa.Column("cost_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("holdback_percent", sa.String(40)),
        sa.Column("gl_account", sa.Text()),
        sa.Column("cost_centre", sa.Text()),
        sa.Column("accounting_code_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_budget_line"),
    )
    op.create_index("ix_budget_line_accounting_code_id", "budget_line", ["accounting_code_id"])
    op.create_index("ix_budget_line_budget_id", "budget_line", ["budget_id"])
    op.create_index("ix_budget_line_procedure_def_id", "budget_line", ["procedure_def_id"])
    op.create_index("ix_budget_line_study_id", "budget_line", ["study_id"])
    op.create_index("ix_budget_line_study_site_id", "budget_line", ["study_site_id"])
    op.create_index("ix_budget_line_visit_def_id", "budget_line", ["visit_def_id"])


def _accounting_code() -> None:
    op.create_table(
        "accounting_code",
        *_envelope(),
        sa.Column("chartstring", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("company", sa.Text()),
        sa.Column("fund", sa.Text()),
        sa.Column("cost_centre", sa.Text()),
        sa.Column("project_code", sa.Text()),
        sa.Column("wbs", sa.Text()),
        sa.Column("gl_account", sa.Text()),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("active", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_accounting_code"),
    )
    op.create_index("ix_accounting_code_award_id", "accounting_code", ["award_id"])
    op.create_index("ix_accounting_code_organization_id", "accounting_code", ["organization_id"])
    op.create_index("ix_accounting_code_study_id", "accounting_code", ["study_id"])


def _effort_record() -> None:
    op.create_table(
        "effort_record",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("research_project_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("period_from", sa.String(10)),
        sa.Column("period_to", sa.String(10)),
        sa.Column("activity", sa.Text()),
        sa.Column("available_hours", sa.String(40)),
        sa.Column("planned_percent", sa.String(40)),
        sa.Column("planned_hours", sa.String(40)),
        sa.Column("actual_percent", sa.String(40)),
        sa.Column("actual_hours", sa.String(40)),
        sa.Column("certified_percent", sa.String(40)),
        sa.Column("certified_on", sa.String(10)),
        sa.Column("certified_by_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_effort_record"),
    )
    op.create_index("ix_effort_record_award_id", "effort_record", ["award_id"])
    op.create_index("ix_effort_record_certified_by_id", "effort_record", ["certified_by_id"])
    op.create_index("ix_effort_record_person_id", "effort_record", ["person_id"])
    op.create_index(
        "ix_effort_record_research_project_id", "effort_record", ["research_project_id"]
    )
    op.create_index("ix_effort_record_study_id", "effort_record", ["study_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
