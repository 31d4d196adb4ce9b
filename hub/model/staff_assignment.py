"""A person's role on a study, at a site or in an organization, over a period."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, flag, ref, text

ROLES = (
    "pi", "site_pi", "sub_i", "coordinator", "regulatory", "data_manager", "nurse", "pharmacist",
    "physician", "technician", "monitor_cra", "cta", "pm", "medical_monitor", "biostatistician",
    "finance", "contact", "other",
)  # fmt: skip
STATUSES = ("proposed", "active", "ended", "entered_in_error")
TRANSITIONS = {
    "proposed": ("active", "ended"),
    "active": ("ended",),
    "ended": ("active",),
    "entered_in_error": (),
}


class StaffAssignment(Entity, table=True):
    __tablename__ = "staff_assignment"
    __area__ = "people"
    __label__ = "role"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("entered_in_error",))
    __identifiers__ = (
        IdentifierType(type="assignment_no", says="a system's number of it", assigned=True),
    )

    person_id: str | None = ref("Person", "who", fhir="PractitionerRole.practitioner")
    study_id: str | None = ref("Study", "on which study", fhir="ResearchStudy.associatedParty")
    study_site_id: str | None = ref("StudySite", "at which site of the study")
    organization_id: str | None = ref(
        "Organization", "for whom", fhir="PractitionerRole.organization"
    )
    location_id: str | None = ref("Location", "where", fhir="PractitionerRole.location")
    role: str | None = code(
        "role", ROLES, fhir="PractitionerRole.code", oncore="protocolStaff.role", usdm="StudyRole"
    )
    role_native: str | None = text("role as the source said it", longest=200)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    start_on: str | None = date(
        "first day", fhir="PractitionerRole.period.start", oncore="startDate"
    )
    end_on: str | None = date("last day", fhir="PractitionerRole.period.end", oncore="stopDate")
    key_personnel: bool | None = flag("key personnel")
    effort_percent: str | None = decimal("share of working time, per cent")
    irb_approved_on: str | None = date("when the IRB approved this person on the study")
