"""A system that repeats what it was told is no second witness."""

from __future__ import annotations

import pytest

from hub.canonical_view import Read
from pipelines import deliveries
from pipelines.echo import Echoes, fingerprint, fingerprints

ONE, OTHER = "0190-one", "0190-other"


@pytest.fixture
def echoes(outward):
    """A look-up that knows three fields of one record that `ctms` was told."""
    house = outward.house
    told = [
        Read("Enrollment", ONE, "state", "enrolled"),
        Read("Enrollment", ONE, "eligible", value=True),
        Read("Participant", ONE, "race", ["white", "asian"]),
    ]
    for digest in fingerprints(house.keyring, "ctms", told, told[:1]):
        house.journal.session.run(
            "insert into fingerprint(digest, delivery) values(?, 'd')", (digest,)
        )
    return Echoes(house.journal.session, house.keyring, frozenset({"ctms"}))


@pytest.mark.parametrize(
    ("system", "entity", "ids", "fields", "known"),
    [
        ("ctms", "Enrollment", {ONE}, {"state": "enrolled", "screening_no": "7"}, {"state"}),
        ("ctms", "Enrollment", {OTHER, ONE}, {"state": "enrolled"}, {"state"}),
        ("ctms", "Enrollment", {ONE}, {"state": "withdrawn"}, set()),
        ("ctms", "Enrollment", {ONE}, {"eligible": True}, {"eligible"}),
        ("ctms", "Enrollment", {ONE}, {"eligible": "true"}, set()),
        ("ctms", "Participant", {ONE}, {"race": ["asian", "white"]}, {"race"}),
        ("ctms", "Enrollment", {OTHER}, {"state": "enrolled"}, set()),
        ("edc", "Enrollment", {ONE}, {"state": "enrolled"}, set()),
        ("ctms", "Enrollment", {ONE}, {}, set()),
    ],
)
def test_a_field_is_an_echo_when_that_system_was_told_that_value(
    echoes, system, entity, ids, fields, known
):
    assert echoes(system, entity, ids, fields) == known


def test_a_system_that_is_told_nothing_costs_no_look(small_outward):
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError(f"the journal was asked: {name}")

    echoes = Echoes(Untouchable(), small_outward.house.keyring, frozenset({"ctms"}))

    assert echoes("edc", "Enrollment", {ONE}, {"state": "enrolled"}) == frozenset()


def test_a_deployment_that_tells_nothing_settles_without_looking(small_outward):
    assert small_outward.settler.context.echoes is None


def test_a_fingerprint_tells_nothing_without_the_key(small_outward):
    read = Read("ParticipantPhi", ONE, "family_name", "Doe")

    digest = fingerprint(small_outward.house.keyring, "ctms", read)

    assert len(digest) == 16
    assert b"Doe" not in digest


def prints(outward):
    return outward.house.journal.session.all("select delivery from fingerprint")


def test_a_fingerprint_is_there_before_the_answer_is(small_outward):
    small_outward.study()
    small_outward.tell()
    deliverer = small_outward.deliverer()
    seen = []
    honest = deliverer.connector

    class Watches:
        def push(self, said):
            seen.extend(prints(small_outward))
            return honest.push(said)

    deliverer.connector = Watches()
    small_outward.enroll(1)
    small_outward.run(deliverer)

    [one] = small_outward.rows("id")
    assert seen
    assert {row[0] for row in seen} == {one}


def test_what_a_target_refused_leaves_no_fingerprint(small_outward):
    small_outward.write(
        connections__target=(
            "connector: connectors.flaky:Flaky\nsystem: target\nsettings: {refuse: 1}\n"
        )
    )
    small_outward.study()
    small_outward.tell()
    deliverer = small_outward.deliverer()
    small_outward.enroll(1)
    small_outward.run(deliverer)

    assert small_outward.rows("state") == ["refused"]
    assert prints(small_outward) == []


def test_a_refusal_leaves_the_fingerprints_of_others(small_outward):
    small_outward.study()
    small_outward.tell()
    deliverer = small_outward.deliverer()
    small_outward.enroll(1)
    small_outward.run(deliverer)
    before = prints(small_outward)
    [first] = deliveries_of(small_outward)
    refused = deliveries.Became(one=first, state="refused")

    small_outward.writer.keep([], [], [deliveries.became([refused], small_outward.clock())])

    assert before
    assert prints(small_outward) == before  # what has ended does not end again


def deliveries_of(outward):
    rows = outward.house.journal.session.all(
        "select id, v, entity, entity_id, n, lane, state, tries, made_at, tried_at from delivery"
    )
    return [
        deliveries.Open(
            id=r[0], pipeline="out", v=r[1], entity=r[2], entity_id=r[3], n=r[4],
            lane=bytes(r[5]), state=r[6], tries=r[7], made_at=r[8], tried_at=r[9], said=None,
        )
        for r in rows
    ]  # fmt: skip


def test_an_echo_is_known_after_its_record_was_merged(outward):
    from hub.statement import SameAs

    outward.write(
        connections__ctms="connector: connectors.flaky:Flaky\nsystem: ctms\nrole: CTMS\n",
        pipelines__out="feed: versions\nmapping: rows\nto: ctms\nmode: on\n",
    )
    outward.study()
    deliverer = outward.deliverer()
    outward.enroll(2, "screening")
    outward.enroll(1, "enrolled")
    outward.run(deliverer)
    outward.say(SameAs(entity="Enrollment", kept="e1", retired="e2"))

    outward.enroll(1, "enrolled", system="ctms")
    outward.enroll(1, "withdrawn")

    alive = "select state from enrollment where superseded_by is null"
    assert outward.house.rows(alive) == [("withdrawn",)]
