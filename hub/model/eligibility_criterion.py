"""An eligibility criterion: one reason to take someone into a study, or to leave someone out."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text

CATEGORIES = ("inclusion", "exclusion")


class EligibilityCriterion(Entity, table=True):
    __tablename__ = "eligibility_criterion"
    __area__ = "studies"
    __plural__ = "eligibility-criteria"
    __label__ = "criterion_no"
    __identifiers__ = (
        IdentifierType(type="criterion_oid", says="the criterion's id in its study", assigned=True,
                       literal=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    protocol_version_id: str | None = ref("ProtocolVersion", "the protocol version that has it")
    criterion_no: str | None = text(
        "number in the protocol", longest=100, usdm="EligibilityCriterion.identifier"
    )
    category: str | None = code("in or out", CATEGORIES, usdm="EligibilityCriterion.category")
    category_native: str | None = text("category as the source said it", longest=200)
    wording: str | None = text(
        "the criterion in words", longest=40000, usdm="EligibilityCriterionItem.text",
        ctgov="eligibilityModule.eligibilityCriteria", fhir="ResearchStudy.recruitment.eligibility",
    )  # fmt: skip
    sequence: int | None = integer("place in the list, from 1")
