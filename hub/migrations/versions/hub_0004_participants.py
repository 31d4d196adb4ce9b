"""Participants, their enrollments, consents and visits, and what is sealed beside them."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0004"
down_revision = "hub_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _participant()
    _participant_phi()
    _enrollment()
    _enrollment_state()
    _enrollment_arm()
    _consent()
    _participant_visit()


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


def _participant() -> None:
    op.create_table(
        "participant",
        *_envelope(),
        sa.Column("year_of_birth", sa.Integer()),
        sa.Column("sex", sa.String(64)),
        sa.Column("sex_native", sa.Text()),
        sa.Column("race", sa.JSON()),
        sa.Column("race_native", sa.JSON()),
        sa.Column("ethnicity", sa.String(64)),
        sa.Column("ethnicity_native", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("deceased", sa.Boolean()),
        sa.Column("active", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_participant"),
    )


def _participant_phi() -> None:
    op.create_table(
        "participant_phi",
        *_envelope(),
        sa.Column("family_name", sa.LargeBinary()),
        sa.Column("given_name", sa.LargeBinary()),
        sa.Column("middle_name", sa.LargeBinary()),
        sa.Column("name_prefix", sa.LargeBinary()),
        sa.Column("name_suffix", sa.LargeBinary()),
        sa.Column("previous_family_name", sa.LargeBinary()),
        sa.Column("mother_maiden_name", sa.LargeBinary()),
        sa.Column("birth_date", sa.LargeBinary()),
        sa.Column("birth_at", sa.LargeBinary()),
        sa.Column("birth_place", sa.LargeBinary()),
        sa.Column("address_lines", sa.LargeBinary()),
        sa.Column("city", sa.LargeBinary()),
        sa.Column("state", sa.LargeBinary()),
        sa.Column("postal_code", sa.LargeBinary()),
        sa.Column("county", sa.LargeBinary()),
        sa.Column("country", sa.LargeBinary()),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("mobile_phone", sa.LargeBinary()),
        sa.Column("work_phone", sa.LargeBinary()),
        sa.Column("email", sa.LargeBinary()),
        sa.Column("marital_status", sa.LargeBinary()),
        sa.Column("deceased_at", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_participant_phi"),
    )


def _enrollment() -> None:
    op.create_table(
        "enrollment",
        *_envelope(),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("participant_id", sa.String(36)),
        sa.Column("subject_number", sa.Text()),
        sa.Column("screening_no", sa.Text()),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("prescreened_on", sa.String(10)),
        sa.Column("consented_on", sa.String(10)),
        sa.Column("screened_on", sa.String(10)),
        sa.Column("eligible_on", sa.String(10)),
        sa.Column("enrolled_on", sa.String(10)),
        sa.Column("registered_at", sa.String(40)),
        sa.Column("randomised_on", sa.String(10)),
        sa.Column("on_treatment_on", sa.String(10)),
        sa.Column("off_treatment_on", sa.String(10)),
        sa.Column("off_study_on", sa.String(10)),
        sa.Column("lost_on", sa.String(10)),
        sa.Column("died_on", sa.String(10)),
        sa.Column("completed_on", sa.String(10)),
        sa.Column("off_reason", sa.String(64)),
        sa.Column("off_reason_native", sa.Text()),
        sa.Column("withdrawal_scope", sa.JSON()),
        sa.Column("eligible", sa.Boolean()),
        sa.Column("evaluable", sa.Boolean()),
        sa.Column("evaluable_from", sa.String(10)),
        sa.Column("registering_person_id", sa.String(36)),
        sa.Column("investigator_id", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment"),
    )
    op.create_index("ix_enrollment_investigator_id", "enrollment", ["investigator_id"])
    op.create_index("ix_enrollment_participant_id", "enrollment", ["participant_id"])
    op.create_index("ix_enrollment_registering_person_id", "enrollment", ["registering_person_id"])
    op.create_index("ix_enrollment_study_id", "enrollment", ["study_id"])
    op.create_index("ix_enrollment_study_site_id", "enrollment", ["study_site_id"])


def _enrollment_state() -> None:
    op.create_table(
        "enrollment_state",
        *_envelope(),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("state", sa.String(64)),
        sa.Column("state_native", sa.Text()),
        sa.Column("started_on", sa.String(10)),
        sa.Column("ended_on", sa.String(10)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment_state"),
    )
    op.create_index("ix_enrollment_state_enrollment_id", "enrollment_state", ["enrollment_id"])


def _enrollment_arm() -> None:
    op.create_table(
        "enrollment_arm",
        *_envelope(),
        sa.Column("arm_assigned", sa.LargeBinary()),
        sa.Column("arm_actual", sa.LargeBinary()),
        sa.Column("stratum", sa.LargeBinary()),
        sa.Column("randomisation_no", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_enrollment_arm"),
    )


def _consent() -> None:
    op.create_table(
        "consent",
        *_envelope(),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("participant_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("form_name", sa.Text()),
        sa.Column("form_version", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("signed_at", sa.String(40)),
        sa.Column("effective_on", sa.String(10)),
        sa.Column("ends_on", sa.String(10)),
        sa.Column("withdrawn_on", sa.String(10)),
        sa.Column("withdrawal_scope", sa.JSON()),
        sa.Column("obtained_by_id", sa.String(36)),
        sa.Column("witnessed", sa.Boolean()),
        sa.Column("mode", sa.String(64)),
        sa.Column("mode_native", sa.Text()),
        sa.Column("copy_given", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_enrollment_id", "consent", ["enrollment_id"])
    op.create_index("ix_consent_obtained_by_id", "consent", ["obtained_by_id"])
    op.create_index("ix_consent_participant_id", "consent", ["participant_id"])
    op.create_index("ix_consent_study_id", "consent", ["study_id"])


def _participant_visit() -> None:
    op.create_table(
        "participant_visit",
        *_envelope(),
        sa.Column("participant_id", sa.String(36)),
        sa.Column("enrollment_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("visit_def_id", sa.String(36)),
        sa.Column("sequence", sa.Integer()),
        sa.Column("visit_type", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("planned_on", sa.String(10)),
        sa.Column("window_from", sa.String(10)),
        sa.Column("window_to", sa.String(10)),
        sa.Column("scheduled_at", sa.String(40)),
        sa.Column("scheduled_end_at", sa.String(40)),
        sa.Column("actual_on", sa.String(10)),
        sa.Column("location_id", sa.String(36)),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_participant_visit"),
    )
    op.create_index("ix_participant_visit_enrollment_id", "participant_visit", ["enrollment_id"])
    op.create_index("ix_participant_visit_location_id", "participant_visit", ["location_id"])
    op.create_index("ix_participant_visit_participant_id", "participant_visit", ["participant_id"])
    op.create_index("ix_participant_visit_study_id", "participant_visit", ["study_id"])
    op.create_index("ix_participant_visit_visit_def_id", "participant_visit", ["visit_def_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
