"""A start-up task: one thing to be done before a site may begin."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

KINDS = (
    "intake", "feasibility", "cda", "budget", "contract", "irb", "coverage_analysis",
    "ancillary_review", "siv", "drug_ship", "training", "system_build", "other",
)  # fmt: skip
STATUSES = ("not_started", "in_progress", "waiting", "done", "na")
TRANSITIONS = {
    "not_started": ("in_progress", "waiting", "done", "na"),
    "in_progress": ("waiting", "done", "na"),
    "waiting": ("in_progress", "done", "na"),
    "done": ("in_progress",),
    "na": ("not_started", "in_progress"),
}


class StartupTask(Entity, table=True):
    __tablename__ = "startup_task"
    __area__ = "sites"
    __label__ = "name"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="task_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study", oncore="task lists")
    study_site_id: str | None = ref("StudySite", "the site")
    kind: str | None = code("what it is about", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    name: str | None = text("name", longest=400)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    planned_on: str | None = date("to be done by")
    started_on: str | None = date("begun")
    actual_on: str | None = date("done")
    owner_id: str | None = ref("Person", "who sees to it")
    organization_id: str | None = ref("Organization", "the office that sees to it")
    waiting_for: str | None = text("what it waits for", longest=400)
