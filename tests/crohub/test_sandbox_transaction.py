"""The sandbox's transactions, as an HTTP client and as the hub's own connector see them."""

import json
from datetime import datetime, timedelta

import httpx2
import pytest

from connectors.fhir import Fhir
from connectors.record import Delivery
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.world import ZONE

START = datetime(2026, 3, 2, tzinfo=ZONE)
STUDY, SUBJECT = "urn:uuid:study", "urn:uuid:subject"


def resource(kind, number="", **more):
    numbers = {"identifier": [{"system": "urn:s", "value": number}]} if number else {}
    return {"resourceType": kind, **numbers, **more}


def entry(body, url, name="", method="PUT", **request):
    asked = {"method": method, "url": url, **request}
    return {"fullUrl": name, "resource": body, "request": asked}


def transaction(*entries):
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def subject_of(study):
    return resource("ResearchSubject", "r", study={"reference": study})


@pytest.fixture
def register():
    """A register that knows one patient."""
    store = FhirStore()
    store.put(resource("Patient", "m1", id="p1"), START)
    server = FhirServer(store, lambda: START + timedelta(hours=1))
    server.start()
    with httpx2.Client(base_url=server.url, timeout=5) as client:
        yield server, client
    server.stop()


def test_entries_may_refer_to_each_other_and_to_what_is_there(register):
    server, client = register
    subject = subject_of(STUDY) | {"individual": {"reference": "Patient?identifier=urn:s|m1"}}

    answer = client.post(server.url, json=transaction(
        entry(resource("ResearchStudy", "s"), "ResearchStudy?identifier=urn:s|s", STUDY),
        entry(subject, "ResearchSubject", method="POST", ifNoneExist="identifier=urn:s|r"),
    ))  # fmt: skip

    assert answer.status_code == 200
    statuses = [one["response"]["status"] for one in answer.json()["entry"]]
    assert statuses == ["201 Created", "201 Created"]
    [study], [kept] = server.store.current("ResearchStudy"), server.store.current("ResearchSubject")
    assert kept.resource["study"] == {"reference": f"ResearchStudy/{study.id}"}
    assert kept.resource["individual"] == {"reference": "Patient/p1"}


def test_saying_it_twice_leaves_one_of_each(register):
    server, client = register
    whole = transaction(
        entry(resource("ResearchStudy", "s"), "ResearchStudy?identifier=urn:s|s", STUDY),
        entry(
            subject_of(STUDY), "ResearchSubject", method="POST", ifNoneExist="identifier=urn:s|r"
        ),
    )

    statuses = [
        [one["response"]["status"] for one in client.post(server.url, json=whole).json()["entry"]]
        for _ in range(2)
    ]

    assert statuses[1] == ["200 OK", "200 OK"]
    assert server.store.counts() == {"Patient": 1, "ResearchStudy": 1, "ResearchSubject": 1}


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (entry(resource("Patient", id="p1"), "Patient/p1", ifMatch='W/"9"'), 412),
        (entry(subject_of("ResearchStudy?identifier=urn:s|none"), "ResearchSubject",
               method="POST"), 412),
        (entry(subject_of("urn:uuid:nobody"), "ResearchSubject", method="POST"), 400),
        (entry(resource("Patient"), "ResearchStudy/x"), 400),
        (entry(resource("Device"), "Device/x"), 404),
        (entry(resource("Patient"), "Patient/p1", method="DELETE"), 400),
        ({"resource": 7}, 404),
    ],
)  # fmt: skip
def test_one_bad_entry_leaves_nothing_of_the_others(register, bad, status):
    server, client = register

    answer = client.post(
        server.url, json=transaction(entry(resource("Patient", "m2"), "Patient/p2"), bad)
    )

    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert server.store.counts() == {"Patient": 1}
    assert server.pushed == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"type": "batch"}',
                                  b'{"type": "transaction", "entry": 1}'])  # fmt: skip
def test_a_body_that_is_no_transaction_is_refused(register, body):
    server, client = register

    assert client.post(server.url, content=body).status_code == 400


def test_two_entries_about_one_resource_are_refused(register):
    server, client = register
    twice = entry(resource("Patient", "m2"), "Patient/p2")

    assert client.post(server.url, json=transaction(twice, twice)).status_code == 400


def test_the_connector_tells_study_subject_and_appointment_in_one(register):
    server, _ = register
    names = ("ResearchStudy", "ResearchSubject", "Appointment")
    deliveries = [
        Delivery(
            id=f"d{number}",
            stream=kind,
            body=json.dumps(resource(kind, f"n{number}")).encode(),
            media="application/fhir+json",
            target={
                "method": "update", "type": kind,
                "identifier": f"urn:s|n{number}", "together": "one",
            },
        )
        for number, kind in enumerate(names)
    ]  # fmt: skip

    receipts = Fhir(base_url=server.url).push(deliveries)

    assert [(one.kind, one.id) for one in server.pushed] == [
        (kind, receipt.native_id) for kind, receipt in zip(names, receipts, strict=True)
    ]
    assert {receipt.outcome for receipt in receipts} == {"delivered"}
