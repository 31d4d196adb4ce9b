"""A training requirement: the course that a role or task asks for, and how lately done."""

from hub.model.base import Entity, IdentifierType, code, date, flag, integer, ref, text, texts
from hub.model.delegation import TASKS
from hub.model.staff_assignment import ROLES

SCOPES = ("institution", "role", "study", "site", "task")


class TrainingRequirement(Entity, table=True):
    __tablename__ = "training_requirement"
    __area__ = "people"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="requirement_no", says="a system's number of it", assigned=True),
    )

    name: str | None = text("name", longest=400)
    scope: str | None = code("whom it binds", SCOPES)
    scope_native: str | None = text("whom it binds, as the source said it", longest=200)
    organization_id: str | None = ref("Organization", "the institution or unit")
    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    roles: list[str] | None = texts("the roles; none: all", ROLES)
    roles_native: list[str] | None = texts("roles as the source said them")
    tasks: list[str] | None = texts("the delegated tasks; none: all", TASKS)
    tasks_native: list[str] | None = texts("tasks as the source said them")
    course_group: str | None = text("the courses of which one must be done", longest=200)
    course_code: str | None = text("the one course, where only one counts", longest=100)
    valid_months: int | None = integer("months a completion counts; none: for ever")
    grace_days: int | None = integer("days after its expiry that are forgiven")
    start_on: str | None = date("binding from")
    end_on: str | None = date("binding until")
    active: bool | None = flag("in force")
