"""The page about the checks, the example of their policy and the checks themselves agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.checks import CHECKS, pages
from mappings.mistakes import Mistakes
from pipelines import tolerated

ROOT = Path(__file__).parents[3]
NAMES = ("enrolment", "delegation", "consent", "documents", "billing", "cash", "sequence",
         "leavers", "safety", "registry", "ledger", "silence")  # fmt: skip


def test_the_committed_page_and_example_are_current():
    told = "run: python -m hub.checks.pages"
    assert (ROOT / pages.PAGE).read_text() == pages.page(), told
    assert (ROOT / pages.EXAMPLE).read_text() == pages.example(), told


def test_the_example_is_a_policy_that_changes_nothing(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "checks.yaml").write_text(pages.example())
    mistakes = Mistakes()

    found = tolerated.checks(tmp_path, mistakes)

    assert [str(one) for one in mistakes.found] == []
    assert all(found.tolerance(one) == one.tolerances for one in CHECKS.values())


def test_there_are_twelve_in_their_order():
    assert tuple(CHECKS) == NAMES
    assert [one.number for one in CHECKS.values()] == list(range(1, 13))


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda one: one.name)
def test_a_check_says_all_there_is_to_say_of_it(check):
    assert check.title
    assert check.says.endswith(".")
    kinds = [kind.name for kind in check.kinds]
    assert len(set(kinds)) == len(kinds) > 0
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) and name != "failed" for name in kinds)
    assert all(len(check.rule(name)) <= 60 for name in kinds)
    assert all(kind.says and kind.act for kind in check.kinds)
    assert set(check.tolerances) == set(check.tolerates)
