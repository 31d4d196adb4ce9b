"""Subscribers to the change feed: each event once, signed, in the order of its record, until the
subscriber has gone, its owner may see nothing more, or a person says so."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

import pytest
from standardwebhooks import Webhook as Verifier
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crohub.sandbox.web import WebServer
from hub import changes, clock
from hub.changes import Wanted
from hub.principal import PHI, READ, Principal
from hub.statement import Identifier, Stated
from pipelines import deliveries, retelling, settling, subscribers, subscriptions
from pipelines.dispatch import Office, desk_of
from pipelines.subscribers import Subscribers

READER = Principal(name="key:lake", scopes=frozenset({READ}))


@dataclass
class Sink:
    """Takes events; `answers` are the statuses of the next, 204 behind them."""

    answers: list[int] = field(default_factory=list)
    taken: list[dict] = field(default_factory=list)
    heads: list[dict] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def take(self, request: Request) -> Response:
        body, status = await request.body(), self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.heads.append(dict(request.headers))
            self.bodies.append(body)
            self.taken.append(json.loads(body))
        return Response(status_code=status)


@pytest.fixture
def sink():
    made = Sink()
    with WebServer([Route("/events", made.take, methods=["POST"])]) as server:
        made.url = server.url + "/events"
        yield made


@dataclass
class Told:
    """A house whose subscribers are told."""

    outward: object
    office: Office
    secret: str = ""

    def subscribe(self, url, principal=READER, wanted=None, since=changes.START):
        house = self.outward.house
        key = {"id": "1", "name": "lake", "hash": "00", "scopes": "records.read", "made_at": 1,
               "expires_at": 1 << 60, "revoked_at": None}  # fmt: skip
        self.outward.house.order("key", object="lake", key=key)
        made = subscriptions.make(
            house.keyring, principal, name="lake", url=url, wanted=wanted or Wanted(),
            since=since, now=self.outward.clock(),
        )  # fmt: skip
        self.secret = made.secret
        house.order("subscribe", object=made.row["id"], subscription=made.row)
        self.outward.obey()
        return self.now()

    def now(self):
        return subscriptions.find(self.outward.house.hub, "lake")

    def states(self):
        return self.outward.house.journal.session.all(
            "select state, count(*) from delivery group by state order by state"
        )


@pytest.fixture
def told(outward):
    outward.write(
        **{"hub.yaml": "participants: all\nwebhooks: {allow: [127.0.0.1], plain: true}\n"}
    )
    house = outward.house
    return Told(
        outward,
        Office(
            places=house.places, deployment=house.deployment, keyring=house.keyring,
            writer=outward.writer, policy=settling.policy_of(house.deployment),
            connector=house.deployment.connector, paused=dict,
        ),
    )  # fmt: skip


@pytest.fixture
def run(told):
    """Tells until something is so; ends with the test."""
    made = Subscribers(told.office)

    def until(seen, seconds=20):
        if made._watcher is None:
            made.start()
        end = time.monotonic() + seconds
        while not seen():
            told.outward.obey()
            assert time.monotonic() < end, f"it never came: {told.states()} {made.trouble}"
            time.sleep(0.05)

    until.made = made
    yield until
    made.stop()


def subscriber_secret(run):
    """With which keys it is being told now."""
    return next((one.secret for one in run.made._running.values()), b"")


def patient(key, **fields):
    given = (Identifier("mrn", key, "UH"),)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def test_a_subscriber_is_told_each_change_it_may_see_signed_as_an_event(told, sink, run):
    told.outward.say(
        patient("1", sex="male"),
        Stated(entity="ParticipantPhi", key="1", fields={"family_name": "ZZPHI"}),
    )
    told.outward.say(patient("1", sex="female"))
    told.subscribe(sink.url)

    run(lambda: len(sink.taken) == 2)
    told.outward.say(patient("2", sex="other"))
    run(lambda: told.states() == [("delivered", 3)])  # said, and its answer noted

    first, second, third = sink.taken
    for body, head in zip(sink.bodies, sink.heads, strict=True):
        assert Verifier(told.secret).verify(body, head)["id"] == head["webhook-id"]
        assert head["content-type"] == "application/cloudevents+json"
    assert {k: v for k, v in first.items() if k not in ("id", "time", "subject", "data")} == {
        "specversion": "1.0", "source": "crohub", "type": "crohub.Participant.changed",
        "datacontenttype": "application/json",
    }  # fmt: skip
    assert first["data"]["changed"] == {"sex": "male"}
    assert (second["subject"], second["data"]["version"]) == (first["subject"], 2)
    assert third["data"]["by"] == "edc"
    assert b"ZZPHI" not in b"".join(sink.bodies)


def test_what_fails_is_told_again_and_nothing_is_told_twice(told, sink, run):
    told.outward.say(patient("1", sex="male"))
    told.outward.say(patient("1", sex="female"))
    sink.answers = [503, 500]
    told.subscribe(sink.url)

    run(lambda: len(sink.taken) == 2, seconds=30)

    assert [one["data"]["version"] for one in sink.taken] == [1, 2]


def test_one_that_has_gone_is_told_nothing_more_and_goes_on_where_it_stood(told, sink, run):
    told.outward.say(patient("1", sex="male"))
    sink.answers = [410]
    one = told.subscribe(sink.url)

    run(lambda: told.now().state == "gone")
    told.outward.say(patient("1", sex="female"))
    reason = told.now().reason
    told.outward.house.order("subscription", object=one.id, state="on", reason="it is back")
    run(lambda: len(sink.taken) == 2)

    assert "HTTP 410" in reason
    assert [one["data"]["version"] for one in sink.taken] == [1, 2]


def test_with_its_owners_key_a_subscription_ends(told, sink, run):
    told.subscribe(sink.url)
    run(lambda: deliveries.cursor(told.outward.house.journal.session, told.now().pipeline) == "")
    told.outward.house.order("revoke", object="lake")

    run(lambda: told.now().state == "paused")

    assert "opens nothing" in told.now().reason


def test_only_wanted_kinds_are_told_and_only_from_where_it_begins(told, sink, run):
    told.outward.say(patient("1", sex="male"))
    since = changes.head(told.outward.house.hub)
    told.subscribe(sink.url, wanted=Wanted(entities=frozenset({"Study"})), since=since)
    told.outward.say(patient("2", sex="male"))
    told.outward.study()

    run(lambda: sink.taken)

    assert [one["type"] for one in sink.taken] == ["crohub.Study.changed"]


def test_sealed_parts_are_told_of_without_values_to_who_may_see_them(told, sink, run):
    may = Principal(name="key:lake", scopes=frozenset({READ, PHI}))
    told.outward.say(
        patient("1", sex="male"),
        Stated(entity="ParticipantPhi", key="1", fields={"family_name": "ZZPHI"}),
    )
    told.subscribe(sink.url, may, Wanted(entities=frozenset({"ParticipantPhi"})))

    run(lambda: sink.taken)

    assert "changed" not in sink.taken[0]["data"]
    assert b"ZZPHI" not in sink.bodies[0]


def test_what_was_refused_or_lies_behind_a_cursor_is_told_again_with_its_id(told, sink, run):
    for sex in ("male", "female", "other"):
        told.outward.say(patient("1", sex=sex))
    sink.answers = [422]
    one = told.subscribe(sink.url)
    run(lambda: told.states() == [("delivered", 2), ("refused", 1)])

    def again(since):
        with desk_of(told.office, subscribers.outlet(one)) as desk:
            news = subscribers.again(desk, since)
            desk.writer.keep([], [], [retelling.repeat(one.pipeline, news, 1)])
            return len(news)

    refused = again(None)
    run(lambda: told.states() == [("delivered", 3)])
    everything = again("")
    run(lambda: len(sink.taken) == 6)

    assert (refused, everything) == (1, 3)
    assert [one["data"]["version"] for one in sink.taken] == [2, 3, 1, 1, 2, 3]
    assert len({head["webhook-id"] for head in sink.heads}) == 3


def test_its_secret_is_sealed_at_rest_and_changed_without_a_gap(told, sink, run):
    told.outward.say(patient("1", sex="male"))
    one = told.subscribe(sink.url)
    run(lambda: len(sink.taken) == 1)
    house, former = told.outward.house, told.secret
    [[kept]] = house.hub.all("select secret from subscription")
    new = subscriptions.renew(house.keyring, one, clock.now())

    house.order("rekey", object=one.id, subscription=new.row)
    run(lambda: told.now().secret != one.secret)
    run(lambda: told.now().secret == subscriber_secret(run))
    told.outward.say(patient("1", sex="female"))
    run(lambda: len(sink.taken) == 2)

    assert former.encode() not in bytes(kept)
    for secret in (former, new.secret):
        Verifier(secret).verify(sink.bodies[1], sink.heads[1])
    assert len(told.now().keys(house.keyring, 1 << 62)) == 1


def test_what_was_told_long_ago_is_forgotten_and_can_be_told_again(told, sink, run):
    told.outward.say(patient("1", sex="male"))
    one = told.subscribe(sink.url)
    run(lambda: told.states() == [("delivered", 1)])

    told.outward.writer.keep([], [], [retelling.forget("subscription:", 1 << 62)])
    forgotten = told.states()
    with desk_of(told.office, subscribers.outlet(one)) as desk:
        news = subscribers.again(desk, "")
        desk.writer.keep([], [], [retelling.repeat(one.pipeline, news, 1)])
    run(lambda: len(sink.taken) == 2)

    assert forgotten == []
    assert sink.heads[0]["webhook-id"] == sink.heads[1]["webhook-id"]
