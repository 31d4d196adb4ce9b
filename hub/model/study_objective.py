"""An objective of a study, with the endpoint that measures it."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text

LEVELS = ("primary", "secondary", "exploratory", "other")


class StudyObjective(Entity, table=True):
    __tablename__ = "study_objective"
    __area__ = "studies"
    __label__ = "objective"
    __identifiers__ = (
        IdentifierType(type="objective_oid", says="the objective's id in its study", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    level: str | None = code(
        "how much it counts", LEVELS, usdm="Objective.level", fhir="ResearchStudy.objective.type"
    )
    level_native: str | None = text("level as the source said it", longest=200)
    objective: str | None = text(
        "what is to be shown", longest=40000, usdm="Objective.text",
        fhir="ResearchStudy.objective.name",
    )  # fmt: skip
    endpoint: str | None = text(
        "what is measured", longest=40000, usdm="Endpoint.text", ctgov="outcomesModule.measure"
    )
    time_frame: str | None = text(
        "when it is measured", longest=4000, ctgov="outcomesModule.timeFrame"
    )
    sequence: int | None = integer("place in the list, from 1")
