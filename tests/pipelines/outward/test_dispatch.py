"""Outbound pipelines run in threads of their own, beside everything else, and end when told."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from crohub.sandbox.sink import Sink
from hub.statement import Identifier, Stated
from pipelines import settling
from pipelines.dispatch import Dispatcher, Office


@pytest.fixture
def sink():
    made = Sink(lambda: datetime(2026, 3, 1, tzinfo=UTC))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def dispatch():
    """Starts a dispatcher of an outward house; ended with the test."""
    made = []

    def start(outward, writer=None):
        house = outward.house
        office = Office(
            places=house.places, deployment=house.deployment, keyring=house.keyring,
            writer=writer or outward.writer, policy=settling.policy_of(house.deployment),
            connector=connector_of(house.deployment), paused=lambda: outward.paused,
        )  # fmt: skip
        made.append(Dispatcher(office))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


def connector_of(deployment):
    known = {}

    def connector(name):
        return known.setdefault(name, deployment.connector(name))

    return connector


def until(seen, seconds=20):
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def hospital(outward, port):
    outward.write(
        connections__ehr_in=(
            "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings:\n"
            f"  target_host: 127.0.0.1\n  target_port: {port}\n  ack_timeout: 5\n"
        ),
        pipelines__crm="feed: versions\nmapping: hl7v2/enrolled\nto: ehr_in\nmode: on\n",
    )
    protocol = (Identifier("sponsor_protocol_no", "ONC-101", "SPONSOR"),)
    outward.say(Stated(entity="Study", key="st1", fields={"title": "T"}, identifiers=protocol))
    for n in (1, 2):
        mrn = (Identifier("mrn", f"100{n}", "NORTH"),)
        outward.say(Stated(entity="Participant", key=f"p{n}", fields={}, identifiers=mrn))


def test_an_enrolment_reaches_the_hospital_by_itself(outward, sink, dispatch):
    hospital(outward, sink.port)
    dispatch(outward)
    until(lambda: outward.house.journal.session.all("select 1 from consumer"))

    outward.enroll(1, "consented")
    until(lambda: sink.received)
    until(lambda: outward.rows("state", "crm") == ["delivered"])

    assert [(one.kind, one.answer) for one in sink.received] == [("CRM^C01^CRM_C01", "AA")]
    assert sink.received[0].control_id == outward.rows("id", "crm")[0]


def test_a_backfill_is_said_when_it_is_asked_for(small_outward, sink, dispatch):
    hospital(small_outward, sink.port)
    small_outward.enroll(1, "consented")
    small_outward.enroll(2, "enrolled")
    dispatcher = dispatch(small_outward)

    number = dispatcher.backfill("crm")
    until(lambda: len(sink.received) == 2)

    assert number == 2
    with pytest.raises(KeyError):
        dispatcher.backfill("nobody")


def test_a_wrong_pipeline_is_told_and_stops_nothing_else(small_outward, dispatch):
    small_outward.write(pipelines__crm="feed: versions\nmapping: nothing\nto: target\nmode: on\n")

    dispatcher = dispatch(small_outward)
    until(lambda: dispatcher.trouble)

    assert "the outbound mapping 'nothing'" in dispatcher.trouble["crm"]
    with pytest.raises(KeyError):
        dispatcher.backfill("crm")


def test_on_postgresql_one_node_has_a_pipeline_and_another_takes_over(big_outward, sink, dispatch):
    hospital(big_outward, sink.port)
    nodes = [dispatch(big_outward), dispatch(big_outward)]
    until(lambda: big_outward.house.journal.session.all("select 1 from consumer"))
    big_outward.enroll(1, "consented")
    until(lambda: big_outward.rows("state", "crm") == ["delivered"])
    [at_work] = [node for node in nodes if "crm" in node.trouble]
    at_work.stop()

    big_outward.enroll(2, "consented")
    until(lambda: big_outward.rows("state", "crm") == ["delivered"] * 2)

    assert len({one.control_id for one in sink.received}) == len(sink.received) == 2


def test_it_ends_while_a_target_says_nothing(small_outward, dispatch):
    silent = threading.Event()
    with_answers = Sink(lambda: datetime(2026, 3, 1, tzinfo=UTC), answer=lambda _: held(silent))
    with_answers.start()
    hospital(small_outward, with_answers.port)
    dispatcher = dispatch(small_outward)
    until(lambda: small_outward.house.journal.session.all("select 1 from consumer"))
    small_outward.enroll(1, "consented")
    until(lambda: small_outward.rows("state", "crm") == ["sending"])

    began = time.monotonic()
    dispatcher.stop(seconds=0.3)
    took = time.monotonic() - began
    at_end = small_outward.rows("state", "crm")
    silent.set()
    with_answers.stop()
    dispatcher.stop()

    assert took < 3
    assert at_end == ["sending"]  # at the next start: an outcome nobody knows


def held(silent):
    silent.wait(10)
    return "AA"
