"""One period of a study in one state, overall or as the institution counts: its history."""

from hub.model.base import Entity, code, date, flag, ref, text
from hub.model.study import STATES

SCOPES = ("overall", "local")


class StudyState(Entity, table=True):
    __tablename__ = "study_state"
    __area__ = "studies"
    __label__ = "state"

    study_id: str | None = ref("Study", "the study")
    scope: str | None = code("whose status it is: the sponsor's or the institution's", SCOPES)
    scope_native: str | None = text("whose status it is, as the source said it", longest=200)
    state: str | None = code("state", STATES, fhir="ResearchStudy.progressStatus.state")
    state_native: str | None = text("state as the source said it", longest=200)
    actual: bool | None = flag(
        "so it was; no: so it is planned", fhir="ResearchStudy.progressStatus.actual"
    )
    started_on: str | None = date("first day", fhir="ResearchStudy.progressStatus.period.start")
    ended_on: str | None = date("last day", fhir="ResearchStudy.progressStatus.period.end")
    reason: str | None = text("why", longest=400)
