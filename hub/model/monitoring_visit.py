"""A monitoring visit: someone looks at how a site does a study, and writes a report."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    decimal,
    integer,
    ref,
    text,
    texts,
)

KINDS = (
    "selection", "initiation", "interim", "for_cause", "close_out", "audit", "inspection", "other",
)  # fmt: skip
METHODS = ("onsite", "remote", "hybrid")
STATUSES = (
    "planned", "confirmed", "in_progress", "completed", "report_draft", "report_review",
    "report_approved", "cancelled",
)  # fmt: skip
TRANSITIONS = {
    "planned": ("confirmed", "in_progress", "completed"),
    "confirmed": ("planned", "in_progress", "completed"),
    "in_progress": ("completed",),
    "completed": ("report_draft", "report_review", "report_approved"),
    "report_draft": ("report_review", "report_approved"),
    "report_review": ("report_draft", "report_approved"),
    "report_approved": ("report_review",),
    "cancelled": ("planned",),
}


class MonitoringVisit(Entity, table=True):
    __tablename__ = "monitoring_visit"
    __area__ = "monitoring"
    __label__ = "visit_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("cancelled",))
    __identifiers__ = (
        IdentifierType(type="monitoring_visit_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site", veeva="monitoring_event__v.site__v")
    visit_no: str | None = text("number people know it by", longest=100)
    kind: str | None = code("what for", KINDS, veeva="monitoring_event__v")
    kind_native: str | None = text("kind as the source said it", longest=200)
    method: str | None = code("how", METHODS)
    method_native: str | None = text("how, as the source said it", longest=200)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    planned_from: str | None = date("first day, as planned")
    planned_to: str | None = date("last day, as planned")
    actual_from: str | None = date("first day")
    actual_to: str | None = date("last day")
    monitor_id: str | None = ref("Person", "who monitors")
    co_monitors: list[str] | None = texts("who else came")
    confirmation_letter_on: str | None = date("confirmation letter sent")
    report_due_on: str | None = date("report due")
    report_submitted_on: str | None = date("report handed in")
    report_approved_on: str | None = date("report approved")
    follow_up_letter_on: str | None = date("follow-up letter sent")
    subjects_reviewed: int | None = integer("participants whose data were looked at")
    sdv_percent: str | None = decimal("source data verified, per cent")
    report_id: str | None = ref("Document", "the report")
