"""Portfolios, start-up, committees, the IRB, risks, the register, what waits for whom: told by the
research office's tables, the CTMS and the IRB portal."""

STUDIES = """
    protocol_no,title,sponsor_code,status,phase,principal_investigator_email,target_enrolment
    ONC-101,A trial of X,ACME,open_to_accrual,2,i.wolf@cm.example,40
    ONC-102,A trial of Z,ACME,in_start_up,3,i.wolf@cm.example,20
    CAR-7,A trial of Y,HEARTS,completed,na,j.brandt@cm.example,10
    """
ORGANIZATIONS = """
    organization_code,name,kind
    ACME,Acme Pharma,sponsor
    HEARTS,Hearts Foundation,sponsor
    ONCDEPT,Oncology,department
    WCG,WCG IRB,irb
    LOCAL,University IRB,irb
    SRC,Scientific Review,committee
    """
ROSTER = """
    employee_id,employer,family_name,given_name,email,study_nct,study_role
    E401,CM-HR,Wolf,Ina,i.wolf@cm.example,,
    E402,CM-HR,Brandt,Jonas,j.brandt@cm.example,,
    E403,CM-HR,Ng,Mei,m.ng@cm.example,,
    """
SITES = """
    protocol_no,organization_code,site_no,status,irb_of_record_code,activated_on
    ONC-101,ONCDEPT,101,enrolling,WCG,2026-03-02
    """
PORTFOLIOS = """
    portfolio_no,name,kind,owner_code,part_of_no
    P-1,Solid tumours,portfolio,ONCDEPT,P-2
    P-2,Cancer,therapeutic_area,,
    """
PROJECTS = """
    project_no,title,kind,status
    RP-1,Registry of tumours,registry,active
    """
ITEMS = """
    portfolio_no,project_no,protocol_no,start_on,end_on
    P-1,,ONC-101,2026-01-01,
    P-1,,ONC-102,2026-01-01,
    P-1,RP-1,,2026-01-01,
    P-1,,CAR-7,2020-01-01,2025-12-31
    P-2,,CAR-7,,
    """
ENROLLMENTS = """
    protocol_no,site_no,subject_number,state,enrolled_on
    ONC-101,101,S-1,enrolled,2026-03-04
    ONC-101,101,S-2,withdrawn,2026-04
    ONC-101,101,S-3,screen_failed,
    CAR-7,,C-1,completed,2025-11-02
    """
RECEIVABLES = """
    receivable_no,protocol_no,kind,status,earned_on,amount,currency
    R-1,ONC-101,visit,earned,2026-03-04,4250.00,USD
    R-2,ONC-101,visit,earned,2026-03-04,100.00,EUR
    """
GOVERNANCE = """
    governance_no,protocol_no,unit_code,role,share_percent,lead_email,start_on
    G-1,ONC-101,ONCDEPT,owning,75,m.ng@cm.example,2026-01-01
    G-2,ONC-101,SRC,reviewing,25,,2026-01-01
    G-3,ONC-102,ONCDEPT,owning,100,,2026-01-01
    """
REVIEWS = """
    ancillary_review_no,protocol_no,committee_code,kind,state,requested_on,decided_on
    AR-1,ONC-101,SRC,prmc,approved,2026-01-10,2026-01-30
    AR-2,ONC-101,SRC,radiation,in_review,2026-01-10,
    """
TASKS = """
    task_no,protocol_no,site_no,kind,name,status,planned_on,started_on,actual_on,owner_email
    T-1,ONC-101,101,intake,Intake,done,,2026-01-02,2026-01-03,m.ng@cm.example
    T-2,ONC-101,101,budget,Budget,done,,2026-01-05,2026-02-04,m.ng@cm.example
    T-3,ONC-102,,intake,Intake,done,,2026-05-01,2026-05-02,m.ng@cm.example
    T-4,ONC-102,,budget,Budget,waiting,2026-06-01,2026-05-06,,m.ng@cm.example
    """
CONTRACTS = """
    contract_no,kind,state,protocol_no,party_code,received_on,fully_executed_on
    K-1,cta,executed,ONC-101,ACME,2026-01-05,2026-02-20
    """
IRB = """
    irb_submission_no,protocol_no,site_no,native_no,kind,board_code,irb_of_record_code,review_level,state,determination,submitted_on,approval_on,expires_on,conditions
    I-1,ONC-101,101,20260001,initial,WCG,WCG,full_board,approved,Approved,2026-01-12,2026-02-11,2026-06-10,
    I-2,ONC-102,,20260002,initial,WCG,WCG,full_board,modifications_required,,2026-06-01,,,Send the new leaflet
    I-3,CAR-7,,20250001,initial,LOCAL,,expedited,approved,Approved,2025-01-12,2025-01-20,,
    """  # noqa: E501
KRIS = """
    kri_no,protocol_no,site_no,indicator,category,value,unit,warning_threshold,threshold,bad_side,breached,period_from,period_to
    KRI-1,ONC-101,101,Screen failures,enrolment,20,%,25,40,above,no,2026-04-01,2026-04-30
    KRI-2,ONC-101,101,Screen failures,enrolment,33.5,%,25,40,above,no,2026-05-01,2026-05-31
    KRI-3,ONC-101,,Data entered in time,data,70,%,90,80,below,no,2026-05-01,2026-05-31
    """
RISKS = """
    risk_no,protocol_no,title,category,likelihood,impact,score,status
    X-1,ONC-101,Slow,enrolment,likely,major,16,mitigating
    X-2,ONC-101,Gone,enrolment,likely,major,20,closed
    """
REGISTER = """
    compliance_item_no,subject,protocol_no,site_no,person_email,item,rule,severity,owner_email,opened_on,due_on,closed_on,status,evidence,capa
    CI-1,person,ONC-101,101,j.brandt@cm.example,No GCP certificate,ICH E6 4.1,major,m.ng@cm.example,2026-05-01,2026-06-01,,open,Log of 1 May,Train
    CI-2,study,CAR-7,,,Late report,21 CFR 312,minor,m.ng@cm.example,2026-01-01,2026-02-01,2026-01-31,resolved,,
    """  # noqa: E501
DEVIATIONS = """
    deviation_no,protocol_no,site_no,severity,description,discovered_on,status,owner_email
    DV-1,ONC-101,101,minor,Visit out of window,2026-06-05,open,m.ng@cm.example
    DV-2,ONC-101,101,minor,Visit missed,2026-05-05,resolved,m.ng@cm.example
    """
STORY = (
    ("ctms", "files/organization", ORGANIZATIONS), ("hr", "files/roster", ROSTER),
    ("ctms", "files/study", STUDIES), ("ctms", "files/study-site", SITES),
    ("office", "files/portfolio", PORTFOLIOS), ("office", "files/research-project", PROJECTS),
    ("office", "files/portfolio-item", ITEMS), ("ctms", "files/enrollment", ENROLLMENTS),
    ("ctms", "files/receivable", RECEIVABLES), ("office", "files/study-governance", GOVERNANCE),
    ("office", "files/ancillary-review", REVIEWS), ("office", "files/startup-task", TASKS),
    ("office", "files/contract", CONTRACTS), ("irb", "files/irb-submission", IRB),
    ("office", "files/kri-value", KRIS), ("office", "files/risk", RISKS),
    ("office", "files/compliance-item", REGISTER), ("ereg", "files/deviation", DEVIATIONS),
)  # fmt: skip


def row(columns, *cells):
    return dict(zip(columns.split(), cells, strict=True))


def test_how_each_portfolio_stands(shown):
    columns = (
        "name kind kind_native therapeutic_area department projects studies in_start_up "
        "open_to_accrual closed phase_1 phase_2 phase_3 phase_4 no_phase accrual_ytd revenue "
        "currency risk_score investigators dq_flag"
    )
    rows = shown("croms_portfolio", sort="name", fields=columns.replace(" ", ","))

    tumours = ("Solid tumours", "portfolio", None, "Cancer", "Oncology", 1, 2, 1, 1, 0, 0, 1, 1, 0,
               0, 2)  # fmt: skip
    # what left the portfolio last year is not counted; two currencies are two rows
    assert rows == [
        row(columns, "Cancer", "therapeutic_area", None, "Cancer", None, 0, 1, 0, 0, 1, 0, 0, 0,
            0, 1, 0, None, None, None, 1, "ok"),
        row(columns, *tumours, "100.00", "EUR", 16.0, 1, "ok"),
        row(columns, *tumours, "4250.00", "USD", 16.0, 1, "ok"),
    ]  # fmt: skip


def test_where_start_up_waits(shown):
    columns = (
        "study department sponsor intake_on feasibility_days prmc_days irb_days contract_days "
        "budget_days activated_on total_days bottleneck median_by_department median_by_sponsor "
        "dq_flag"
    )
    assert shown("croms_startup_cycle_time", sort="study") == [
        row(columns, "CAR-7", None, "Hearts Foundation", None, None, None, 8, None, None, None,
            None, "IRB", None, None, "ok"),
        row(columns, "ONC-101", "Oncology", "Acme Pharma", "2026-01-02", None, 20, 30, 46, 30,
            "2026-03-02", 59, "contract", 59.0, 59.0, "ok"),
        # what is not over counts until today
        row(columns, "ONC-102", "Oncology", "Acme Pharma", "2026-05-01", None, None, 14, None, 40,
            None, None, "budget", 59.0, 59.0, "ok"),
    ]  # fmt: skip


def test_who_answers_for_a_study(shown):
    columns = (
        "study unit unit_kind role role_native share_percent unit_lead principal_investigator "
        "co_pis committees decisions_pending start_on end_on dq_flag"
    )
    assert shown("croms_governance_matrix", study="ONC-101", sort="-share_percent") == [
        row(columns, "ONC-101", "Oncology", "department", "owning", None, 75.0, "Mei Ng",
            "Ina Wolf", None, "Scientific Review", 1, "2026-01-01", None, "ok"),
        row(columns, "ONC-101", "Scientific Review", "committee", "reviewing", None, 25.0, None,
            "Ina Wolf", None, "Scientific Review", 1, "2026-01-01", None, "ok"),
    ]  # fmt: skip


def test_what_lies_with_the_irb_and_what_has_run_out(shown):
    columns = (
        "study site submission_no kind kind_native board irb_of_record review_level state "
        "state_native days_in_state determination submitted_on approval_on expires_on "
        "days_to_expiry review_overdue conditions_open dq_flag"
    )
    assert shown("croms_irb_pipeline", sort="submission_no") == [
        # expedited review that never expires
        row(columns, "CAR-7", None, "20250001", "initial", None, "University IRB", None,
            "expedited", "approved", None, None, "Approved", "2025-01-12", "2025-01-20", None,
            None, False, None, "ok"),
        row(columns, "ONC-101", "101", "20260001", "initial", None, "WCG IRB", "WCG IRB",
            "full_board", "approved", None, None, "Approved", "2026-01-12", "2026-02-11",
            "2026-06-10", -5, True, None, "ok"),
        row(columns, "ONC-102", None, "20260002", "initial", None, "WCG IRB", "WCG IRB",
            "full_board", "modifications_required", None, 14, None, "2026-06-01", None, None,
            None, False, "Send the new leaflet", "ok"),
    ]  # fmt: skip


def test_an_indicator_against_its_threshold_and_the_month_before(shown):
    columns = (
        "study site indicator category value unit warning_threshold threshold level value_before "
        "trend period_from period_to open_risks dq_flag"
    )
    april, may, data = shown("croms_portfolio_risk", study="ONC-101")

    assert (april["level"], april["trend"]) == ("ok", None)
    assert may == row(
        columns, "ONC-101", "101", "Screen failures", "enrolment", 33.5, "%", 25.0, 40.0,
        "warning", 20.0, "worse", "2026-05-01", "2026-05-31", 1, "ok",
    )  # fmt: skip
    assert data == row(
        columns, "ONC-101", None, "Data entered in time", "data", 70.0, "%", 90.0, 80.0,
        "breached", None, None, "2026-05-01", "2026-05-31", 1, "ok",
    )  # fmt: skip


def test_the_register_of_what_is_not_as_it_should_be(shown):
    columns = (
        "study person subject item rule severity severity_native status status_native owner "
        "opened_on due_on closed_on age_days overdue evidence capa dq_flag"
    )
    assert shown("croms_compliance_register", sort="-opened_on") == [
        row(columns, "ONC-101", "Jonas Brandt", "person", "No GCP certificate", "ICH E6 4.1",
            "major", None, "open", None, "Mei Ng", "2026-05-01", "2026-06-01", None, 45, True,
            "Log of 1 May", "Train", "ok"),
        row(columns, "CAR-7", None, "study", "Late report", "21 CFR 312", "minor", None,
            "resolved", None, "Mei Ng", "2026-01-01", "2026-02-01", "2026-01-31", 30, False, None,
            None, "ok"),
    ]  # fmt: skip


def test_what_waits_for_whom(shown):
    columns = "kind about study owner since age_days due_on overdue dq_flag"
    assert shown("croms_worklist", sort="since", owner="Mei Ng") == [
        row(columns, "compliance_item", "No GCP certificate", "ONC-101", "Mei Ng", "2026-05-01",
            45, "2026-06-01", True, "ok"),
        row(columns, "startup_task", "Budget", "ONC-102", "Mei Ng", "2026-05-06", 40,
            "2026-06-01", True, "ok"),
        row(columns, "deviation", "Visit out of window", "ONC-101", "Mei Ng", "2026-06-05", 10,
            None, False, "ok"),
    ]  # fmt: skip
