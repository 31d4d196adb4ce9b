"""Who may not work, which licence runs out, who has too much to do: told by HR's roster, by
training certificates, by the delegation log and by effort reports."""

import pytest

from hub.principal import READ, Forbidden, Principal

STUDIES = """
    protocol_no,title,nct,status
    ONC-101,A trial of X,NCT99000101,open_to_accrual
    CAR-7,A trial of Y,NCT99000107,open_to_accrual
    """
ROSTER = """
    employee_id,employer,family_name,given_name,email,department,status,study_nct,study_role,role_from
    E217,CM-HR,Okafor,Ada,a.okafor@cm.example,Oncology,Active,NCT99000101,Study Coordinator,2025-05-01
    E217,CM-HR,Okafor,Ada,a.okafor@cm.example,Oncology,Active,NCT99000107,Study Coordinator,2025-05-01
    E218,CM-HR,Brandt,Jonas,j.brandt@cm.example,Cardiology,Active,NCT99000107,Principal Investigator,2025-05-01
    E219,CM-HR,Silva,Rui,r.silva@cm.example,Cardiology,Active,NCT99000107,Study Coordinator,2025-05-01
    """  # noqa: E501
REQUIREMENTS = """
    requirement_no,name,scope,protocol_no,roles,course_group,grace_days,start_on,active
    R1,Good clinical practice,institution,,,GCP,14,2020-01-01,yes
    R2,Protocol training,study,CAR-7,coordinator,CAR-7 protocol,,2025-01-01,yes
    R3,No longer asked for,institution,,,OLD,,2020-01-01,no
    """
# Okafor's GCP ran out on 1 March; Brandt's ten days ago, within grace; Silva's is good
TRAININGS = """
    completion_no,person_email,course_code,course_group,status,completed_on,expires_on,protocol_no
    T1,a.okafor@cm.example,GCP-1,GCP,completed,2023-03-01,2026-03-01,
    T2,j.brandt@cm.example,GCP-1,GCP,completed,2023-06-05,2026-06-05,
    T3,r.silva@cm.example,GCP-1,GCP,completed,2022-06-01,2025-06-01,
    T4,r.silva@cm.example,GCP-1,GCP,completed,2025-05-20,2028-05-20,
    T5,r.silva@cm.example,CAR-7-P,CAR-7 protocol,completed,2025-05-21,,CAR-7
    """
DELEGATIONS = """
    delegation_no,person_email,protocol_no,tasks,status,start_on,end_on
    D1,a.okafor@cm.example,ONC-101,consent,active,2025-05-01,
    D2,a.okafor@cm.example,CAR-7,consent,ended,2025-05-01,2026-01-31
    """
CREDENTIALS = """
    credential_no,person_email,kind,number,issuer,jurisdiction,issued_on,expires_on,status,verified_on,verified_by_email
    C1,j.brandt@cm.example,medical_license,A-448812,Arizona Medical Board,AZ,2024-07-01,2026-06-30,valid,2026-01-10,a.okafor@cm.example
    C2,j.brandt@cm.example,cv,,,,2024-02,,valid,,
    C3,r.silva@cm.example,dea,XY1,DEA,US,2023-01-01,2026-06-01,expired,,
    """  # noqa: E501
EFFORT = """
    effort_no,person_email,protocol_no,period_from,period_to,available_hours,planned_percent,planned_hours,actual_percent,certified_percent
    F1,a.okafor@cm.example,ONC-101,2026-05-01,2026-05-31,160,70,112,65,65
    F2,a.okafor@cm.example,CAR-7,2026-05-01,2026-05-31,160,40,64,30,
    F3,r.silva@cm.example,CAR-7,2026-05-01,2026-05-31,80,50,40,,
    F4,r.silva@cm.example,CAR-7,2026,2026,80,50,40,,
    """
ENROLLMENTS = """
    protocol_no,subject_number,state,enrolled_on,registering_person_email
    CAR-7,C-001,on_treatment,2026-04-01,r.silva@cm.example
    CAR-7,C-002,withdrawn,2026-04-02,r.silva@cm.example
    """
STORY = (
    ("ctms", "files/study", STUDIES), ("hr", "files/roster", ROSTER),
    ("citi", "files/training-requirement", REQUIREMENTS),
    ("citi", "files/training-record", TRAININGS), ("ereg", "files/delegation", DELEGATIONS),
    ("ereg", "files/credential", CREDENTIALS), ("office", "files/effort-record", EFFORT),
    ("ctms", "files/enrollment", ENROLLMENTS),
)  # fmt: skip


def row(columns, *cells):
    return dict(zip(columns.split(), cells, strict=True))


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        (
            {"study": "ONC-101"},
            [("Ada Okafor", "Oncology", "coordinator", "ONC-101", "Good clinical practice", "GCP",
              "expired", "2023-03-01", "2026-03-01", -106, True, "ok")],
        ),
        (
            {"study": "CAR-7", "sort": "person"},
            [("Ada Okafor", "Oncology", "coordinator", "CAR-7", "Good clinical practice", "GCP",
              "expired", "2023-03-01", "2026-03-01", -106, False, "ok"),
             ("Ada Okafor", "Oncology", "coordinator", "CAR-7", "Protocol training",
              "CAR-7 protocol", "missing", None, None, None, False, "ok"),
             ("Jonas Brandt", "Cardiology", "pi", "CAR-7", "Good clinical practice", "GCP",
              "in_grace", "2023-06-05", "2026-06-05", -10, False, "ok"),
             ("Rui Silva", "Cardiology", "coordinator", "CAR-7", "Good clinical practice", "GCP",
              "met", "2025-05-20", "2028-05-20", 705, False, "ok"),
             ("Rui Silva", "Cardiology", "coordinator", "CAR-7", "Protocol training",
              "CAR-7 protocol", "met", "2025-05-21", None, None, False, "ok")],
        ),
    ],
)  # fmt: skip
def test_who_may_not_work(shown, params, rows):
    columns = (
        "person department role study requirement course_group status completed_on expires_on "
        "days_left delegated_without_valid_training dq_flag"
    )
    assert shown("croms_staff_compliance", **params) == [row(columns, *cells) for cells in rows]


def test_what_runs_out_and_whether_it_is_on_file(shown):
    columns = (
        "person department kind kind_native number issuer jurisdiction status status_native "
        "issued_on expires_on days_left evidence has_evidence verified_on verified_by dq_flag"
    )
    assert shown("croms_credentials", sort="expires_on") == [
        row(columns, "Rui Silva", "Cardiology", "dea", None, "***", "DEA", "US", "expired", None,
            "2023-01-01", "2026-06-01", -14, None, False, None, None, "ok"),
        row(columns, "Jonas Brandt", "Cardiology", "medical_license", None, "***812",
            "Arizona Medical Board", "AZ", "valid", None, "2024-07-01", "2026-06-30", 15, None,
            False, "2026-01-10", "Ada Okafor", "ok"),
        row(columns, "Jonas Brandt", "Cardiology", "cv", None, None, None, None, "valid", None,
            "2024-02", None, None, None, False, None, None, "ok"),
    ]  # fmt: skip


def test_who_has_too_much_to_do(shown):
    columns = (
        "person department month studies active_subjects visits effort_planned effort_actual "
        "effort_certified capacity_hours planned_hours actual_hours over_allocated dq_flag"
    )
    # a report of a whole year is of no month, and a withdrawn participant is none to see
    assert shown("croms_workload", month="2026-05", sort="person") == [
        row(columns, "Ada Okafor", "Oncology", "2026-05", 2, 1, 0, 110.0, 95.0, 65.0, 160.0,
            176.0, None, True, "ok"),
        row(columns, "Rui Silva", "Cardiology", "2026-05", 1, 1, 0, 50.0, None, None, 80.0, 40.0,
            None, False, "ok"),
    ]  # fmt: skip


def test_two_courses_of_one_kind_are_one_answer(told):
    told.says(
        "citi", "files/training-record",
        """
        completion_no,person_email,course_code,course_group,status,completed_on,expires_on
        T9,a.okafor@cm.example,GCP-2,GCP,completed,2026-06-01,2029-06-01
        """,
    )  # fmt: skip

    [kept] = told.rows("croms_staff_compliance", study="ONC-101")

    assert (kept["status"], kept["completed_on"]) == ("met", "2026-06-01")
    told.says(
        "citi", "files/training-record",
        """
        completion_no,person_email
        T9,a.okafor@cm.example
        """,
        said="gone",
    )  # fmt: skip
    [kept] = told.rows("croms_staff_compliance", study="ONC-101")
    assert kept["status"] == "expired"


def test_who_sees_one_study_sees_no_list_of_all_staff(shown):
    confined = Principal(name="c", scopes=frozenset({READ}), studies=frozenset({"x"}))

    with pytest.raises(Forbidden, match="of the whole"):
        shown("croms_credentials", principal=confined)
