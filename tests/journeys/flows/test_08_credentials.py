"""Somebody completes a course, or is given a licence: the binder gets a row, the CTMS the
credential of whom it knows, and the IRB, once a person has approved, the course of whom it has on a
team. Who it is says the employee number; a private address says nothing."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from crohub.sandbox.er7 import joined, segment
from crohub.sandbox.world import FACILITY

FLOW = "credentials to the CTMS"
TO_CTMS, TO_IRB = "flow-credentials", "flow-credentials-irb"
LICENCE, TRAINING = "flow-credentials-licences", "flow-credentials-trainings"


@dataclass(frozen=True)
class Staff:
    """A member of staff: the employee number, the CTMS's number of the contact, their address."""

    number: str
    contact: int
    email: str


@pytest.fixture
def staff(institute):
    """Somebody whom HR, the CTMS and the IRB know, and who is on ONC-101's team at the IRB."""
    n = institute.number()
    one = Staff(f"E{7000 + n}", 700_000 + n, f"e{7000 + n}@cedarmesa.example")
    institute.hr.reports["ISU_hub/Workers"].append({
        "Employee_ID": one.number, "Legal_Name_-_First_Name": "Una",
        "Legal_Name_-_Last_Name": "Storey", "Email": one.email, "Worker_Status": "Active",
        "Business_Title": "Research Nurse", "Hire_Date": "2024-05-01",
    })  # fmt: skip
    return one


def in_the_ctms(institute, one):
    """The CTMS has them as a contact, and on a protocol's staff."""
    institute.ctms.put("contacts", contactId=one.contact, firstName="Una", lastName="Storey",
                       email=one.email, employeeNo=one.number)  # fmt: skip
    institute.ctms.put("protocolStaff", protocolStaffId=one.contact, protocolId=4000,
                       contactId=one.contact, role="Research Coordinator",
                       startDate="2025-06-02", stopDate=None)  # fmt: skip
    institute.pull("hr-workers", "ctms-contacts", "ctms-staff")


@pytest.fixture
def on_a_team(institute):
    """Puts somebody on a study's team at the IRB; takes them off again."""
    study = next(row for row in institute.irb.studies.values() if row["name"] == "ONC-101")
    before = study["studyTeam"]

    def join(one):
        member = {"employeeId": one.number, "email": one.email, "role": "Coordinator"}
        study["studyTeam"] = [*before, member | {"approvedDate": "2026-02-02"}]
        institute.pull("hr-workers", "irb-studies")

    yield join
    study["studyTeam"] = before
    institute.pull("irb-studies")


def completes(institute, number, *, member="", institutional="", private="una@home.example"):
    """CITI's report has one line more; the number of the completion."""
    path = Path(institute.institution.endpoints.systems["TABLES"]) / "citi-completions.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline="")))
    n = institute.number()
    rows.append(rows[0] | {
        "Member ID": member or f"79{n:05}", "First Name": "Una", "Last Name": "Storey",
        "Institutional Email": institutional, "Email": private, "Employee Number": number,
        "Group": "Good Clinical Practice", "Completion Date": "2026-03-01",
        "Expiration Date": "2029-02-28", "Completion Report ID": f"59{n:06}",
    })  # fmt: skip
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, list(rows[0]))
    lines.writeheader()
    lines.writerows(rows)
    path.write_text(text.getvalue())
    institute.pull("training-citi")
    return institute.record("training-records", "completion_no", f"59{n:06}")


def licensed(institute, one, *, expires="20290227"):
    """The personnel office sends a certificate; the credential."""
    number = f"GCP-{one.number}-{institute.number()}"
    ids = joined(one.number, "", "", FACILITY, "EI")
    answer = institute.says(
        "PMU^B07^PMU_B07",
        segment("EVN", {1: "B07", 2: "20260302080000-0700"}),
        segment("STF", {1: joined(one.number, "", "L"), 2: ids, 3: joined("Storey", "Una"),
                        7: "A"}),
        segment("PRA", {1: joined(one.number, "", "L")}),
        segment("CER", {1: "1", 2: number, 4: joined("Invented Training Co"), 10: joined("GCP"),
                        24: "20260227", 27: expires}),
    )  # fmt: skip
    assert answer == "AA"
    institute.settled()
    return institute.record("credentials", "credential_no", number)


def binder(institute, kind, one):
    """The rows about somebody that were put into the binder."""
    folder = Path(institute.institution.endpoints.systems["TABLES"])
    rows = [
        row
        for path in folder.glob(f"binder-{kind}-*.csv")
        for row in csv.DictReader(io.StringIO(path.read_text(), newline=""))
    ]
    return [row for row in rows if row["employee_no"] == one.number]


def at_the_irb(institute, record):
    """The proposals about a record that the IRB has, as it answers."""
    bearer = f"Bearer {institute.irb.token}"
    path = f"/training-records?externalId={record['id']}"
    return institute.web("IRB", path, authorization=bearer)["data"]


def decides(institute, pipeline, record, state):
    """A person reads what is proposed about a record, and answers; what they read."""

    def waits():
        found = institute.deliveries(pipeline, record["id"])
        return [one for one in found if one["state"] == "approval"]

    def asked():
        items = institute.questions()
        return [one for one in items if one["proposal"].get("delivery") == delivery["id"]]

    [delivery] = institute.until(waits, "the proposal")
    [question] = institute.until(asked, "the question")
    read = institute.body(delivery)
    said = {"state": state, "reason": "looked at by the story"}
    assert institute.post(f"/ops/decisions/{question['id']}", said)["state"] == state
    return read


def test_a_course_is_of_whom_the_employee_number_says(institute, staff):
    institute.pull("hr-workers")

    course = completes(institute, staff.number, private="e101@home.example")

    person = institute.record("persons", "hr_id", staff.number)
    assert course["person"]["id"] == person["id"]
    assert (course["status"], course["completed_on"]) == ("completed", "2026-03-01")
    assert institute.find("persons", "email_institutional", "e101@home.example") == []
    institute.until(lambda: institute.delivered(TRAINING, course["id"]), "the binder's row")
    [row] = binder(institute, "trainings", staff)
    assert (row["course_name"], row["expires_on"]) == ("Good Clinical Practice", "2029-02-28")
    assert "home.example" not in "".join(row.values())


def test_the_irb_hears_of_its_team_once_a_person_has_approved(institute, staff, on_a_team):
    on_a_team(staff)
    before = institute.counts(FLOW)

    course = completes(institute, staff.number)
    institute.rest()
    seen = at_the_irb(institute, course)
    read = decides(institute, TO_IRB, course, "accepted")
    institute.until(lambda: institute.delivered(TO_IRB, course["id"]), "the IRB's word")

    assert seen == []
    assert staff.number in read
    [proposal] = at_the_irb(institute, course)
    assert (proposal["employeeId"], proposal["state"]) == (staff.number, "Received")
    assert proposal["completionDate"] == "2026-03-01"
    institute.rest()
    after = institute.counts(FLOW)
    assert after["confirmed"] - before["confirmed"] == 2  # the binder, the IRB


def test_what_is_declined_reaches_no_irb(institute, staff, on_a_team):
    on_a_team(staff)
    course = completes(institute, staff.number)

    decides(institute, TO_IRB, course, "declined")

    institute.until(
        lambda: institute.deliveries(TO_IRB, course["id"])[0]["state"] == "refused", "the refusal"
    )
    assert at_the_irb(institute, course) == []
    assert binder(institute, "trainings", staff) != []  # whose row needs nobody's leave


def test_of_whom_the_irb_has_on_no_team_nothing_is_proposed(institute, staff):
    institute.pull("hr-workers")

    course = completes(institute, staff.number)
    institute.rest()

    assert institute.deliveries(TO_IRB, course["id"]) == []
    assert at_the_irb(institute, course) == []


def test_a_private_address_is_no_match_and_nobody_is_told(institute, staff):
    institute.hr.reports["ISU_hub/Workers"][-1]["Email"] = staff.email
    institute.pull("hr-workers")
    person = institute.record("persons", "hr_id", staff.number)

    course = completes(institute, "", private=staff.email)  # even were it theirs
    institute.rest()

    assert course["person"]["id"] != person["id"]
    assert binder(institute, "trainings", staff) == []
    [waits] = institute.deliveries(TRAINING, course["id"])
    assert (waits["state"], waits["tries"]) == ("waiting", 0)
    assert "person.identifier(hr_id) is not known yet" in waits["detail"]


def test_a_licence_reaches_the_ctms_and_the_binder(institute, staff):
    in_the_ctms(institute, staff)

    one = licensed(institute, staff)

    for pipeline in (TO_CTMS, LICENCE):
        institute.until(lambda name=pipeline: institute.delivered(name, one["id"]), pipeline)
    [there] = institute.oncore(f"contactCredentials?contactId={staff.contact}")
    assert there["credentialNo"] == one["number"]
    assert there["expirationDate"] == "2029-02-27"
    [row] = binder(institute, "credentials", staff)
    assert (row["kind"], row["number"], row["status"]) == ("gcp", one["number"], "valid")


def test_a_licence_that_is_told_twice_is_there_once(institute, staff):
    in_the_ctms(institute, staff)
    one = licensed(institute, staff)
    institute.until(lambda: institute.delivered(TO_CTMS, one["id"]), "the CTMS's word")

    institute.post(f"/ops/pipelines/{TO_CTMS}/backfill", {"reason": "the story says it again"})
    institute.rest()

    assert len(institute.oncore(f"contactCredentials?contactId={staff.contact}")) == 1


def test_a_licence_of_somebody_whom_the_ctms_does_not_know_waits_there(institute, staff):
    institute.pull("hr-workers")

    one = licensed(institute, staff)
    institute.rest()

    [waits] = institute.deliveries(TO_CTMS, one["id"])
    assert (waits["state"], waits["detail"]) == ("waiting", "person.key is not known yet")
    assert len(binder(institute, "credentials", staff)) == 1
    in_the_ctms(institute, staff)
    institute.until(lambda: institute.delivered(TO_CTMS, one["id"]), "the CTMS's word")
    assert len(institute.oncore(f"contactCredentials?contactId={staff.contact}")) == 1
