"""Where research happens and who does it: organizations, locations, persons, assignments."""

import sqlalchemy as sa
from alembic import op

revision = "hub_0002"
down_revision = "hub_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _organization()
    _location()
    _person()
    _staff_assignment()


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


def _organization() -> None:
    op.create_table(
        "organization",
        *_envelope(),
        sa.Column("name", sa.Text()),
        sa.Column("alias", sa.JSON()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("address_lines", sa.JSON()),
        sa.Column("city", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("postal_code", sa.Text()),
        sa.Column("country", sa.String(64)),
        sa.Column("phone", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("website", sa.Text()),
        sa.Column("active", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
    )
    op.create_index("ix_organization_part_of_id", "organization", ["part_of_id"])


def _location() -> None:
    op.create_table(
        "location",
        *_envelope(),
        sa.Column("name", sa.Text()),
        sa.Column("kind", sa.String(64)),
        sa.Column("kind_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("part_of_id", sa.String(36)),
        sa.Column("address_lines", sa.JSON()),
        sa.Column("city", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("postal_code", sa.Text()),
        sa.Column("country", sa.String(64)),
        sa.Column("phone", sa.Text()),
        sa.Column("latitude", sa.String(40)),
        sa.Column("longitude", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_location"),
    )
    op.create_index("ix_location_organization_id", "location", ["organization_id"])
    op.create_index("ix_location_part_of_id", "location", ["part_of_id"])


def _person() -> None:
    op.create_table(
        "person",
        *_envelope(),
        sa.Column("family_name", sa.Text()),
        sa.Column("given_name", sa.Text()),
        sa.Column("middle_name", sa.Text()),
        sa.Column("name_prefix", sa.Text()),
        sa.Column("name_suffix", sa.Text()),
        sa.Column("degrees", sa.JSON()),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("job_title", sa.Text()),
        sa.Column("staff_category", sa.Text()),
        sa.Column("specialty", sa.Text()),
        sa.Column("active", sa.Boolean()),
        sa.Column("employment_status", sa.String(64)),
        sa.Column("employment_status_native", sa.Text()),
        sa.Column("hired_on", sa.String(10)),
        sa.Column("left_on", sa.String(10)),
        sa.Column("home_organization_id", sa.String(36)),
        sa.Column("department", sa.Text()),
        sa.Column("cost_centre", sa.Text()),
        sa.Column("supervisor_id", sa.String(36)),
        sa.Column("fte", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_index("ix_person_home_organization_id", "person", ["home_organization_id"])
    op.create_index("ix_person_supervisor_id", "person", ["supervisor_id"])


def _staff_assignment() -> None:
    op.create_table(
        "staff_assignment",
        *_envelope(),
        sa.Column("person_id", sa.String(36)),
        sa.Column("study_id", sa.String(36)),
        sa.Column("study_site_id", sa.String(36)),
        sa.Column("organization_id", sa.String(36)),
        sa.Column("location_id", sa.String(36)),
        sa.Column("role", sa.String(64)),
        sa.Column("role_native", sa.Text()),
        sa.Column("status", sa.String(64)),
        sa.Column("status_native", sa.Text()),
        sa.Column("start_on", sa.String(10)),
        sa.Column("end_on", sa.String(10)),
        sa.Column("key_personnel", sa.Boolean()),
        sa.Column("effort_percent", sa.String(40)),
        sa.Column("irb_approved_on", sa.String(10)),
        sa.PrimaryKeyConstraint("id", name="pk_staff_assignment"),
    )
    op.create_index("ix_staff_assignment_location_id", "staff_assignment", ["location_id"])
    op.create_index("ix_staff_assignment_organization_id", "staff_assignment", ["organization_id"])
    op.create_index("ix_staff_assignment_person_id", "staff_assignment", ["person_id"])
    op.create_index("ix_staff_assignment_study_id", "staff_assignment", ["study_id"])
    op.create_index("ix_staff_assignment_study_site_id", "staff_assignment", ["study_site_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back: restore a backup of the former release")
