"""What a view showed on another day, and as was known then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.clock import micros
from hub.query import BadQuery


def on(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


MARCH, APRIL, MAY = on("2026-03-01"), on("2026-04-01"), on("2026-05-01")
STORY = (
    ("office", "files/organization", "organization_code,name\nCMH,Cedar Mesa Hospital"),
    ("office", "files/study", "protocol_no,title,status\nCAR-7,Statins,approved"),
)
STUDY = "protocol_no,title,status,target_enrolment\nONC-101,Agent X,{},{}"
SITE = "protocol_no,organization_code,site_no,status\nONC-101,CMH,101,{}"
SUBJECT = """protocol_no,site_no,research_id,subject_number,state,enrolled_on
    ONC-101,101,R1,S-1,{},2026-03-20"""


@pytest.fixture(scope="module")
def lived(told):
    """A study that opened in March, enrolled in April and is closed in May; what happened in April
    was heard of in May."""
    for day, heard, status, site, subject in (
        (MARCH, MARCH, "approved", "start_up", ""),
        (APRIL, MAY, "open_to_accrual", "enrolling", "enrolled"),
        (MAY, MAY, "closed_to_accrual", "follow_up", "completed"),
    ):
        told.context.clock = lambda heard=heard: micros(heard)
        told.says("office", "files/study", STUDY.format(status, 4), at=day)
        told.says("office", "files/study-site", SITE.format(site), at=day)
        if subject:
            told.says("office", "files/enrollment", SUBJECT.format(subject), at=day)
    return told


def overview(lived, **params):
    [row] = lived.rows("ctms_study_overview", study="ONC-101", **params)
    return row["status"], row["enrolled"], row["completed"], row["sites_active"]


@pytest.mark.parametrize(
    ("params", "shows"),
    [
        ({}, ("closed_to_accrual", 1, 1, 1)),
        ({"as_of": "2026-03-15"}, ("approved", 0, 0, 0)),
        ({"as_of": "2026-04-15"}, ("open_to_accrual", 1, 0, 1)),
        ({"as_of": "2026-04-15", "known_at": "2026-04-15"}, ("approved", 0, 0, 0)),
        ({"known_at": "2026-04-15"}, ("approved", 0, 0, 0)),
    ],
)
def test_a_view_as_it_was(lived, params, shows):
    assert overview(lived, **params) == shows


def test_the_day_is_the_one_asked_about(lived):
    [row] = lived.rows("ctms_site_performance", study="ONC-101", as_of="2026-04-19")

    assert (row["open_since"], row["enrolled_per_month"]) == ("2026-03-20", 1.01)
    assert row["institution"] == "Cedar Mesa Hospital"


def test_a_study_that_was_not_there_yet_has_no_row(lived):
    assert lived.rows("ctms_study_overview", study="ONC-101", as_of="2026-02-01") == []


@pytest.mark.parametrize(
    ("view", "params", "says"),
    [
        ("ctms_study_overview", {}, "expected study="),
        ("croms_integration_health", {"study": "ONC-101"}, "has no past"),
    ],
)
def test_what_cannot_be_asked_of_the_past_says_why(lived, view, params, says):
    with pytest.raises(BadQuery, match=says):
        lived.rows(view, as_of="2026-03-15", **params)
