"""A coordinator moves a subject along in the CTMS: the hospital's billing hears of each step, in
order, as a CRM message. Charges are kept apart as research from consent on, until they leave."""

import re

import pytest

STATUS = "billing-status"
STEPS = (  # OnCore's word, the dates that it brings, our state, the event that tells it
    ("CONSENTED", {}, "consented", "C01"),
    ("SCREENING", {}, "screening", "C05"),
    ("ELIGIBLE", {"eligibilityDate": "2026-02-25"}, "eligible", "C03"),
    ("ON STUDY", {"onStudyDate": "2026-02-26"}, "enrolled", "C01"),
    ("ON TREATMENT", {"onTreatmentDate": "2026-02-27"}, "on_treatment", "C05"),
    ("OFF TREATMENT", {"offTreatmentDate": "2026-03-01"}, "end_of_treatment", "C08"),
    ("ON FOLLOW UP", {}, "follow_up", "C05"),
    ("OFF STUDY", {"offStudyDate": "2026-03-02"}, "off_study", "C04"),
)


def pulled(institute, who):
    """The hub has heard of a subject; the canonical enrollment."""
    institute.pull("ctms-demographics", "ctms-subjects")
    return institute.record("enrollments", "registration_no", who.key)


def moves(institute, who, status, **dates):
    who.row.update(status=status, **dates)
    return pulled(institute, who)


def at_billing(institute, who):
    """What billing was told of a subject, by event, in order."""
    said = institute.heard(f"|{who.mrn}^^^CEDARMESA^MR|")
    return [re.search(r"CRM\^(C\d\d)\^", one)[1] for one in said]


def told(institute, enrollment, times):
    """Waits until so many of an enrollment's changes have arrived."""
    institute.until(lambda: len(institute.delivered(STATUS, enrollment["id"])) == times, "billing")


def test_every_step_from_consent_to_off_study_is_told_in_order(institute):
    who = institute.enrols(status="PRE-SCREENING", consentDate=None)
    assert pulled(institute, who)["state"] == "prescreened"

    who.row["consentDate"] = "2026-02-23"
    for place, (status, dates, state, _event) in enumerate(STEPS, 1):
        one = moves(institute, who, status, **dates)
        assert one["state"] == state
        told(institute, one, place)

    assert at_billing(institute, who) == [event for *_, event in STEPS]
    first, last = institute.heard(f"|{who.mrn}^^^")[0::7]
    assert f"CSR|ONC-101^CEDARMESA|STUDY00000123||{who.number}^^^ONC-101||" in first
    assert first.split("CSR|")[1].split("|")[8].startswith("20260223")  # consent: research begins
    assert last.split("CSR|")[1].split("|")[14].startswith("20260302")  # and ends


@pytest.mark.parametrize(
    ("status", "dates", "left", "why"),
    [
        ("NOT ELIGIBLE", {}, "20260223", "INELIGIBLE"),
        ("WITHDRAWN", {"offStudyDate": "2026-03-01"}, "20260301", "WITHDRAWN"),
        ("OFF STUDY", {"offStudyDate": "2026-03-01"}, "20260301", ""),
        ("EXPIRED", {"expiredDate": "2026-03-01"}, "20260301", "DIED"),
    ],
)
def test_billing_as_research_starts_at_consent_and_stops_when_the_subject_leaves(
    institute, status, dates, left, why
):
    who = institute.enrols(status="CONSENTED")
    told(institute, pulled(institute, who), 1)

    one = moves(institute, who, status, **dates)

    told(institute, one, 2)
    assert at_billing(institute, who) == ["C01", "C04"]
    csr = institute.heard(f"|{who.mrn}^^^")[-1].split("CSR|")[1].split("\r")[0].split("|")
    assert (csr[14], csr[15:16]) == (left, [why] if why else [])


def test_what_happens_while_billing_cannot_be_told_is_told_afterwards_in_order(institute):
    who = institute.enrols(status="CONSENTED")
    institute.post("/ops/connections/billing/pause", {"reason": "a story"})
    try:
        institute.until(lambda: "billing" in institute.edge.paused, "the pause")
        for status, dates, *_ in STEPS[:5]:
            one = moves(institute, who, status, **dates)
        assert at_billing(institute, who) == []
    finally:
        institute.post("/ops/connections/billing/resume", {"reason": "a story"})

    told(institute, one, 5)
    assert at_billing(institute, who) == [event for *_, event in STEPS[:5]]


def test_a_subject_of_whom_no_consent_is_known_is_told_to_nobody(institute):
    early = institute.enrols(status="PRE-SCREENING", consentDate=None)
    unsure = institute.enrols(status="ON STUDY", consentDate=None, onStudyDate="2026-02-26")

    first, second = pulled(institute, early), pulled(institute, unsure)
    institute.rest()

    assert institute.deliveries(STATUS, first["id"]) == []
    [waits] = institute.deliveries(STATUS, second["id"])
    assert (waits["state"], waits["detail"]) == ("waiting", "consented_on is not known yet")
    assert at_billing(institute, early) == at_billing(institute, unsure) == []


def test_a_patient_in_no_study_is_told_to_nobody(institute):
    mrn = institute.mrn()

    answer = institute.says(
        "ADT^A04^ADT_A01", f"PID|1||{mrn}^^^CEDARMESA^MR||Nobody^Noah||19800101|M", "PV1|1|N"
    )
    institute.settled()
    institute.rest()

    assert answer == "AA"
    assert institute.find("participants", "mrn", mrn) == []
    assert institute.heard(mrn) == []


def test_nothing_is_said_twice_and_nothing_of_what_billing_does_not_ask(institute):
    who = institute.enrols(status="CONSENTED")
    told(institute, pulled(institute, who), 1)

    pulled(institute, who)  # the same again
    moves(institute, who, "CONSENTED", offStudyReason="a note that is no change of state")
    institute.rest()

    assert at_billing(institute, who) == ["C01"]


def test_one_who_consents_again_is_on_the_study_again(institute):
    who = institute.enrols(status="CONSENTED")
    told(institute, pulled(institute, who), 1)
    told(institute, moves(institute, who, "WITHDRAWN", offStudyDate="2026-03-01"), 2)

    one = moves(institute, who, "CONSENTED", offStudyDate=None, consentDate="2026-03-02")

    told(institute, one, 3)
    assert at_billing(institute, who) == ["C01", "C04", "C01"]
    csr = institute.heard(f"|{who.mrn}^^^")[-1].split("CSR|")[1].split("\r")[0].split("|")
    assert csr[8] == "20260302"
    assert csr[14:] == []  # it does not end any more


def test_a_rehearsal_system_is_never_told_of_real_subjects(institute):
    who = institute.enrols(status="CONSENTED")

    one = pulled(institute, who)
    told(institute, one, 1)
    institute.rest()

    [refused] = institute.deliveries("rehearsal-enrolled", one["id"])
    assert refused["state"] == "refused"
    assert refused["detail"] == (
        "wrong environment: production data, and rehearsal is a test system"
    )
    # both would be sent to the same place: what came there is billing's message alone
    assert at_billing(institute, who) == ["C01"]


def test_a_message_of_a_test_system_changes_no_subject(institute):
    who = institute.enrols(status="CONSENTED")
    told(institute, pulled(institute, who), 1)
    before = institute.record("participants", "mrn", who.mrn)

    institute.says(
        "ADT^A08^ADT_A01", f"PID|1||{who.mrn}^^^CEDARMESA^MR||Other^Name||19500101|M", "PV1|1|N",
        mode="T",
    )  # fmt: skip
    institute.settled()
    institute.rest()

    assert institute.record("participants", "mrn", who.mrn)["version"] == before["version"]
    assert at_billing(institute, who) == ["C01"]
