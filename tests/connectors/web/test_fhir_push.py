"""Telling a FHIR server: what is sent, and what becomes of each delivery."""

from __future__ import annotations

import json

import pytest

from connectors.errors import Misconfigured, TryLater
from connectors.fhir import Fhir
from connectors.record import Delivery

_BODY = b'{"resourceType": "ResearchSubject", "dose": 1.10}'


def _delivery(number: int = 1, **target: str) -> Delivery:
    target = {
        "method": "create",
        "type": "ResearchSubject",
        "identifier": "urn:s|ONC 1",
        **target,
    }
    return Delivery(
        id=f"d{number}",
        stream="ResearchSubject",
        body=_BODY,
        media="application/fhir+json",
        target=target,
    )


@pytest.fixture
def push(serve, clock):
    def run(answer, *deliveries):
        web = serve(answer)
        fhir = Fhir(base_url=f"{web.url}/fhir").within(clock.world)
        return list(fhir.push(deliveries)), web

    return run


def test_a_create_happens_only_where_nothing_is_yet(push, reply):
    place = {"Location": "https://ehr.example/fhir/ResearchSubject/7/_history/1"}

    (receipt,), web = push([reply(201, b"", place)], _delivery())

    asked = web.asked[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/fhir/ResearchSubject", _BODY)
    assert asked.headers["if-none-exist"] == "identifier=urn%3As%7CONC+1"
    assert asked.headers["prefer"] == "return=minimal"
    assert asked.headers["content-type"] == "application/fhir+json"
    assert asked.headers["x-request-id"] == "d1"
    assert (receipt.id, receipt.outcome, receipt.native_id) == ("d1", "delivered", "7")


def test_what_was_there_already_is_delivered(push, reply):
    (receipt,), _ = push([reply(200)], _delivery())

    assert receipt.outcome == "delivered"


def test_an_update_finds_its_resource_by_identifier(push, reply):
    (receipt,), web = push(
        [reply(200, headers={"Location": "ResearchSubject/7"})],
        _delivery(method="update", version="3"),
    )

    assert web.asked[0].method == "PUT"
    assert web.asked[0].query == {"identifier": ["urn:s|ONC 1"]}
    assert web.asked[0].headers["if-match"] == 'W/"3"'
    assert receipt.native_id == "7"


def test_an_update_may_name_the_id(push, reply):
    (receipt,), web = push([reply(200)], _delivery(method="update", id="7"))

    assert web.asked[0].target == "/fhir/ResearchSubject/7"
    assert receipt.native_id == "7"


def test_a_refusal_does_not_stop_the_next(push, reply):
    issue = {"severity": "error", "code": "invalid", "diagnostics": "ZZPHI"}
    bad = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()

    receipts, _ = push([reply(422, bad), reply(201)], _delivery(1), _delivery(2))

    assert [receipt.outcome for receipt in receipts] == ["refused", "delivered"]
    assert "error: invalid" in receipts[0].detail
    assert "ZZPHI" not in receipts[0].detail


def test_no_answer_after_sending_is_unknown_and_the_rest_waits(push, reply):
    asked_before = []

    def answer(asked):
        asked_before.append(asked.headers["x-request-id"])
        return reply(201) if asked.headers["x-request-id"] == "d1" else None

    receipts, _ = push(answer, _delivery(1), _delivery(2), _delivery(3))

    assert [receipt.outcome for receipt in receipts] == ["delivered", "unknown", "later"]
    assert "d3" not in asked_before


def test_a_server_that_becomes_busy_takes_the_rest_later(push, reply):
    def answer(asked):
        first = asked.headers["x-request-id"] == "d1"
        return reply(201) if first else reply(503, headers={"Retry-After": "120"})

    receipts, _ = push(answer, _delivery(1), _delivery(2), _delivery(3))

    assert [receipt.outcome for receipt in receipts] == ["delivered", "later", "later"]
    assert receipts[1].retry_after == 120


def test_when_nothing_was_taken_it_raises(push, reply):
    with pytest.raises(TryLater):
        push(lambda _: reply(503), _delivery())
    with pytest.raises(Misconfigured):
        push(lambda _: reply(403), _delivery())


@pytest.mark.parametrize(
    "target",
    [
        {"method": "delete"},
        {"type": "../x"},
        {"identifier": "no-system"},
        {"method": "update", "identifier": ""},
        {"method": "update", "id": "a/b"},
    ],
)
def test_a_target_that_could_make_two_things_is_refused_unsent(push, reply, target):
    (receipt,), web = push([reply(201)], _delivery(**target))

    assert receipt.outcome == "refused"
    assert web.asked == []
