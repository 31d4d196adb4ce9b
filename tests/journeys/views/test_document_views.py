"""Monitoring, what it found, and the trial master file: told by a vault and the office."""

from __future__ import annotations

_AT = "2026-06-01T08:30:00.000Z"


def document(number, status, *, part="document", **more):
    """A document of the trial master file, as a vault tells it."""
    return ("etmf", f"vault/{part}", {
        "id": number, "document_number__v": f"VV-{number}", "study__v": ["S"],
        "type__v": "Site Management", "subtype__v": "Site Set-up",
        "classification__v": "Form FDA 1572", "status__v": status, "major_version_number__v": 1,
        "minor_version_number__v": 0, "version_modified_date__v": _AT, **more})  # fmt: skip


STORY = (
    ("office", "files/organization", "organization_code,name\nCMH,Cedar Mesa Hospital"),
    ("ctms", "oncore/person", {
        "contactId": 72, "lastName": "Moss", "firstName": "Ian", "email": "ian@a.example"}),
    ("office", "files/study", """
        protocol_no,title,sponsor_code,sponsor_protocol_no
        ONC-101,Agent X,ACME,X-2
        CAR-7,Statins in clinic,,"""),
    ("etmf", "vault/study", {"id": "S", "name__v": "X-2", "modified_date__v": _AT}),
    ("etmf", "vault/study-site", {
        "id": "S1", "name__v": "101", "study__v": "S", "study__vr.name__v": "ONC-101",
        "modified_date__v": _AT}),
    ("office", "files/monitoring-visit", """
        monitoring_visit_no,protocol_no,site_no,visit_no,kind,method,status,planned_from,actual_from,actual_to,monitor_email,report_due_on,report_submitted_on,subjects_reviewed,sdv_percent
        M-1,ONC-101,101,IMV-1,interim,onsite,report_review,2026-05-01,2026-05-04,2026-05-05,ian@a.example,2026-05-15,2026-05-20,4,62.5
        M-2,ONC-101,101,IMV-2,interim,remote,completed,2026-06,2026-06-01,,ian@a.example,2026-06-11,,,
        M-3,ONC-101,101,IMV-3,interim,,cancelled,2026-05-10,,,,2026-05-20,,,
        M-4,CAR-7,,A-1,audit,,planned,2026-08-01,,,,,,,"""),
    ("office", "files/monitoring-finding", """
        monitoring_finding_no,protocol_no,site_no,monitoring_visit_no,finding_no,kind,category,severity,owner_email,opened_on,due_on,closed_on,status,deviation_no
        F-1,ONC-101,101,M-1,AI-1,action_item,consent,major,ian@a.example,2026-05-05,2026-06-05,,in_progress,D-1
        F-2,ONC-101,101,M-1,AI-2,finding,source_data,minor,,2026-05-04,,2026-05-30,closed,"""),
    ("office", "files/deviation", """
        deviation_no,protocol_no,site_no,category,severity,occurred_on,discovered_on,reportable,reported_irb_on,status
        D-1,ONC-101,101,consent,important,2026-05,2026-05-06,yes,2026-05-10,under_review
        D-2,CAR-7,,dosing,minor,2026-05,,no,,resolved"""),
    document(1, "Approved", **{
        "title__v": "1572 of 101", "site__v": ["S1"], "document_date__v": "2026-01-08",
        "effective_date__v": "2026-01-09", "expiration_date__v": "2026-06-20"}),
    document(1, "Approved", part="document-version",
             version_creation_date__v="2026-01-18T15:00:00.000Z"),
    document(2, "Draft", **{"title__v": "Randomisation list", "unblinded_content__v": True}),
    document(3, "Approved", **{"title__v": "Filed by mistake"}),
    ("etmf", "vault/document", {"id": 3, "version_modified_date__v": _AT}, "gone"),
    ("etmf", "vault/expected-document", {
        "id": "E1", "name__v": "Form FDA 1572", "study__v": "S", "site__v": "S1",
        "type__v": "Site Management", "subtype__v": "Site Set-up",
        "classification__v": "Form FDA 1572", "requiredness__v": ["required__v"],
        "expected_date__v": "2026-01-10", "modified_date__v": _AT}),
    ("etmf", "vault/expected-document", {
        "id": "E2", "name__v": "Delegation log", "study__v": "S", "site__v": "S1",
        "requiredness__v": ["required__v"], "expected_date__v": "2026-06-01",
        "modified_date__v": _AT}),
    ("etmf", "vault/expected-document", {
        "id": "E3", "name__v": "Not here", "study__v": "S", "site__v": "S1",
        "requiredness__v": ["not_required__v"], "modified_date__v": _AT}),
)  # fmt: skip


def test_whether_monitoring_is_on_time(known):
    assert known("ctms_monitoring", sort="visit_no") == [
        {"study": "CAR-7", "visit_no": "A-1", "kind": "audit", "planned_from": "2026-08-01",
         "status": "planned", "open_items": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "visit_no": "IMV-1", "kind": "interim",
         "method": "onsite", "planned_from": "2026-05-01", "actual_from": "2026-05-04",
         "actual_to": "2026-05-05", "monitor": "Ian Moss", "status": "report_review",
         "report_due_on": "2026-05-15", "report_submitted_on": "2026-05-20",
         "days_to_report": 15, "days_report_late": 5, "open_items": 1, "oldest_item_days": 41,
         "subjects_reviewed": 4, "sdv_percent": 62.5, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "visit_no": "IMV-2", "kind": "interim",
         "method": "remote", "planned_from": "2026-06", "actual_from": "2026-06-01",
         "monitor": "Ian Moss", "status": "completed", "report_due_on": "2026-06-11",
         "days_report_late": 4, "open_items": 0, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "visit_no": "IMV-3", "kind": "interim",
         "planned_from": "2026-05-10", "status": "cancelled", "report_due_on": "2026-05-20",
         "open_items": 0, "dq_flag": "ok"},
    ]  # fmt: skip


def test_what_is_open(known):
    assert known("ctms_action_items", sort="number", study="ONC-101") == [
        {"study": "ONC-101", "site": "101", "kind": "action_item", "number": "AI-1",
         "category": "consent", "severity": "major", "owner": "Ian Moss",
         "opened_on": "2026-05-05", "due_on": "2026-06-05", "age_days": 41, "days_overdue": 10,
         "open": True, "status": "in_progress", "reportable": True,
         "reported_irb_on": "2026-05-10", "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "kind": "finding", "number": "AI-2",
         "category": "source_data", "severity": "minor", "opened_on": "2026-05-04",
         "closed_on": "2026-05-30", "age_days": 26, "open": False, "status": "closed",
         "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "kind": "deviation", "number": "D-1",
         "category": "consent", "severity": "important", "opened_on": "2026-05-06",
         "age_days": 40, "open": True, "status": "under_review", "reportable": True,
         "reported_irb_on": "2026-05-10", "dq_flag": "ok"},
    ]  # fmt: skip


def test_a_deviation_of_an_uncertain_month_has_no_age(known):
    assert known("ctms_action_items", sort="number", study="CAR-7") == [
        {"study": "CAR-7", "kind": "deviation", "number": "D-2", "category": "dosing",
         "severity": "minor", "opened_on": "2026-05", "open": False, "status": "resolved",
         "reportable": False, "dq_flag": "ok"},
    ]  # fmt: skip


def test_what_an_inspector_would_find_and_what_is_missing(known):
    assert known("ctms_reg_documents", sort="title", study="ONC-101") == [
        {"study": "ONC-101", "site": "101", "title": "1572 of 101", "kind": "form_1572",
         "kind_native": "05.02.08", "tmf_artifact": "05.02.08", "level": "site",
         "version": "1.0", "status": "approved", "status_native": "Approved",
         "effective_on": "2026-01-09", "expires_on": "2026-06-20", "days_to_expiry": 5,
         "expected": True, "missing": False, "dq_flag": "ok"},
        {"study": "ONC-101", "site": "101", "title": "Delegation log", "level": "site",
         "status": "missing", "expected": True, "missing": True, "due_on": "2026-06-01",
         "days_overdue": 14, "dq_flag": "ok"},
        {"study": "ONC-101", "kind": "form_1572", "kind_native": "05.02.08",
         "tmf_artifact": "05.02.08", "level": "trial", "version": "1.0", "status": "draft",
         "status_native": "Draft", "expected": False, "missing": False, "dq_flag": "ok"},
    ]  # fmt: skip


def test_how_complete_the_trial_master_file_is(known):
    assert known("ctms_tmf_health", sort="zone") == [
        {"study": "ONC-101", "zone": "05", "zone_name": "Site Management", "expected": 1,
         "filed": 1, "complete_percent": 100.0, "overdue": 0, "median_days_to_file": 10.0,
         "documents": 2, "quality_issues": 1, "dq_flag": "ok"},
        {"study": "ONC-101", "zone": "none", "expected": 1, "filed": 0, "complete_percent": 0.0,
         "overdue": 1, "documents": 0, "quality_issues": 0, "dq_flag": "ok"},
    ]  # fmt: skip
