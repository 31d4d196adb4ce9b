"""A risk of a study or site: how likely, how grave, and what is done so that it does not happen."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text

CATEGORIES = (
    "enrolment", "safety", "data_quality", "compliance", "privacy", "staffing", "supply",
    "timeline", "financial", "vendor", "other",
)  # fmt: skip
LIKELIHOODS = ("rare", "unlikely", "possible", "likely", "almost_certain")
IMPACTS = ("negligible", "minor", "moderate", "major", "severe")
STATUSES = ("open", "mitigating", "accepted", "occurred", "closed")
TRANSITIONS = {
    "open": ("mitigating", "accepted", "occurred", "closed"),
    "mitigating": ("open", "accepted", "occurred", "closed"),
    "accepted": ("open", "mitigating", "occurred", "closed"),
    "occurred": ("mitigating", "closed"),
    "closed": ("open",),
}


class Risk(Entity, table=True):
    __tablename__ = "risk"
    __area__ = "governance"
    __label__ = "title"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    __identifiers__ = (
        IdentifierType(type="risk_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site, where it is about one")
    title: str | None = text("what may happen, in a few words", longest=400)
    category: str | None = code("what it is about", CATEGORIES)
    category_native: str | None = text("category as the source said it", longest=200)
    likelihood: str | None = code("how likely", LIKELIHOODS)
    likelihood_native: str | None = text("likelihood as the source said it", longest=200)
    impact: str | None = code("how grave, should it happen", IMPACTS)
    impact_native: str | None = text("impact as the source said it", longest=200)
    score: str | None = decimal("likelihood and impact in one number, as the source counts")
    mitigation: str | None = text("what is done against it")
    kri_value_id: str | None = ref("KriValue", "the indicator that tells of it")
    owner_id: str | None = ref("Person", "who sees to it")
    status: str | None = code("status", STATUSES)
    status_native: str | None = text("status as the source said it", longest=200)
    opened_on: str | None = date("found")
    reviewed_on: str | None = date("looked at last")
    review_on: str | None = date("to be looked at next")
    closed_on: str | None = date("closed")
