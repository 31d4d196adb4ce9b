"""Someone who works in research: investigator, coordinator, monitor. Never a participant."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, flag, ref, text, texts

EMPLOYMENT_STATUSES = ("active", "leave", "terminated", "contingent")


class Person(Entity, table=True):
    __tablename__ = "person"
    __area__ = "people"
    __plural__ = "persons"
    __label__ = "family_name"
    __identifiers__ = (
        # a rehire gets a new number and two employers give two: hr_id is not `single`
        IdentifierType(type="hr_id", says="employee number", assigned=True,
                       placeholders=(r"0+", r"9{4,}")),
        IdentifierType(type="npi", says="National Provider Identifier", single=True,
                       form=r"\d{10}", check="npi"),
        IdentifierType(type="orcid", says="ORCID iD", single=True, form=r"\d{15}[\dX]",
                       check="orcid"),
        IdentifierType(type="email_institutional", says="e-mail given by the institution",
                       form=r"[^@\s]+@[^@\s]+\.[^@\s]+", literal=True,
                       placeholders=(r"(NO-?REPLY|NONE|UNKNOWN|TEST|NOEMAIL)@.*",)),
        IdentifierType(type="username", says="login name", assigned=True, literal=True),
        IdentifierType(type="citi_member_id", says="CITI Program member id", strong=False),
        IdentifierType(type="licence", says="professional licence number", assigned=True,
                       strong=False),
        IdentifierType(type="dea", says="DEA registration number", strong=False,
                       form=r"[A-Z][A-Z9]\d{7}", check="dea"),
        IdentifierType(type="other", says="any other number", assigned=True, strong=False),
    )  # fmt: skip

    family_name: str | None = text(
        "family name", longest=200, fhir="Practitioner.name.family", hl7="STF-3.1"
    )
    given_name: str | None = text(
        "given name", longest=200, fhir="Practitioner.name.given", hl7="STF-3.2"
    )
    middle_name: str | None = text("middle names", longest=200, hl7="STF-3.3")
    name_prefix: str | None = text(
        "title before the name", longest=100, fhir="Practitioner.name.prefix", hl7="STF-3.5"
    )
    name_suffix: str | None = text(
        "after the name", longest=100, fhir="Practitioner.name.suffix", hl7="STF-3.4"
    )
    degrees: list[str] | None = texts("degrees", hl7="EDU-2")
    email: str | None = text(
        "e-mail at work", longest=254, fhir="Practitioner.telecom", hl7="STF-15", scim="emails"
    )
    phone: str | None = text(
        "telephone at work", longest=100, fhir="Practitioner.telecom", hl7="STF-10"
    )
    job_title: str | None = text("job title", longest=400, hl7="STF-18", scim="title")
    staff_category: str | None = text("kind of practitioner", longest=200, hl7="PRA-3, STF-4")
    specialty: str | None = text(
        "specialty", longest=400, fhir="PractitionerRole.specialty", hl7="PRA-5.1"
    )
    active: bool | None = flag(
        "may be given work", fhir="Practitioner.active", hl7="STF-7", scim="active"
    )
    employment_status: str | None = code("employment", EMPLOYMENT_STATUSES, hl7="STF-20")
    employment_status_native: str | None = text("employment as the source said it", longest=200)
    hired_on: str | None = date("first day", hl7="STF-12", workday="Hire_Date")
    left_on: str | None = date("last day", hl7="STF-13", workday="Termination_Date")
    home_organization_id: str | None = ref(
        "Organization", "employer or home institution", fhir="PractitionerRole.organization"
    )
    department: str | None = text("department", longest=400, hl7="STF-8", scim="department")
    cost_centre: str | None = text("cost centre", longest=100, hl7="STF-36", scim="costCenter")
    supervisor_id: str | None = ref("Person", "whom this person reports to", scim="manager")
    fte: str | None = decimal("share of a full-time post, 1 is full time", workday="FTE")
