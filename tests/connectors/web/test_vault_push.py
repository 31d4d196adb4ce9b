"""A vault is told: upserts with a receipt for each row, documents and placeholders made once."""

from __future__ import annotations

import json
import socket

import pytest

from connectors.errors import Misconfigured, TryLater
from connectors.promises import PushPromises
from connectors.record import Delivery
from connectors.vault import Vault
from connectors.world import World
from crohub.sandbox.vault import VaultState, vault_server
from crohub.sandbox.web import Fault

_PATH = "/api/v25.1/vobjects/site__v"
_META = {"name__v": "Plan", "type__v": "Trial Management", "lifecycle__v": "Base"}


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("VAULT_PASSWORD", "made-up")


@pytest.fixture
def state():
    made = VaultState()
    made.objects |= {"site__v": {}, "study__v": {}}
    made.file(None, name__v="there before", external_id__v="other")
    return made


@pytest.fixture
def server(state):
    with vault_server(state) as made:
        yield made


def connection(url, **settings):
    said = {"base_url": url, "vault_id": "4711", "user": "hub@acme.example",
            "password": "${env:VAULT_PASSWORD}"}  # fmt: skip
    world = World(sleep=lambda _: None, chance=lambda: 0.5)
    return Vault.model_validate(said | settings).within(world)


@pytest.fixture
def vault(server):
    return connection(server.url)


def site(number, object="site", **fields):
    body = {"external_id__v": f"hub-{number}", "name__v": f"10{number}"} | fields
    body = {name: value for name, value in body.items() if value is not None}
    return Delivery(
        id=f"d{number}",
        stream="site",
        body=json.dumps(body).encode(),
        media="application/json",
        target={"object": object},
    )


def plan(number=1, body=None, **target):
    """A document: its metadata in the body, or a file with them in the target."""
    fields = _META | {"external_id__v": f"doc-{number}"}
    if body is None:
        body, media = json.dumps(fields).encode(), "application/json"
    else:
        media, target = "application/pdf", fields | target
    return Delivery(
        id=f"f{number}", stream="documents", body=body, media=media,
        target={"object": "documents"} | target,
    )  # fmt: skip


def outcomes(receipts):
    return [receipt.outcome for receipt in receipts]


def requests(server, path=_PATH):
    return [one.method for one in server.asked if one.path == path]


class TestVaultPush(PushPromises):
    @pytest.fixture
    def connector(self, vault):
        return vault

    @pytest.fixture
    def deliveries(self):
        return [site(1), site(2), plan(1), plan(2, b"%PDF"), site(3)]

    @pytest.fixture
    def there(self, state):
        def there():
            sites = [
                {name: value for name, value in row.items() if name != "modified_date__v"}
                for row in state.objects["site__v"].values()
            ]
            return [*sites, *(len(one) for one in state.documents.values())]

        return there

    @pytest.fixture
    def down(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            yield connection(f"http://127.0.0.1:{bound.getsockname()[1]}")


# -- records


def test_rows_in_a_row_are_one_request_and_each_has_its_receipt(vault, server, state):
    state.put("site__v", external_id__v="hub-2", name__v="old")
    receipts = vault.push([site(1), site(2), site(3, name__v=None), site(4)])

    assert requests(server) == ["POST"]
    assert outcomes(receipts) == ["delivered", "delivered", "refused", "delivered"]
    assert receipts[2].detail == "PARAMETER_REQUIRED (name__v)"
    by_name = {row["name__v"]: own for own, row in state.objects["site__v"].items()}
    assert [receipts[n].native_id for n in (0, 1, 3)] == [by_name[n] for n in ("101", "102", "104")]


def test_a_record_that_the_vault_knows_is_updated_and_keeps_its_external_id(vault, server, state):
    known = state.put("site__v", name__v="101", external_id__v="from elsewhere")

    (receipt,) = vault.push([site(1, id=known, site_status__v="closed__v")])

    assert (receipt.outcome, receipt.native_id) == ("delivered", known)
    assert requests(server) == ["PUT"]
    row = state.objects["site__v"][known]
    assert row["site_status__v"] == "closed__v"
    assert row["external_id__v"] == "from elsewhere"


def test_a_request_has_at_most_five_hundred_rows_and_each_thing_once(vault, server, state):
    receipts = vault.push([*(site(n) for n in range(501)), site(500, name__v="later name")])

    assert outcomes(receipts) == ["delivered"] * 502
    assert requests(server) == ["POST", "POST", "POST"]
    assert len(state.objects["site__v"]) == 501
    assert "later name" in {row["name__v"] for row in state.objects["site__v"].values()}


def test_the_order_of_different_objects_is_kept(vault, server):
    vault.push([site(1), site(9, object="study__v"), site(2)])

    paths = [one.path.rpartition("/")[2] for one in server.asked]
    assert paths == ["auth", "site__v", "study__v", "site__v"]


def test_what_cannot_be_said_is_refused_and_the_rest_goes_on(vault, state):
    bad = Delivery(id="b", stream="s", body=b"[1]", media="application/json",
                   target={"object": "site"})  # fmt: skip
    deliveries = [site(1, external_id__v=""), site(2, object="../users"), bad, site(3)]
    receipts = vault.push(deliveries)

    assert outcomes(receipts) == ["refused", "refused", "refused", "delivered"]
    assert "saying it twice would make two" in receipts[0].detail
    assert len(state.objects["site__v"]) == 1


def test_one_bad_row_does_not_keep_the_others_out(vault, server, state):
    no = {"responseStatus": "FAILURE", "errors": [{"type": "INVALID_DATA", "message": "row 2"}]}
    server.faults += [Fault("failed", path=_PATH, body=no),
                      Fault("failed", path=_PATH, body=no, passes=1)]  # fmt: skip

    receipts = vault.push([site(1), site(2), site(3)])

    assert outcomes(receipts) == ["delivered", "refused", "delivered"]
    assert "INVALID_DATA" in receipts[1].detail


def test_of_a_refusal_only_code_and_fields_are_told(vault, server):
    error = {"type": "INVALID_DATA", "message": "Jane Doe is no value of [site_status__v]"}
    row = {"responseStatus": "FAILURE", "errors": [error]}
    server.faults.append(
        Fault("failed", path=_PATH, body={"responseStatus": "SUCCESS", "data": [row]})
    )

    (receipt,) = vault.push([site(1)])

    assert (receipt.outcome, receipt.detail) == ("refused", "INVALID_DATA (site_status__v)")


@pytest.mark.parametrize("kind", ["RACE_CONDITION", "API_LIMIT_EXCEEDED"])
def test_a_row_that_passes_later_is_told_later(vault, server, kind):
    row = {"responseStatus": "FAILURE", "errors": [{"type": kind}]}
    server.faults.append(
        Fault("failed", path=_PATH, body={"responseStatus": "SUCCESS", "data": [row]})
    )

    assert outcomes(vault.push([site(1)])) == ["later"]


def test_an_answer_that_does_not_speak_of_every_row_leaves_the_outcome_unknown(vault, server):
    server.faults.append(
        Fault("failed", path=_PATH, body={"responseStatus": "SUCCESS", "data": []})
    )

    receipts = vault.push([site(1), site(2), site(9, object="study")])

    assert outcomes(receipts) == ["unknown", "unknown", "later"]


def test_a_session_that_ended_is_renewed_for_a_write(vault, server, state):
    vault.push([site(1)])
    state.sessions.clear()

    assert outcomes(vault.push([site(2)])) == ["delivered"]


def test_when_nothing_could_be_sent_it_is_raised_else_the_rest_waits(server):
    vault = connection(server.url, http={"attempts": 1})
    for path in (_PATH, "/api/v25.1/vobjects/study__v"):
        server.faults.append(Fault("throttled", path=path, seconds=9))

    with pytest.raises(TryLater):
        vault.push([site(1)])
    receipts = vault.push([site(1), site(2, object="study"), site(3)])

    assert outcomes(receipts) == ["delivered", "later", "later"]
    assert receipts[1].retry_after == 9


def test_a_user_who_may_not_write_is_a_mistake_of_the_settings(vault, server):
    no = {"responseStatus": "FAILURE", "errors": [{"type": "INSUFFICIENT_ACCESS"}]}
    server.faults.append(Fault("failed", path=_PATH, body=no))

    with pytest.raises(Misconfigured, match="INSUFFICIENT_ACCESS"):
        vault.push([site(1)])


# -- documents


def test_a_document_is_made_of_its_file_and_metadata(vault, state):
    content = b"%PDF-1.7\r\n--\x00\xff\r\n"
    (receipt,) = vault.push([plan(1, content, file_name='a"b\r\n.pdf', unblinded__v="false")])

    number = int(receipt.native_id)
    assert receipt.outcome == "delivered"
    assert state.files[number] == content
    (version,) = state.documents[number]
    assert {name: version[name] for name in _META} == _META
    assert version["unblinded__v"] == "false"
    assert "file_name" not in version


def test_without_a_file_it_is_a_placeholder(vault, state):
    (receipt,) = vault.push([plan()])

    assert int(receipt.native_id) in state.documents
    assert not state.files


def test_a_document_is_made_once(vault, server, state):
    first = vault.push([plan(1, b"%PDF")])
    again = vault.push([plan(1, b"%PDF")])

    assert again[0].native_id == first[0].native_id
    assert again[0].detail == "it is there already"
    assert requests(server, "/api/v25.1/objects/documents") == ["POST"]


def test_a_document_whose_answer_was_lost_is_found_before_it_is_made_again(vault, server, state):
    server.faults.append(Fault("truncated", path="/api/v25.1/objects/documents"))

    lost = vault.push([plan(1, b"%PDF")])
    again = vault.push([plan(1, b"%PDF")])

    assert outcomes([*lost, *again]) == ["unknown", "delivered"]
    assert len(state.documents) == 2  # with the one that was there before


def test_a_document_that_lacks_metadata_is_refused(vault):
    lacking = plan(1, b"%PDF")
    target = {name: value for name, value in lacking.target.items() if name != "lifecycle__v"}
    named = {**lacking.target, 'bad"\r\nname': "x", "external_id__v": "d'2"}

    receipts = vault.push(
        [
            Delivery(id="1", stream="s", body=b"x", media="application/pdf", target=target),
            Delivery(id="2", stream="s", body=b"x", media="application/pdf", target=named),
        ]
    )

    assert outcomes(receipts) == ["refused", "refused"]
    assert "PARAMETER_REQUIRED" in receipts[0].detail
