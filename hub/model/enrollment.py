"""One person's part in one study, from the first interest to the last follow-up."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    flag,
    instant,
    ref,
    text,
    texts,
)

STATES = (
    "potential", "prescreened", "consented", "screening", "screen_failed", "eligible", "enrolled",
    "randomised", "on_treatment", "end_of_treatment", "follow_up", "completed", "withdrawn",
    "lost_to_follow_up", "died", "off_study", "transferred", "entered_in_error",
)  # fmt: skip
_ENDS = ("withdrawn", "lost_to_follow_up", "died", "off_study", "transferred", "entered_in_error")
TRANSITIONS = {
    "potential": ("prescreened", "consented", "screening", "screen_failed"),
    "prescreened": ("consented", "screening", "screen_failed"),
    "consented": ("screening", "screen_failed", "eligible", "enrolled"),
    "screening": ("screen_failed", "eligible"),
    "screen_failed": ("consented", "screening"),  # re-screening
    "eligible": ("enrolled", "screen_failed"),
    "enrolled": ("randomised", "on_treatment", "follow_up", "completed"),
    "randomised": ("on_treatment", "end_of_treatment", "follow_up"),
    "on_treatment": ("end_of_treatment", "follow_up"),
    "end_of_treatment": ("follow_up", "completed"),
    "follow_up": ("completed",),
    "completed": (),
    # consents again; only treatment was withdrawn from
    "withdrawn": (
        "consented", "follow_up", "lost_to_follow_up", "died", "off_study", "entered_in_error",
    ),
    # found again
    "lost_to_follow_up": (
        "on_treatment", "follow_up", "completed", "withdrawn", "died", "off_study",
        "entered_in_error",
    ),
    "died": ("entered_in_error",),
    "off_study": ("died", "entered_in_error"),
    "transferred": ("entered_in_error",),
    "entered_in_error": (),
}  # fmt: skip
OFF_REASONS = (
    "completed", "withdrew_consent", "ae", "progression", "lost", "death", "pi_decision",
    "sponsor", "ineligible", "other",
)  # fmt: skip
SCOPES = ("treatment", "follow_up", "data_use")


class Enrollment(Entity, table=True):
    __tablename__ = "enrollment"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = "subject_number"
    __lifecycle__ = Lifecycle(field="state", steps=TRANSITIONS, always=_ENDS)
    # the assigner of both is the study: one person may be enrolled on one study twice
    __identifiers__ = (
        IdentifierType(type="subject_number", says="number in the study", assigned=True,
                       single=True, placeholders=(r"0+", r"TBD", r"PENDING", r"UNKNOWN")),
        IdentifierType(type="registration_no", says="a system's number of it", assigned=True),
        IdentifierType(type="screening_no", says="number while being screened", assigned=True,
                       strong=False),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study", fhir="ResearchSubject.study", hl7="CSR-1")
    study_site_id: str | None = ref("StudySite", "the site", hl7="CSR-3", odm="SiteRef")
    participant_id: str | None = ref(
        "Participant", "the person", fhir="ResearchSubject.individual", hl7="PID-3"
    )
    subject_number: str | None = text(
        "number in the study", longest=200, fhir="ResearchSubject.identifier", hl7="CSR-4",
        odm="SubjectData@SubjectKey", redcap="record_id",
    )  # fmt: skip
    screening_no: str | None = text("number while being screened", longest=200, hl7="CSR-5")
    state: str | None = code("state", STATES, fhir="ResearchSubject.status", hl7="CRM event")
    state_native: str | None = text("state as the source said it", longest=200)
    prescreened_on: str | None = date("pre-screened")
    consented_on: str | None = date("consented, as this source counts", hl7="CSR-9")
    screened_on: str | None = date("screened")
    eligible_on: str | None = date("found eligible")
    enrolled_on: str | None = date("enrolled", fhir="ResearchSubject.period.start")
    registered_at: str | None = instant("registered", hl7="CSR-6")
    randomised_on: str | None = date("randomised; the arm is sealed elsewhere", hl7="CSR-11")
    on_treatment_on: str | None = date("treatment began", hl7="CSP-2")
    off_treatment_on: str | None = date("treatment ended", hl7="CSP-3")
    off_study_on: str | None = date(
        "left the study", fhir="ResearchSubject.period.end", hl7="CSR-15"
    )
    lost_on: str | None = date("lost to follow-up")
    died_on: str | None = date("died, as this study knows it")
    completed_on: str | None = date("completed")
    off_reason: str | None = code("why it ended", OFF_REASONS, hl7="CSR-16")
    off_reason_native: str | None = text("why it ended, as the source said it", longest=400)
    withdrawal_scope: list[str] | None = texts("what was withdrawn from", SCOPES)
    eligible: bool | None = flag("eligible", hl7="CSR-10")
    evaluable: bool | None = flag("counts in the analysis", hl7="CSR-14")
    evaluable_from: str | None = date("first day that counts in the analysis")
    registering_person_id: str | None = ref("Person", "who registered", hl7="CSR-7")
    investigator_id: str | None = ref("Person", "the responsible investigator", hl7="CSR-8")
