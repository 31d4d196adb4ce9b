"""The policy file: what it may say, and what every mistake in it is told as."""

from __future__ import annotations

import pytest

from hub.rules import Rule, Tolerance
from mappings.mistakes import Mistakes
from pipelines import policies

ROLES = ("CTMS", "EDC", "EHR", "EREG")


def read(tmp_path, text):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "survivorship.yaml").write_text(text)
    mistakes = Mistakes()
    return policies.survivorship(tmp_path, ROLES, mistakes), [str(m) for m in mistakes.found]


def test_a_list_is_an_order_and_a_table_a_rule_over_the_built_in_order(tmp_path):
    found, mistakes = read(
        tmp_path,
        "Enrollment:\n"
        "  state: [EDC, CTMS]\n"
        "  enrolled_on: {by: min, tolerance: {days: 3}, approve: [EDC]}\n"
        "Charge:\n"
        "  amount: {order: [EHR], tolerance: {amount: 0.05}}\n"
        "  procedure_code: {tolerance: anything}\n",
    )

    assert mistakes == []
    assert found["Enrollment"]["state"] == Rule(order=("EDC", "CTMS"))
    assert found["Enrollment"]["enrolled_on"] == Rule(
        order=("CTMS", "EDC", "EHR"), by="min", tolerance=Tolerance(days=3), approve=("EDC",)
    )
    assert found["Charge"]["amount"].tolerance == Tolerance(amount="0.05")
    assert found["Charge"]["procedure_code"] == Rule(
        order=("EHR", "ERP"), tolerance=Tolerance(anything=True)
    )


@pytest.mark.parametrize(
    ("said", "found", "expected"),
    [
        ("state: {by: newest}", "by: 'newest'", "most_recent"),
        ("state: {by: max}", "by: max for Enrollment.state (code)", "date or instant"),
        ("'*': {by: min}", "by: min for all fields of Enrollment", "a field that is date"),
        ("state: {older: CTMS}", "the word 'older'", "order"),
        ("state: {tolerance: {days: some}}", "a tolerance that is no number from 0 on", "days: 3"),
        ("state: {tolerance: {weeks: 1}}", "a tolerance of another form", "days: 3"),
        ("state: {order: CTMS}", "no list", "roles, strongest first"),
        ("state: CTMS", "Enrollment.state without a list", "roles, strongest first"),
        ("state: [LAB]", "the role 'LAB'", "CTMS"),
        ("status: [CTMS]", "the field Enrollment.status", "state"),
    ],
)
def test_a_mistake_names_what_was_found_and_what_would_do(tmp_path, said, found, expected):
    _, mistakes = read(tmp_path, f"Enrollment:\n  {said}\n")

    [one] = mistakes
    assert one.startswith("policies/survivorship.yaml:2:")
    assert found in one
    assert expected in one.partition("; expected ")[2]
