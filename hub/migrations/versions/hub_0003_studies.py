"""Studies, their arms, epochs, visits as planned, and sites."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0003"
down_revision = "hub_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _study()
    _study_arm()
    _study_epoch()
    _visit_def()
    _study_site()


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


def _study() -> None:
    op.create_table(
        "study",
        *_envelope(),
        sa.Column("title", sa.Text()),
        sa.Column("official_title", sa.Text()),
        sa.Column("acronym", sa.Text()),
        sa.Column("study_type", sa.String(64)),
        sa.Column("phase", sa.String(64)),
        sa.Column("phase_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("why_stopped", sa.Text()),
        sa.Column("conditions", sa.JSON()),
        sa.Column("keywords", sa.JSON()),
        sa.Column("sponsor_id", sa.String(36)),
        sa.Column("sponsor_class", sa.String(64)),
        sa.Column("principal_investigator_id", sa.String(36)),
        sa.Column("randomised", sa.Boolean()),
        sa.Column("blinding", sa.String(64)),
        sa.Column("start_on", sa.String(10)),
        sa.Column("primary_completion_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("target_enrolment", sa.Integer()),
        sa.Column("actual_enrolment", sa.Integer()),
        sa.Column("enrolled_count_kind", sa.String(64)),
        sa.Column("description", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
    )
    op.create_index("ix_study_principal_investigator_id", "study", ["principal_investigator_id"])
    op.create_index("ix_study_sponsor_id", "study", ["sponsor_id"])


def _study_arm() -> None:
    op.create_table(
        "study_arm",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("arm_type", sa.String(64)),
        sa.Column("arm_type_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("blinded_label", sa.Text()),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_study_arm"),
    )
    op.create_index("ix_study_arm_study_id", "study_arm", ["study_id"])


def _study_epoch() -> None:
    op.create_table(
        "study_epoch",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("epoch_type", sa.String(64)),
        sa.Column("epoch_type_native", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_study_epoch"),
    )
    op.create_index("ix_study_epoch_study_id", "study_epoch", ["study_id"])


def _visit_def() -> None:
    op.create_table(
        "visit_def",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("epoch_id", sa.String(36)),
        sa.Column("name", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("visit_type", sa.String(64)),
        sa.Column("visit_type_native", sa.Text()),
        sa.Column("arms", sa.JSON()),
        sa.Column("sequence", sa.Integer()),
        sa.Column("planned_day", sa.Integer()),
        sa.Column("window_before_days", sa.Integer()),
        sa.Column("window_after_days", sa.Integer()),
        sa.Column("contact_mode", sa.String(64)),
        sa.Column("contact_mode_native", sa.Text()),
        sa.Column("calendar_version", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_visit_def"),
    )
    op.create_index("ix_visit_def_epoch_id", "visit_def", ["epoch_id"])
    op.create_index("ix_visit_def_study_id", "visit_def", ["study_id"])


def _study_site() -> None:
    op.create_table(
        "study_site",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("location_id", sa.String(36)),
        sa.Column("site_number", sa.Text()),
        sa.Column("country", sa.String(64)),
        sa.Column("principal_investigator_id", sa.String(36)),
        sa.Column("irb_of_record_id", sa.String(36)),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("target_enrolment", sa.Integer()),
        sa.Column("selected_on", sa.String(10)),
        sa.Column("initiated_on", sa.String(10)),
        sa.Column("activated_on", sa.String(10)),
        sa.Column("enrolment_open_on", sa.String(10)),
        sa.Column("enrolment_close_on", sa.String(10)),
        sa.Column("closed_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_study_site"),
    )
    op.create_index("ix_study_site_irb_of_record_id", "study_site", ["irb_of_record_id"])
    op.create_index("ix_study_site_location_id", "study_site", ["location_id"])
    op.create_index("ix_study_site_organization_id", "study_site", ["organization_id"])
    op.create_index(
        "ix_study_site_principal_investigator_id", "study_site", ["principal_investigator_id"]
    )
    op.create_index("ix_study_site_study_id", "study_site", ["study_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
