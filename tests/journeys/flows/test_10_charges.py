"""The hospital charges something that was done to a subject of a study. Before anybody is billed,
the billing office looks at it: its queue says which study and subject, who pays for the procedure
there, and whether the subject was on the study that day. The hub releases nothing."""

import itertools
from decimal import Decimal

import pytest

from crohub.sandbox import adt
from crohub.sandbox.er7 import joined, segment
from crohub.sandbox.planted import subject
from mappings.code_tables import load_codes
from mappings.collection import load_library

FLOW, PIPELINE = "charges to billing review", "flow-charges"
WHY = "one enrollment that fits the charge is not known yet"
ECG, SCAN, LABORATORY = ("93000", "150.00"), ("71260", "1840.00"), ("80053", "42.17")
_numbers = itertools.count(1)


def pid(mrn):
    return segment("PID", {1: "1", 3: joined(mrn, "", "", "CEDARMESA", "MR"),
                           5: joined("STOREY", "ADA"), 7: "19710514", 8: "F"})  # fmt: skip


def known(institute, number):
    """The patient whom the hospital has known all along as a subject of ONC-101, as it says it."""
    return adt.pid(institute.world.patients[subject(institute.world, number).mrn])


def arrives(institute, mrn):
    """The hospital knows somebody by their number, as it does before it charges anything."""
    visit = segment("PV1", {1: "1", 2: "O", 19: f"VST{next(_numbers)}"})
    assert institute.says("ADT^A04^ADT_A01", pid(mrn), visit) == "AA"


def charges(institute, mrn, what=ECG, *, on="20260309", study="ONC-101", **more):
    """The hospital charges somebody for something; its number of the charge."""
    code, amount = what
    number, mode = more.get("number") or f"TST{next(_numbers):05}", more.get("mode", "P")
    charge = segment("FT1", {
        1: "1", 2: number, 4: on, 5: on, 6: "CG", 7: joined(code, "Something", "CDM"), 10: "1",
        11: f"{more.get('amount', amount)}&USD", 19: joined("Z00.6", "Research", "I10"),
        25: joined(code, "Something", "C4"),
    })  # fmt: skip
    trial = (segment("CTI", {1: joined(study, "CEDARMESA")}),) if study else ()
    visit = segment("PV1", {1: "1", 2: "O", 19: f"VST{next(_numbers)}"})
    who = more.get("who") or pid(mrn)
    said = ("DFT^P03^DFT_P03", segment("EVN", {2: f"{on}120000"}), who, visit, charge, *trial)
    assert institute.says(*said, mode=mode) == "AA"
    institute.settled()
    return number


def queue(institute, number):
    """The billing office's rows of a charge, from files whose totals held."""
    rows = institute.institution.review.read()
    assert institute.institution.review.refused == {}
    return [row for row in rows if row["charge_no"] == number]


def queued(institute, number):
    """The one row of a charge, as soon as it is there."""
    institute.until(lambda: queue(institute, number), "the row in the queue")
    [row] = queue(institute, number)
    return row


def held(institute, number):
    """Why the hub says nothing of a charge that it knows."""
    one = institute.record("charges", "charge_no", number)
    [waits] = institute.deliveries(PIPELINE, one["id"])
    assert waits["state"] == "waiting"
    return waits["detail"]


@pytest.fixture
def enrolled(institute):
    """Makes subjects, known to the hospital as well."""

    def make(study="onc101", **more):
        who = institute.enrols(study, **{"onStudyDate": "2026-02-24"} | more)
        institute.pull("ctms-demographics", "ctms-subjects")
        arrives(institute, who.mrn)
        return who

    return make


def test_a_charge_of_a_subject_is_queued_with_who_pays_for_it(institute, enrolled):
    who = enrolled()
    row = queued(institute, charges(institute, who.mrn))

    assert (row["study"], row["subject"]) == ("ONC-101", who.number)
    assert (row["procedure_code"], row["service_on"]) == ("93000", "2026-03-09")
    assert (row["coverage"], row["on_study"]) == ("research_paid", "yes")
    assert (Decimal(row["amount"]), row["currency"]) == (Decimal("150.00"), "USD")
    assert row["research_diagnosis"] == "true"


def test_a_scan_after_the_study_is_seen_beside_the_same_scan_on_it(institute):
    """S-0012 left on 2 March, of which the register has not heard; S-0008 is on study."""
    left, stays = "S-0012", "S-0008"
    rows = [
        queued(institute, charges(institute, "", SCAN, who=known(institute, number)))
        for number in (left, stays)
    ]

    registered = institute.fhir(f"ResearchSubject/{subject(institute.world, left).id}")
    in_ctms = institute.record("enrollments", "registration_no", 60_012)
    assert registered["status"] == "on-study-intervention"
    assert (in_ctms["state"], in_ctms["off_study_on"]) == ("off_study", "2026-03-02")
    assert [(row["subject"], row["on_study"]) for row in rows] == [(left, "no"), (stays, "yes")]
    assert {(row["procedure_code"], row["amount"], row["coverage"]) for row in rows} == {
        ("71260", "1840.00", "routine_care")
    }


def test_of_what_no_coverage_analysis_speaks_nothing_is_guessed(institute, enrolled):
    row = queued(institute, charges(institute, enrolled().mrn, LABORATORY))

    assert (row["procedure_code"], row["coverage"]) == ("80053", "none known")


def test_a_charge_of_somebody_in_no_study_stays_outside(institute):
    before, mrn = institute.counts(FLOW)["triggered"], institute.mrn()
    arrives(institute, mrn)
    number = charges(institute, mrn)
    institute.rest()

    assert institute.find("charges", "charge_no", number) == []
    assert queue(institute, number) == []
    assert institute.counts(FLOW)["triggered"] == before


def test_a_charge_that_names_a_study_without_an_enrollment_waits_for_it(institute, enrolled):
    who = enrolled("onc101")
    number = charges(institute, who.mrn, study="CAR-204")
    institute.rest()
    reason, nothing = held(institute, number), queue(institute, number)
    institute.enrols("car204", mrn=who.mrn, onStudyDate="2026-03-05")
    institute.pull("ctms-demographics", "ctms-subjects")

    row = queued(institute, number)
    assert (reason, nothing) == (WHY, [])
    assert (row["study"], row["on_study"]) == ("CAR-204", "yes")


def test_a_charge_of_one_on_two_studies_that_names_none_is_nobodys_guess(institute, enrolled):
    who = enrolled("onc101")
    only = queued(institute, charges(institute, who.mrn, study=""))
    institute.enrols("car204", mrn=who.mrn)
    institute.pull("ctms-demographics", "ctms-subjects")
    number = charges(institute, who.mrn, study="")
    institute.rest()

    assert (only["study"], only["subject"]) == ("ONC-101", who.number)
    assert held(institute, number) == WHY
    assert queue(institute, number) == []


def test_a_charge_is_queued_again_only_when_it_costs_something_else(institute, enrolled):
    who = enrolled()
    number = charges(institute, who.mrn)
    queued(institute, number)
    charges(institute, who.mrn, number=number)
    institute.rest()
    once = queue(institute, number)
    charges(institute, who.mrn, number=number, amount="175.50")
    institute.until(lambda: len(queue(institute, number)) == 2)

    assert len(once) == 1
    assert sorted(row["amount"] for row in queue(institute, number)) == ["150.00", "175.50"]


def test_a_test_message_charges_nobody(institute, enrolled):
    number = charges(institute, enrolled().mrn, mode="T")
    institute.rest()

    assert queue(institute, number) == []


def test_nothing_that_the_hub_says_releases_a_charge(institute, enrolled):
    number = charges(institute, enrolled().mrn)
    queued(institute, number)
    institute.rest()

    outbound = load_library(codes=load_codes(), packaged=True).outbound
    about = {name for name, one in outbound.items() if one.entity == "Charge"}
    assert about == {"files/charge-review"}
    assert not [name for name, one in outbound.items() if one.message[:3] in ("DFT", "BAR")]
    told = [p for p in institute.edge.deployment.outbound.values() if p.mapping in about]
    assert [one.to for one in told] == ["review"]
    assert institute.heard(number) == []
