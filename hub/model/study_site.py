"""A site of a study: where one study is carried out, and how far its start-up has come."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, integer, ref, text
from hub.model.countries import COUNTRIES

STATES = (
    "identified", "feasibility", "selected", "not_selected", "start_up", "activated",
    "enrolling", "on_hold", "enrolment_closed", "follow_up", "closed_out", "archived",
    "terminated", "withdrawn",
)  # fmt: skip
TRANSITIONS = {
    "identified": ("feasibility", "selected", "not_selected"),
    "feasibility": ("selected", "not_selected"),
    "selected": ("start_up", "not_selected"),
    "not_selected": ("feasibility", "selected"),
    "start_up": ("activated", "on_hold"),
    "activated": ("enrolling", "on_hold"),
    "enrolling": ("on_hold", "enrolment_closed"),
    "on_hold": ("start_up", "activated", "enrolling", "enrolment_closed"),
    "enrolment_closed": ("enrolling", "follow_up", "closed_out"),
    "follow_up": ("closed_out",),
    "closed_out": ("archived",),
    "archived": (),
    "terminated": ("closed_out", "archived"),
    "withdrawn": ("archived",),
}


class StudySite(Entity, table=True):
    __tablename__ = "study_site"
    __area__ = "sites"
    __label__ = "site_number"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=("terminated", "withdrawn"))
    __identifiers__ = (
        IdentifierType(type="site_number", says="the site's number in its study", assigned=True,
                       single=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study", veeva="site__v.study__v")
    organization_id: str | None = ref(
        "Organization", "the institution", fhir="ResearchStudy.site", oncore="protocolInstitutions"
    )
    location_id: str | None = ref("Location", "the place", fhir="ResearchStudy.site")
    site_number: str | None = text("number in the study", longest=100, odm="Location@OID")
    country: str | None = code("country", COUNTRIES, ctgov="locations.country")
    principal_investigator_id: str | None = ref("Person", "the site's principal investigator")
    irb_of_record_id: str | None = ref("Organization", "the IRB whose approval counts here")
    status: str | None = code("state", STATES, veeva="site__v.state__v", ctgov="locations.status")
    status_native: str | None = text("state as the source said it", longest=200)
    target_enrolment: int | None = integer("planned number of participants here")
    selected_on: str | None = date("chosen")
    initiated_on: str | None = date("initiation visit held; this alone activates nothing")
    activated_on: str | None = date("may begin")
    enrolment_open_on: str | None = date("enrolment opened")
    enrolment_close_on: str | None = date("enrolment closed")
    closed_on: str | None = date("closed out")
