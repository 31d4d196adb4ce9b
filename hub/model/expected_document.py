"""A document that a study or site must have, and the one that was filed for it."""

from hub.model.base import Entity, IdentifierType, code, date, flag, ref, text
from hub.model.countries import COUNTRIES
from hub.model.document import LEVELS


class ExpectedDocument(Entity, table=True):
    __tablename__ = "expected_document"
    __area__ = "regulatory"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="expected_document_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site")
    country: str | None = code("the country", COUNTRIES)
    name: str | None = text(
        "what is expected, as its template says", longest=400, veeva="expected_document__v"
    )
    tmf_artifact: str | None = text("number in the TMF reference model, zz.ss.aa", longest=40)
    tmf_version: str | None = text("version of the reference model", longest=40)
    level: str | None = code("what it belongs to", LEVELS)
    level_native: str | None = text("level as the source said it", longest=200)
    required: bool | None = flag("it must be there; no: not applicable here")
    due_on: str | None = date("to be filed by")
    milestone_id: str | None = ref("Milestone", "the milestone it is needed for")
    document_id: str | None = ref("Document", "the document filed for it; none: missing")
    filed_on: str | None = date("filed")
