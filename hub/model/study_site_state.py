"""One period of a site of a study in one state: its history is a list of these."""

from hub.model.base import Entity, code, date, ref, text
from hub.model.study_site import STATES


class StudySiteState(Entity, table=True):
    __tablename__ = "study_site_state"
    __area__ = "sites"
    __label__ = "state"

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    state: str | None = code("state", STATES, veeva="site__v.state__v", ctgov="locations.status")
    state_native: str | None = text("state as the source said it", longest=200)
    started_on: str | None = date("first day")
    ended_on: str | None = date("last day")
    reason: str | None = text("why", longest=400)
