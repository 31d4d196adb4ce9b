"""What is ordered, earned, invoiced, paid and booked."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0010"
down_revision = "hub_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _purchase_order()
    _receivable()
    _invoice()
    _invoice_line()
    _payment()
    _payment_allocation()
    _ledger_entry()


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


def _purchase_order() -> None:
    op.create_table(
        "purchase_order",
        *_envelope(),
        sa.Column("order_no", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("supplier_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("contract_id", sa.String(36)),
        sa.Column("requester_id", sa.String(36)),
        sa.Column("description", sa.Text()),
        sa.Column("ordered_on", sa.String(10)),
        sa.Column("needed_on", sa.String(10)),
        sa.Column("total_amount", sa.String(40)),
        sa.Column("received_amount", sa.String(40)),
        sa.Column("invoiced_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("accounting_code_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_purchase_order"),
    )
    op.create_index(
        "ix_purchase_order_accounting_code_id", "purchase_order", ["accounting_code_id"]
    )
    op.create_index("ix_purchase_order_award_id", "purchase_order", ["award_id"])
    op.create_index("ix_purchase_order_contract_id", "purchase_order", ["contract_id"])
    op.create_index("ix_purchase_order_requester_id", "purchase_order", ["requester_id"])
    op.create_index("ix_purchase_order_study_id", "purchase_order", ["study_id"])
    op.create_index("ix_purchase_order_supplier_id", "purchase_order", ["supplier_id"])


def _receivable() -> None:
    op.create_table(
        "receivable",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("sponsor_id", sa.String(36)),
        sa.Column("contract_id", sa.String(36)),
        sa.Column("budget_line_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_visit_id", sa.String(36)),
        sa.Column("visit_procedure_id", sa.String(36)),
        sa.Column("milestone_id", sa.String(36)),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("earned_on", sa.String(10)),
        sa.Column("invoiceable_on", sa.String(10)),
        sa.Column("quantity", sa.String(40)),
        sa.Column("amount", sa.String(40)),
        sa.Column("holdback_amount", sa.String(40)),
        sa.Column("paid_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_receivable"),
    )
    op.create_index("ix_receivable_budget_line_id", "receivable", ["budget_line_id"])
    op.create_index("ix_receivable_contract_id", "receivable", ["contract_id"])
    op.create_index("ix_receivable_enrollment_id", "receivable", ["enrollment_id"])
    op.create_index("ix_receivable_milestone_id", "receivable", ["milestone_id"])
    op.create_index("ix_receivable_participant_visit_id", "receivable", ["participant_visit_id"])
    op.create_index("ix_receivable_sponsor_id", "receivable", ["sponsor_id"])
    op.create_index("ix_receivable_study_id", "receivable", ["study_id"])
    op.create_index("ix_receivable_study_site_id", "receivable", ["study_site_id"])
    op.create_index("ix_receivable_visit_procedure_id", "receivable", ["visit_procedure_id"])


def _invoice() -> None:
    op.create_table(
        "invoice",
        *_envelope(),
        sa.Column("direction", sa.String(64)),
        sa.Column("direction_native", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("invoice_no", sa.Text()),
        sa.Column("posted_no", sa.Text()),
        sa.Column("party_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("contract_id", sa.String(36)),
        sa.Column("purchase_order_id", sa.String(36)),
        sa.Column("corrects_id", sa.String(36)),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("issued_on", sa.String(10)),
        sa.Column("sent_on", sa.String(10)),
        sa.Column("due_on", sa.String(10)),
        sa.Column("paid_on", sa.String(10)),
        sa.Column("subtotal_amount", sa.String(40)),
        sa.Column("tax_amount", sa.String(40)),
        sa.Column("total_amount", sa.String(40)),
        sa.Column("open_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
    )
    op.create_index("ix_invoice_award_id", "invoice", ["award_id"])
    op.create_index("ix_invoice_contract_id", "invoice", ["contract_id"])
    op.create_index("ix_invoice_corrects_id", "invoice", ["corrects_id"])
    op.create_index("ix_invoice_party_id", "invoice", ["party_id"])
    op.create_index("ix_invoice_purchase_order_id", "invoice", ["purchase_order_id"])
    op.create_index("ix_invoice_study_id", "invoice", ["study_id"])
    op.create_index("ix_invoice_study_site_id", "invoice", ["study_site_id"])


def _invoice_line() -> None:
    op.create_table(
        "invoice_line",
        *_envelope(),
        sa.Column("invoice_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("sequence", sa.Integer()),
        sa.Column("receivable_id", sa.String(36)),
        sa.Column("budget_line_id", sa.String(36)),
        sa.Column("description", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("unit_amount", sa.String(40)),
        sa.Column("amount", sa.String(40)),
        sa.Column("tax_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("accounting_code_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_line"),
    )
    op.create_index("ix_invoice_line_accounting_code_id", "invoice_line", ["accounting_code_id"])
    op.create_index("ix_invoice_line_budget_line_id", "invoice_line", ["budget_line_id"])
    op.create_index("ix_invoice_line_invoice_id", "invoice_line", ["invoice_id"])
    op.create_index("ix_invoice_line_receivable_id", "invoice_line", ["receivable_id"])
    op.create_index("ix_invoice_line_study_id", "invoice_line", ["study_id"])


def _payment() -> None:
    op.create_table(
        "payment",
        *_envelope(),
        sa.Column("direction", sa.String(64)),
        sa.Column("direction_native", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("posted_no", sa.Text()),
        sa.Column("party_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("method", sa.String(64)),
        sa.Column("method_native", sa.Text()),
        sa.Column("paid_on", sa.String(10)),
        sa.Column("posted_on", sa.String(10)),
        sa.Column("amount", sa.String(40)),
        sa.Column("unallocated_amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
    )
    op.create_index("ix_payment_award_id", "payment", ["award_id"])
    op.create_index("ix_payment_party_id", "payment", ["party_id"])
    op.create_index("ix_payment_study_id", "payment", ["study_id"])


def _payment_allocation() -> None:
    op.create_table(
        "payment_allocation",
        *_envelope(),
        sa.Column("payment_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("receivable_id", sa.String(36)),
        sa.Column("invoice_id", sa.String(36)),
        sa.Column("invoice_line_id", sa.String(36)),
        sa.Column("amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("exchange_rate", sa.String(40)),
        sa.Column("allocated_on", sa.String(10)),
        sa.Column("comment", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_payment_allocation"),
    )
    op.create_index("ix_payment_allocation_invoice_id", "payment_allocation", ["invoice_id"])
    op.create_index(
        "ix_payment_allocation_invoice_line_id", "payment_allocation", ["invoice_line_id"]
    )
    op.create_index("ix_payment_allocation_payment_id", "payment_allocation", ["payment_id"])
    op.create_index("ix_payment_allocation_receivable_id", "payment_allocation", ["receivable_id"])
    op.create_index("ix_payment_allocation_study_id", "payment_allocation", ["study_id"])


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        *_envelope(),
        sa.Column("document_no", sa.Text()),
        sa.Column("line_no", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("posted_on", sa.String(10)),
        sa.Column("fiscal_year", sa.Integer()),
        sa.Column("fiscal_period", sa.Text()),
        sa.Column("company", sa.Text()),
        sa.Column("gl_account", sa.Text()),
        sa.Column("cost_centre", sa.Text()),
        sa.Column("fund", sa.Text()),
        sa.Column("project_code", sa.Text()),
        sa.Column("accounting_code_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("award_id", sa.String(36)),
        sa.Column("invoice_id", sa.String(36)),
        sa.Column("payment_id", sa.String(36)),
        sa.Column("party_id", sa.String(36)),
        sa.Column("side", sa.String(64)),
        sa.Column("side_native", sa.Text()),
        sa.Column("amount", sa.String(40)),
        sa.Column("currency", sa.String(64)),
        sa.Column("description", sa.Text()),
        sa.Column("reverses_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
    )
    op.create_index("ix_ledger_entry_accounting_code_id", "ledger_entry", ["accounting_code_id"])
    op.create_index("ix_ledger_entry_award_id", "ledger_entry", ["award_id"])
    op.create_index("ix_ledger_entry_invoice_id", "ledger_entry", ["invoice_id"])
    op.create_index("ix_ledger_entry_party_id", "ledger_entry", ["party_id"])
    op.create_index("ix_ledger_entry_payment_id", "ledger_entry", ["payment_id"])
    op.create_index("ix_ledger_entry_reverses_id", "ledger_entry", ["reverses_id"])
    op.create_index("ix_ledger_entry_study_id", "ledger_entry", ["study_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
