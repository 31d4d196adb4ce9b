"""The FHIR connector against Medplum's FHIR router, which somebody else wrote."""

from __future__ import annotations

import json

import pytest

from connectors.errors import Refused
from connectors.fhir import Fhir
from connectors.record import Delivery

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def address(start):
    """The base address of a router that has just been started."""
    return start("medplum")


def _fhir(address: str, **settings) -> Fhir:
    return Fhir(base_url=address, overlap=0, **settings)


def _deliver(address: str, resource: dict, fhir: Fhir | None = None, **target: str):
    body = json.dumps(resource).encode()
    delivery = Delivery(
        id="d1",
        stream=resource["resourceType"],
        body=body,
        media="application/fhir+json",
        target={"type": resource["resourceType"], **target},
    )
    (receipt,) = (fhir or _fhir(address)).push([delivery])
    return receipt


def _with_number(kind: str, number: str, **more) -> dict:
    return {"resourceType": kind, "identifier": [{"system": "urn:s", "value": number}], **more}


def test_what_is_created_twice_is_there_once_and_is_pulled(address):
    patient = _with_number("Patient", "create-1", birthDate="1970-01-01")

    first = _deliver(address, patient, method="create", identifier="urn:s|create-1")
    second = _deliver(address, patient, method="create", identifier="urn:s|create-1")
    records = [r for r in _fhir(address).pull("Patient", "") if b"create-1" in r.body]

    assert (first.outcome, second.outcome) == ("delivered", "delivered")
    assert first.native_id == second.native_id != ""
    assert len(records) == 1
    assert records[0].message_key.startswith(f"Patient/{first.native_id}@")


def test_an_update_by_identifier_makes_it_and_then_changes_it(address):
    target = {"method": "update", "identifier": "urn:s|update-1"}
    made = _deliver(address, _with_number("Patient", "update-1"), **target)
    cursor = list(_fhir(address).pull("Patient", ""))[-1].cursor

    changed = _deliver(address, _with_number("Patient", "update-1", active=True), **target)
    after = list(_fhir(address).pull("Patient", cursor))

    assert made.native_id == changed.native_id
    assert json.loads(after[-1].body)["active"] is True
    assert sum(record.message_key.startswith(f"Patient/{made.native_id}@") for record in after) == 1


def test_an_update_that_builds_on_an_old_version_is_read_again_and_laid_over(address):
    made = _deliver(
        address,
        _with_number("Patient", "stale-1", birthDate="1970-01-01"),
        method="create",
        identifier="urn:s|stale-1",
    )
    stale = {**_with_number("Patient", "stale-1", active=True), "id": made.native_id}
    fhir = _fhir(address)

    target = {"method": "update", "id": made.native_id, "version": "nonsense"}
    first, second = (_deliver(address, stale, fhir=fhir, **target) for _ in range(2))
    (after,) = [r for r in fhir.pull("Patient", "") if b"stale-1" in r.body]

    assert (first.outcome, second.outcome) == ("later", "delivered")
    assert "412" in first.detail
    assert "read again" in first.detail
    said = json.loads(after.body)
    assert (said["active"], said["birthDate"]) == (True, "1970-01-01")


@pytest.mark.parametrize("by_id", [True, False])
def test_an_update_is_laid_over_what_is_there_with_if_match(address, by_id):
    number = f"read-{by_id}"
    made = _deliver(
        address,
        _with_number("Patient", number, birthDate="1970-01-01"),
        method="create",
        identifier=f"urn:s|{number}",
    )
    how = {"id": made.native_id} if by_id else {"identifier": f"urn:s|{number}"}
    ours = _with_number("Patient", number, active=True) | ({"id": made.native_id} if by_id else {})

    receipts = [_deliver(address, ours, method="update", match="read", **how) for _ in range(2)]
    versions = [r for r in _fhir(address).pull("Patient", "") if number.encode() in r.body]

    assert [receipt.outcome for receipt in receipts] == ["delivered", "delivered"]
    assert receipts[1].detail == "the server says so already"
    (after,) = [json.loads(record.body) for record in versions]
    assert (after["active"], after["birthDate"], after["id"]) == (
        True,
        "1970-01-01",
        made.native_id,
    )


def _visit(subject: dict, **more) -> list[Delivery]:
    """A study, its subject and an appointment that belong together."""
    study = _with_number("ResearchStudy", "whole-study", status="active")
    booked = _with_number(
        "Appointment",
        "whole-visit",
        status="booked",
        participant=[{"status": "accepted", "actor": {"reference": "Patient/1"}}],
    )
    return [
        Delivery(
            id=f"whole-{one['resourceType']}",
            stream=one["resourceType"],
            body=json.dumps(one).encode(),
            media="application/fhir+json",
            target={
                "method": "update",
                "type": one["resourceType"],
                "identifier": f"urn:s|{one['identifier'][0]['value']}",
                "together": "visit",
                "full_url": f"urn:uuid:0c2d7b6e-1111-4444-8888-00000000000{number}",
                **more,
            },
        )
        for number, one in enumerate((study, subject, booked))
    ]


def test_study_subject_and_appointment_are_told_as_one_transaction(address):
    subject = _with_number(
        "ResearchSubject",
        "whole-subject",
        status="on-study",
        study={"reference": "urn:uuid:0c2d7b6e-1111-4444-8888-000000000000"},
        individual={"reference": "Patient/1"},
    )

    first, second = (_fhir(address).push(_visit(subject)) for _ in range(2))
    (kept,) = [
        json.loads(record.body)
        for record in _fhir(address).pull("ResearchSubject", "")
        if b"whole-subject" in record.body
    ]

    assert {receipt.outcome for receipt in (*first, *second)} == {"delivered"}
    assert [one.native_id for one in first] == [one.native_id for one in second]
    assert kept["study"]["reference"] == f"ResearchStudy/{first[0].native_id}"


def test_this_router_is_not_all_or_nothing_and_each_entry_has_its_own_receipt(address):
    study, subject, visit = _visit(
        _with_number("ResearchSubject", "half-subject", status="on-study")
    )
    nowhere = {"type": "ResearchSubject", "id": "11111111-1111-4111-8111-111111111111"}
    subject.target.clear()
    subject.target.update(nowhere, method="update", together="visit", version="1")

    receipts = _fhir(address).push([study, subject, visit])

    assert [receipt.outcome for receipt in receipts] == ["delivered", "refused", "delivered"]
    assert receipts[1].detail == "HTTP 400 in a transaction"


def test_a_subject_is_found_by_its_study(address):
    study = _deliver(
        address,
        _with_number("ResearchStudy", "study-1", status="active"),
        method="create",
        identifier="urn:s|study-1",
    )
    reference = f"ResearchStudy/{study.native_id}"
    for number, of in (("in", reference), ("out", "ResearchStudy/other")):
        subject = _with_number(
            "ResearchSubject",
            f"subject-{number}",
            status="on-study",
            study={"reference": of},
            individual={"reference": "Patient/1"},
        )
        _deliver(address, subject, method="create", identifier=f"urn:s|subject-{number}")

    params = {"ResearchSubject": {"params": {"study": reference}}}
    records = list(_fhir(address, streams=params).pull("ResearchSubject", ""))

    assert [b"subject-in" in record.body for record in records] == [True]


def test_a_search_by_identifier_is_posted_and_answered(address):
    _deliver(address, _with_number("Patient", "post-1"), method="create", identifier="urn:s|post-1")

    params = {"Patient": {"params": {"identifier": "urn:s|post-1"}}}
    records = list(_fhir(address, streams=params).pull("Patient", ""))

    assert [b"post-1" in record.body for record in records] == [True]


def test_a_list_that_is_cut_off_without_a_next_link_is_not_taken_for_whole(address):
    for number in range(3):
        name = f"many-{number}"
        _deliver(address, _with_number("Device", name), method="create", identifier=f"urn:s|{name}")

    run = _fhir(address, page_size=2).pull("Device", "")
    read = [next(run), next(run)]

    assert len({record.message_key for record in read}) == 2
    with pytest.raises(Refused, match="2 of 3 matches"):
        next(run)


def test_a_refusal_is_told_in_codes(address):
    receipt = _deliver(
        address, {"resourceType": "Patient", "id": "x"}, method="update", id="not-there"
    )

    assert receipt.outcome == "refused"
    assert "OperationOutcome (error: invalid)" in receipt.detail


def test_check_says_that_this_router_describes_itself_not(address):
    health = _fhir(address).check()

    assert not health.ok
    assert "no CapabilityStatement" in health.detail
