"""Somebody comes on study in the CTMS: the EDC's project of that study has them as a subject, once,
under a number that it gives itself. From then on its word is about the same subject. Nobody tells
it an arm, and nothing is told of whom it must not have."""

import pytest

from crohub.sandbox.redcap_records import TOKEN

FLOW, PIPELINE = "subjects to the EDC", "flow-edc"
CTMS = ("ctms-demographics", "ctms-subjects")
SCREENING, NEXT = "scr_arm_1", "c1d1_arm_1"


def heard(institute, who):
    """The enrollment, as the hub has it from the CTMS."""
    institute.pull(*CTMS)
    return institute.record("enrollments", "registration_no", who.key)


def on_study(institute, study="onc101", **more):
    """Somebody who has come on study in the CTMS, and the enrollment."""
    who = institute.enrols(study, onStudyDate="2026-03-02", **more)
    return who, heard(institute, who)


def told(institute, one, times=1):
    """Waits until the EDC has confirmed as much about an enrollment."""
    return institute.until(
        lambda: len(institute.delivered(PIPELINE, one["id"])) == times, "the EDC's number"
    )


def rows(institute, **having):
    """The rows of the project that say so, as anybody with a key to it reads them."""
    asked = {"token": TOKEN, "content": "record", "format": "json", "type": "flat"}
    answer = institute._web.post(f"{institute.systems['EDC']}/api/", data=asked)
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json() if having.items() <= row.items()]


def records(institute, **having):
    return {row["record_id"] for row in rows(institute, **having)}


def test_who_comes_on_study_is_registered_once_under_the_edcs_own_number(institute):
    before, all_before = institute.counts(FLOW), len(institute.edc.records)

    who, one = on_study(institute)
    told(institute, one)

    [row] = rows(institute, hub_id=one["id"])
    assert row["ctms_no"] == str(who.key)
    assert (row["icf_date"], row["enrollment_date"]) == ("2026-02-23", "2026-03-02")
    assert row["record_id"] not in ("", one["id"], who.number)
    who.row["status"], who.row["onTreatmentDate"] = "ON TREATMENT", "2026-03-05"
    assert heard(institute, who)["state"] == "on_treatment"
    told(institute, one, times=2)
    institute.rest()
    assert records(institute, hub_id=one["id"]) == {row["record_id"]}
    assert len(institute.edc.records) == all_before + 1
    after = institute.counts(FLOW)
    assert {name: after[name] - before[name] for name in after} == {
        "triggered": 2, "delivered": 2, "confirmed": 2, "held": 0, "refused": 0
    }  # fmt: skip


def test_what_the_edc_says_of_its_number_is_about_the_same_subject_and_is_no_news_to_it(institute):
    _, one = on_study(institute)
    told(institute, one)
    [number] = records(institute, hub_id=one["id"])

    institute.edc.put({"record_id": number, "redcap_event_name": NEXT, "visit_date": "2026-03-05"})
    institute.pull("edc-records")
    institute.rest()

    visits = institute.records("participant-visits", enrollment=one["id"])
    assert [visit["actual_on"] for visit in visits if visit["status"] == "completed"] == [
        "2026-03-05"
    ]
    again = institute.get(f"/api/v1/enrollments/{one['id']}")
    assert (again["id"], again["participant"]) == (one["id"], one["participant"])
    assert len(institute.deliveries(PIPELINE, one["id"])) == 1


def test_the_edc_is_not_told_an_arm(institute):
    who = institute.enrols(onStudyDate="2026-03-02", status="CONSENTED")
    one = heard(institute, who)
    institute.register({
        "resourceType": "ResearchSubject", "id": f"sub-{who.mrn}", "status": "on-study",
        "study": {"reference": "ResearchStudy/onc101"}, "assignedArm": "Arm Z",
        "individual": {"reference": f"Patient/p{who.mrn}"},
        "identifier": [{"system": "https://cedarmesa.example/studies/ONC-101/subjects",
                        "value": who.number}],
    })  # fmt: skip
    institute.pull("register-enrollment")
    sealed = institute.get(f"/api/v1/enrollments/{one['id']}", include="arm")
    assert sealed["arm"]["arm_assigned"] == "Arm Z"

    who.row["status"] = "ON STUDY"
    heard(institute, who)
    told(institute, one)

    [row] = rows(institute, hub_id=one["id"])
    assert "Arm Z" not in row.values()
    assert not [name for name in row if "arm" in name.replace("event_name", "")]


@pytest.mark.parametrize("status", ["CONSENTED", "NOT ELIGIBLE"])
def test_who_is_not_on_study_is_not_registered(institute, status):
    who = institute.enrols(status=status)

    one = heard(institute, who)
    institute.rest()

    assert one["state"] in ("consented", "screen_failed")
    assert institute.deliveries(PIPELINE, one["id"]) == []
    assert records(institute, hub_id=one["id"]) == set()


def test_of_another_study_the_project_is_told_nothing_and_nothing_waits(institute):
    before = institute.counts(FLOW)

    who, one = on_study(institute, "car204")
    institute.rest()

    assert one["state"] == "enrolled"
    assert institute.deliveries(PIPELINE, one["id"]) == []
    assert records(institute, ctms_no=str(who.key)) == set()
    assert institute.counts(FLOW)["held"] == before["held"]


def test_whom_the_site_has_put_in_already_is_not_registered_a_second_time(institute):
    who = institute.enrols(onStudyDate="2026-03-02")
    by_hand = f"101-H{institute.number()}"
    row = {"record_id": by_hand, "redcap_event_name": SCREENING, "subject_no": who.number}
    institute.edc.put(row)  # and the hub has not read it

    one = heard(institute, who)
    told(institute, one)

    assert records(institute, subject_no=who.number) == {by_hand}
    assert records(institute, hub_id=one["id"]) == {by_hand}


def test_whom_only_the_edc_has_on_study_is_not_said_back_to_it(institute):
    number, mrn = f"101-E{institute.number()}", institute.mrn()
    institute.edc.put({
        "record_id": number, "redcap_event_name": SCREENING, "mrn": mrn, "subject_no": f"S-{mrn}",
        "icf_date": "2026-02-25", "enrollment_date": "2026-03-02",
    })  # fmt: skip

    institute.pull("edc-records")
    institute.rest()

    [one] = institute.find("enrollments", "subject_number", f"S-{mrn}")
    assert one["state"] == "enrolled"
    assert institute.deliveries(PIPELINE, one["id"]) == []
    assert rows(institute, record_id=number)[0]["hub_id"] == ""
