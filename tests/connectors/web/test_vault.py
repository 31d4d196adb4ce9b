"""A vault is read: queries page by page, what changed, what was deleted, and its faults."""

from __future__ import annotations

import gc
import json
import socket
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.promises import CheckPromises, PullPromises
from connectors.vault import Vault
from connectors.vault.query import SHIPPED
from connectors.world import World
from crohub.sandbox.vault import VaultState, vault_server
from crohub.sandbox.web import Fault

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("VAULT_PASSWORD", "made-up")


@pytest.fixture
def state():
    """Its clock goes on by a minute with everything that happens there."""
    minutes = iter(range(10_000_000))
    made = VaultState(page=3, now=lambda: NOON + timedelta(minutes=next(minutes)))
    for shipped in SHIPPED.values():
        if shipped.object != "documents":
            made.objects.setdefault(shipped.object, {})
    return made


@pytest.fixture
def server(state):
    with vault_server(state) as made:
        yield made


@pytest.fixture
def slept():
    return []


@pytest.fixture
def vault(server, slept):
    """A connection to the made-up vault that waits for nothing."""

    def make(**settings):
        said = {
            "base_url": server.url, "vault_id": "4711", "user": "hub@acme.example",
            "password": "${env:VAULT_PASSWORD}",
        }  # fmt: skip
        world = World(now=lambda: NOON + timedelta(days=2), sleep=slept.append, chance=lambda: 0.5)
        return Vault.model_validate(said | settings).within(world)

    return make


@pytest.fixture
def sites(state):
    """Eight sites of one study."""
    study = state.put("study__v", name__v="ONC-101")
    return [
        state.put("site__v", name__v=f"10{number}", study__v=study, site_status__v=["active__v"])
        for number in range(8)
    ]


@pytest.fixture
def nobody(vault):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield vault(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}")


def ids(records):
    return [json.loads(record.body)["id"] for record in records]


def asked(server, method="POST"):
    return [one for one in server.asked if one.method == method]


# -- promises


class TestVaultPull(PullPromises):
    overlaps = True

    @pytest.fixture
    def connector(self, vault, sites):
        return vault()

    @pytest.fixture
    def stream(self):
        return "site"

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestVaultPullWithDeletions(TestVaultPull):
    ordered = False

    @pytest.fixture
    def connector(self, vault, sites, state):
        state.delete("site__v", sites[2])
        state.delete("site__v", sites[5])
        return vault(overlap=0)


class TestVaultCheck(CheckPromises):
    @pytest.fixture
    def connector(self, vault, sites):
        return vault()

    @pytest.fixture
    def down(self, nobody):
        return nobody


# -- what is read


def test_every_page_comes_oldest_change_first_and_the_next_run_brings_what_changed(
    vault, state, sites
):
    system = vault(overlap=0)

    first = list(system.pull("site", ""))
    state.put("site__v", sites[4], site_status__v=["closed__v"])
    again = list(system.pull("site", first[-1].cursor))

    assert ids(first) == sites
    assert first[0].media == "application/json"
    assert first[0].at == NOON + timedelta(minutes=1)
    assert ids(again)[-1] == sites[4]
    assert json.loads(again[-1].body)["site_status__v"] == ["closed__v"]
    assert len(again) == 2  # the one the cursor stands on comes again


def test_only_what_the_vault_has_is_asked_for(vault, server, state, sites):
    (record,) = vault().pull("study", "")

    assert set(json.loads(record.body)) == {
        "id", "name__v", "external_id__v", "modified_date__v"
    }  # fmt: skip


def test_streams_of_the_settings_lie_over_the_shipped_ones(vault, state, sites):
    state.put("site__v", sites[0], region__c="north")
    state.put("budget__c", name__v="B1", amount__c="1.10")
    system = vault(
        streams={
            "site": {"also": ["region__c"], "where": "region__c = 'north'"},
            "budget": {"object": "budget__c", "fields": ["name__v", "amount__c"]},
        }
    )

    (site,) = system.pull("site", "")
    (budget,) = system.pull("budget", "")

    assert json.loads(site.body)["region__c"] == "north"
    assert json.loads(site.body)["name__v"] == "100"
    assert json.loads(budget.body)["amount__c"] == "1.10"


def test_a_step_over_a_relation_is_selected_where_the_vault_has_it(vault, state):
    country = state.put("country__v", name__v="Austria")
    state.put("site__v", name__v="1", country__v=country)

    (record,) = vault().pull("site", "")

    assert json.loads(record.body)["country__vr.name__v"] == "Austria"


def test_documents_and_all_their_versions(vault, state):
    number = state.file(b"x", name__v="Protocol", status__v="Draft")
    state.file(id=number, status__v="Approved", major_version_number__v=1)
    system = vault()

    latest = [json.loads(one.body) for one in system.pull("documents", "")]
    every = list(system.pull("document_versions", ""))

    assert [(one["id"], one["status__v"]) for one in latest] == [(number, "Approved")]
    assert [json.loads(one.body)["status__v"] for one in every] == ["Draft", "Approved"]
    assert len({one.message_key for one in every}) == 2


def test_a_deletion_is_a_tombstone_and_comes_once_more_only_within_the_overlap(vault, state, sites):
    system = vault(overlap=0)
    cursor = list(system.pull("site", ""))[-1].cursor
    state.delete("site__v", sites[3])

    gone, *rest = system.pull("site", cursor)
    state.delete("site__v", sites[4])
    again = [one for one in system.pull("site", rest[-1].cursor) if one.said == "gone"]

    assert (gone.said, gone.stream, ids([gone])) == ("gone", "site", [sites[3]])
    assert gone.message_key.startswith(f"site/{sites[3]}@")
    assert ids(again) == [sites[3], sites[4]]
    assert again[0].message_key == gone.message_key


def test_many_deletions_come_page_by_page(vault, state, sites):
    cursor = list(vault().pull("site", ""))[-1].cursor
    state.deleted["site__v"] = [
        {"id": f"old{number}", "date_deleted": "2026-03-02T00:00:00Z"} for number in range(2_500)
    ]

    gone = [one for one in vault().pull("site", cursor) if one.said == "gone"]

    assert len(set(ids(gone))) == 2_500


def test_a_cursor_older_than_what_the_vault_remembers_asks_for_all_deletions(
    vault, server, state, sites
):
    state.delete("site__v", sites[0])

    records = list(vault().pull("site", "2025-01-01T00:00:00Z"))

    assert records[0].said == "gone"
    (deletions,) = [one for one in server.asked if "/deletions/" in one.path]
    assert "start_date" not in deletions.query


def test_deletions_of_documents_have_an_address_of_their_own(vault, state, server):
    number = state.file(b"x", name__v="Protocol")
    cursor = list(vault().pull("documents", ""))[-1].cursor
    state.delete("documents", number)
    state.objects["documents"] = {}

    gone = next(vault().pull("documents", cursor))

    assert json.loads(gone.body)["deletion_type"] == "document__sys"
    assert any(one.path.endswith("/objects/deletions/documents") for one in server.asked)


def test_a_change_while_pages_are_read_is_lost_in_no_run(vault, state, sites):
    system = vault(overlap=0)
    pulled = system.pull("site", "")
    first = [next(pulled) for _ in range(2)]

    state.put("site__v", sites[0], site_status__v=["closed__v"])
    new = state.put("site__v", name__v="999")
    rest = list(pulled)
    after = list(system.pull("site", rest[-1].cursor))

    assert ids(first) + ids(rest) == sites
    assert {sites[0], new} <= set(ids(after))


# -- signing in


def test_the_session_is_shared(vault, server, sites):
    system = vault()
    list(system.pull("site", ""))
    list(system.pull("study", ""))

    assert [one.path for one in asked(server)].count("/api/v25.1/auth") == 1


def test_a_session_that_ended_is_renewed_once(vault, server, state, sites):
    system = vault()
    pulled = system.pull("site", "")
    first = next(pulled)
    state.sessions.clear()

    assert ids([first, *pulled]) == sites
    assert [one.path for one in asked(server)].count("/api/v25.1/auth") == 2


def test_a_session_that_is_never_taken_is_a_mistake_of_the_settings(vault, server, sites):
    no = {"responseStatus": "FAILURE", "errors": [{"type": "INVALID_SESSION_ID"}]}
    server.faults += [Fault("failed", path="/api/v25.1/query", body=no) for _ in range(2)]

    with pytest.raises(Misconfigured, match="a session just made is not taken"):
        list(vault().pull("site", ""))


def test_a_login_that_lands_in_another_vault_is_refused(vault, state, sites):
    state.vault_id = 815

    with pytest.raises(Misconfigured, match="vaultId is '815', expected '4711'"):
        list(vault().pull("site", ""))
    assert "landed somewhere else" in vault().check().detail


def test_a_wrong_password_is_told_in_the_vaults_words(vault, monkeypatch):
    monkeypatch.setenv("VAULT_PASSWORD", "wrong")

    with pytest.raises(Misconfigured, match="USERNAME_OR_PASSWORD_INCORRECT: Authentication fail"):
        list(vault().pull("site", ""))


# -- faults


@pytest.mark.parametrize(
    "fault",
    [
        Fault("unauthorized", passes=1),
        Fault("throttled", passes=1, seconds=7),
        Fault("broken", passes=1),
        Fault("truncated", passes=1),
        Fault("slow", passes=1, seconds=0.2),
        Fault("failed", passes=1, body={"responseStatus": "EXCEPTION", "errors": []}),
        Fault("failed", passes=1, body={"responseStatus": "FAILURE",
                                        "errors": [{"type": "API_LIMIT_EXCEEDED"}]}),
    ],
    ids=lambda fault: f"{fault.kind}-{(fault.body or {}).get('responseStatus', '')}",
)  # fmt: skip
def test_what_passes_by_itself_loses_nothing(vault, server, sites, slept, fault):
    fault.path = "/api/v25.1/query"
    server.faults.append(fault)

    assert ids(vault().pull("site", "")) == sites
    assert server.faults == []
    assert (7 in slept) == (fault.kind == "throttled")


def test_what_does_not_pass_within_our_patience_is_told_later_and_resumed(vault, server, sites):
    system, kept = vault(http={"attempts": 2}, overlap=0), []
    server.faults += [Fault("broken", path="/api/v25.1/query/") for _ in range(2)]
    pulled = system.pull("site", "")

    with pytest.raises(TryLater, match="HTTP 500"):
        kept.extend(pulled)
    rest = list(system.pull("site", "2026-03-01T12:03:00Z"))

    assert ids(rest) == sites[2:]


def test_a_query_that_expired_between_pages_resumes_from_the_cursor(vault, state, sites):
    system = vault(overlap=0)
    pulled, kept = system.pull("site", ""), []
    kept.append(next(pulled))
    state.results.clear()

    with pytest.raises(TryLater, match="resumes from its cursor"):
        kept.extend(pulled)
    rest = list(system.pull("site", kept[-1].cursor))

    assert len(kept) == 3
    assert set(ids(kept) + ids(rest)) == set(sites)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("INSUFFICIENT_ACCESS", Misconfigured),
        ("INCORRECT_QUERY_SYNTAX_ERROR", Misconfigured),
        ("OPERATION_NOT_ALLOWED", Refused),
        ("SOMETHING_NEW", Refused),
    ],
)
def test_other_failures_are_answered_by_their_kind(vault, server, sites, kind, raised):
    no = {"responseStatus": "FAILURE", "errors": [{"type": kind, "message": "Jane Doe"}]}
    server.faults.append(Fault("failed", path="/api/v25.1/query", body=no))

    with pytest.raises(raised, match=kind) as failed:
        list(vault().pull("site", ""))
    assert "Jane" not in str(failed.value)


def test_a_page_that_cannot_be_read_is_kept(vault, server, sites):
    server.faults.append(Fault("failed", path="/api/v25.1/query", body=[1, 2]))
    pulled = vault().pull("site", "")

    page = next(pulled)

    assert page.fault
    with pytest.raises(Refused, match="its next is unknown"):
        next(pulled)


def test_it_slows_down_before_the_vault_does(vault, state, sites, slept):
    state.calls = 202  # metadata and three pages follow
    list(vault().pull("site", ""))

    assert slept == [2]


def test_it_waits_as_long_as_the_vault_held_an_answer_back(vault, state, sites, slept):
    state.calls = 0
    throttle = {"remaining": "none", "delayed": "X-VaultAPI-ResponseDelay"}
    list(vault(http={"throttle": throttle}).pull("site", ""))

    assert slept
    assert set(slept) == {0.5}


# -- check and settings


def test_check_tells_what_the_vault_lacks(vault, state, sites):
    state.objects.pop("monitoring_follow_up_item__v")
    health = vault().check()

    assert health.ok
    assert health.version == "v25.1"
    assert "vault 4711" in health.detail
    assert "finding: monitoring_follow_up_item__v" in health.detail

    health = vault(streams={"site": {"also": ["no_such__c"]}}).check()
    assert not health.ok
    assert "no_such__c" in health.detail

    health = vault(streams={"subject": {"object": "subject__v"}}).check()
    assert not health.ok
    assert "subject: subject__v" in health.detail


def test_a_field_of_the_settings_that_is_not_there_is_named(vault, sites):
    with pytest.raises(Misconfigured, match=r"streams\.site: site__v has no no_such__c"):
        list(vault(streams={"site": {"also": ["no_such__c"]}}).pull("site", ""))


def test_an_object_that_is_not_there_is_named(vault, state):
    del state.objects["metrics__ctms"]

    with pytest.raises(Misconfigured, match="the vault has no metrics__ctms"):
        list(vault().pull("metrics", ""))


@pytest.mark.parametrize(
    "wrong",
    [
        {"vault_id": "acme"},
        {"password": "in clear"},
        {"api_version": "25"},
        {"streams": {"mine": {"object": "mine__c"}}},
        {"streams": {"site": {"also": ["id FROM users"]}}},
        {"streams": {"site": {"object": "site__v WHERE"}}},
    ],
)
def test_wrong_settings_are_refused(vault, wrong):
    with pytest.raises(ValidationError):
        vault(**wrong)


# -- size


def test_a_hundred_thousand_records_go_through_with_flat_memory(serve, reply, vault):
    """Pages are made as they are asked for, so that memory is the connector's own."""
    details = b'{"responseStatus": "SUCCESS", "responseDetails": {%b}, "data": [%b]}'

    def answer(request):
        if request.path.endswith("/auth"):
            return reply(200, b'{"responseStatus": "SUCCESS", "sessionId": "S", "vaultId": 4711}')
        if "/metadata/" in request.path:
            return reply(200, b'{"object": {"fields": [{"name": "name__v"}]}}')
        assert request.headers["x-vaultapi-clientid"] == "crohub"
        page = int(request.query.get("page", ["0"])[0])
        link = b'"next_page": "/api/v25.1/query/q?page=%d"' % (page + 1) if page < 99 else b""
        rows = (
            b'{"id": "%d", "modified_date__v": "2026-03-01T12:00:00.000Z"}' % (page * 1000 + number)
            for number in range(1000)
        )
        return reply(200, details % (link, b",".join(rows)))

    system, held, number = vault(base_url=serve(answer).url), [], 0
    process = psutil.Process()
    for number, _ in enumerate(system.pull("site", ""), start=1):
        if number in (30_000, 100_000):
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 12_000_000
