"""An ancillary review: a committee beside the IRB that must agree, such as radiation safety."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, ref, text

KINDS = (
    "radiation", "ibc", "pharmacy", "prmc", "nursing", "coi", "coverage_analysis", "laboratory",
    "imaging", "information_security", "biospecimen", "other",
)  # fmt: skip
STATES = (
    "not_required", "requested", "in_review", "changes_requested", "approved", "disapproved",
    "expired", "withdrawn",
)  # fmt: skip
TRANSITIONS = {
    "requested": ("in_review", "changes_requested", "approved", "disapproved", "not_required"),
    "not_required": ("requested", "in_review"),
    "in_review": ("changes_requested", "approved", "disapproved", "not_required"),
    "changes_requested": ("requested", "in_review", "approved", "disapproved"),
    "approved": ("expired", "changes_requested"),
    "disapproved": ("requested", "in_review"),
    "expired": ("requested", "in_review", "approved"),
    "withdrawn": (),
}


class AncillaryReview(Entity, table=True):
    __tablename__ = "ancillary_review"
    __area__ = "regulatory"
    __label__ = "kind"
    __lifecycle__ = Lifecycle(field="state", steps=TRANSITIONS, always=("withdrawn",))
    __identifiers__ = (
        IdentifierType(type="ancillary_review_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site, where it is about one")
    irb_submission_id: str | None = ref("IrbSubmission", "the submission it belongs to")
    committee_id: str | None = ref("Organization", "who reviews")
    kind: str | None = code("what is reviewed", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    state: str | None = code("state", STATES)
    state_native: str | None = text("state as the source said it", longest=200)
    requested_on: str | None = date("asked for")
    meeting_on: str | None = date("on the agenda of")
    decided_on: str | None = date("decided")
    expires_on: str | None = date("last day it is good for; none: does not expire")
    comment: str | None = text("remark")
