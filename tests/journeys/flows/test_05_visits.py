"""A visit is booked, moved and held in the hospital; the CTMS gets its occurrence of the planned
visit that it is, by enrollment, by what the visit is called, and by its window. Whatever is not
certain is a person's to decide, and until then nothing is said."""

from dataclasses import dataclass

import pytest

from crohub.sandbox.er7 import joined, segment
from crohub.sandbox.oncore_records import visit_id
from crohub.sandbox.studies import STUDIES
from crohub.sandbox.world import BASE, FACILITY

FLOW, PIPELINE = "visits to the CTMS", "flow-visits"
CTMS = ("ctms-demographics", "ctms-subjects", "ctms-visits")
REGISTER = ("register-patient", "register-appointment", "register-encounter")
ENROLLED = "2026-02-11"  # Cycle 2 Day 1 is due on the 4th of March, from the 2nd to the 7th


@dataclass(frozen=True)
class Appointment:
    """One of the hospital's, under the number that all its systems give it."""

    who: object
    number: str
    visit: str
    study: str


def on_study(institute, *planned, **more):
    """Somebody on ONC-101 in the CTMS, with these visits of the calendar planned there."""
    who = institute.enrols("onc101", onStudyDate=ENROLLED, **more)
    for code, due in planned:
        institute.ctms.put(
            "protocolSubjectVisits", protocolSubjectVisitId=2_000_000 + institute.number(),
            protocolId=who.row["protocolId"], protocolSubjectId=who.key,
            subjectDemographicsId=int(who.mrn), calendarVisitId=of(code),
            visitName=code, visitStatus="Planned", plannedDate=due, visitDate=None,
        )  # fmt: skip
    institute.pull(*CTMS)
    return who


def books(institute, who, visit, on, *, study="ONC-101", like=None, event="S12", status="Booked"):
    """The hospital says that a research visit is booked, or what becomes of the booking."""
    number = like.number if like else f"AP{8_000_000 + institute.number()}"
    place = joined(number, FACILITY)
    lines = [
        segment("SCH", {1: f"P{place}", 2: place, 8: joined("RESEARCH", "Research visit"),
                        11: joined("", "", "", f"{on.replace('-', '')}1700-0700"), 25: status}),
        segment("PID", {1: "1", 3: joined(who.mrn, "", "", FACILITY, "MR"),
                        5: joined(who.person["lastName"], who.person["firstName"])}),
    ]  # fmt: skip
    if study:
        lines.append(segment("ZRS", {1: "1", 2: study, 3: "101", 4: visit, 6: who.number}))
    assert institute.says(f"SIU^{event}^SIU_S12", *lines) == "AA"
    institute.settled()
    return Appointment(who, number, visit, study)


def comes(institute, booked, on):
    """The visit takes place: the hospital completes the booking, the register has the encounter."""
    who, stay = booked.who, f"V{booked.number[2:]}"
    patient = {"reference": f"Patient/pat-{who.mrn}"}
    mrn = {"system": f"{BASE}/mrn", "value": who.mrn,
           "type": {"coding": [{"code": "MR"}]}}  # fmt: skip
    institute.register({"resourceType": "Patient", "id": f"pat-{who.mrn}", "identifier": [mrn]})
    institute.register({
        "resourceType": "Appointment", "id": f"app-{booked.number}", "status": "fulfilled",
        "identifier": [{"system": f"{BASE}/appointments", "value": booked.number}],
        "participant": [{"actor": patient, "status": "accepted"}],
    })  # fmt: skip
    institute.register({
        "resourceType": "Encounter", "id": f"enc-{stay}", "status": "finished",
        "class": {"code": "AMB"}, "subject": patient,
        "identifier": [{"system": f"{BASE}/visit-numbers", "value": stay}],
        "appointment": [{"reference": f"Appointment/app-{booked.number}"}],
        "period": {"start": f"{on}T17:00:00-07:00", "end": f"{on}T18:00:00-07:00"},
    })  # fmt: skip
    books(institute, who, booked.visit, on, study=booked.study, like=booked,
          event="S14", status="Complete")  # fmt: skip
    institute.pull(*REGISTER)


def record(institute, booked):
    return institute.record("participant-visits", "appointment_no", booked.number)


def told(institute, booked):
    """Waits until the CTMS has taken all that is to be said of a visit."""
    institute.rest()
    return institute.until(
        lambda: institute.delivered(PIPELINE, record(institute, booked)["id"]), "the CTMS's word"
    )


def occurrences(institute, who):
    """The subject's visits as the CTMS has them: which of the calendar, how far, when."""
    rows = institute.oncore(f"protocolSubjectVisits?protocolId={who.row['protocolId']}")
    return [
        (int(row["calendarVisitId"]), row["visitStatus"], row.get("visitDate"))
        for row in rows
        if str(row["protocolSubjectId"]) == str(who.key)
    ]


def of(code):
    """The CTMS's number of a visit of ONC-101's calendar."""
    return visit_id(STUDIES[0], code)


def decisions(institute, state):
    return institute.questions(state)


def questions(institute, booked):
    """What is open about a visit."""
    one = record(institute, booked)["id"]
    return [item for item in decisions(institute, "open") if item["proposal"].get("id") == one]


def asked(institute, booked):
    """Waits for the one question about a visit."""
    [question] = institute.until(lambda: questions(institute, booked), "a question")
    return question


def decides(institute, question, state):
    answer = {"state": state, "reason": "the coordinator has looked"}
    institute.post(f"/ops/decisions/{question['id']}", answer)


def test_a_planned_visit_is_booked_and_held_and_the_ctms_has_it_each_time(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    before = institute.counts(FLOW)

    booked = books(institute, who, "C2D1", "2026-03-04")
    told(institute, booked)
    seen = [occurrences(institute, who)]
    comes(institute, booked, "2026-03-04")
    told(institute, booked)
    seen.append(occurrences(institute, who))

    assert [[(status, on) for _, status, on in some] for some in seen] == [
        [("Scheduled", None)], [("Occurred", "2026-03-04")],
    ]  # fmt: skip
    after = institute.counts(FLOW)
    assert after["confirmed"] - before["confirmed"] == after["triggered"] - before["triggered"] > 1
    assert after["held"] == before["held"]


def test_the_ctmss_planned_visit_and_the_hospitals_become_one_record(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    booked = books(institute, who, "C2D1", "2026-03-05")
    told(institute, booked)
    comes(institute, booked, "2026-03-05")
    told(institute, booked)

    [visit] = institute.records(
        "participant-visits", participant=record(institute, booked)["participant"]["id"]
    )
    planned = institute.get(f"/api/v1/visit-defs/{visit['visit_def']['id']}")
    assert (visit["status"], visit["planned_on"]) == ("completed", "2026-03-04")
    assert (visit["actual_on"], planned["name"]) == ("2026-03-05", "Cycle 2 Day 1")
    assert visit["enrollment"]["id"]


def test_a_visit_that_the_ctms_has_not_planned_is_made_there_once(institute):
    who = on_study(institute)

    booked = books(institute, who, "C1D8", "2026-02-18")
    told(institute, booked)
    comes(institute, booked, "2026-02-19")
    told(institute, booked)

    assert occurrences(institute, who) == [(of("C1D8"), "Occurred", "2026-02-19")]


@pytest.mark.parametrize("called", ["C2D1", "c2d1", "Cycle 2 Day 1"])
def test_a_visit_may_be_called_by_its_code_or_by_its_name(institute, called):
    who = on_study(institute)

    told(institute, books(institute, who, called, "2026-03-03"))

    assert occurrences(institute, who) == [(of("C2D1"), "Scheduled", None)]


def test_the_ctms_and_the_edc_have_one_calendar(institute):
    study = institute.record("studies", "sponsor_protocol_no", "ONC-101")["id"]
    found = institute.find("visit-defs", "visit_code", "C2D1")

    # whose key is both calendarVisitId and unique_event_name
    mine = [one for one in found if one["name"] == "Cycle 2 Day 1" and one["study"]["id"] == study]
    assert [one["planned_day"] for one in mine] == [21]
    assert institute.find("visit-defs", "visit_code", "c2d1_arm_1") == []


@pytest.mark.parametrize(("on", "off"), [("2026-03-08", 4), ("2026-03-01", -3)])
def test_a_day_outside_the_window_is_a_persons_to_decide(institute, on, off):
    who = on_study(institute, ("C2D1", "2026-03-04"))

    booked = books(institute, who, "C2D1", on)

    question = asked(institute, booked)
    institute.rest()
    assert question["kind"] == "planned visit"
    assert question["evidence"] == {
        "question": "match", "pipeline": PIPELINE, "to": "ctms",
        "doubt": "its day lies outside the window", "planned_day": 21, "days_off": off,
        "may_be_early": 2, "may_be_late": 3,
    }  # fmt: skip
    assert question["proposal"]["visit_def"]
    assert occurrences(institute, who) == [(of("C2D1"), "Planned", None)]
    [held] = institute.deliveries(PIPELINE, record(institute, booked)["id"])
    assert held["state"] == "approval"
    assert "outside the window" in held["detail"]


def test_accepted_it_is_said_and_once_is_enough(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    booked = books(institute, who, "C2D1", "2026-03-08")

    decides(institute, asked(institute, booked), "accepted")
    told(institute, booked)
    comes(institute, booked, "2026-03-08")
    told(institute, booked)

    assert occurrences(institute, who) == [(of("C2D1"), "Occurred", "2026-03-08")]
    assert questions(institute, booked) == []


def test_declined_it_is_never_said(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    booked = books(institute, who, "C2D1", "2026-03-08")

    decides(institute, asked(institute, booked), "declined")
    one = record(institute, booked)["id"]
    institute.until(
        lambda: [d["state"] for d in institute.deliveries(PIPELINE, one)] == ["refused"]
    )

    assert occurrences(institute, who) == [(of("C2D1"), "Planned", None)]


def test_moved_into_the_window_it_is_said_and_nobody_is_asked_any_more(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    booked = books(institute, who, "C2D1", "2026-03-09")
    question = asked(institute, booked)

    books(institute, who, "C2D1", "2026-03-06", like=booked, event="S13")
    told(institute, booked)

    assert occurrences(institute, who) == [(of("C2D1"), "Scheduled", None)]
    institute.until(lambda: not questions(institute, booked), "the question's end")
    [moot] = [one for one in decisions(institute, "moot") if one["id"] == question["id"]]
    assert moot["decided_by"] == "crohub"


def test_of_two_bookings_for_one_planned_visit_the_second_is_asked_about(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    first = books(institute, who, "C2D1", "2026-03-04")
    told(institute, first)

    twin = books(institute, who, "C2D1", "2026-03-05")

    question = asked(institute, twin)
    assert question["evidence"]["doubt"] == "it is planned once and there are more"
    assert question["evidence"]["others"] == 1
    # entered by mistake and deleted: it says nothing, and nobody need answer
    books(institute, who, "C2D1", "2026-03-05", like=twin, event="S17", status="Deleted")
    institute.until(lambda: not questions(institute, twin), "the question's end")
    comes(institute, first, "2026-03-04")
    told(institute, first)
    assert occurrences(institute, who) == [(of("C2D1"), "Occurred", "2026-03-04")]


def test_a_visit_of_no_known_name_is_asked_about(institute):
    who = on_study(institute)

    booked = books(institute, who, "UNSCHEDULED", "2026-03-04")

    question = asked(institute, booked)
    assert question["evidence"]["doubt"] == "no planned visit is called so"
    institute.rest()
    assert occurrences(institute, who) == []


def test_who_is_enrolled_twice_is_told_apart_by_the_window(institute):
    who = on_study(institute)
    again = on_study(institute, mrn=who.mrn, sequenceNo=f"S-AGAIN{who.key}")
    again.row["onStudyDate"] = "2026-03-02"
    institute.pull(*CTMS)

    told(institute, books(institute, who, "C1D8", "2026-03-09"))  # 26 days after the first
    either = books(institute, who, "EOT", "2026-06-01")

    assert occurrences(institute, who) == []
    assert occurrences(institute, again) == [(of("C1D8"), "Scheduled", None)]
    evidence = asked(institute, either)["evidence"]
    assert (evidence["planned_visits"], evidence["in_their_window"]) == (2, 0)


def test_a_clinic_visit_of_a_subject_is_nobodys_business(institute):
    who = on_study(institute)

    booked = books(institute, who, "", "2026-03-04", study="")
    institute.rest()

    assert record(institute, booked)["status"] == "scheduled"
    assert institute.deliveries(PIPELINE, record(institute, booked)["id"]) == []
    assert occurrences(institute, who) == []


def test_of_who_is_not_enrolled_nothing_is_said_until_they_are(institute):
    who = institute.enrols("onc101", onStudyDate=ENROLLED)  # the hub has not been told
    booked = books(institute, who, "C2D1", "2026-03-04")
    one = record(institute, booked)["id"]
    institute.until(lambda: institute.deliveries(PIPELINE, one), "a delivery")
    institute.rest()
    waiting = [(d["state"], d["detail"]) for d in institute.deliveries(PIPELINE, one)]
    assert occurrences(institute, who) == []

    institute.pull(*CTMS)
    told(institute, booked)

    assert waiting == [("waiting", "enrollment is not known yet")]
    assert occurrences(institute, who) == [(of("C2D1"), "Scheduled", None)]


def test_what_the_ctms_says_itself_is_not_said_back(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    [row] = [
        row for row in institute.ctms.table("protocolSubjectVisits").values()
        if row["protocolSubjectId"] == who.key
    ]  # fmt: skip
    row |= {"visitStatus": "Occurred", "visitDate": "2026-03-04"}

    institute.pull(*CTMS)
    institute.rest()

    person = institute.record("participants", "mrn", who.mrn)["id"]
    [visit] = institute.records("participant-visits", participant=person)
    assert visit["status"] == "completed"
    assert institute.deliveries(PIPELINE, visit["id"]) == []


def test_what_was_said_does_not_come_back_as_news(institute):
    who = on_study(institute, ("C2D1", "2026-03-04"))
    booked = books(institute, who, "C2D1", "2026-03-04")
    comes(institute, booked, "2026-03-04")
    before = told(institute, booked)

    institute.pull(*CTMS)
    institute.rest()

    assert institute.deliveries(PIPELINE, record(institute, booked)["id"]) == before
    assert occurrences(institute, who) == [(of("C2D1"), "Occurred", "2026-03-04")]


def test_an_amendment_leaves_what_was_done_by_the_calendar_before(institute):
    study = institute.opens(status="OPEN TO ACCRUAL")
    first = calendar(institute, study, "1", day=21)
    early, late = (institute.enrols(study, onStudyDate=ENROLLED) for _ in range(2))
    institute.pull("ctms-protocols", "ctms-calendars", *CTMS)
    done = books(institute, early, "Cycle 2 Day 1", "2026-03-04", study=study.no)
    comes(institute, done, "2026-03-04")
    told(institute, done)

    second = calendar(institute, study, "2", day=42)
    institute.pull("ctms-calendars", *CTMS)
    # when the first came is corrected after the amendment
    comes(institute, done, "2026-03-05")
    told(institute, done)
    told(institute, books(institute, late, "Cycle 2 Day 1", "2026-03-25", study=study.no))

    assert occurrences(institute, early) == [(first, "Occurred", "2026-03-05")]
    assert occurrences(institute, late) == [(second, "Scheduled", None)]


def calendar(institute, study, version, *, day):
    """A calendar of one visit; its number in the CTMS."""
    row = institute.ctms.put(
        "protocolCalendarVisits", calendarVisitId=3_000_000 + institute.number(),
        protocolId=study.key, visitName="Cycle 2 Day 1", sequence=1, plannedDay=day,
        windowBefore=2, windowAfter=3, calendarVersion=version,
    )  # fmt: skip
    return row["calendarVisitId"]
