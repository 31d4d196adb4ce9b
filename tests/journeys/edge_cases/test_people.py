"""Who may do what: another principal investigator, somebody who comes back, an expired course."""

from __future__ import annotations

SMITH = {"contactId": 71, "lastName": "Smith", "firstName": "Adam", "npi": "1234567893",
         "email": "a.smith@cedarmesa.example"}  # fmt: skip
JONES = {"contactId": 72, "lastName": "Jones", "firstName": "Bea",
         "email": "b.jones@cedarmesa.example"}  # fmt: skip


def pi(contact, start, stop=None):
    return {"protocolId": 4711, "contactId": contact, "role": "Principal Investigator",
            "startDate": start, "stopDate": stop}  # fmt: skip


def delegated(number, by, **more):
    return {"delegation_no": number, "person_email": "m.lopez@cedarmesa.example",
            "protocol_no": "ONC-101", "tasks": "consent", "status": "active",
            "start_on": "2026-01-15", "end_on": "", "delegated_by_email": by} | more  # fmt: skip


def test_08_the_principal_investigator_changes_in_the_middle_of_a_study(told):
    """Adam Smith hands ONC-101 over to Bea Jones on 10 March. His role ends and hers begins; what
    he had delegated ends with him in the site's log, and she delegates anew. Who led the study on
    which day, and on whose word Maria Lopez asked for consent, can be asked of any day."""
    for contact in (SMITH, JONES):
        told.says("contacts", contact)
    told.says("protocol_staff", pi(71, "2026-01-15"))
    told.says("delegations", delegated("D-1", SMITH["email"]))
    told.day("2026-03-10")
    told.says("protocol_staff", pi(71, "2026-01-15", "2026-03-09"))
    told.says("protocol_staff", pi(72, "2026-03-10"))
    told.says("delegations", delegated("D-1", SMITH["email"], status="ended", end_on="2026-03-09"))
    told.says("delegations", delegated("D-2", JONES["email"], start_on="2026-03-10"))

    roles = {one["person"]["label"]: one for one in told.all("StaffAssignment", role="pi")}
    assert {name: (one["status"], one["end_on"]) for name, one in roles.items()} == {
        "Smith": ("ended", "2026-03-09"), "Jones": ("active", None)}  # fmt: skip
    before = told.then(roles["Smith"], "StaffAssignment", as_of="2026-03-09")
    assert (before["status"], before["end_on"]) == ("active", None)
    assert told.then(roles["Jones"], "StaffAssignment", as_of="2026-03-09") is None
    logs = {one["delegated_by"]["label"]: one["status"] for one in told.all("Delegation")}
    assert logs == {"Smith": "ended", "Jones": "active"}
    assert told.findings() == []


def test_08_the_irb_names_one_principal_investigator_at_a_time(told):
    """The IRB's portal only shows the present one: that another stands there ends the first, and
    the day that the board approved him is not the day it approved her."""
    study = {"id": "STUDY00000123", "name": "ONC-101"}
    told.says("irb_studies", study | {"pi": {"employeeId": "E100", "approvedDate": "2026-01-10"}})
    told.day("2026-03-10")
    told.says("irb_studies", study | {"pi": {"employeeId": "E101"}})

    [first, second] = told.found("Person", "hr_id", "E100") + told.found("Person", "hr_id", "E101")
    active = told.all("StaffAssignment", role="pi", status="active")
    assert [one["person"]["id"] for one in active] == [second["id"]]
    before = told.then(active[0], "StaffAssignment", as_of="2026-03-09")
    assert (before["person"]["id"], before["irb_approved_on"]) == (first["id"], "2026-01-10")
    assert active[0]["irb_approved_on"] is None
    assert told.one("Study")["principal_investigator"]["id"] == second["id"]


def worker(number, **more):
    return {"Employee_ID": number, "Legal_Name_First": "Adam", "Legal_Name_Last": "Smith",
            "Worker_Status": "Active", "Termination_Date": ""} | more  # fmt: skip


OLD = worker("E102", Hire_Date="2018-01-15", Email="asmith@cedarmesa.example")
LEFT = OLD | {"Worker_Status": "Terminated", "Termination_Date": "2025-06-30", "Email": ""}
NEW = worker("E207", Hire_Date="2026-03-02", Email="asmith2@cedarmesa.example")


def test_09_somebody_is_hired_again_under_a_new_employee_number(told):
    """Adam Smith left in 2025 as E102 and comes back as E207 with a new address. His NPI, which
    OnCore has beside either number, makes him one person with two employments: the old one ended,
    the new one active. He is not shown as somebody who has left: his new row has no last day."""
    told.says("workers", LEFT)
    told.says("contacts", SMITH | {"email": "", "employeeNo": "E102"})
    told.says("workers", NEW)
    told.says("contacts", SMITH | {"contactId": 99, "email": "", "employeeNo": "E207"})

    [person] = told.found("Person", "npi", "1234567893")
    assert [r["id"] for r in told.found("Person", "hr_id", "E102")] == [person["id"]]
    assert [r["id"] for r in told.found("Person", "hr_id", "E207")] == [person["id"]]
    jobs = {one["hr_id"]: one for one in told.all("Employment")}
    assert {one["person"]["id"] for one in jobs.values()} == {person["id"]}
    assert {number: (one["status"], one["end_on"]) for number, one in jobs.items()} == {
        "E102": ("terminated", "2025-06-30"), "E207": ("active", None)}  # fmt: skip
    assert (person["employment_status"], person["left_on"]) == ("active", None)


LOPEZ = {"username": "mlopez", "email": "M.Lopez@cedarmesa.example", "firstname": "Maria",
         "lastname": "Lopez", "expiration": ""}  # fmt: skip


def completion(number, completed, expires):
    return {"Member ID": "7700123", "Institutional Email": "m.lopez@cedarmesa.example",
            "Employee Number": "E300", "Group": "Good Clinical Practice", "Group ID": "45",
            "Completion Report ID": number, "Completion Date": completed,
            "Expiration Date": expires}  # fmt: skip


def test_18_somebody_whose_course_has_expired_obtains_a_consent(told):
    """Maria Lopez's course in good clinical practice ran out on 28 February; on 4 March she
    obtained a consent, as REDCap says by her user name, and on 20 March she did the course again.
    The day of the consent, asked as it was then, shows that no course of hers was valid."""
    told.day("2026-02-01")
    told.says("completions", completion("C-1", "2023-02-28", "2026-02-28"))
    told.says("redcap_users", LOPEZ)
    told.day("2026-03-04")
    told.says("redcap", [{"record_id": "7", "icf_date": "2026-03-04", "icf_obtained_by": "mlopez"}])
    told.day("2026-03-20")
    told.says("completions", completion("C-2", "2026-03-20", "2029-03-20"))

    consent = told.one("Consent")
    day = consent["signed_at"][:10]
    courses = told.all("TrainingRecord", course_group="Good Clinical Practice")
    theirs = [c for c in courses if c["person"]["id"] == consent["obtained_by"]["id"]]
    assert len(theirs) == 2

    at_the_time = [told.then(one, "TrainingRecord", as_of=f"{day}T23:59:00") for one in theirs]
    valid = [c for c in at_the_time if c and c["completed_on"] <= day <= c["expires_on"]]
    assert [c["expires_on"] for c in at_the_time if c] == ["2026-02-28"]
    assert valid == []
    assert consent["obtained_by"]["label"] == "Lopez"
