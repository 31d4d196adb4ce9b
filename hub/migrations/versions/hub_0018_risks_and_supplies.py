"""Risks, compliance items and supply shipments: what an office keeps a register of."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0018"
down_revision = "hub_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _compliance_item()
    _risk()
    _supply_shipment()


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


def _compliance_item() -> None:
    op.create_table(
        "compliance_item",
        *_envelope(),
        sa.Column("subject", sa.String(64)),
        sa.Column("subject_native", sa.Text()),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("person_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("item", sa.Text()),
        sa.Column("rule", sa.Text()),
        sa.Column("severity", sa.String(64)),
        sa.Column("severity_native", sa.Text()),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("opened_on", sa.String(10)),
        sa.Column("due_on", sa.String(10)),
        sa.Column("closed_on", sa.String(10)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("evidence", sa.Text()),
        sa.Column("document_id", sa.String(36)),
        sa.Column("deviation_id", sa.String(36)),
        sa.Column("capa", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_compliance_item"),
    )
    op.create_index("ix_compliance_item_deviation_id", "compliance_item", ["deviation_id"])
    op.create_index("ix_compliance_item_document_id", "compliance_item", ["document_id"])
    op.create_index("ix_compliance_item_enrollment_id", "compliance_item", ["enrollment_id"])
    op.create_index("ix_compliance_item_owner_id", "compliance_item", ["owner_id"])
    op.create_index("ix_compliance_item_person_id", "compliance_item", ["person_id"])
    op.create_index("ix_compliance_item_study_id", "compliance_item", ["study_id"])
    op.create_index("ix_compliance_item_study_site_id", "compliance_item", ["study_site_id"])


def _risk() -> None:
    op.create_table(
        "risk",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("title", sa.Text()),
        sa.Column("category", sa.String(64)),
        sa.Column("category_native", sa.Text()),
        sa.Column("likelihood", sa.String(64)),
        sa.Column("likelihood_native", sa.Text()),
        sa.Column("impact", sa.String(64)),
        sa.Column("impact_native", sa.Text()),
        sa.Column("score", sa.String(40)),
        sa.Column("mitigation", sa.Text()),
        sa.Column("kri_value_id", sa.String(36)),
        sa.Column("owner_id", sa.String(36)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("opened_on", sa.String(10)),
        sa.Column("reviewed_on", sa.String(10)),
        sa.Column("review_on", sa.String(10)),
        sa.Column("closed_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_risk"),
    )
    op.create_index("ix_risk_kri_value_id", "risk", ["kri_value_id"])
    op.create_index("ix_risk_owner_id", "risk", ["owner_id"])
    op.create_index("ix_risk_study_id", "risk", ["study_id"])
    op.create_index("ix_risk_study_site_id", "risk", ["study_site_id"])


def _supply_shipment() -> None:
    op.create_table(
        "supply_shipment",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("shipment_no", sa.Text()),
        sa.Column("direction", sa.String(64)),
        sa.Column("direction_native", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("supplier_id", sa.String(36)),
        sa.Column("carrier", sa.Text()),
        sa.Column("tracking_no", sa.Text()),
        sa.Column("quantity", sa.String(40)),
        sa.Column("unit", sa.Text()),
        sa.Column("lot_no", sa.Text()),
        sa.Column("expires_on", sa.String(10)),
        sa.Column("requested_on", sa.String(10)),
        sa.Column("shipped_on", sa.String(10)),
        sa.Column("expected_on", sa.String(10)),
        sa.Column("received_on", sa.String(10)),
        sa.Column("received_by_id", sa.String(36)),
        sa.Column("temperature_excursion", sa.Boolean()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_supply_shipment"),
    )
    op.create_index("ix_supply_shipment_received_by_id", "supply_shipment", ["received_by_id"])
    op.create_index("ix_supply_shipment_study_id", "supply_shipment", ["study_id"])
    op.create_index("ix_supply_shipment_study_site_id", "supply_shipment", ["study_site_id"])
    op.create_index("ix_supply_shipment_supplier_id", "supply_shipment", ["supplier_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
