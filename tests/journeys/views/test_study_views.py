"""Studies and their sites: where each stands, which are late, what they wait for."""

STORY = (
    ("office", "files/organization", """
        organization_code,name,kind
        ACME,Acme Oncology,sponsor
        CMH,Cedar Mesa Hospital,institution
        CM-IRB,Cedar Mesa IRB,irb
        WCG,WCG,irb
        RAD,Radiation Safety Committee,committee"""),
    ("ctms", "oncore/person", {
        "contactId": 71, "lastName": "Hollis", "firstName": "Rosa",
        "email": "rosa@c.example"}),
    ("ctms", "oncore/person", {
        "contactId": 72, "lastName": "Moss", "firstName": "Ian", "email": "i.moss@acme.example"}),
    ("ctms", "oncore/study", {
        "protocolId": 4711, "protocolNo": "ONC-101", "shortTitle": "Agent X", "title": "Agent X",
        "protocolStatus": "OPEN TO ACCRUAL", "sponsorProtocolNo": "ACME-X-2"}),
    ("ctms", "oncore/study", {
        "protocolId": 4713, "protocolNo": "GONE-1", "shortTitle": "Was a mistake",
        "protocolStatus": "NEW"}),
    ("ctms", "oncore/study", {"protocolId": 4713, "protocolNo": "GONE-1"}, "gone"),
    ("office", "files/study", """
        protocol_no,title,phase,sponsor_code,principal_investigator_email,target_enrolment,status
        ONC-101,Agent X,2,ACME,rosa@c.example,4,
        CAR-7,Statins in clinic,na,,,,approved"""),
    ("office", "files/study-state", """
        protocol_no,scope,state,actual,started_on
        ONC-101,overall,open_to_accrual,yes,2026-03
        ONC-101,overall,open_to_accrual,no,2026-05-01
        ONC-101,local,open_to_accrual,yes,2026-04-01"""),
    ("ctms", "vault/study-site", {
        "id": "S1", "name__v": "101", "study__v": "4711", "study__vr.name__v": "ONC-101",
        "country__vr.name__v": "United States", "site_status__v": ["enrolling__v"],
        "modified_date__v": "2026-06-01T08:30:00.000Z"}),
    ("office", "files/study-site", """
        protocol_no,organization_code,site_no,principal_investigator_email,status,target_enrolment,initiated_on,activated_on,enrolment_open_on
        ONC-101,CMH,101,rosa@c.example,,4,,2026-03-09,2026-03-10
        ONC-101,,102,,start_up,,2026-05-20,,"""),
    ("office", "files/study-site-state", """
        protocol_no,site_no,state,started_on
        ONC-101,101,enrolling,2026-03-10
        ONC-101,102,start_up,2026-04"""),
    ("office", "files/startup-task", """
        task_no,protocol_no,site_no,kind,name,status,planned_on,started_on,actual_on,owner_email,organization_code,waiting_for
        T-1,ONC-101,102,contract,Agreement,waiting,2026-05-01,2026-04-10,,rosa@c.example,,sponsor
        T-2,ONC-101,102,irb,IRB approval,done,2026-05-10,2026-04-01,2026-05-08,,CM-IRB,
        T-3,ONC-101,102,drug_ship,Drug,na,,,,,,"""),
    ("irb", "files/irb-submission", """
        irb_submission_no,protocol_no,site_no,kind,board_code,irb_of_record_code,state,approval_on,expires_on
        W-1,ONC-101,,initial,WCG,,approved,2026-03-09,2027-03-09
        W-2,ONC-101,,amendment,WCG,,approved,2026-05-09,
        L-1,ONC-101,,reliance,CM-IRB,WCG,approved,2026-04-01,2027-12-31
        L-2,ONC-101,102,site_add,CM-IRB,,approved,2026-05-08,2026-11-08"""),
    ("office", "files/contract", """
        contract_no,kind,state,protocol_no,site_no,fully_executed_on
        C-1,cta,executed,ONC-101,101,2026-02-20
        C-2,cta,negotiation,ONC-101,102,
        C-3,cda,executed,ONC-101,102,2026-01-20"""),
    ("ctms", "vault/monitoring-visit", {
        "id": "M1", "name__v": "ME-1", "study__v": "4711", "site__v": "S1",
        "object_type__vr.api_name__v": "site_initiation_visit__ctms",
        "state__v": "final_state__v",
        "actual_start_date__v": "2026-03-05", "actual_end_date__v": "2026-03-06",
        "modified_date__v": "2026-03-08T08:30:00.000Z"}),
    ("office", "files/monitoring-visit", """
        monitoring_visit_no,protocol_no,site_no,visit_no,kind,status,planned_from,actual_from
        M-2,ONC-101,101,IMV-2,interim,planned,2026-07-01,
        M-3,ONC-101,101,IMV-1,interim,cancelled,2026-05-01,"""),
    ("ctms", "oncore/staff", {
        "protocolStaffId": 9, "protocolId": 4711, "contactId": 72, "role": "Monitor",
        "startDate": "2026-01-01", "stopDate": None}),
    ("office", "files/enrollment", """
        protocol_no,site_no,research_id,subject_number,state,consented_on,screened_on,enrolled_on,off_study_on
        ONC-101,101,R1,S-1,on_treatment,2026-03-12,2026-03-13,2026-03-20,
        ONC-101,101,R2,S-2,withdrawn,2026-04-01,2026-04-02,2026-04-10,2026-05-01
        ONC-101,101,R3,S-3,screen_failed,2026-04,2026-04-05,,
        ONC-101,101,R4,S-4,completed,,,,
        ONC-101,101,R5,S-5,entered_in_error,2026-04-01,,2026-04-02,
        ONC-101,,R6,S-6,potential,,,,"""),
    ("office", "files/milestone", """
        milestone_no,scope,protocol_no,site_no,kind,name,baseline_on,planned_on,forecast_on,actual_on,status,critical,waits_for_no,owner_email
        MS-1,study,ONC-101,,first_subject_in,First in,2026-03-01,2026-03-10,,2026-03-20,done,yes,,
        MS-2,study,ONC-101,,last_subject_in,Last in,2026-06-01,2026-06-10,,,late,yes,,rosa@c.example
        MS-3,study,ONC-101,,db_lock,Database lock,,2027-01-15,2027-02-15,,on_track,no,MS-2,
        MS-4,study,ONC-101,,csr,Report,,2027,,,not_started,no,MS-1,"""),
    ("office", "files/deviation", """
        deviation_no,protocol_no,site_no,category,severity,status
        D-1,ONC-101,101,consent,major,open
        D-2,ONC-101,101,consent,minor,resolved"""),
    ("office", "files/monitoring-finding", """
        monitoring_finding_no,protocol_no,site_no,status
        F-1,ONC-101,101,in_progress
        F-2,ONC-101,101,closed"""),
    ("office", "files/compliance-item", """
        compliance_item_no,protocol_no,status
        CI-1,ONC-101,waived"""),
    ("office", "files/feasibility-assessment", """
        feasibility_no,protocol_no,site_no,organization_code,sent_on,returned_on,decided_on,outcome
        FA-1,ONC-101,102,CMH,2026-02-01,2026-02-11,2026-02-15,selected
        FA-2,CAR-7,,CMH,2026-06-05,,,pending"""),
    ("office", "files/ancillary-review", """
        ancillary_review_no,protocol_no,committee_code,kind,state,requested_on,meeting_on
        AR-1,ONC-101,RAD,radiation,in_review,2026-06-01,2026-06-10"""),
    ("office", "files/regulatory-submission", """
        regulatory_submission_no,protocol_no,kind,submission_no,status,due_on,submitted_on,decided_on,expires_on
        RS-1,ONC-101,ind,IND 123,acknowledged,,2026-01,2026-02-01,"""),
)  # fmt: skip


def test_where_each_study_stands(known):
    assert known("ctms_study_overview", sort="-target") == [
        {"study": "ONC-101", "protocol_no": "ACME-X-2", "title": "Agent X", "phase": "2",
         "sponsor": "Acme Oncology", "principal_investigator": "Rosa Hollis",
         "status": "open_to_accrual", "status_native": "OPEN TO ACCRUAL",
         "status_since": "2026-03", "sites_planned": 1, "sites_active": 1, "sites_closed": 0,
         "target": 4, "consented": 4, "screened": 4, "screen_failed": 1, "enrolled": 3,
         "on_treatment": 1, "withdrawn": 1, "completed": 1, "target_percent": 75.0,
         "next_milestone": "Last in", "next_milestone_on": "2026-06-10",
         "irb_expires_on": "2027-03-09", "irb_board": "WCG", "open_issues": 2, "dq_flag": "ok"},
        {"study": "CAR-7", "title": "Statins in clinic", "phase": "na", "status": "approved",
         "sites_planned": 0, "sites_active": 0, "sites_closed": 0, "consented": 0, "screened": 0,
         "screen_failed": 0, "enrolled": 0, "on_treatment": 0, "withdrawn": 0, "completed": 0,
         "open_issues": 0, "dq_flag": "ok"},
    ]  # fmt: skip


def test_which_sites_are_late(known):
    assert known("ctms_site_status", sort="site_no") == [
        {"study": "ONC-101", "site_no": "101", "institution": "Cedar Mesa Hospital",
         "country": "US", "principal_investigator": "Rosa Hollis", "status": "enrolling",
         "status_native": "enrolling__v", "status_since": "2026-03-10", "days_in_status": 97,
         "startup_done": 0, "startup_total": 0, "irb_approval_on": "2026-03-09",
         "irb_expires_on": "2027-03-09", "irb_board": "WCG",
         "contract_executed_on": "2026-02-20", "siv_on": "2026-03-06",
         "activated_on": "2026-03-09", "first_subject_on": "2026-03-20", "target": 4,
         "enrolled": 3, "last_monitoring_on": "2026-03-06", "next_monitoring_on": "2026-07-01",
         "monitors": "Ian Moss", "dq_flag": "ok"},
        {"study": "ONC-101", "site_no": "102", "status": "start_up", "status_since": "2026-04",
         "startup_done": 1, "startup_total": 2, "irb_approval_on": "2026-05-08",
         "irb_expires_on": "2026-11-08", "irb_board": "Cedar Mesa IRB", "siv_on": "2026-05-20",
         "enrolled": 0, "monitors": "Ian Moss", "dq_flag": "ok"},
    ]  # fmt: skip


def test_what_the_schedule_is(known):
    assert known("ctms_milestones", sort="name") == [
        {"study": "ONC-101", "scope": "study", "name": "Database lock", "kind": "db_lock",
         "planned_on": "2027-01-15", "forecast_on": "2027-02-15", "variance_days": 31,
         "status": "on_track", "overdue": False, "critical_path": False,
         "blocked_by": "Last in", "dq_flag": "ok"},
        {"study": "ONC-101", "scope": "study", "name": "First in",
         "kind": "first_subject_in", "baseline_on": "2026-03-01", "planned_on": "2026-03-10",
         "actual_on": "2026-03-20", "variance_days": 19, "status": "done", "overdue": False,
         "critical_path": True, "dq_flag": "ok"},
        {"study": "ONC-101", "scope": "study", "name": "Last in",
         "kind": "last_subject_in", "baseline_on": "2026-06-01", "planned_on": "2026-06-10",
         "variance_days": 14, "status": "late", "overdue": True, "critical_path": True,
         "owner": "Rosa Hollis", "dq_flag": "ok"},
        {"study": "ONC-101", "scope": "study", "name": "Report", "kind": "csr",
         "planned_on": "2027", "status": "not_started", "critical_path": False, "dq_flag": "ok"},
    ]  # fmt: skip


def test_where_start_up_waits(known):
    assert known("ctms_feasibility_startup", sort="what") == [
        {"study": "ONC-101", "what": "ancillary_review", "kind": "radiation",
         "lies_with": "Radiation Safety Committee", "state": "in_review", "open": True,
         "asked_on": "2026-06-01", "due_on": "2026-06-10", "age_days": 14, "days_overdue": 5,
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "102", "what": "feasibility",
         "lies_with": "Cedar Mesa Hospital", "state": "selected", "open": False,
         "asked_on": "2026-02-01", "ended_on": "2026-02-15", "age_days": 14, "dq_flag": "ok"},
        {"study": "CAR-7", "what": "feasibility", "lies_with": "Cedar Mesa Hospital",
         "state": "pending", "open": True, "asked_on": "2026-06-05", "age_days": 10,
         "dq_flag": "ok"},
        {"study": "ONC-101", "what": "regulatory_submission", "kind": "ind", "name": "IND 123",
         "state": "acknowledged", "open": False, "asked_on": "2026-01", "ended_on": "2026-02-01",
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "102", "what": "startup_task", "kind": "contract",
         "name": "Agreement", "lies_with": "Rosa Hollis", "waits_for": "sponsor",
         "state": "waiting", "open": True, "asked_on": "2026-04-10", "due_on": "2026-05-01",
         "age_days": 66, "days_overdue": 45, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "102", "what": "startup_task", "kind": "irb",
         "name": "IRB approval", "lies_with": "Cedar Mesa IRB", "state": "done", "open": False,
         "asked_on": "2026-04-01", "due_on": "2026-05-10", "ended_on": "2026-05-08",
         "age_days": 37, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "102", "what": "startup_task", "kind": "drug_ship",
         "name": "Drug", "state": "na", "open": False, "dq_flag": "ok"},
    ]  # fmt: skip
