"""Somebody leaves: HR says so, the same day their account is locked, and the keeper of the
delegation log is proposed the end of what they were given, with the subjects whose consent they
obtained. A person decides; until then nothing leaves, and the log itself says when one is over."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from crohub.sandbox.scim_records import account_id
from crohub.sandbox.workday_records import REPORT

FLOW = "leavers to the directory"
ACCOUNT, DELEGATION = "flow-leavers", "flow-leavers-delegations"
ORPHAN, LEARNER = "flow-leavers-orphans", "flow-leavers-learners"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_COLUMNS = ("delegation_no", "protocol_no", "person_email", "tasks", "status", "start_on", "end_on")


@dataclass(frozen=True)
class Job:
    """Somebody's work here: HR's row of it, which the story changes, and the account."""

    number: str
    email: str
    row: dict

    @property
    def account(self):
        return account_id(self.number)


def employs(institute, *, email=""):
    """Somebody has a job, and an account at the identity provider."""
    number = f"E{7000 + institute.number()}"
    address = email or f"{number.lower()}@cedarmesa.example"
    row = {
        "Employee_ID": number, "Legal_Name_-_First_Name": "Ida",
        "Legal_Name_-_Last_Name": "Storey", "Email": address, "Business_Title": "Research Nurse",
        "Position_ID": f"P-{number}", "Supervisory_Org": "Oncology", "FTE": "1.000",
        "Worker_Status": "Active", "Hire_Date": "2024-05-01", "Termination_Date": "",
    }  # fmt: skip
    institute.hr.reports[REPORT].append(row)
    institute.directory.put(
        account_id(number), userName=number.lower(), active=True,
        name={"familyName": "Storey", "givenName": "Ida"},
        emails=[{"value": address, "type": "work", "primary": True}],
        **{_ENTERPRISE: {"employeeNumber": number, "department": "Oncology"}},
    )  # fmt: skip
    institute.pull("hr-workers", "directory-users")
    return Job(number, address, row)


def logs(institute, **cells):
    """The keeper writes a line into the delegation log, in the place of one of its number."""
    path = tables(institute) / "delegations.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row["delegation_no"] != cells["delegation_no"]]
    names = list(dict.fromkeys([*rows[0], *_COLUMNS]))
    with path.open("w", newline="") as file:
        lines = csv.DictWriter(file, names, restval="")
        lines.writeheader()
        lines.writerows([*rows, cells])
    institute.pull("regulatory-delegations")


def delegates(institute, job):
    """Consent on ONC-101 is handed to somebody; the number in the log."""
    number = f"DEL-{job.number}"
    logs(institute, delegation_no=number, protocol_no="ONC-101", person_email=job.email,
         tasks="consent", status="active", start_on="2025-06-02")  # fmt: skip
    return number


def leaves(institute, job):
    """HR ends the job; the employment."""
    job.row.update({"Worker_Status": "Terminated", "Termination_Date": "2026-03-02"})
    institute.pull("hr-workers")
    return employment(institute, job)


def employment(institute, job):
    person = institute.record("persons", "hr_id", job.number)
    found = institute.records("employments", person=person["id"])
    return next(one for one in found if one["hr_id"] == job.number)


def account(institute, job):
    """The account as the provider shows it."""
    bearer = f"Bearer {institute.directory.token}"
    return institute.web("DIRECTORY", f"/scim/v2/Users/{job.account}", authorization=bearer)


def tables(institute):
    return Path(institute.institution.endpoints.systems["TABLES"])


def ends(institute, job):
    """What the keeper of the log was proposed about somebody."""
    said = [
        row
        for path in sorted(tables(institute).glob("delegation-ends-*.csv"))
        for row in csv.DictReader(io.StringIO(path.read_text(), newline=""))
    ]
    return [row for row in said if row["employee_no"] == job.number]


def proposal(institute, pipeline, record):
    """The one delivery about a record that waits for somebody's approval."""

    def waits():
        found = institute.deliveries(pipeline, record["id"])
        return [one for one in found if one["state"] == "approval"]

    [one] = institute.until(waits, "the proposal")
    return one


def decides(institute, delivery, state):
    """A person answers the question about a delivery."""

    def asked():
        items = institute.questions()
        return [one for one in items if one["proposal"].get("delivery") == delivery["id"]]

    [question] = institute.until(asked, "the question")
    said = {"state": state, "reason": "looked at by the story"}
    assert institute.post(f"/ops/decisions/{question['id']}", said)["state"] == state


def test_a_leaver_is_locked_out_at_once(institute):
    job, stays = employs(institute), employs(institute)

    one = leaves(institute, job)

    institute.until(lambda: institute.delivered(ACCOUNT, one["id"]), "the lock")
    assert (one["status"], one["end_on"]) == ("terminated", "2026-03-02")
    assert account(institute, job)["active"] is False
    assert account(institute, stays)["active"] is True


def test_what_was_delegated_ends_when_a_person_has_decided_and_the_log_says_so(institute):
    job = employs(institute)
    number = delegates(institute, job)
    who = consents(institute, job)
    before = institute.counts(FLOW)

    one = leaves(institute, job)
    waiting = proposal(institute, DELEGATION, one)
    institute.rest()
    seen = ends(institute, job), institute.record("delegations", "delegation_no", number)["status"]
    decides(institute, waiting, "accepted")
    institute.until(lambda: institute.delivered(DELEGATION, one["id"]), "the proposal's way")

    assert seen == ([], "active")
    assert ends(institute, job) == [{
        "delegation_nos": number, "employee_no": job.number, "last_day": "2026-03-02",
        "reason": "employment ended", "consented_by": who.number,
    }]  # fmt: skip
    assert institute.record("delegations", "delegation_no", number)["status"] == "active"
    logs(institute, delegation_no=number, protocol_no="ONC-101", person_email=job.email,
         tasks="consent", status="ended", start_on="2025-06-02", end_on="2026-03-02")  # fmt: skip
    ended = institute.record("delegations", "delegation_no", number)
    assert (ended["status"], ended["end_on"]) == ("ended", "2026-03-02")
    institute.rest()
    after = institute.counts(FLOW)
    assert after["confirmed"] - before["confirmed"] == 2  # the account, the proposal
    assert after["held"] == before["held"]


def consents(institute, job):
    """Somebody of ONC-101 whose consent the EDC says this member of staff obtained."""
    who = institute.enrols(onStudyDate="2026-03-02")
    institute.pull("ctms-demographics", "ctms-subjects")
    institute.edc.users.append({
        "username": job.number.lower(), "firstname": "Ida", "lastname": "Storey",
        "email": job.email, "expiration": "",
    })  # fmt: skip
    institute.edc.put({
        "record_id": f"101-L{institute.number()}", "redcap_event_name": "scr_arm_1",
        "subject_no": who.number, "mrn": who.mrn, "icf_date": "2026-02-23", "icf_version": "v3",
        "icf_obtained_by": job.number.lower(),
    })  # fmt: skip
    institute.pull("edc-users", "edc-records")
    return who


def test_a_proposal_that_is_declined_leaves_for_nobody(institute):
    job = employs(institute)
    number = delegates(institute, job)
    one = leaves(institute, job)
    waiting = proposal(institute, DELEGATION, one)

    decides(institute, waiting, "declined")

    institute.until(
        lambda: institute.deliveries(DELEGATION, one["id"])[0]["state"] == "refused", "the refusal"
    )
    assert ends(institute, job) == []
    assert institute.record("delegations", "delegation_no", number)["status"] == "active"
    institute.until(lambda: account(institute, job)["active"] is False, "the lock")  # all the same


def test_of_who_was_delegated_nothing_nobody_is_asked(institute):
    job = employs(institute)

    one = leaves(institute, job)
    institute.rest()

    assert institute.deliveries(DELEGATION, one["id"]) == []
    assert account(institute, job)["active"] is False


def test_a_delegation_that_turns_up_open_after_its_holder_has_left_is_proposed_then(institute):
    job = employs(institute)
    leaves(institute, job)

    number = delegates(institute, job)

    one = institute.record("delegations", "delegation_no", number)
    decides(institute, proposal(institute, ORPHAN, one), "accepted")
    institute.until(lambda: institute.delivered(ORPHAN, one["id"]), "the proposal's way")
    [row] = ends(institute, job)
    assert (row["delegation_nos"], row["last_day"]) == (number, "2026-03-02")
    assert row["reason"] == "holder has left"


def test_who_comes_back_under_a_new_number_keeps_what_is_theirs(institute):
    """E411 and E918 of the planted stories: one person, two numbers, two accounts."""
    former = employs(institute)
    present = employs(institute, email=former.email)
    number = delegates(institute, present)

    one = leaves(institute, former)
    institute.until(lambda: institute.delivered(ACCOUNT, one["id"]), "the lock")
    institute.rest()

    assert one["person"] == employment(institute, present)["person"]
    assert account(institute, former)["active"] is False
    assert account(institute, present)["active"] is True
    assert institute.deliveries(DELEGATION, one["id"]) == []
    last = leaves(institute, present)
    institute.until(lambda: institute.delivered(ACCOUNT, last["id"]), "the second lock")
    assert account(institute, present)["active"] is False
    assert number in institute.body(proposal(institute, DELEGATION, last))


def test_an_account_that_the_provider_locked_itself_is_not_said_back_to_it(institute):
    job = employs(institute)
    one = employment(institute, job)

    institute.directory.put(job.account, active=False)
    institute.pull("directory-users")
    institute.rest()

    assert institute.deliveries(ACCOUNT, one["id"]) == []
    assert employment(institute, job)["status"] == "active"


def test_whom_the_provider_does_not_know_waits(institute):
    job = employs(institute)
    del institute.directory.users[job.account]
    stranger = f"E{7000 + institute.number()}"
    job.row.update({"Employee_ID": stranger, "Email": f"{stranger.lower()}@cedarmesa.example"})
    institute.pull("hr-workers")

    one = leaves(institute, Job(stranger, job.row["Email"], job.row))
    institute.rest()

    [waits] = institute.deliveries(ACCOUNT, one["id"])
    assert (waits["state"], waits["detail"]) == ("waiting", "person.key is not known yet")


@pytest.fixture
def coordinator(institute):
    """HR's row of somebody who is on a team; it is put back."""
    row = next(one for one in institute.hr.reports[REPORT] if one["Employee_ID"] == "E217")
    before = dict(row)
    yield row
    row |= before
    institute.pull("hr-workers")


def test_the_training_office_hears_of_a_team_member_who_changes_department(institute, coordinator):
    other = "Neurology" if coordinator["Supervisory_Org"] != "Neurology" else "Oncology"
    coordinator["Supervisory_Org"] = other

    institute.pull("hr-workers")

    institute.until(lambda: ("E217", other) in learners(institute), "the row")


def learners(institute):
    """Employee numbers and departments in the workbooks of the training office."""
    found = set()
    for path in tables(institute).glob("learners-*.xlsx"):
        sheet = openpyxl.load_workbook(path).active
        head, *rows = sheet.iter_rows(values_only=True)
        at = head.index("employee_no"), head.index("department")
        found |= {(row[at[0]], row[at[1]]) for row in rows}
    return found
