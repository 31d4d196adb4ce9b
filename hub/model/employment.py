"""An employment: one person's job with one employer. A person may have several, and come back."""

from hub.model.base import Entity, IdentifierType, Lifecycle, code, date, decimal, ref, text
from hub.model.person import EMPLOYMENT_STATUSES

TRANSITIONS = {
    "active": ("leave", "terminated", "contingent"),
    "leave": ("active", "terminated"),
    "terminated": ("active", "contingent"),  # came back under the old number
    "contingent": ("active", "terminated"),
}


class Employment(Entity, table=True):
    __tablename__ = "employment"
    __area__ = "people"
    __sensitivity__ = "confidential"
    __label__ = "job_title"
    __lifecycle__ = Lifecycle(field="status", steps=TRANSITIONS)
    # the employee number is the person's: with several jobs it stands for none of them
    __identifiers__ = (
        IdentifierType(type="employment_no", says="a system's number of this job", assigned=True),
    )

    person_id: str | None = ref("Person", "who", fhir="PractitionerRole.practitioner")
    employer_id: str | None = ref(
        "Organization", "the employer", fhir="PractitionerRole.organization"
    )
    hr_id: str | None = text("employee number", longest=100, peoplesoft="JOB.EMPLID")
    record_no: str | None = text(
        "which of a person's jobs it is", longest=20, peoplesoft="JOB.EMPL_RCD"
    )
    status: str | None = code("status", EMPLOYMENT_STATUSES, hl7="STF-20", peoplesoft="HR_STATUS")
    status_native: str | None = text("status as the source said it", longest=200)
    job_title: str | None = text("job title", longest=400, hl7="STF-18", scim="title")
    job_code: str | None = text("job code", longest=100, hl7="STF-19", peoplesoft="JOB.JOBCODE")
    department_id: str | None = ref("Organization", "the department")
    department_name: str | None = text(
        "department in words", longest=400, hl7="STF-8", scim="department"
    )
    cost_centre: str | None = text("cost centre", longest=100, hl7="STF-36", scim="costCenter")
    supervisor_id: str | None = ref("Person", "whom this person reports to", scim="manager")
    fte: str | None = decimal("share of a full-time post, 1 is full time", workday="FTE")
    start_on: str | None = date("first day", hl7="STF-12", workday="Hire_Date")
    end_on: str | None = date("last day", hl7="STF-13", workday="Termination_Date")
    leave_from: str | None = date("first day of the present leave")
    leave_to: str | None = date("last day of it, as planned")
