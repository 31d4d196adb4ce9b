"""Which operational fields an ODM export has: forms of items, each a canonical field.

The metadata and the subjects' data are both written from these, so that no item is without its
definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hub.model.spec import FieldSpec, entities

OWN = "CROHUB."  # OIDs of what no study defines itself
SUBJECT, UNPLANNED = f"{OWN}SUBJECT", f"{OWN}UNPLANNED"  # events
VISIT = f"{OWN}VISIT"
_TYPES = {"date": "partialDate", "instant": "partialDatetime", "integer": "integer",
          "flag": "boolean", "decimal": "float"}  # fmt: skip
_LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of one kind of record, as one form with one group of items."""

    oid: str
    name: str
    entity: str
    fields: tuple[str, ...]
    repeats: bool = False

    def items(self) -> Iterator[FieldSpec]:
        for name in self.fields:
            yield entities()[self.entity].fields[name]

    @property
    def group(self) -> str:
        """The OID of its one group of items."""
        return f"IG.{self.oid}"

    def item(self, name: str) -> str:
        """The OID of an item: `Enrollment.state`."""
        return f"{self.entity}.{name}"


FORMS = (
    Form(
        oid=f"{OWN}ENROLMENT", name="Enrolment", entity="Enrollment",
        fields=(
            "state", "state_native", "screening_no", "prescreened_on", "consented_on",
            "screened_on", "eligible_on", "enrolled_on", "randomised_on", "on_treatment_on",
            "off_treatment_on", "off_study_on", "lost_on", "died_on", "completed_on", "off_reason",
        ),
    ),
    Form(
        oid=f"{OWN}STATE", name="State of the enrolment", entity="EnrollmentState", repeats=True,
        fields=("state", "state_native", "started_on", "ended_on", "reason"),
    ),
    Form(
        oid=f"{OWN}CONSENT", name="Consent", entity="Consent", repeats=True,
        fields=(
            "form_name", "form_version", "kind", "status", "status_native", "signed_at",
            "withdrawn_on",
        ),
    ),
    Form(
        oid=VISIT, name="Visit", entity="ParticipantVisit",
        fields=(
            "status", "status_native", "planned_on", "window_from", "window_to", "scheduled_at",
            "actual_on",
        ),
    ),
)  # fmt: skip
BY_ENTITY = {form.entity: form for form in FORMS}


def data_type(field: FieldSpec) -> str:
    """ODM's data type of a field: dates are as precise as they were said."""
    return _TYPES.get(field.meta.kind, "text")


def length(field: FieldSpec) -> int | None:
    """The longest text; ODM wants one for texts alone."""
    return min(field.meta.longest, _LONGEST) if data_type(field) == "text" else None
