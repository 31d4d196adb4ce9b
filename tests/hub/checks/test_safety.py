"""Check 9: clocks of reporting, and events that systems tell in two ways."""

from __future__ import annotations

import pytest

from hub.statement import Identifier, Ref, Stated
from tests.hub.checks.test_enrolment import study, subject

GRAVE = {"kind": "sae", "serious": True, "onset_on": "2026-03-01", "aware_on": "2026-03-02"}


def event(number, **fields):
    said = {"study": Ref("Study", "p1"), "enrollment": Ref("Enrollment", "S-0005")}
    ids = (Identifier("safety_event_no", number, "ACME"),)
    return Stated(entity="SafetyEventRef", key=number, identifiers=ids, fields=said | fields)


def deviation(number, **fields):
    said = {"study": Ref("Study", "p1"), "deviation_no": number, "severity": "major"}
    return Stated(entity="Deviation", key=number, fields=said | fields)


@pytest.fixture
def edc(tell):
    def says(*given, system="edc"):
        tell(study(), subject("S-0005", "on_treatment"), *given, system=system)

    return says


def test_a_serious_event_that_never_reached_the_sponsor(edc, found):
    edc(event("1", **GRAVE), event("2", **GRAVE, reported_sponsor_on="2026-03-03"))

    [one] = found("safety")

    assert one.kind == "sponsor-clock"
    assert one.sentence == (
        "ONC-101 S-0005, SAE of 2026-03-01: known since 2026-03-02, it has not been reported to "
        "the sponsor; it was due on 2026-03-03."
    )
    assert (one.act, str(one.since)) == ("the principal investigator", "2026-03-03")


def test_an_unexpected_related_one_is_for_irb_and_authority_too(edc, found):
    told = GRAVE | {"related": True, "expected": False, "criteria": ["death"],
                    "reported_sponsor_on": "2026-03-02"}  # fmt: skip
    edc(event("1", **told, reported_irb_on="2026-03-11"))

    authority, irb = found("safety")

    assert authority.sentence.endswith(
        "not been reported to the authority; it was due on 2026-03-09."
    )
    assert irb.sentence.endswith("reported to the IRB on 2026-03-11; it was due on 2026-03-07.")


def test_an_expected_one_is_for_the_sponsor_alone(edc, found):
    edc(event("1", **GRAVE, related=True, expected=True, reported_sponsor_on="2026-03-02"))

    assert found("safety") == []


def test_a_clock_runs_from_the_day_somebody_was_aware_and_not_from_the_event(edc, found):
    edc(event("1", **GRAVE | {"onset_on": "2026-01-01", "aware_on": "2026-03-11"}))

    assert found("safety") == []


def test_two_systems_tell_one_event_in_two_ways(edc, found):
    told = {"reported_sponsor_on": "2026-03-02"}
    edc(event("1", **GRAVE, **told, related=True, expected=True))
    edc(event("1", **GRAVE, **told, related=False, expected=True), system="ctms")

    [one] = found("safety")

    assert one.kind == "told-apart"
    assert one.sentence == (
        "ONC-101 S-0005, SAE of 2026-03-01: related is no in ctms and yes in edc."
    )


def test_a_serious_event_that_a_system_with_others_lacks(edc, found):
    known = GRAVE | {"reported_sponsor_on": "2026-03-02"}
    edc(event("1", **known), event("2", **known))
    edc(event("2", **known), system="ctms")

    [one] = found("safety")

    assert one.kind == "missing-in"
    assert one.sentence == (
        "ONC-101 S-0005: the serious event of 2026-03-01 is in edc, and the CTMS does not have it."
    )


def test_a_deviation_that_the_irb_must_hear_of(edc, found):
    edc(deviation("D-1", discovered_on="2026-02-20"),
        deviation("D-2", discovered_on="2026-02-20", reported_irb_on="2026-02-25"),
        deviation("D-3", discovered_on="2026-02-20", reportable=False),
        deviation("D-4", discovered_on="2026-02-20", severity="minor"),
        deviation("D-5", discovered_on="2026-03-05"))  # fmt: skip

    [one] = found("safety")

    assert one.sentence == (
        "ONC-101 deviation D-1: found on 2026-02-20, it has not reached the IRB; it was due on "
        "2026-03-02."
    )
