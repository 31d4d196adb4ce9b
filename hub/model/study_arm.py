"""An arm of a study: one group's path through it. Who is in it is the sealed EnrollmentArm."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text

TYPES = (
    "experimental", "active_comparator", "placebo_comparator", "sham_comparator",
    "no_intervention", "other",
)  # fmt: skip


class StudyArm(Entity, table=True):
    __tablename__ = "study_arm"
    __area__ = "studies"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="arm_oid", says="the arm's id in its study", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    name: str | None = text(
        "name", longest=400, fhir="ResearchStudy.arm.name", usdm="StudyArm.name", odm="Arm@Name"
    )
    arm_type: str | None = code("type", TYPES, fhir="ResearchStudy.arm.type", ctgov="armGroup.type")
    arm_type_native: str | None = text("type as the source said it", longest=200)
    description: str | None = text(
        "description", longest=40000, fhir="ResearchStudy.arm.description"
    )
    blinded_label: str | None = text("what it is called while blinded", longest=200)
    sequence: int | None = integer("place in the list, from 1")
