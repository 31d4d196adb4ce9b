"""An epoch of a study: screening, treatment, follow-up and their like, in order."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text

TYPES = (
    "screening", "run_in", "baseline", "treatment", "washout", "observation", "follow_up",
    "long_term_follow_up", "other",
)  # fmt: skip


class StudyEpoch(Entity, table=True):
    __tablename__ = "study_epoch"
    __area__ = "studies"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="epoch_oid", says="the epoch's id in its study", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    name: str | None = text("name", longest=400, usdm="StudyEpoch.name", hl7="CSP-1.2")
    epoch_type: str | None = code("type", TYPES, usdm="StudyEpoch.type")
    epoch_type_native: str | None = text("type as the source said it", longest=200)
    description: str | None = text("description", longest=40000, usdm="StudyEpoch.description")
    sequence: int | None = integer("place in the study, from 1", usdm="StudyEpoch.nextId")
