"""The OData connector against SAP's CAP with its community's adapter, OData V2."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import pytest

from connectors.errors import Misconfigured, Refused
from connectors.odata import Odata
from connectors.promises import PullPromises
from connectors.record import Delivery

pytestmark = pytest.mark.peer

SERVICE, BILLS = "/odata/v2/erp", "/odata/v4/erp/Bills"  # filled by V4, which needs no token
STREAMS = {
    "changes": {"set": "Bills", "key": ["number"], "modified": "changed"},
    "by_links": {"set": "Bills", "key": ["number"], "paging": "server", "whole": True},
    "by_count": {"set": "Bills", "key": ["number"], "paging": "skip", "whole": True},
    "wrong": {"set": "Bills", "key": ["number"], "modified": "nowhere"},
}


@pytest.fixture(scope="module")
def address(start):
    """The base address of a service that has just been started, with seven bills; it hands out
    three at a time."""
    found = start("cap").replace("127.0.0.1", "localhost")  # where the adapter's links lead
    for number in range(7):
        said = {"number": f"B{number}", "changed": f"2026-03-01T08:0{number}:00.123Z"}
        amount = {"amount": f"{number}234567890.10"}
        httpx2.post(f"{found}{BILLS}", json=said | amount).raise_for_status()
    return found


def _odata(address: str, **changed) -> Odata:
    streams = {
        name: {"service": SERVICE, "version": 2, "page": 2, **how} for name, how in STREAMS.items()
    }
    out = {"service": SERVICE, "set": "Memos", "reference": "reference", "number": "number"}
    said = {"base_url": address, "overlap": 0, "streams": streams, "out": {"memo": out}}
    return Odata.model_validate(said | changed)


def _numbers(records) -> list[str]:
    return [json.loads(record.body)["number"] for record in records]


class TestCapV2Changes(PullPromises):
    @pytest.fixture
    def connector(self, address):
        return _odata(address)

    @pytest.fixture
    def stream(self):
        return "changes"

    @pytest.fixture
    def down(self):
        return _odata("http://127.0.0.1:9", http={"attempts": 1})


class TestCapV2WholeLists(TestCapV2Changes):
    overlaps = True
    ordered = False

    @pytest.fixture(params=["by_links", "by_count"])
    def stream(self, request):
        return request.param


@pytest.mark.parametrize("stream", ["changes", "by_links", "by_count"])
def test_every_page_comes_however_it_is_asked_for(address, stream):
    records = list(_odata(address).pull(stream, ""))

    assert sorted(_numbers(records)) == [f"B{number}" for number in range(7)]


def test_a_time_in_ticks_is_the_time_of_the_record_and_its_cursor(address):
    odata = _odata(address)
    records = list(odata.pull("changes", ""))

    assert json.loads(records[1].body)["changed"] == "/Date(1772352060123+0000)/"
    assert records[1].at == datetime(2026, 3, 1, 8, 1, 0, 123000, tzinfo=UTC)
    assert _numbers(odata.pull("changes", records[-1].cursor)) == ["B6"]


def test_no_digit_of_an_amount_is_lost(address):
    first = next(_odata(address).pull("by_count", ""))

    assert json.loads(first.body)["amount"] in ("0234567890.10", "234567890.10", "234567890.1")


def test_a_document_with_items_is_made_once_with_a_token_that_was_fetched(address):
    body = {"currency": "EUR", "items": [{"material": "VISIT", "amount": "100.50"}]}
    delivery = Delivery(
        id="d1", stream="memo", body=json.dumps(body).encode(), media="application/json",
        target={"object": "memo", "id": "R-1"},
    )  # fmt: skip

    (first,), (second,) = (_odata(address).push([delivery]) for _ in range(2))
    answer = httpx2.get(f"{address}/odata/v4/erp/Memos", params={"$expand": "items"}).json()

    assert (first.outcome, second.outcome) == ("delivered", "delivered")
    assert first.native_id == second.native_id != ""
    (made,) = answer["value"]
    assert (made["reference"], made["items"][0]["material"]) == ("R-1", "VISIT")


def test_without_a_token_nothing_is_made(address):
    delivery = Delivery(
        id="d2", stream="memo", body=b'{"currency": "EUR"}', media="application/json",
        target={"object": "memo", "id": "R-2"},
    )  # fmt: skip

    before = httpx2.get(f"{address}/odata/v4/erp/Memos").json()

    with pytest.raises(Misconfigured, match="403"):
        _odata(address, csrf=False).push([delivery])
    assert httpx2.get(f"{address}/odata/v4/erp/Memos").json() == before


def test_a_field_the_service_does_not_know_is_told_in_its_words(address):
    with pytest.raises((Refused, Misconfigured), match="nowhere"):
        list(_odata(address).pull("wrong", ""))
