"""The CTMS has a protocol and its calendar: the EHR gets the study's definition, and a plan of its
visits for each version of the calendar. An amendment leaves what was done by the one before."""

import pytest

PROTOCOL = ("ctms-protocols", "ctms-irb", "ctms-calendars")
STUDY, CALENDAR = "flow-study", "flow-calendar"
DAYS = (("Screening", -7), ("Day 1", 0), ("Day 15", 14))


def calendar(institute, study, version="1", days=DAYS):
    """OnCore's rows of one version of a study's calendar."""
    return [
        institute.ctms.put(
            "protocolCalendarVisits", calendarVisitId=820_000 + institute.number(),
            protocolId=study.key, visitName=name, sequence=place, plannedDay=day,
            windowBefore=1, windowAfter=2, calendarVersion=version,
        )
        for place, (name, day) in enumerate(days, 1)
    ]  # fmt: skip


def told(institute, study):
    """The hub has heard of the protocol and the register of both; the study's canonical id."""
    institute.pull(*PROTOCOL)
    one = institute.record("studies", "irb_no", study.irb)["id"]
    institute.until(lambda: institute.delivered(STUDY, one), "the study's way")
    for visit in institute.records("visit-defs", study=one):
        institute.until(lambda v=visit: institute.delivered(CALENDAR, v["id"]), "a visit's way")
    return one


def found(institute, kind, number):
    """What the register has under a number of the sponsor's protocols."""
    bundle = institute.fhir(f"{kind}?identifier=https://cedarmesa.example/protocols|{number}")
    return [one["resource"] for one in bundle.get("entry", [])]


def plan(institute, study, version="1"):
    [one] = found(institute, "PlanDefinition", f"{study.no}/{version}")
    return one


def test_a_protocol_and_its_calendar_become_the_ehrs_definition_of_the_study(institute):
    study = institute.opens(status="OPEN TO ACCRUAL", title="Two doses", shortTitle="Two doses")
    calendar(institute, study)
    before = institute.counts("protocol to the EHR")

    one = told(institute, study)

    assert institute.get(f"/api/v1/studies/{one}")["status"] == "open_to_accrual"
    visits = institute.records("visit-defs", study=one)
    assert {(v["name"], v["planned_day"], v["calendar_version"]) for v in visits} == {
        (name, day, "1") for name, day in DAYS
    }
    [there] = found(institute, "ResearchStudy", study.no)
    assert (there["title"], there["status"]) == ("Two doses", "active")
    made = plan(institute, study)
    assert (made["version"], made["title"]) == ("1", f"{study.no} calendar 1")
    assert sorted((one["title"], one["timingDuration"]["value"]) for one in made["action"]) == (
        sorted(DAYS)
    )
    assert {one["textEquivalent"] for one in made["action"]} == {"1 days before to 2 days after"}
    institute.rest()
    after = institute.counts("protocol to the EHR")
    assert after["confirmed"] - before["confirmed"] == after["triggered"] - before["triggered"] >= 4


def test_an_amendment_keeps_the_visits_that_are_done(institute):
    study = institute.opens(status="OPEN TO ACCRUAL")
    rows = calendar(institute, study)
    told(institute, study)
    who = institute.enrols(study=study, status="ON STUDY", onStudyDate="2026-02-26")
    done = institute.ctms.put(
        "protocolSubjectVisits", protocolSubjectVisitId=830_000 + institute.number(),
        protocolId=study.key, protocolSubjectId=who.key, subjectDemographicsId=int(who.mrn),
        calendarVisitId=rows[1]["calendarVisitId"], visitName="Day 1", visitStatus="Occurred",
        visitDate="2026-02-26",
    )  # fmt: skip
    institute.pull("ctms-demographics", "ctms-subjects", "ctms-visits")
    first = plan(institute, study)

    study.row["title"] = study.row["shortTitle"] = "Amended"
    amended = (*DAYS[:2], ("Day 22", 21))
    calendar(institute, study, "2", amended)
    one = told(institute, study)
    institute.pull("ctms-visits")
    institute.rest()

    assert found(institute, "ResearchStudy", study.no)[0]["title"] == "Amended"
    second = plan(institute, study, "2")
    assert sorted((a["title"], a["timingDuration"]["value"]) for a in second["action"]) == (
        sorted(amended)
    )
    assert plan(institute, study) == first
    [visit] = institute.records("participant-visits", study=one)
    assert (visit["status"], visit["actual_on"]) == ("completed", "2026-02-26")
    by = institute.get(f"/api/v1/visit-defs/{visit['visit_def']['id']}")
    assert (by["name"], by["calendar_version"]) == ("Day 1", "1")
    row = institute.oncore(f"protocolSubjectVisits/{done['protocolSubjectVisitId']}")
    assert (row["calendarVisitId"], row["visitDate"]) == (done["calendarVisitId"], "2026-02-26")


def test_a_visit_that_moves_within_its_version_moves_in_the_plan(institute):
    study = institute.opens(status="OPEN TO ACCRUAL")
    rows = calendar(institute, study)
    told(institute, study)

    rows[2]["plannedDay"] = 15
    told(institute, study)
    institute.rest()

    days = {
        one["title"]: one["timingDuration"]["value"] for one in plan(institute, study)["action"]
    }
    assert days == {"Screening": -7, "Day 1": 0, "Day 15": 15}


def test_what_the_register_adds_to_a_study_stays_and_is_not_said_back(institute):
    study = institute.opens(status="OPEN TO ACCRUAL")
    one = told(institute, study)
    [there] = found(institute, "ResearchStudy", study.no)
    institute.register({**there, "arm": [{"name": "Low dose"}]})
    institute.pull("register-study")
    institute.rest()
    said = len(institute.deliveries(STUDY, one))

    institute.pull("register-study", "ctms-protocols")
    institute.rest()
    assert len(institute.deliveries(STUDY, one)) == said

    study.row["title"] = study.row["shortTitle"] = "Renamed"
    told(institute, study)
    institute.rest()
    [there] = found(institute, "ResearchStudy", study.no)
    assert (there["title"], there["arm"]) == ("Renamed", [{"name": "Low dose"}])


def test_what_is_still_an_idea_is_told_to_nobody(institute):
    study = institute.opens(status="NEW")

    institute.pull(*PROTOCOL)
    institute.rest()

    one = institute.record("studies", "irb_no", study.irb)
    assert one["status"] == "proposed"
    assert institute.deliveries(STUDY, one["id"]) == []
    assert found(institute, "ResearchStudy", study.no) == []


@pytest.mark.parametrize("kind", ["ResearchStudy", "PlanDefinition"])
def test_a_protocol_without_the_sponsors_number_waits(institute, kind):
    study = institute.opens(status="OPEN TO ACCRUAL", sponsorProtocolNo="")
    calendar(institute, study)
    there = len(institute.fhir(f"{kind}?_count=1000").get("entry", []))

    institute.pull(*PROTOCOL)
    institute.rest()

    one = institute.record("studies", "irb_no", study.irb)["id"]
    [waits] = institute.deliveries(STUDY, one)
    assert waits["state"] == "waiting"
    assert "sponsor_protocol_no" in waits["detail"]
    assert len(institute.fhir(f"{kind}?_count=1000").get("entry", [])) == there
