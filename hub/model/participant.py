"""A person research is about, without a name: the pseudonymous half of the record.

Kept only for people with a research link. Names, dates and addresses are in ParticipantPhi.
"""

from hub.model.base import Entity, IdentifierType, code, flag, integer, text, texts

SEXES = ("male", "female", "other", "unknown")
# OMB Statistical Policy Directive 15, as the NIH inclusion reports count
RACES = (
    "american_indian_or_alaska_native", "asian", "black_or_african_american",
    "native_hawaiian_or_other_pacific_islander", "white", "middle_eastern_or_north_african",
    "other", "unknown", "not_reported",
)  # fmt: skip
ETHNICITIES = ("hispanic_or_latino", "not_hispanic_or_latino", "unknown", "not_reported")


class Participant(Entity, table=True):
    __tablename__ = "participant"
    __area__ = "participants"
    __sensitivity__ = "confidential"
    __label__ = ""
    __identifiers__ = (
        IdentifierType(type="mrn", says="medical record number", assigned=True, single=True,
                       placeholders=(r"0+", r"9{5,}", r"UNKNOWN", r"NONE", r"NA", r"TEST"),
                       sensitivity="phi"),
        IdentifierType(type="research_id", says="the institution's research id", assigned=True,
                       single=True),
        IdentifierType(type="ssn", says="US social security number", single=True, form=r"\d{9}",
                       placeholders=(r"000\d{6}", r"666\d{6}", r"\d{3}00\d{4}", r"\d{5}0000",
                                     r"(\d)\1{8}", r"123456789", r"987654321", r"078051120",
                                     r"219099999"),
                       sensitivity="phi"),
        IdentifierType(type="national_id", says="a country's number for a person", assigned=True,
                       single=True, placeholders=(r"(\d)\1+",), sensitivity="phi"),
        IdentifierType(type="patient_id", says="a department's own number", assigned=True,
                       placeholders=(r"0+", r"UNKNOWN"), sensitivity="phi"),
        IdentifierType(type="account_no", says="number of an account, one of many", assigned=True,
                       strong=False, sensitivity="phi"),
        IdentifierType(type="insurance_no", says="member number at an insurer", assigned=True,
                       strong=False, sensitivity="phi"),
        IdentifierType(type="passport", says="passport number", assigned=True, strong=False,
                       sensitivity="phi"),
        IdentifierType(type="drivers_licence", says="driving licence number", assigned=True,
                       strong=False, sensitivity="phi"),
        IdentifierType(type="other", says="any other number", assigned=True, strong=False,
                       sensitivity="phi"),
    )  # fmt: skip

    year_of_birth: int | None = integer("year of birth", fhir="Patient.birthDate", hl7="PID-7")
    sex: str | None = code("administrative sex", SEXES, fhir="Patient.gender", hl7="PID-8")
    sex_native: str | None = text("sex as the source said it", longest=200)
    race: list[str] | None = texts(
        "race", RACES, fhir="Patient.extension:us-core-race", hl7="PID-10"
    )
    race_native: list[str] | None = texts("race as the source said it")
    ethnicity: str | None = code(
        "ethnicity", ETHNICITIES, fhir="Patient.extension:us-core-ethnicity", hl7="PID-22"
    )
    ethnicity_native: str | None = text("ethnicity as the source said it", longest=200)
    language: str | None = text(
        "language to speak with the person, BCP 47", longest=35,
        fhir="Patient.communication.language", hl7="PID-15",
    )  # fmt: skip
    deceased: bool | None = flag("has died", fhir="Patient.deceased[x]", hl7="PID-30")
    active: bool | None = flag("the source still uses this record", fhir="Patient.active")
