"""The operators of survivorship, each on two or three voices."""

from __future__ import annotations

import pytest

from hub.choose import Voice, agree, choose
from hub.policy import PERSON, Policy, System
from hub.rules import Rule
from hub.things import Assertion

ORDER = ("CTMS", "EDC", "EHR")
GONE = {"removed": True}


def voice(system, value, at=1, echo=False):
    said = Assertion(at, 1, "Study", at, at, "", "stated", {"f": value})
    said.echo = frozenset({"f"} if echo else ())
    return Voice(system, said, value)


def chosen(by, *voices):
    policy = Policy(
        systems={name: System(name, name.upper()) for name in ("ctms", "edc", "ehr")},
        rules={"Study": {"f": Rule(order=ORDER, by=by)}},
    )
    winner, value = choose(policy, "Study", "f", voices)
    return winner.system, value


@pytest.mark.parametrize(
    ("by", "winner", "value"),
    [
        ("authority", "ctms", "2026-03-02"),
        ("most_recent", "ehr", "2026-03-09"),
        ("min", "edc", "2026-03-01"),
        ("max", "ehr", "2026-03-09"),
    ],
)
def test_an_operator_says_which_of_three_dates_counts(by, winner, value):
    said = (
        voice("ctms", "2026-03-02", 5), voice("edc", "2026-03-01", 4), voice("ehr", "2026-03-09", 9)
    )  # fmt: skip

    assert chosen(by, *said) == (winner, value)
    assert chosen(by, *reversed(said)) == (winner, value)


def test_amounts_are_compared_as_numbers():
    assert chosen("max", voice("ctms", "9.50"), voice("edc", "10.00")) == ("edc", "10.00")


def test_of_one_day_and_its_month_the_day_is_more():
    said = voice("ctms", "2026-03"), voice("edc", "2026-03-05")

    assert chosen("min", *said) == ("edc", "2026-03-05")
    assert chosen("most_complete", *said) == ("edc", "2026-03-05")


@pytest.mark.parametrize("by", ["min", "max"])
def test_a_year_alone_is_a_date_beside_dates_and_no_number(by):
    said = voice("ctms", "2026"), voice("edc", "2026-03-05"), voice("ehr", "2026-03")

    assert chosen(by, *said) == ("edc", "2026-03-05")


def test_a_union_has_every_value_once_the_strongest_systems_first():
    said = voice("edc", ["asian", "white"]), voice("ctms", ["white", "other"])

    assert chosen("union", *said) == ("ctms", ["white", "other", "asian"])


@pytest.mark.parametrize("by", ["authority", "most_recent", "most_complete", "min", "max", "union"])
def test_what_a_person_says_beats_every_operator(by):
    said = voice("ctms", ["a", "b"], 9), voice(PERSON, ["c"], 2), voice("edc", ["d"], 10)

    assert chosen(by, *said) == (PERSON, ["c"])


@pytest.mark.parametrize("by", ["authority", "most_recent", "most_complete", "min", "max"])
def test_what_is_not_known_gives_way_and_an_echo_comes_last(by):
    said = voice("ctms", None, 9), voice("edc", "2026-03-05", 8, echo=True), voice("ehr", "2026", 1)

    assert chosen(by, *said) == ("ehr", "2026")


def test_removed_by_the_strongest_leaves_no_value_where_authority_counts():
    said = voice("ctms", GONE, 9), voice("edc", "2026-03-05", 8)

    assert chosen("authority", *said) == ("ctms", GONE)
    assert chosen("min", *said) == ("edc", "2026-03-05")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2026-03", "2026-03-05", True),
        ("2026-03", "2026-04-05", False),
        ("2026-03-05", "2026-03-05T08:30Z", True),
        ("enrolled", "enrol", False),
        (3, 3, True),
        ("", "2026", False),
    ],
)
def test_two_values_agree_as_far_as_both_are_precise(one, other, same):
    assert agree(one, other) is same
    assert agree(other, one) is same


def test_how_far_a_receivable_is_says_the_erp_and_what_it_is_the_ctms():
    policy = Policy(systems={"ctms": System("ctms", "CTMS"), "erp": System("erp", "ERP")})
    early, late = voice("erp", "paid", 1), voice("ctms", "invoiceable", 9)

    assert choose(policy, "Receivable", "status", (early, late)) == (early, "paid")
    assert choose(policy, "Receivable", "amount", (early, late)) == (late, "invoiceable")
    tolerance = policy.rule("Receivable", "status").tolerance
    assert tolerance is not None
    assert tolerance.anything
