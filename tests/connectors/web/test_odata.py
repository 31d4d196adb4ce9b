"""An ERP is read by OData, V2 and V4, and made documents in; with the faults that come."""

from __future__ import annotations

import gc
import json
import re
import socket
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.odata import Odata
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.world import World
from crohub.sandbox.erp import ErpState, erp_server, ticks
from crohub.sandbox.web import Fault

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
V4 = "/sap/opu/odata4/sap/api_supplier/default/sap/supplier/0001"
BILLING = "/sap/opu/odata/sap/API_BILLING_DOCUMENT_SRV/A_BillingDocument"
DEBIT = "/sap/opu/odata/sap/API_DEBIT_MEMO_REQUEST_SRV/A_DebitMemoRequest"
SUPPLIERS = {"service": V4, "set": "Supplier", "version": 4, "key": ["Supplier"]}


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("ERP_PASSWORD", "made-up")


@pytest.fixture
def state():
    made = ErpState(page=3)
    made.sets["A_DebitMemoRequest"] = []
    return made


@pytest.fixture
def server(state):
    with erp_server(state) as made:
        yield made


@pytest.fixture
def slept():
    return []


@pytest.fixture
def erp(server, slept):
    def make(**settings):
        basic = {"kind": "basic", "user": "CROHUB", "password": "${env:ERP_PASSWORD}"}
        world = World(sleep=slept.append, chance=lambda: 0.5)
        said = {"base_url": server.url, "auth": basic} | settings
        return Odata.model_validate(said).within(world)

    return make


@pytest.fixture
def nobody(erp):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield erp(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}")


def bill(state, number, minute, **fields):
    at = ticks(NOON + timedelta(minutes=minute), offset=True)
    said = {
        "BillingDocument": f"9{number:03}",
        "LastChangeDateTime": at,
        "TotalNetAmount": "100.50",
    }
    return state.put("A_BillingDocument", ("BillingDocument",), **said | fields)


@pytest.fixture
def bills(state):
    return [bill(state, number, number) for number in range(8)]


@pytest.fixture
def suppliers(state):
    for number in range(7):
        state.put("Supplier", ("Supplier",), Supplier=f"S{number}", Name="made up")


def said(records, name):
    return [json.loads(record.body)[name] for record in records]


def memo(number=1, object="debit_memo", **target):
    item = {"Material": "STUDY_VISIT", "RequestedQuantity": "1", "NetAmount": "100.50"}
    body = {"DebitMemoRequestType": "DR", "SoldToParty": "17", "to_Item": [item]}
    return Delivery(
        id=f"d{number}", stream="debit_memo", body=json.dumps(body).encode(),
        media="application/json",
        target={"object": object, "id": f"0198c1f2-aaaa-7bbb-8ccc-00000000000{number}"} | target,
    )  # fmt: skip


# -- promises


class TestV2Pull(PullPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, erp, bills):
        return erp()

    @pytest.fixture
    def stream(self):
        return "invoices"

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestV4Delta(PullPromises):
    ordered = False

    @pytest.fixture
    def connector(self, erp, suppliers):
        return erp(streams={"suppliers": SUPPLIERS | {"delta": True}})

    @pytest.fixture
    def stream(self):
        return "suppliers"

    @pytest.fixture
    def down(self, erp):
        return erp(
            base_url="http://127.0.0.1:9", streams={"suppliers": SUPPLIERS | {"delta": True}}
        )


class TestWholeList(TestV4Delta):
    @pytest.fixture
    def connector(self, erp, suppliers):
        return erp(streams={"suppliers": SUPPLIERS | {"whole": True}})

    def test_the_last_cursor_is_no_beginning(self):
        """A whole list is read from its beginning each time."""


class TestCheck(CheckPromises):
    @pytest.fixture
    def connector(self, erp, bills):
        return erp(streams={"invoices": {}})

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestPush(PushPromises):
    @pytest.fixture
    def connector(self, erp):
        return erp()

    @pytest.fixture
    def deliveries(self):
        return [memo(1), memo(2)]

    @pytest.fixture
    def there(self, state):
        return lambda: [dict(row) for row in state.sets["A_DebitMemoRequest"]]

    @pytest.fixture
    def down(self, nobody):
        return nobody


# -- V2


def test_v2_comes_page_by_page_oldest_change_first_and_the_next_run_brings_what_changed(
    erp, state, bills, server
):
    system = erp(overlap=0, params={"sap-client": "100"})

    first = list(system.pull("invoices", ""))
    bill(state, 4, 60, TotalNetAmount="7.00")
    again = list(system.pull("invoices", first[-1].cursor))

    assert said(first, "BillingDocument") == [f"9{number:03}" for number in range(8)]
    assert first[0].at == NOON
    assert said(again, "BillingDocument") == ["9007", "9004"]
    assert json.loads(again[-1].body)["TotalNetAmount"] == "7.00"
    assert all("sap-client=100" in one.query for one in server.asked if one.path == BILLING)
    assert any("ge%20datetimeoffset%272026-03-01T12%3A07%3A00Z%27" in o.query for o in server.asked)


def test_a_condition_of_the_settings_stays_beside_the_time(erp, state, bills, server):
    system = erp(streams={"invoices": {"filter": "SDDocumentCategory eq 'M'"}})
    bill(state, 9, 9, SDDocumentCategory="M")

    (only,) = system.pull("invoices", "")
    list(system.pull("invoices", only.cursor))

    query = next(one.query for one in server.asked if "LastChangeDateTime%20ge" in one.query)
    assert "%28SDDocumentCategory%20eq%20%27M%27%29%20and%20LastChange" in query


def test_dates_without_an_offset_are_written_as_v2_wants_them(erp, state, server):
    for day in (1, 2, 3):
        state.put(
            "A_JournalEntryItemBasic", ("AccountingDocument",), AccountingDocument=f"{day}",
            CompanyCode="1010", FiscalYear="2026", LedgerGLLineItem="000001", Ledger="0L",
            CreationDate=ticks(datetime(2026, 3, day, tzinfo=UTC)),
        )  # fmt: skip
    system = erp(overlap=86_400)

    first = list(system.pull("ledger", ""))
    again = list(system.pull("ledger", first[-1].cursor))

    assert first[0].message_key.startswith("ledger/1010/2026/1/000001@")
    asked = [one.query for one in server.asked]
    assert any("CreationDate%20ge%20datetime%272026-03-02T00%3A00%3A00%27" in one for one in asked)
    assert said(again, "AccountingDocument") == ["2", "3"]


def test_a_service_that_pages_only_when_asked_is_asked(erp, state, suppliers, server):
    system = erp(streams={"suppliers": SUPPLIERS | {"paging": "skip", "page": 2}})

    assert len(list(system.pull("suppliers", ""))) == 7
    assert "%24skip=6" in server.asked[-2].query


@pytest.mark.parametrize("version", ["V2", "V4"])
def test_links_of_the_server_are_followed_where_it_is_said(erp, state, bills, suppliers, version):
    links = {"paging": "server"}
    system = erp(streams={"invoices": links, "suppliers": SUPPLIERS | links})

    found = list(system.pull("invoices" if version == "V2" else "suppliers", ""))

    assert len(found) == (8 if version == "V2" else 7)


def test_a_list_that_shifts_while_it_is_read_loses_nothing_that_was_there(erp, state, bills):
    system = erp(overlap=300)
    reading = system.pull("invoices", "")
    first = [next(reading) for _ in range(3)]
    bill(state, 0, 90)  # moves from the first page to the last
    rest = list(reading)
    later = list(system.pull("invoices", rest[-1].cursor))

    numbers = said([*first, *rest, *later], "BillingDocument")
    assert set(numbers) == {f"9{number:03}" for number in range(8)}


# -- V4


def test_a_delta_link_brings_what_changed_and_what_was_removed(erp, state, suppliers):
    system = erp(streams={"suppliers": SUPPLIERS | {"delta": True}})

    first = list(system.pull("suppliers", ""))
    state.put("Supplier", ("Supplier",), Supplier="S2", Name="renamed")
    state.remove("Supplier", "Supplier", "S5")
    again = list(system.pull("suppliers", first[-1].cursor))
    nothing = list(system.pull("suppliers", again[-1].cursor))

    assert [one.cursor for one in first[:-1]] == [""] * 6
    assert [(json.loads(one.body)["Supplier"], one.said) for one in again] == [
        ("S2", "said"), ("S5", "gone"),
    ]  # fmt: skip
    assert nothing == []


def test_a_version_may_be_text_as_yaml_says_it(erp, suppliers):
    tracked = SUPPLIERS | {"version": "4", "delta": True}

    records = list(erp(streams={"suppliers": tracked}).pull("suppliers", ""))

    assert len(records) == 7


def test_a_forgotten_delta_link_is_read_from_the_beginning(erp, state, suppliers):
    system = erp(streams={"suppliers": SUPPLIERS | {"delta": True}})
    *_, last = system.pull("suppliers", "")
    state.forgotten = 100

    assert len(list(system.pull("suppliers", last.cursor))) == 7


def test_a_delta_link_to_somewhere_else_is_not_followed(erp):
    system = erp(streams={"suppliers": SUPPLIERS | {"delta": True}})

    with pytest.raises(Refused, match="expected the origin"):
        list(system.pull("suppliers", "delta:https://elsewhere.example/x"))
    with pytest.raises(Misconfigured, match="none of ours"):
        list(system.pull("suppliers", "2026-03-01T00:00:00Z"))


def test_a_service_that_tracks_nothing_is_told(erp, serve, reply):
    web = serve([reply(200, b'{"value": [{"Supplier": "S1"}]}')])
    system = erp(base_url=web.url, streams={"suppliers": SUPPLIERS | {"delta": True}})
    found = []

    with pytest.raises(Misconfigured, match="tracks no changes"):
        found += list(system.pull("suppliers", ""))
    assert "odata.track-changes" in web.asked[0].headers["prefer"]
    assert "IEEE754Compatible=true" in web.asked[0].headers["accept"]


@pytest.mark.parametrize(
    "settings",
    [
        SUPPLIERS | {"delta": True, "whole": True},
        SUPPLIERS | {"version": 2, "delta": True},
        {"set": "Supplier"},
    ],
)
def test_a_stream_that_fits_together_no_more_is_no_setting(erp, settings):
    with pytest.raises(ValidationError):
        erp(streams={"suppliers": settings})


# -- what is made


def test_a_document_is_made_once_with_its_items_and_our_number(erp, state, server):
    (receipt,) = erp().push([memo(1)])
    (again,) = erp().push([memo(1)])

    (row,) = state.sets["A_DebitMemoRequest"]
    assert row["PurchaseOrderByCustomer"] == "0198c1f2aaaa7bbb8ccc000000000001"
    assert row["to_Item"][0]["NetAmount"] == "100.50"
    assert (receipt.native_id, again.native_id) == (row["DebitMemoRequest"],) * 2
    assert (receipt.detail, again.detail) == ("HTTP 201, made", "it was there already")
    assert [one.method for one in server.asked if one.path == DEBIT] == ["GET", "POST", "GET"]


def test_a_document_whose_answer_was_lost_is_found_and_not_made_again(erp, state, server):
    server.faults.append(Fault("truncated", DEBIT, passes=1))
    (receipt,) = erp().push([memo(1)])
    (again,) = erp().push([memo(1)])

    assert receipt.outcome == "unknown"
    assert (again.outcome, again.detail) == ("delivered", "it was there already")
    assert len(state.sets["A_DebitMemoRequest"]) == 1


def test_a_refusal_is_told_in_the_systems_own_words(erp, state):
    state.closed = "Posting period 003 2026 is not open"
    first, second = erp().push([memo(1), memo(2, object="cheque")])

    assert (first.outcome, second.outcome) == ("refused", "refused")
    assert "F5/201: Posting period 003 2026 is not open" in first.detail
    assert "expected one of debit_memo" in second.detail


def test_a_proof_that_has_ended_is_fetched_again(erp, state):
    system = erp()
    system.push([memo(1)])
    state.csrf.clear()
    (receipt,) = system.push([memo(2)])

    assert receipt.outcome == "delivered"


def test_two_documents_with_our_number_are_for_a_person(erp, state):
    for number in ("1", "2"):
        state.put(
            "A_DebitMemoRequest", ("DebitMemoRequest",), DebitMemoRequest=number,
            PurchaseOrderByCustomer="0198c1f2aaaa7bbb8ccc000000000001",
        )  # fmt: skip
    (receipt,) = erp().push([memo(1)])

    assert (receipt.outcome, "a person must decide" in receipt.detail) == ("refused", True)


# -- faults


def test_a_wrong_password_is_told_in_the_systems_words(erp, monkeypatch, bills):
    monkeypatch.setenv("ERP_PASSWORD", "wrong")
    with pytest.raises(Misconfigured, match="Logon failed"):
        list(erp().pull("invoices", ""))


def test_a_token_that_ends_in_between_is_renewed_once(erp, server, bills):
    oauth = {"kind": "oauth2", "token_url": f"{server.url}/token", "client_id": "CROHUB",
             "client_secret": "${env:ERP_PASSWORD}"}  # fmt: skip
    server.faults.append(Fault("unauthorized", BILLING, passes=1))

    assert len(list(erp(auth=oauth).pull("invoices", ""))) == 8
    assert [one.path for one in server.asked].count("/token") == 2


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault("throttled", BILLING, passes=1, seconds=7), [7.0]),
        (Fault("broken", BILLING, passes=1), [0.5]),
        (Fault("truncated", BILLING, passes=1), [0.5]),
        (Fault("slow", BILLING, passes=1, seconds=0.3), []),
    ],
)
def test_what_passes_is_tried_again(erp, server, slept, bills, fault, waited):
    server.faults.append(fault)

    assert len(list(erp().pull("invoices", ""))) == 8
    assert slept == waited


def test_a_service_too_slow_for_us_is_asked_later(erp, server, bills):
    server.faults.append(Fault("slow", BILLING, seconds=1))
    with pytest.raises(TryLater):
        list(erp(http={"read_timeout": 0.2, "attempts": 1}).pull("invoices", ""))


def test_a_failure_inside_a_200_is_a_failure(erp, server, bills):
    inside = {"error": {"code": "SY/530", "message": "Backend not available"}}
    server.faults.append(Fault("failed", BILLING, passes=1, body=inside))
    found = []

    with pytest.raises(Refused, match="SY/530: Backend not available"):
        found.extend(erp().pull("invoices", ""))


def test_the_details_of_an_error_are_told(erp, serve, reply):
    details = [{"code": "X/1", "message": "Field CostCenter is missing", "severity": "error"}]
    body = {"error": {"code": "M8/123", "message": {"lang": "en", "value": "Not posted"},
                      "innererror": {"errordetails": details}}}  # fmt: skip
    web = serve([reply(400, json.dumps(body).encode())])

    with pytest.raises(Refused, match="M8/123: Not posted; Field CostCenter is missing"):
        list(erp(base_url=web.url).pull("invoices", ""))


# -- size


def test_a_hundred_thousand_lines_go_through_with_flat_memory(erp, serve, reply):
    row = b'{"BillingDocument": "%06d", "LastChangeDateTime": "/Date(1772366400000+0000)/"}'

    def answer(asked):
        behind = re.search(r"BillingDocument gt '(\d+)'", asked.query.get("$filter", [""])[0])
        start = int(behind[1]) + 1 if behind else 0
        rows = b",".join(row % n for n in range(start, min(start + 1000, 100_000)))
        return reply(200, b'{"d": {"results": [%b]}}' % rows)

    system = erp(base_url=serve(answer).url, streams={"invoices": {"page": 1000}})
    held, number, process = [], 0, psutil.Process()
    for number, _ in enumerate(system.pull("invoices", ""), start=1):
        if number in (30_000, 100_000):
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 12_000_000
