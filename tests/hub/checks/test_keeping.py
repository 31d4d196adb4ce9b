"""What checks find becomes findings that are opened once and close by themselves."""

from __future__ import annotations

import json
from datetime import date

import pytest

from hub.checks import CHECKS
from hub.checks.check import Discrepancy, Evidence
from hub.checks.keeping import keep

CHECK = CHECKS["enrolment"]
TODAY = date(2026, 3, 12)


def wrong(about="ehr", says="on study", **changed):
    return Discrepancy(
        **{
            "kind": "status-behind", "entity": "Enrollment", "id": "e1", "study": "s1",
            "about": about, "sentence": f"S-0012 is {says}.", "act": "the coordinator",
            "since": date(2026, 3, 2), "evidence": (Evidence(system="ehr", says=says, at=1),),
        } | changed
    )  # fmt: skip


@pytest.fixture
def run(store, keyring):
    def keeping(*found, now=1_000_000, today=TODAY, scopes=("s1",)):
        with store.transaction():
            return keep(store, keyring, CHECK, scopes, found, now=now, today=today)

    return keeping


def rows(store, what, where="closed_at is null"):
    return store.all(f"select {what} from finding where {where} order by place, id")


def sign_off(store, until=None):
    store.run(
        "update finding set signed_off_at = 5, signed_off_by = 'anna', signed_off_until = ?",
        (until,),
    )


def test_it_is_opened_once_with_its_evidence_and_its_age(store, run):
    run(wrong())
    again = run(wrong(), now=2_000_000)

    assert not again.changed
    [(rule, found, study, since, owner, evidence, opened)] = rows(
        store, "rule, found, study_id, since, owner, evidence, opened_at"
    )
    assert (rule, found) == ("check.enrolment.status-behind", "S-0012 is on study.")
    assert (study, since, owner, opened) == ("s1", "2026-03-02", "the coordinator", 1_000_000)
    assert json.loads(evidence) == [{"system": "ehr", "says": "on study", "of": "", "at": 1}]


def test_what_is_not_found_any_more_is_closed_and_opened_anew_when_it_comes_back(store, run):
    run(wrong())
    assert run(now=2_000_000).closed == 1
    run(wrong(), now=3_000_000)

    assert rows(store, "opened_at, closed_at", "true") == [
        (1_000_000, 2_000_000), (3_000_000, None),
    ]  # fmt: skip


def test_findings_of_another_study_are_left_alone(store, run):
    run(wrong())

    assert run(scopes=("s2",)).closed == 0
    with pytest.raises(ValueError, match="was not asked of"):
        run(wrong(), scopes=("s2",))


def test_it_says_what_is_said_now_and_keeps_who_a_person_gave_it_to(store, run):
    run(wrong())
    store.run("update finding set owner = 'bert'")

    assert run(wrong(says="on treatment", act="the desk")).reworded == 1
    assert rows(store, "found, expected, owner") == [
        ("S-0012 is on treatment.", "the desk", "bert")
    ]


def test_what_was_signed_off_stays_so_while_systems_repeat_what_they_said(store, run):
    run(wrong())
    sign_off(store)
    run(wrong(evidence=(Evidence(system="ehr", says="on study", of="S-0012 of 5", at=99),)))

    assert rows(store, "signed_off_by") == [("anna",)]


def test_it_comes_back_when_a_system_says_something_else(store, run):
    run(wrong())
    sign_off(store)

    assert run(wrong(says="on treatment")).returned == 1
    assert rows(store, "signed_off_at, signed_off_by") == [(None, None)]


def test_it_comes_back_when_its_day_is_over(store, run):
    run(wrong())
    sign_off(store, until="2026-03-12")

    run(wrong(), today=date(2026, 3, 12))
    assert rows(store, "signed_off_by") == [("anna",)]
    assert run(wrong(), today=date(2026, 3, 13)).returned == 1
    assert rows(store, "signed_off_by") == [(None,)]


def test_the_same_found_twice_is_one_finding(store, run):
    assert run(wrong(), wrong()).opened == 1
