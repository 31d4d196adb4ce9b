"""Participants: who needs someone to act, which visits are due, how enrolment and data come on."""

from __future__ import annotations


def subject(key, number, status, **dates):
    """A subject of ONC-101 at a hospital, as OnCore tells it."""
    return ("ctms", "oncore/enrollment", {
        "protocolSubjectId": key, "protocolId": 4711, "subjectDemographicsId": key,
        "status": status, "studySite": "CMH", "sequenceNo": number, **dates})  # fmt: skip


def visit(key, subject_key, name, status, planned, actual=None):
    return ("ctms", "oncore/visit", {
        "protocolSubjectVisitId": key, "protocolId": 4711, "protocolSubjectId": subject_key,
        "calendarVisitId": name, "visitName": name, "visitStatus": status, "plannedDate": planned,
        "visitDate": actual})  # fmt: skip


ORDERS = """MSH|^~\\&|LAB|CM|CROHUB|CM|20260310120000||ORU^R01^ORU_R01|1|P|2.5.1
PID|1||700123^^^CM^MR||EXAMPLE^ANNA
PV1|1|O|RSCH^^^CM||||||||||||||||E-77^^^CM
OBR|1|P-1^CAD|F-1^LAB|CBC^Blood count|||20260303|||||||||||||||20260303120000||LAB|F
CTI|X-2^ACME|TREATMENT|C1D1^Cycle 1 Day 1
OBR|2|P-2^CAD|F-2^LAB|ECG^Electrocardiogram|||20260303||||||||||||||||||X
CTI|X-2^ACME|TREATMENT|C1D1^Cycle 1 Day 1
""".replace("\n", "\r")
ODM = '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" ODMVersion="1.3.2" SourceSystem="EDC">'
# the budget names the EDC's visit: the office's numbers of it are those of this study's file
CALENDAR = f"""{ODM}<Study OID="oncore"><GlobalVariables><StudyName>EDC trial</StudyName>
</GlobalVariables><MetaDataVersion OID="1"><StudyEventDef OID="V1" Name="Visit 1"/>
</MetaDataVersion></Study></ODM>"""
EVENT = f"""{ODM}<ClinicalData StudyOID="oncore"><SubjectData SubjectKey="E-1">
<StudyEventData StudyEventOID="V1"/></SubjectData></ClinicalData></ODM>"""

STORY = (
    ("office", "files/organization", "organization_code,name\nCMH,Cedar Mesa Hospital"),
    ("ctms", "oncore/study", {
        "protocolId": 4711, "protocolNo": "ONC-101", "shortTitle": "Agent X",
        "protocolStatus": "OPEN TO ACCRUAL", "sponsorProtocolNo": "X-2"}),
    ("office", "files/study-site", """
        protocol_no,organization_code,site_no,target_enrolment,enrolment_open_on,enrolment_close_on
        ONC-101,CMH,101,12,2026-01-01,2026-06-30"""),
    ("ctms", "oncore/site", {"protocolId": 4711, "institution": "CMH"}),
    ("office", "files/enrollment", """
        protocol_no,site_no,research_id,subject_number,state,consented_on,screened_on,enrolled_on,lost_on
        ONC-101,101,R1,T-1,enrolled,2026-01-12,2026-01-13,2026-01-21,
        ONC-101,101,R2,T-2,screen_failed,2026-02-01,2026-02-02,,
        ONC-101,101,R3,T-3,lost_to_follow_up,2026-03-03,2026-03-04,2026-03-11,2026-04-20
        ONC-101,101,R4,T-4,potential,,,,
        ONC-101,101,R5,T-5,entered_in_error,2026-03-03,2026-03-04,2026-03-11,"""),
    ("office", "files/deviation", """
        deviation_no,protocol_no,site_no,subject_number,category,severity,discovered_on,status
        D-1,ONC-101,101,T-1,consent,major,2026-05-01,open
        D-2,ONC-101,101,T-3,dosing,minor,2026-05-01,resolved"""),
    ("office", "files/crf-status", """
        form_no,protocol_no,site_no,subject_number,form,status,required,entered_at,verified_at,locked_at
        F-1,ONC-101,101,T-1,Vitals,locked,yes,2026-02-01T08:00:00Z,2026-02-05T08:00:00Z,2026-03-01T08:00:00Z
        F-2,ONC-101,101,T-1,Labs,entered,yes,2026-02-02T08:00:00Z,,
        F-3,ONC-101,101,T-3,Labs,expected,yes,,,
        F-4,ONC-101,101,T-3,Extra,expected,no,,,
        F-5,ONC-101,,,Unknown site,expected,,,,"""),
    ("office", "files/data-query", """
        query_no,protocol_no,site_no,subject_number,form,status,opened_at,answered_at,closed_at
        Q-1,ONC-101,101,T-1,Labs,open,2026-06-05T08:00:00Z,,
        Q-2,ONC-101,101,T-1,Labs,answered,2026-06-09T08:00:00Z,2026-06-10T08:00:00Z,
        Q-3,ONC-101,101,T-1,Labs,closed,2026-02-01T08:00:00Z,2026-02-03T08:00:00Z,2026-02-04T08:00:00Z
        Q-4,ONC-101,101,T-1,Labs,cancelled,2026-02-01T08:00:00Z,,"""),
    ("ctms", "oncore/visit-def", {
        "calendarVisitId": "C1D1", "protocolId": 4711, "visitName": "Cycle 1 Day 1",
        "windowBefore": 2, "windowAfter": 3}),
    ("ctms", "oncore/visit-def", {
        "calendarVisitId": "C2D1", "protocolId": 4711, "visitName": "Cycle 2 Day 1",
        "windowBefore": 2, "windowAfter": 7}),
    subject(1, "S-1", "ON TREATMENT", consentDate="2026-01-12", eligibilityDate="2026-01-20",
            onStudyDate="2026-01-21", onTreatmentDate="2026-02-01"),
    subject(2, "S-2", "NOT ELIGIBLE", consentDate="2026-02-01"),
    subject(3, "S-3", "LOST TO FOLLOW UP", consentDate="2026-02-03", eligibilityDate="2026-02-10",
            onStudyDate="2026-02-11", onTreatmentDate="2026-02-12", offTreatmentDate="2026-03-10"),
    subject(4, "S-4", "ON FOLLOW UP", consentDate="2026", onStudyDate="2026-03-05"),
    visit(11, 1, "C1D1", "Occurred", "2026-02-01", "2026-02-05"),
    visit(12, 1, "C2D1", "Planned", "2026-06-01"),
    visit(13, 1, "C3D1", "Planned", "2026-06-22"),
    visit(14, 4, "FU1", "Missed", "2026-04"),
    visit(15, 3, "C2D1", "Planned", "2026-03-12"),
    ("ehr", "hl7v2/research_order", ORDERS),
    ("edc", "odm/study", CALENDAR),
    ("edc", "odm/subject", EVENT),
    ("office", "files/budget", """
        budget_no,kind,status,protocol_no,currency,approved_on
        B-1,sponsor,approved,ONC-101,USD,2026-01-10
        B-2,sponsor,draft,ONC-101,USD,"""),
    ("office", "files/budget-line", """
        budget_line_no,budget_no,protocol_no,category,visit_oid,per,quantity,unit_amount,currency
        L-1,B-1,ONC-101,visit,V1,visit,2,100.10,USD
        L-2,B-1,ONC-101,procedure,V1,item,,50.25,USD
        L-3,B-1,ONC-101,procedure,V1,item,1,9.00,EUR
        L-4,B-2,ONC-101,procedure,V1,item,1,9.00,USD"""),
    ("ctms", "oncore/visit", {"protocolSubjectVisitId": 16, "protocolId": 4711,
                              "protocolSubjectId": 1, "visitName": "In error"}),
    ("ctms", "oncore/visit", {"protocolSubjectVisitId": 16}, "gone"),
)  # fmt: skip


def nonzero(row):
    """What happened in a month."""
    return {name: value for name, value in row.items() if value or value is False}


def test_who_needs_someone_to_act(known):
    assert known("ctms_participant_tracker", sort="subject_no", study="ONC-101") == [
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-1",
         "state": "on_treatment", "state_native": "ON TREATMENT", "consented_on": "2026-01-12",
         "next_visit": "Cycle 2 Day 1", "next_visit_on": "2026-06-01",
         "window_from": "2026-05-30", "window_to": "2026-06-08", "overdue": True,
         "days_overdue": 7, "open_deviations": 0, "last_contact_on": "2026-02-05",
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-2",
         "state": "screen_failed", "state_native": "NOT ELIGIBLE", "consented_on": "2026-02-01",
         "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-3",
         "state": "lost_to_follow_up", "state_native": "LOST TO FOLLOW UP",
         "consented_on": "2026-02-03", "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-4",
         "state": "follow_up", "state_native": "ON FOLLOW UP", "consented_on": "2026",
         "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "subject_no": "T-1", "state": "enrolled",
         "consented_on": "2026-01-12", "overdue": False, "open_deviations": 1, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "subject_no": "T-2", "state": "screen_failed",
         "consented_on": "2026-02-01", "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "subject_no": "T-3", "state": "lost_to_follow_up",
         "consented_on": "2026-03-03", "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "subject_no": "T-4", "state": "potential",
         "overdue": False, "open_deviations": 0, "dq_flag": "ok"},
    ]  # fmt: skip


def test_which_visits_are_due(known):
    assert known("ctms_visit_calendar", sort="planned_on", study="ONC-101") == [
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-1",
         "visit": "Cycle 1 Day 1", "planned_on": "2026-02-01", "window_from": "2026-01-30",
         "window_to": "2026-02-04", "actual_on": "2026-02-05", "status": "completed",
         "status_native": "Occurred", "out_of_window_days": 1, "procedures_done": 0,
         "procedures_total": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-3",
         "visit": "Cycle 2 Day 1", "planned_on": "2026-03-12", "window_from": "2026-03-10",
         "window_to": "2026-03-19", "status": "projected", "status_native": "Planned",
         "days_overdue": 88, "procedures_done": 0, "procedures_total": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-4", "visit": "FU1",
         "planned_on": "2026-04", "status": "missed", "status_native": "Missed",
         "procedures_done": 0, "procedures_total": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-1",
         "visit": "Cycle 2 Day 1", "planned_on": "2026-06-01", "window_from": "2026-05-30",
         "window_to": "2026-06-08", "status": "projected", "status_native": "Planned",
         "days_overdue": 7, "procedures_done": 0, "procedures_total": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "subject_no": "S-1", "visit": "C3D1",
         "planned_on": "2026-06-22", "status": "projected", "status_native": "Planned",
         "procedures_done": 0, "procedures_total": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "visit": "Cycle 1 Day 1", "procedures_done": 1,
         "procedures_total": 2, "dq_flag": "ok"},
    ]  # fmt: skip


def test_a_visit_has_the_value_of_the_approved_budget_in_its_currency(known):
    assert known("ctms_visit_calendar", sort="planned_on", study="EDC trial") == [
        {"study": "EDC trial", "subject_no": "E-1", "visit": "Visit 1", "procedures_done": 0,
         "procedures_total": 0, "billable_value": "250.45", "currency": "USD", "dq_flag": "ok"},
    ]  # fmt: skip


def test_whether_enrolment_is_on_plan(known):
    assert [nonzero(row) for row in known("ctms_enrollment_funnel", sort="month")] == [
        {"study": "ONC-101", "site": "101", "month": "2026-01", "consented": 1, "screened": 1,
         "enrolled": 1, "enrolled_so_far": 1, "enrolled_per_month": 1.0, "planned": 2.0,
         "forecast": 6.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "month": "2026-01", "consented": 1,
         "enrolled": 1, "enrolled_so_far": 1, "enrolled_per_month": 1.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "month": "2026-02", "consented": 1, "screened": 1,
         "enrolled_so_far": 1, "enrolled_per_month": 0.5, "planned": 4.0, "forecast": 3.0,
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "month": "2026-02", "consented": 2,
         "enrolled": 1, "started_treatment": 2, "in_treatment": 2, "enrolled_so_far": 2,
         "enrolled_per_month": 1.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "month": "2026-03", "consented": 1, "screened": 1,
         "enrolled": 1, "enrolled_so_far": 2, "enrolled_per_month": 0.67, "planned": 6.0,
         "forecast": 4.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "month": "2026-03", "enrolled": 1,
         "end_of_treatment": 1, "in_treatment": 1, "enrolled_so_far": 3,
         "enrolled_per_month": 1.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "month": "2026-04", "lost": 1, "enrolled_so_far": 2,
         "lost_percent": 50.0, "drop_out_percent": 50.0, "enrolled_per_month": 0.5,
         "planned": 8.0, "forecast": 3.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "potential": 1, "screen_failed": 1,
         "enrolled_so_far": 2, "screen_failure_percent": 33.3, "lost_percent": 50.0,
         "drop_out_percent": 50.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "consented": 1, "screened": 3,
         "screen_failed": 1, "follow_up": 1, "lost": 1, "in_treatment": 1, "enrolled_so_far": 3,
         "screen_failure_percent": 33.3, "lost_percent": 33.3, "drop_out_percent": 33.3,
         "dq_flag": "ok"},
    ]  # fmt: skip


def test_which_sites_do_well(known):
    assert known("ctms_site_performance", sort="site") == [
        {"study": "ONC-101", "site": "101", "institution": "Cedar Mesa Hospital",
         "open_since": "2026-01-01", "target": 12, "enrolled": 2, "target_percent": 16.7,
         "enrolled_per_month": 0.37, "screened": 3, "screen_failure_percent": 33.3,
         "drop_out_percent": 50.0, "median_query_days": 2.0, "queries_per_subject": 1.5,
         "deviations": 2, "major_deviations": 1, "deviations_per_subject": 1.0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "Cedar Mesa Hospital", "institution": "Cedar Mesa Hospital",
         "open_since": "2026-01-21", "enrolled": 3, "enrolled_per_month": 0.63, "screened": 3,
         "screen_failure_percent": 33.3, "drop_out_percent": 33.3, "deviations": 0,
         "major_deviations": 0, "dq_flag": "ok"},
    ]  # fmt: skip


def test_how_far_data_cleaning_is(known):
    assert known("ctms_data_queries", sort="site") == [
        {"study": "ONC-101", "site": "101", "forms_expected": 3, "forms_entered": 2,
         "forms_verified": 1, "forms_locked": 1, "entered_percent": 66.7, "queries_open": 1,
         "queries_answered": 1, "queries_closed": 1, "median_age_days": 8.0, "oldest_days": 10,
         "dq_flag": "ok"},
        {"study": "ONC-101", "forms_expected": 1, "forms_entered": 0, "forms_verified": 0,
         "forms_locked": 0, "entered_percent": 0.0, "queries_open": 0, "queries_answered": 0,
         "queries_closed": 0, "dq_flag": "ok"},
    ]  # fmt: skip


ADT = "MSH|^~\\&|HIS|CEDARMESA|||20260614080000+0000||ADT^{}|{}|P|2.5.1\rPID|1||{}^^^CEDARMESA^MR\r"


def test_two_records_of_one_patient_that_are_merged_stay_two_enrollments(told, known):
    """One person may be on a study twice: the CTMS says so, and a merge of patients takes none."""
    names = ("ctms_study_overview", "ctms_participant_tracker")
    before = [known(name, study="ONC-101") for name in names]
    for key, mrn in ((1, "70001"), (3, "70003")):
        told.says("ctms", "oncore/participant", {"subjectDemographicsId": key, "mrn": mrn})
        told.says("ehr", "hl7v2/participant", ADT.format("A04", mrn, mrn))

    told.says("ehr", "hl7v2/merge", ADT.format("A40", "M", "70001") + "MRG|70003^^^CEDARMESA^MR\r")

    merged = "select count(*) from participant where superseded_by is not null"
    assert told.store.one(merged)[0] >= 1
    assert [known(name, study="ONC-101") for name in names] == before
