"""The OData connector against SAP's own framework for services (CAP), OData V4."""

from __future__ import annotations

import json

import httpx2
import pytest

from connectors.errors import Misconfigured, Refused
from connectors.odata import Odata
from connectors.promises import PullPromises
from connectors.record import Delivery

pytestmark = pytest.mark.peer

SERVICE = "/odata/v4/erp"
STREAMS = {
    "suppliers": {"set": "Suppliers", "key": ["number"], "modified": "changed"},
    "by_links": {"set": "Suppliers", "key": ["number"], "paging": "server", "whole": True},
    "by_count": {"set": "Suppliers", "key": ["number"], "paging": "skip", "whole": True},
    "lines": {"set": "Ledger", "key": ["document", "line"], "whole": True},
    "wrong": {"set": "Ledger", "key": ["document", "line"], "modified": "nowhere"},
}
MEMO = {"service": SERVICE, "set": "Memos", "version": 4, "reference": "reference"}


@pytest.fixture(scope="module")
def address(start):
    """The base address of a service that has just been started, with seven suppliers."""
    found = start("cap")
    for number in range(7):
        said = {"name": f"Müller & Söhne {number}", "changed": f"2026-03-01T08:0{number}:00.123Z"}
        _post(found, "Suppliers", number=f"S{number}", **said)
    for line in (1, 2, 3):
        _post(found, "Ledger", document="1900000001", line=line, amount=f"{line}234567890.10")
    return found


def _post(address: str, entity_set: str, **said) -> None:
    httpx2.post(f"{address}{SERVICE}/{entity_set}", json=said).raise_for_status()


def _odata(address: str, **changed) -> Odata:
    own = {"service": SERVICE, "version": 4, "page": 2}
    streams = {
        name: {**own, **how} | ({"literal": "instant"} if "modified" in how else {})
        for name, how in STREAMS.items()
    }
    said = {"base_url": address, "csrf": False, "overlap": 0, "streams": streams}
    out = {"memo": {**MEMO, "number": "number"}}
    return Odata.model_validate(said | {"out": out} | changed)


class TestCapChanges(PullPromises):
    @pytest.fixture
    def connector(self, address):
        return _odata(address)

    @pytest.fixture
    def stream(self):
        return "suppliers"

    @pytest.fixture
    def down(self):
        return _odata("http://127.0.0.1:9", http={"attempts": 1})


class TestCapWholeLists(TestCapChanges):
    overlaps = True
    ordered = False

    @pytest.fixture(params=["by_links", "by_count", "lines"])
    def stream(self, request):
        return request.param


def _numbers(records) -> list[str]:
    return [json.loads(record.body)["number"] for record in records]


@pytest.mark.parametrize("stream", ["suppliers", "by_links", "by_count"])
def test_every_page_comes_however_it_is_asked_for(address, stream):
    records = list(_odata(address).pull(stream, ""))

    assert sorted(_numbers(records)) == [f"S{number}" for number in range(7)]
    assert all("Müller & Söhne" in record.body.decode() for record in records)


def test_what_changed_comes_after_the_cursor_and_nothing_else(address):
    odata = _odata(address)
    cursor = list(odata.pull("suppliers", ""))[-1].cursor
    said = {"blocked": True, "changed": "2026-03-02T08:00:00Z"}
    httpx2.patch(f"{address}{SERVICE}/Suppliers('S2')", json=said).raise_for_status()

    after = list(odata.pull("suppliers", cursor))

    assert _numbers(after) == ["S6", "S2"]  # the newest of before itself comes again
    assert json.loads(after[-1].body)["blocked"] is True


def test_no_digit_of_an_amount_is_lost(address):
    first = next(_odata(address).pull("lines", ""))

    assert json.loads(first.body)["amount"] in ("1234567890.10", "1234567890.1")
    assert first.of == "1900000001/1"


def test_a_document_with_items_is_made_once(address):
    body = {"currency": "EUR", "items": [{"material": "VISIT", "amount": "100.50"}]}
    delivery = Delivery(
        id="d1", stream="memo", body=json.dumps(body).encode(), media="application/json",
        target={"object": "memo", "id": "R-1"},
    )  # fmt: skip

    (first,), (second,) = (_odata(address).push([delivery]) for _ in range(2))
    answer = httpx2.get(f"{address}{SERVICE}/Memos", params={"$expand": "items"}).json()

    assert (first.outcome, second.outcome) == ("delivered", "delivered")
    assert first.native_id == second.native_id != ""
    (made,) = answer["value"]
    assert (made["reference"], made["items"][0]["material"]) == ("R-1", "VISIT")


def test_a_field_the_service_does_not_know_is_told_in_its_words(address):
    with pytest.raises((Refused, Misconfigured), match="nowhere"):
        list(_odata(address).pull("wrong", ""))


def test_check_is_well_and_says_where(address):
    sound = {name: how for name, how in _odata(address).streams.items() if name != "wrong"}

    health = _odata(address, streams=sound).check()

    assert health.ok, health.detail
    assert "suppliers" in health.detail
