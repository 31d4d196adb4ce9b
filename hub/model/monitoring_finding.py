"""What a monitoring visit found, or asked to be done: an action item until it is closed."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

KINDS = ("finding", "action_item")
CATEGORIES = (
    "consent", "eligibility", "source_data", "protocol", "safety", "ip", "regulatory",
    "staff_training", "facility", "data_entry", "other",
)  # fmt: skip
SEVERITIES = ("minor", "major", "critical")
STATUSES = ("open", "in_progress", "resolved", "verified", "closed")
TRANSITIONS = {
    "open": ("in_progress", "resolved", "closed"),
    "in_progress": ("open", "resolved", "closed"),
    "resolved": ("in_progress", "verified", "closed"),
    "verified": ("closed", "in_progress"),
    "closed": ("open",),
}


class MonitoringFinding(Entity, table=True):
    __tablename__ = "monitoring_finding"
    __area__ = "monitoring"
    __sensitivity__ = "confidential"
    __label__ = "finding_no"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="monitoring_finding_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    monitoring_visit_id: str | None = ref("MonitoringVisit", "the visit that found it")
    finding_no: str | None = text("number people know it by", longest=100)
    kind: str | None = code("finding or task", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    category: str | None = code("what it is about", CATEGORIES)
    category_native: str | None = text("category as the source said it", longest=200)
    severity: str | None = code("how grave", SEVERITIES)
    severity_native: str | None = text("severity as the source said it", longest=200)
    description: str | None = text("what was found, or is to be done; never who a participant is")
    owner_id: str | None = ref("Person", "who sees to it")
    opened_on: str | None = date("opened")
    due_on: str | None = date("to be done by")
    closed_on: str | None = date("closed")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    deviation_id: str | None = ref("Deviation", "the deviation it is about")
    data_query_id: str | None = ref("DataQuery", "the data query it is about")
