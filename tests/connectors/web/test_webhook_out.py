"""Events that we post: signed so that the reference implementation believes them."""

from __future__ import annotations

import base64
import json

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook as Verifier

from connectors.errors import Misconfigured, TryLater
from connectors.promises import CheckPromises, PushPromises
from connectors.record import Delivery
from connectors.webhook import WebhookOut
from connectors.world import World

pytestmark = pytest.mark.peer

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
FORMER = "whsec_" + base64.b64encode(b"f" * 32).decode()
EVENT = "application/cloudevents+json"


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("FORMER", FORMER)


def delivery(number=1, body=b'{"specversion":"1.0"}') -> Delivery:
    return Delivery(id=f"d-{number}", stream="event", body=body, media=EVENT)


def target(url: str, **settings) -> WebhookOut:
    return WebhookOut.model_validate({"url": url, "secret": "${env:HOOK}", **settings})


@pytest.fixture
def out(serve, clock):
    def make(answer, **settings):
        web = serve(answer)
        return target(web.url, **settings).within(clock.world), web

    return make


class TestWebhookOut(PushPromises, CheckPromises):
    @pytest.fixture
    def taken(self):
        return {}

    @pytest.fixture
    def connector(self, serve, reply, taken):
        def answer(asked):
            if asked.method == "POST":
                taken[asked.headers["webhook-id"]] = asked.body
            return reply(204 if asked.method == "POST" else 405)

        return target(serve(answer).url)

    @pytest.fixture
    def deliveries(self):
        return [delivery(n) for n in range(3)]

    @pytest.fixture
    def there(self, taken):
        return lambda: dict(taken)

    @pytest.fixture
    def down(self):
        return target("http://127.0.0.1:9", http={"attempts": 1})


def test_the_reference_implementation_believes_it(serve, reply):
    web = serve([reply(200)])

    (receipt,) = target(web.url).push([delivery(body=b'{"n": 1.10}')])

    (asked,) = web.asked
    assert receipt.outcome == "delivered"
    assert Verifier(SECRET).verify(asked.body, asked.headers) == {"n": 1.1}
    assert asked.headers["webhook-id"] == "d-1"
    assert asked.headers["content-type"] == EVENT
    assert asked.body == b'{"n": 1.10}'


def test_while_a_key_is_changed_either_believes_it(serve, reply):
    web = serve([reply(200)])
    target(web.url, former_secret="${env:FORMER}").push([delivery()])

    for secret in (SECRET, FORMER):
        Verifier(secret).verify(web.asked[0].body, web.asked[0].headers)
    assert len(web.asked[0].headers["webhook-signature"].split(" ")) == 2


def test_a_target_that_is_gone_for_good_is_told(out, reply):
    connector, _ = out([reply(410)])

    (receipt,) = connector.push([delivery()])

    assert receipt.outcome == "refused"
    assert "gone for good" in receipt.detail


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_refusal_is_told_and_the_next_goes_on(out, reply, status):
    connector, _ = out([reply(status), reply(200)])

    receipts = connector.push([delivery(1), delivery(2)])

    assert [one.outcome for one in receipts] == ["refused", "delivered"]


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_time_gets_it_and_the_rest_waits_in_order(out, reply, status):
    later = reply(status, b"", {"Retry-After": "600"})
    connector, web = out([reply(200), later])

    receipts = connector.push([delivery(1), delivery(2), delivery(3)])

    assert [one.outcome for one in receipts] == ["delivered", "later", "later"]
    assert receipts[1].retry_after == 600
    assert len(web.asked) == 2


def test_one_that_asks_for_time_at_once_is_tried_later(out, reply):
    connector, _ = out([reply(503, b"", {"Retry-After": "600"})])

    with pytest.raises(TryLater) as raised:
        connector.push([delivery()])
    assert raised.value.after == 600


def test_without_an_answer_nobody_knows(out):
    connector, _ = out(lambda _: None, http={"attempts": 2})

    receipts = connector.push([delivery(1), delivery(2)])

    assert [one.outcome for one in receipts] == ["unknown", "later"]


def test_a_repetition_carries_the_same_id_and_body(out, reply):
    connector, web = out([reply(500), reply(200)])

    (receipt,) = connector.push([delivery()])

    assert receipt.outcome == "delivered"
    assert len({(one.headers["webhook-id"], one.body) for one in web.asked}) == 1


def test_a_redirect_is_not_followed(out, reply, serve):
    elsewhere = serve([reply(200)])
    connector, _ = out([reply(307, b"", {"Location": f"{elsewhere.url}/x"})])

    (receipt,) = connector.push([delivery()])

    assert receipt.outcome == "refused"
    assert elsewhere.asked == []


def test_a_target_that_does_not_let_us_in_needs_a_person(out, reply):
    connector, _ = out([reply(401)])

    with pytest.raises(Misconfigured):
        connector.push([delivery()])


def test_a_secret_that_is_none_is_told_before_anything_is_sent(out, reply, monkeypatch):
    connector, web = out([reply(200)])
    monkeypatch.setenv("HOOK", "whsec_!!")

    with pytest.raises(Misconfigured, match="whsec_"):
        connector.push([delivery()])
    assert web.asked == []
    assert not connector.check().ok


@pytest.mark.parametrize(
    "url",
    ["http://example.org/hook", "ftp://example.org", "https://u:p@example.org", "https://h/?k=1"],
)
def test_an_address_where_events_would_be_seen_is_refused(url):
    with pytest.raises(ValidationError):
        target(url)


def test_its_surroundings_may_be_others():
    world = World()

    assert target("https://example.org/hook").within(world)._world is world
    assert json.loads(delivery().body)["specversion"] == "1.0"
