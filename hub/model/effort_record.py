"""A person's effort on a study, project or award in a period: planned, worked and certified."""

from hub.model.base import Entity, IdentifierType, date, decimal, ref, text


class EffortRecord(Entity, table=True):
    __tablename__ = "effort_record"
    __area__ = "finance"
    __sensitivity__ = "confidential"
    __identifiers__ = (
        IdentifierType(type="effort_no", says="a system's number of it", assigned=True),
    )

    person_id: str | None = ref("Person", "whose")
    study_id: str | None = ref("Study", "on which study")
    research_project_id: str | None = ref("ResearchProject", "on which project")
    award_id: str | None = ref("Award", "paid by which award")
    period_from: str | None = date("first day of the period")
    period_to: str | None = date("last day of the period")
    activity: str | None = text("what for, in the source's words", longest=400)
    available_hours: str | None = decimal("hours the person has in the period at all")
    planned_percent: str | None = decimal("planned, per cent of working time")
    planned_hours: str | None = decimal("planned, hours")
    actual_percent: str | None = decimal("worked, per cent of working time")
    actual_hours: str | None = decimal("worked, hours")
    certified_percent: str | None = decimal("certified, per cent of working time")
    certified_on: str | None = date("certified")
    certified_by_id: str | None = ref("Person", "who certified it")
