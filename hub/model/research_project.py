"""A research project: any work an institution counts as research, with or without a trial in it."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

KINDS = (
    "clinical_trial", "observational", "registry", "basic", "translational",
    "quality_improvement", "other",
)  # fmt: skip
STATUSES = ("proposed", "active", "suspended", "completed", "terminated", "withdrawn")
TRANSITIONS = {
    "proposed": ("active",),
    "active": ("suspended", "completed"),
    "suspended": ("active", "completed"),
    "completed": ("active",),  # extended
    "terminated": (),
    "withdrawn": ("proposed",),
}


class ResearchProject(Entity, table=True):
    __tablename__ = "research_project"
    __area__ = "portfolio"
    __label__ = "title"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("terminated", "withdrawn"))
    __identifiers__ = (
        IdentifierType(type="project_no", says="the institution's number", assigned=True),
        IdentifierType(type="irb_no", says="the IRB's number", assigned=True),
        IdentifierType(type="grant_no", says="grant number", strong=False),
    )

    project_no: str | None = text("number people know it by", longest=100)
    title: str | None = text("title", longest=1000)
    kind: str | None = code("kind of research", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    lead_organization_id: str | None = ref("Organization", "the unit that leads it")
    lead_person_id: str | None = ref("Person", "who leads it")
    part_of_id: str | None = ref("ResearchProject", "the project it is part of")
    start_on: str | None = date("first day")
    end_on: str | None = date("last day")
