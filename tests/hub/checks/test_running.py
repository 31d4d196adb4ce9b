"""Checks run meanwhile: what has changed is checked anew, everything once a day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.checks import CHECKS, running
from hub.checks.reach import reach
from hub.checks.running import Checking
from hub.checks.settings import Checks
from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.test_enrolment import study, subject

DAY = 86_400_000_000


class Clock:
    now = 1_773_316_800_000_000  # 2026-03-12T12:00Z

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def checking(context, store, keyring, clock):
    return Checking(
        session=store, keyring=keyring, clock=clock, chain="test", policy=context.policy
    )


def run(checking):
    turns = 0
    while checking.look():
        turns += 1
        assert turns < 50
    return turns


def disagree(tell):
    left = subject("S-0012", "off_study", off_study_on="2026-03-02")
    tell(study("ctms"), left, system="ctms")
    tell(study("ehr"), subject("S-0012", "on_treatment"), system="ehr")


def findings(store):
    return store.all(
        "select rule, closed_at is null from finding where rule like 'check.%' order by id"
    )


def test_a_start_looks_at_everything_and_then_rests(tell, checking, store):
    disagree(tell)

    assert run(checking) > 0
    assert findings(store) == [("check.enrolment.status-behind", 1)]
    assert checking.look() is False
    assert store.one("select count(*) from check_due") == (0,)


def test_what_changes_is_checked_anew(tell, checking, store):
    disagree(tell)
    run(checking)
    tell(subject("S-0012", "off_study"), system="ehr")

    run(checking)
    assert findings(store) == [("check.enrolment.status-behind", 0)]


def test_a_day_that_goes_by_can_make_it_wrong(tell, checking, store, clock):
    left = subject("S-0012", "off_study", off_study_on="2026-03-10")
    tell(study("ctms"), left, system="ctms")
    tell(study("ehr"), subject("S-0012", "on_treatment"), system="ehr")
    run(checking)
    assert findings(store) == []

    clock.now += DAY
    run(checking)
    assert findings(store) == [("check.enrolment.status-behind", 1)]


def test_another_policy_is_another_look_at_everything(tell, checking, store):
    disagree(tell)
    run(checking)
    checking.checks = Checks(tolerances={"enrolment": {"behind_days": 30}})

    run(checking)
    assert findings(store) == [("check.enrolment.status-behind", 0)]


def test_a_check_that_is_switched_off_has_no_findings(tell, checking, store):
    disagree(tell)
    run(checking)
    checking.checks = Checks(off=frozenset({"enrolment"}))

    run(checking)
    assert findings(store) == [("check.enrolment.status-behind", 0)]


def test_the_audit_tells_what_a_check_changed(tell, checking, store):
    disagree(tell)
    run(checking)

    assert store.all("select actor, object, detail from audit where action = 'check'") == [
        ("checks", "enrolment", '{"opened":1,"reworded":0,"closed":0,"returned":0}')
    ]


def test_a_record_reaches_its_study_through_others_and_a_person_theirs(tell, store):
    tell(
        study("ctms"),
        subject("S-1", "enrolled"),
        Stated(
            entity="ParticipantVisit", key="v1", fields={"enrollment": Ref("Enrollment", "S-1")}
        ),
        Stated(
            entity="VisitProcedure", key="q1",
            fields={"participant_visit": Ref("ParticipantVisit", "v1")},
        ),
        Stated(
            entity="Person", key="e1", fields={"family_name": "Moreno"},
            identifiers=(Identifier("hr_id", "E217", "CEDARMESA"),),
        ),
        Stated(
            entity="Delegation", key="d1",
            fields={"person": Ref("Person", "e1"), "study": Ref("Study", "p1")},
        ),
        Stated(entity="Credential", key="c1", fields={"person": Ref("Person", "e1")}),
        system="ctms",
    )  # fmt: skip
    [(known,)] = store.all("select id from study")
    [(person,)] = store.all("select id from person")

    for entity in ("visit_procedure", "credential"):
        [(one,)] = store.all(f"select id from {entity}")
        name = {"visit_procedure": "VisitProcedure", "credential": "Credential"}[entity]
        found = reach(store, {name: [one]})
        assert found.studies == {known}
    assert found.people == {person}


def broken(look):
    raise KeyError("state")
    yield


def test_a_check_that_fails_says_so_and_leaves_what_it_found(tell, checking, store, monkeypatch):
    disagree(tell)
    run(checking)
    whole = CHECKS["enrolment"]
    monkeypatch.setattr(running, "CHECKS", {"enrolment": replace(whole, find=broken)})
    tell(subject("S-0012", "off_study"), system="ehr")
    run(checking)
    run(checking)

    assert findings(store) == [
        ("check.enrolment.status-behind", 1), ("check.enrolment.failed", 1),
    ]  # fmt: skip
    monkeypatch.setattr(running, "CHECKS", {"enrolment": whole})
    tell(subject("S-0012", "off_study"), system="edc")
    run(checking)
    assert findings(store) == [
        ("check.enrolment.status-behind", 0), ("check.enrolment.failed", 0),
    ]  # fmt: skip


def test_a_study_that_was_dear_to_check_rests_for_a_while(tell, checking, store):
    disagree(tell)
    run(checking)
    [(one,)] = store.all("select id from study")
    checking._rest("study", [one], 0.1)  # that was cheap
    assert not checking._rests("study", one)
    checking._rest("study", [one], 100.0)
    tell(subject("S-0012", "off_study"), system="ehr")
    run(checking)

    assert findings(store) == [("check.enrolment.status-behind", 1)]
    assert store.one("select count(*) from check_due") == (1,)
    checking.resting.clear()  # the time goes by
    run(checking)
    assert findings(store) == [("check.enrolment.status-behind", 0)]
