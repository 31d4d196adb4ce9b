"""A research study: one protocol, however many systems know it."""

from hub.model.base import (
    Entity,
    IdentifierType,
    Lifecycle,
    code,
    date,
    flag,
    integer,
    ref,
    text,
    texts,
)

STATES = (
    "concept", "proposed", "feasibility", "in_start_up", "pending_irb", "approved",
    "open_to_accrual", "suspended", "suspended_with_intervention", "closed_to_accrual",
    "closed_to_accrual_and_intervention", "db_locked", "completed", "archived",
    "withdrawn", "disapproved", "terminated", "administratively_completed",
)  # fmt: skip
_STOPS = ("withdrawn", "disapproved", "terminated", "administratively_completed")
TRANSITIONS = {
    "concept": ("proposed",),
    "proposed": ("feasibility", "in_start_up"),
    "feasibility": ("in_start_up",),
    "in_start_up": ("pending_irb", "approved"),
    "pending_irb": ("approved", "in_start_up"),
    "approved": ("open_to_accrual",),
    "open_to_accrual": ("suspended", "suspended_with_intervention", "closed_to_accrual"),
    "suspended": ("open_to_accrual", "suspended_with_intervention", "closed_to_accrual"),
    "suspended_with_intervention": ("open_to_accrual", "suspended", "closed_to_accrual"),
    "closed_to_accrual": ("open_to_accrual", "closed_to_accrual_and_intervention"),
    "closed_to_accrual_and_intervention": ("closed_to_accrual", "db_locked", "completed"),
    "db_locked": ("completed", "closed_to_accrual_and_intervention"),
    "completed": ("archived",),
    "archived": (),
    "withdrawn": ("archived",),
    "disapproved": ("pending_irb", "archived"),
    "terminated": ("administratively_completed", "archived"),
    "administratively_completed": ("archived",),
}
TYPES = ("interventional", "observational", "expanded_access", "registry", "other")
PHASES = ("early_phase_1", "1", "1_2", "2", "2_3", "3", "4", "na")
SPONSOR_CLASSES = ("industry", "nih", "federal", "institutional", "network", "other")
BLINDING = ("none", "single", "double", "triple", "quad")


class Study(Entity, table=True):
    __tablename__ = "study"
    __area__ = "studies"
    __plural__ = "studies"
    __label__ = "title"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS, always=_STOPS)
    __identifiers__ = (
        IdentifierType(
            type="nct", says="ClinicalTrials.gov number", single=True, form=r"NCT\d{8}",
            placeholders=(r"NCT12345678", r"NCT(\d)\1{7}", r"NCT01234567"),
        ),
        IdentifierType(type="eudract", says="EudraCT number", single=True,
                       form=r"\d{12}"),
        IdentifierType(type="ctis", says="EU CT number", single=True,
                       form=r"\d{14}"),
        IdentifierType(type="sponsor_protocol_no", says="the sponsor's protocol number",
                       assigned=True),
        IdentifierType(type="local_protocol_no", says="the institution's number", assigned=True),
        IdentifierType(type="irb_no", says="the IRB's number", assigned=True),
        IdentifierType(type="edc_oid", says="EDC study OID", assigned=True, literal=True),
        IdentifierType(type="ind", says="FDA IND number", strong=False),
        IdentifierType(type="ide", says="FDA IDE number", strong=False),
        IdentifierType(type="grant_no", says="grant number", strong=False),
    )  # fmt: skip

    title: str | None = text("the title people know it by", fhir="ResearchStudy.title")
    official_title: str | None = text("the full protocol title", ctgov="officialTitle")
    acronym: str | None = text("acronym", ctgov="acronym", longest=100)
    local_protocol_no: str | None = text(
        "the institution's own number, by which its people call the study", longest=200,
        oncore="protocolNo",
    )  # fmt: skip
    sponsor_protocol_no: str | None = text(
        "the sponsor's number, as it is now; what it was before, its history has", longest=200,
        ctgov="orgStudyIdInfo.id",
    )  # fmt: skip
    study_type: str | None = code("design family", TYPES, ctgov="designModule.studyType")
    phase: str | None = code("trial phase", PHASES, fhir="ResearchStudy.phase")
    phase_native: str | None = text("phase as the source said it", longest=200)
    status: str | None = code("overall status", STATES, fhir="ResearchStudy.status")
    status_native: str | None = text("status as the source said it", longest=200)
    why_stopped: str | None = text("why it stopped", fhir="ResearchStudy.reasonStopped")
    conditions: list[str] | None = texts("conditions studied", fhir="ResearchStudy.condition")
    keywords: list[str] | None = texts("keywords", fhir="ResearchStudy.keyword")
    sponsor_id: str | None = ref("Organization", "sponsor", fhir="ResearchStudy.sponsor")
    sponsor_class: str | None = code("kind of sponsor", SPONSOR_CLASSES, ctgov="leadSponsor.class")
    principal_investigator_id: str | None = ref(
        "Person", "overall principal investigator", fhir="ResearchStudy.principalInvestigator"
    )
    randomised: bool | None = flag("participants are randomised")
    blinding: str | None = code("masking", BLINDING, ctgov="maskingInfo.masking")
    start_on: str | None = date("start", fhir="ResearchStudy.period.start")
    primary_completion_on: str | None = date("primary completion")
    end_on: str | None = date("end", fhir="ResearchStudy.period.end")
    target_enrolment: int | None = integer("planned number of participants")
    actual_enrolment: int | None = integer("actual number of participants, as a source counts")
    enrolled_count_kind: str | None = code("whether the count is final", ("actual", "estimated"))
    description: str | None = text("summary", fhir="ResearchStudy.description", longest=40000)
