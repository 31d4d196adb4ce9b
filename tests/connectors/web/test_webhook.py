"""Events that others post: proven, kept as they came, answered once they are stored."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import PrivateAttr, ValidationError
from standardwebhooks import Webhook as Signer

from connectors.promises import CheckPromises, ListenPromises
from connectors.protocol import Accepted, Call, Hooked, Reply
from connectors.webhook import Webhook

pytestmark = pytest.mark.peer

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
FORMER = "whsec_" + base64.b64encode(b"f" * 32).decode()
STANDARD = {"kind": "standard_webhooks", "secret": "${env:HOOK}"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("FORMER", FORMER)
    monkeypatch.setenv("PLAIN", "s3cret")


@pytest.fixture
def hook(clock):
    def make(verification=STANDARD, **settings) -> Webhook:
        whole = {"verification": verification, **settings}
        return Webhook.model_validate(whole).within(clock.world)

    return make


def event(body: bytes, now, id="msg_1", secret=SECRET, **changed) -> Call:
    """A call signed by the reference implementation."""
    signature = Signer(secret).sign(id, now, body.decode())
    headers = {
        "webhook-id": id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature, **changed,
    }  # fmt: skip
    return Call(headers=headers, body=body)


def receive(connector: Webhook, *calls: Call, outcome="kept"):
    """The replies to calls while it listens, and the records that were handed over."""
    records = []

    async def scene():
        def accept(record):
            records.append(record)
            future = asyncio.get_running_loop().create_future()
            future.set_result(Accepted(outcome))
            return future

        listening = asyncio.create_task(connector.listen(accept))
        await asyncio.sleep(0)
        replies = [await connector.receive(call) for call in calls]
        listening.cancel()
        return replies

    return asyncio.run(scene()), records


class Answering(Webhook):
    """Lets a thread call it, as the server does from its loop."""

    _loop: list = PrivateAttr(default_factory=list)

    async def listen(self, accept):
        await super().listen(
            accept, started=lambda *_: self._loop.append(asyncio.get_running_loop())
        )

    def say(self, call: Call) -> Reply | None:
        while not self._loop:
            pass
        reply = asyncio.run_coroutine_threadsafe(self.receive(call), self._loop[-1]).result(10)
        return reply if reply.status == 202 else None


class TestWebhookListens(ListenPromises, CheckPromises):
    @pytest.fixture
    def connector(self):
        return Answering.model_validate({"verification": STANDARD})

    @pytest.fixture
    def messages(self):
        return [b'{"n": 1}', b'{"n":2}', b"\x00 no JSON"]

    @pytest.fixture
    def say(self, connector):
        def tell(body: bytes):
            key = base64.b64decode(SECRET.removeprefix("whsec_"))
            at = str(int(datetime.now(UTC).timestamp()))
            named = hashlib.sha256(body).hexdigest()
            made = hmac.digest(key, f"{named}.{at}.".encode() + body, "sha256")
            headers = {"webhook-id": named, "webhook-timestamp": at}
            headers["webhook-signature"] = "v1," + base64.b64encode(made).decode()
            return connector.say(Call(headers=headers, body=body))

        return tell

    @pytest.fixture
    def down(self):
        return Webhook.model_validate(
            {"verification": {"kind": "bearer", "token": "${env:NOT_SET_ANYWHERE}"}}
        )


def test_an_event_is_kept_byte_for_byte_under_its_id(hook, clock):
    body = b'{ "type":"subject.enrolled" ,"dose": 1.10}'
    connector = hook()

    replies, (record,) = receive(connector, event(body, clock.at))

    assert isinstance(connector, Hooked)
    assert replies == [Reply(202)]
    assert (record.body, record.message_key, record.stream) == (body, "msg_1", "event")
    assert int(record.at.timestamp()) == int(clock.at.timestamp())


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_call_said_again_is_not_trusted(hook, clock, seconds):
    call = event(b"{}", clock.at + timedelta(seconds=seconds))

    assert receive(hook(), call) == ([Reply(401)], [])


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": "v1a,\u00e4"},
    ],
)
def test_a_call_that_was_tampered_with_is_not_trusted(hook, clock, changed):
    call = event(b"{}", clock.at, **changed)

    assert receive(hook(), call) == ([Reply(401)], [])


def test_a_body_that_was_tampered_with_is_not_trusted(hook, clock):
    call = event(b'{"n": 1}', clock.at)

    assert receive(hook(), Call(headers=call.headers, body=b'{"n": 2}')) == ([Reply(401)], [])


def test_while_a_key_is_changed_both_hold(hook, clock):
    both = hook({**STANDARD, "former_secret": "${env:FORMER}"})
    calls = [event(b"{}", clock.at, id=str(n), secret=s) for n, s in enumerate((SECRET, FORMER))]

    assert receive(both, *calls)[0] == [Reply(202), Reply(202)]
    assert receive(hook(), calls[1])[0] == [Reply(401)]


@pytest.mark.parametrize(
    ("settings", "header", "said"),
    [
        ({}, "x-hub-signature-256", lambda b: "sha256=" + _hmac(b, "sha256").hex()),
        (
            {"header": "X-Sig", "prefix": "", "algorithm": "sha1", "encoding": "base64"},
            "x-sig",
            lambda b: base64.b64encode(_hmac(b, "sha1")).decode(),
        ),
    ],
)
def test_legacy_signatures_hold(hook, settings, header, said):
    connector = hook({"kind": "hmac", "secret": "${env:PLAIN}", **settings})
    body = b'{"n":1}'
    good, bad = (
        Call(headers={header: said(body)}, body=body),
        Call(headers={header: said(b"")}, body=body),
    )

    replies, (record,) = receive(connector, good, bad, Call(headers={}, body=body))

    assert replies == [Reply(202), Reply(401), Reply(401)]
    assert record.message_key == f"sha256/{hashlib.sha256(body).hexdigest()[:32]}"


def _hmac(body: bytes, algorithm: str) -> bytes:
    return hmac.new(b"s3cret", body, algorithm).digest()


def test_a_token_opens(hook):
    connector = hook({"kind": "bearer", "token": "${env:PLAIN}"})
    calls = [Call(headers={"authorization": f"Bearer {t}"}, body=b"{}") for t in ("s3cret", "x")]

    assert receive(connector, *calls)[0] == [Reply(202), Reply(401)]


def test_a_form_trigger_has_a_secret_path_and_each_call_is_news(hook, clock):
    form = b"project_id=12&record=1001&instrument=consent&consent_complete=2"
    connector = hook(
        {"kind": "path", "token": "${env:PLAIN}"},
        media="application/x-www-form-urlencoded",
        without_id="new",
    )
    good, bad = Call(headers={}, body=form, rest="s3cret"), Call(headers={}, body=form, rest="no")

    (first, wrong), (one,) = receive(connector, good, bad)
    clock.at += timedelta(seconds=1)
    _, (two,) = receive(connector, good)

    assert (first, wrong) == (Reply(202), Reply(404))
    assert one.body == two.body == form
    assert one.message_key != two.message_key


def test_the_event_names_its_stream(hook, clock):
    def streams(body: bytes, **settings):
        call = event(body, clock.at, **{"x-event": "ping"})
        _, (record,) = receive(hook(**settings), call)
        return record.stream, bool(record.fault), bool(record.notes)

    assert streams(b"{}", stream_header="X-Event") == ("ping", False, False)
    path = {"stream_path": "data.type"}
    assert streams(b'{"data": {"type": "a.b"}}', **path) == ("a.b", False, False)
    assert streams(b'{"data": {"type": 7}}', **path, stream="else") == ("else", False, True)
    assert streams(b'{"data": {"type": "x\\ny"}}', **path) == ("event", False, True)
    assert streams(b"no JSON", **path) == ("event", True, False)


def test_what_is_too_long_is_not_looked_at(hook, clock):
    assert receive(hook(largest=4), event(b'"long"', clock.at)) == ([Reply(413)], [])


def test_without_room_the_sender_keeps_its_event(hook, clock):
    replies, _ = receive(hook(), event(b"{}", clock.at), outcome="full")

    assert replies[0].status == 503
    assert replies[0].after > 0


def test_no_more_is_held_in_memory_than_allowed(hook, clock):
    connector = hook(max_unanswered=1)

    async def scene():
        futures = []

        def accept(_):
            futures.append(asyncio.get_running_loop().create_future())
            return futures[-1]

        listening = asyncio.create_task(connector.listen(accept))
        await asyncio.sleep(0)
        first = asyncio.create_task(connector.receive(event(b"{}", clock.at)))
        await asyncio.sleep(0)
        second = await connector.receive(event(b"{}", clock.at))
        futures[0].set_result(Accepted("kept"))
        third = await first
        listening.cancel()
        return second.status, third.status

    assert asyncio.run(scene()) == (503, 202)


def test_while_it_does_not_listen_the_sender_keeps_its_event(hook, clock):
    reply = asyncio.run(hook().receive(event(b"{}", clock.at)))

    assert (reply.status, reply.after) == (503, 60)


@pytest.mark.parametrize("outcome", ["conflict", "unread", "refused"])
def test_what_is_stored_and_parked_is_taken(hook, clock, outcome):
    assert receive(hook(), event(b"{}", clock.at), outcome=outcome)[0] == [Reply(202)]


def test_a_secret_that_is_none_stops_nobody_but_takes_nothing(hook, clock, monkeypatch):
    monkeypatch.setenv("HOOK", "whsec_short")

    assert receive(hook(), event(b"{}", clock.at))[0][0].status == 503


@pytest.mark.parametrize(
    "wrong",
    [
        {"verification": {"kind": "none"}},
        {"verification": {"kind": "bearer", "token": "in the clear"}},
        {"verification": STANDARD, "stream": "with blanks"},
        {"verification": STANDARD, "id_header": "no header"},
        {"verification": STANDARD, "stream_path": "[["},
    ],
)
def test_wrong_settings_are_told(wrong):
    with pytest.raises(ValidationError):
        Webhook.model_validate(wrong)


def test_the_body_may_be_read_as_json_later(hook, clock):
    _, (record,) = receive(hook(), event(json.dumps({"a": 1}).encode(), clock.at))

    assert record.media == "application/json"
