"""Accounts and groups of a real SCIM server (scim2-server): read, changed and kept."""

from __future__ import annotations

import gc
import json
import socket
from datetime import UTC, datetime

import psutil
import pytest

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.scim import Scim
from connectors.world import World
from crohub.sandbox.scim import Directory, scim_server
from crohub.sandbox.web import Fault
from tests.connectors.web import scim_provider

pytestmark = pytest.mark.peer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def start():
    """Starts a provider; `cannot` names what its ServiceProviderConfig denies."""
    running = []

    def make(*cannot):
        made = scim_provider.provider(*cannot)
        made.web.start()
        running.append(made.web)
        return made

    yield make
    for web in running:
        web.stop()


@pytest.fixture
def provider(start):
    """Eight accounts; the first three are in one group."""
    made = start()
    for number in range(8):
        made.hire(f"user{number}")
    made.study = made.group("ONC-101 staff", *made.users[:3])
    made.web.asked.clear()
    return made


@pytest.fixture
def slept():
    return []


@pytest.fixture
def scim(provider, slept, monkeypatch):
    monkeypatch.setenv("SCIM_SECRET", "made-up")

    def make(url=provider.web.url, **settings):
        auth = {
            "kind": "oauth2", "token_url": f"{url}/token", "client_id": "hub",
            "client_secret": "${env:SCIM_SECRET}",
        }  # fmt: skip
        said = {"base_url": f"{url}/v2", "auth": auth, "page": 3, "overlap": 0}
        world = World(now=lambda: NOON, sleep=slept.append, chance=lambda: 0.5)
        return Scim.model_validate(said | settings).within(world)

    return make


@pytest.fixture
def nobody(scim):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield scim(f"http://127.0.0.1:{bound.getsockname()[1]}")


def ids(records):
    return [json.loads(record.body)["id"] for record in records]


def told(number, **target):
    return Delivery(id=f"D{number}", stream="", body=b"{}", media="application/json", target=target)


# -- promises


class TestScimPull(PullPromises):
    ordered = False
    overlaps = True  # a whole list is read from its beginning

    @pytest.fixture
    def connector(self, scim):
        return scim()

    @pytest.fixture
    def stream(self):
        return "Users"

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestScimPullOfChanges(TestScimPull):
    ordered = True

    @pytest.fixture
    def stream(self):
        return "changed_users"


class TestScimPush(PushPromises):
    @pytest.fixture
    def connector(self, scim):
        return scim()

    @pytest.fixture
    def deliveries(self, provider):
        return [
            told(1, do="deactivate", user=provider.users[0]),
            told(2, do="remove_member", user=provider.users[1], group=provider.study),
            told(3, do="add_member", user=provider.users[5], group=provider.study),
        ]

    @pytest.fixture
    def there(self, provider):
        """With the version of each, so that a write that changes nothing is seen as well."""
        paths = [*(f"/Users/{one}" for one in provider.users), f"/Groups/{provider.study}"]
        return lambda: [provider.write("GET", path) for path in paths]

    @pytest.fixture
    def down(self, nobody):
        return nobody


class TestScimCheck(CheckPromises):
    @pytest.fixture
    def connector(self, scim):
        return scim()

    @pytest.fixture
    def down(self, nobody):
        return nobody


# -- what is read


def test_a_whole_list_comes_page_by_page_sorted_by_id(scim, provider):
    records = list(scim().pull("Users", ""))

    assert ids(records) == sorted(provider.users)
    assert [one.of for one in records] == sorted(provider.users)
    pages = [one.query for one in provider.web.asked if one.path == "/v2/Users"]
    assert [
        next(part for part in page.split("&") if part.startswith("startIndex")) for page in pages
    ] == ["startIndex=1", "startIndex=4", "startIndex=7"]
    assert all("sortBy=id" in page for page in pages)


def test_groups_come_with_their_members(scim, provider):
    (group,) = scim().pull("Groups", "")

    members = {one["value"] for one in json.loads(group.body)["members"]}
    assert members == set(provider.users[:3])


def test_unchanged_content_has_an_unchanged_key_and_what_is_deleted_is_missing(scim, provider):
    first = {one.of: one.message_key for one in scim().pull("Users", "")}
    provider.retitle(provider.users[2], "Coordinator")
    provider.write("DELETE", f"/Users/{provider.users[4]}")

    second = {one.of: one.message_key for one in scim().pull("Users", "")}

    assert first.keys() - second.keys() == {provider.users[4]}
    assert {one for one in second if second[one] != first[one]} == {provider.users[2]}


def test_only_what_changed_comes_after_the_cursor(scim, provider):
    system = scim()
    cursor = list(system.pull("changed_users", ""))[-1].cursor
    provider.retitle(provider.users[2], "Coordinator")
    provider.web.asked.clear()

    after = list(system.pull("changed_users", cursor))

    assert ids(after)[-1] == provider.users[2]
    asked = next(one.query for one in provider.web.asked if one.path == "/v2/Users")
    assert f"lastModified%20ge%20%22{cursor.replace(':', '%3A')}" in asked  # to the server's second


def test_a_change_while_what_changed_is_read_moves_nothing_out_of_sight(scim, provider):
    system = scim()
    pulled = system.pull("changed_users", "")
    first = [next(pulled) for _ in range(2)]
    provider.retitle(provider.users[0], "Nurse")  # goes to the end; all others move up

    every = first + list(pulled)

    assert set(ids(every)) == set(provider.users)


def test_a_list_that_shifts_while_read_is_read_again_and_marks_nothing(scim, provider):
    pulled = scim().pull("Users", "")
    first = min(provider.users)
    assert ids([next(pulled)]) == [first]
    provider.write("DELETE", f"/Users/{first}")

    with pytest.raises(TryLater, match="of a list of 7 then 8"):
        list(pulled)


def test_a_provider_that_cannot_sort_is_read_whole_and_says_so_for_changes(scim, start):
    plain = start("sort", "filter")
    user = plain.hire("only")
    system = scim(plain.web.url)

    assert ids(system.pull("Users", "")) == [user]
    assert not any("sortBy" in one.query for one in plain.web.asked)
    with pytest.raises(Misconfigured, match="cannot filter and sort; read Users"):
        list(system.pull("changed_users", ""))
    assert "sort: no" in system.check().detail


def test_an_empty_directory_may_leave_the_list_out(scim, start):
    assert list(scim(start().web.url).pull("Users", "")) == []


# -- what is told


def test_what_is_told_is_there(scim, provider):
    first, second = provider.users[:2]
    receipts = scim().push(
        [
            told(1, do="deactivate", user=first),
            told(2, do="remove_member", user=second, group=provider.study),
        ]
    )

    assert [one.outcome for one in receipts] == ["delivered", "delivered"]
    assert [one.native_id for one in receipts] == [first, provider.study]
    assert provider.user(first)["active"] is False
    assert provider.members(provider.study) == {first, provider.users[2]}


def test_what_is_so_already_is_not_written(scim, provider):
    scim().push([told(1, do="activate", user=provider.users[0])])

    assert not [one for one in provider.web.asked if one.method == "PATCH"]


class _Hasty:
    """A provider where somebody changes the account between our look and our write."""

    def __init__(self, reply, times):
        self.reply, self.left, self.matched = reply, times, []

    def __call__(self, asked):
        if asked.method == "GET":
            body = b'{"id": "U1", "active": true}'
            return self.reply(200, body, {"ETag": f'W/"{self.left}"'})
        self.matched.append(asked.headers["if-match"])
        if self.left:
            self.left -= 1
            return self.reply(412, b"{}")
        return self.reply(204, b"")


@pytest.mark.parametrize(("times", "outcome"), [(1, "delivered"), (5, "later")])
def test_who_was_quicker_is_looked_at_again(scim, serve, reply, times, outcome):
    system = scim(auth={"kind": "none"}, base_url=serve(_Hasty(reply, times)).url)
    deliveries = [told(1, do="deactivate", user="U1")]

    if outcome == "later":
        with pytest.raises(TryLater, match="412") as raised:
            system.push(deliveries)
        assert raised.value.answered
    else:
        assert [one.outcome for one in system.push(deliveries)] == [outcome]


def test_a_write_names_the_version_it_was_made_for(scim, serve, reply):
    hasty = _Hasty(reply, 1)
    scim(auth={"kind": "none"}, base_url=serve(hasty).url).push(
        [told(1, do="deactivate", user="U1")]
    )

    assert hasty.matched == ['W/"1"', 'W/"0"']


@pytest.mark.parametrize(
    "target",
    [{}, {"do": "delete", "user": "U1"}, {"do": "deactivate"}, {"do": "add_member", "user": "U1"}],
)
def test_an_order_that_is_not_understood_is_refused(scim, target):
    (receipt,) = scim().push([told(1, **target)])

    assert receipt.outcome == "refused"


def test_an_account_that_is_not_there_is_refused_and_the_rest_goes_on(scim, provider):
    receipts = scim().push(
        [told(1, do="deactivate", user="nobody"), told(2, do="deactivate", user=provider.users[0])]
    )

    assert [one.outcome for one in receipts] == ["refused", "delivered"]


@pytest.mark.parametrize("passes", [0, 1], ids=["look", "write"])
@pytest.mark.parametrize("kind", ["unauthorized", "throttled", "broken", "truncated", "slow"])
def test_a_write_that_meets_a_fault_is_done(scim, provider, kind, passes):
    provider.web.faults.append(Fault(kind, "/v2/Users", passes=passes, seconds=0.2))

    receipts = scim().push([told(1, do="deactivate", user=provider.users[0])])

    assert [one.outcome for one in receipts] == ["delivered"]
    assert provider.user(provider.users[0])["active"] is False


def test_another_thing_than_was_asked_for_is_not_written_to(scim, provider):
    error = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500"}
    provider.web.faults.append(Fault("failed", path="/v2/Users", body=error))

    (receipt,) = scim().push([told(1, do="deactivate", user=provider.users[0])])

    assert receipt.outcome == "refused"
    assert not [one for one in provider.web.asked if one.method == "PATCH"]


# -- faults


@pytest.mark.parametrize(
    "fault",
    [
        Fault("unauthorized", passes=1),
        Fault("throttled", passes=1, seconds=7),
        Fault("broken", passes=1),
        Fault("truncated", passes=1),
        Fault("slow", passes=1, seconds=0.2),
    ],
    ids=lambda fault: fault.kind,
)
@pytest.mark.parametrize("stream", ["Users", "changed_users"])
def test_what_passes_by_itself_loses_nothing(scim, provider, slept, fault, stream):
    provider.web.faults.append(Fault(fault.kind, "/v2/Users", fault.passes, fault.seconds))

    assert set(ids(scim().pull(stream, ""))) == set(provider.users)
    assert slept == ([7] if fault.kind == "throttled" else slept)


@pytest.mark.parametrize("stream", ["Users", "changed_users"])
def test_a_failure_inside_a_success_is_no_empty_list(scim, provider, stream):
    error = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400"}
    provider.web.faults.append(Fault("failed", path="/v2/Users", passes=1, body=error))

    with pytest.raises(ConnectorError, match="totalResults"):
        list(scim().pull(stream, ""))


def test_a_wrong_secret_is_told(scim, provider):
    provider.web.faults += [Fault("unauthorized", path="/token") for _ in range(9)]

    with pytest.raises(Misconfigured, match="401"):
        list(scim().pull("Users", ""))


def test_a_wrong_token_stops_the_connection_in_the_providers_words(scim, monkeypatch):
    monkeypatch.setenv("SCIM_SECRET", "wrong")
    with scim_server(Directory(token="right")) as other:
        bearer = {"kind": "bearer", "token": "${env:SCIM_SECRET}"}
        stranger = scim(base_url=f"{other.url}/scim/v2", auth=bearer)

        with pytest.raises(Misconfigured, match="The token is not valid"):
            list(stranger.pull("Users", ""))
        assert "The token is not valid" in stranger.check().detail


def test_a_changed_resource_without_its_time_stops_the_pull(scim, serve, reply):
    def answer(asked):
        if asked.path.endswith("Config"):
            return reply(200, b'{"sort": {"supported": true}, "filter": {"supported": true}}')
        return reply(200, b'{"totalResults": 1, "Resources": [{"id": "U1"}]}')

    with pytest.raises(Refused, match="lastModified"):
        list(scim(auth={"kind": "none"}, base_url=serve(answer).url).pull("changed_users", ""))


# -- size


def test_a_hundred_thousand_accounts_go_through_with_flat_memory(scim, serve, reply):
    def answer(asked):
        if asked.path.endswith("Config"):
            return reply(200, b"{}")
        start = int(asked.query["startIndex"][0])
        rows = b",".join(b'{"id": "U%06d"}' % number for number in range(start, start + 1000))
        return reply(200, b'{"totalResults": 100000, "Resources": [%b]}' % rows)

    system = scim(auth={"kind": "none"}, base_url=serve(answer).url, page=1000)
    held, number, process = [], 0, psutil.Process()
    for number, _ in enumerate(system.pull("Users", ""), start=1):
        if number in (30_000, 100_000):
            gc.collect()
            held.append(process.memory_info().rss)

    assert number == 100_000
    assert held[1] - held[0] < 12_000_000
