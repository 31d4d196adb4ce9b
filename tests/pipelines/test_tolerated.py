"""What a deployment says of the checks is read, and every mistake in it told."""

from __future__ import annotations

from hub.checks import CHECKS
from hub.checks.settings import Checks
from hub.policy import Policy, System
from mappings.mistakes import Mistakes
from pipelines import settings, tolerated


def read(folder, text):
    (folder / "policies").mkdir()
    (folder / "policies" / "checks.yaml").write_text(text)
    mistakes = Mistakes()
    return tolerated.checks(folder, mistakes), [(m.line, m.expected) for m in mistakes.found]


def test_without_a_file_all_is_as_built_in(tmp_path):
    assert tolerated.checks(tmp_path, Mistakes()) == Checks()


def test_a_tolerance_is_a_number_over_the_default(tmp_path):
    found, mistakes = read(tmp_path, "enrolment: {behind_days: 14}\n")

    assert mistakes == []
    assert found.tolerance(CHECKS["enrolment"])["behind_days"] == 14


def test_a_check_can_be_switched_off(tmp_path):
    found, _ = read(tmp_path, "enrolment: off\n")

    assert "enrolment" not in [check.name for check in found.on()]


def test_a_system_can_be_seen_in_another_role(tmp_path):
    found, mistakes = read(tmp_path, "roles: {register: EHR}\n")
    policy = Policy(systems={"register": System("register", "CTMS"), "edc": System("edc", "EDC")})

    assert mistakes == []
    assert [found.seen(policy).role(name) for name in ("register", "edc")] == ["EHR", "EDC"]
    assert policy.role("register") == "CTMS"
    assert found.digest(policy) != Checks().digest(policy)


def test_a_role_that_there_is_not_is_told(tmp_path):
    _, mistakes = read(tmp_path, "roles: {register: HOSPITAL}\n")

    assert mistakes[0][0] == 1
    assert "EHR" in mistakes[0][1]


def test_what_it_does_not_know_is_told_with_what_it_does(tmp_path):
    text = "enrollment: off\nenrolment: {days: 1, behind_days: soon}\n"

    _, mistakes = read(tmp_path, text)

    assert [line for line, _ in mistakes] == [1, 2, 2]
    assert "enrolment" in mistakes[0][1]
    assert "behind_days" in mistakes[1][1]
    assert mistakes[2][1] == "a whole number from 0 on"


def test_a_settler_that_rests_makes_the_checks_that_the_policy_wants(small_house, adt):
    """The message is of some time ago, so that its system has been silent since."""
    house = small_house
    house.checks = True
    house.keep(adt("A", 1))
    house.settle()
    silent = (
        "select count(*) from finding where rule = 'check.silence.silent' and closed_at is null"
    )
    assert house.rows(silent) == [(1,)]

    (house.folder / "policies").mkdir(exist_ok=True)
    (house.folder / "policies" / "checks.yaml").write_text("silence: off\n")
    house.deployment = settings.load(house.folder)
    house.settle()
    assert house.rows(silent) == [(0,)]
