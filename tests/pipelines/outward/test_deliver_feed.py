"""Which versions become deliveries: once each, never a replay's, never the target's own word."""

from __future__ import annotations

import pytest

from hub import changes
from hub.statement import Identifier, SameAs, Stated
from mappings.mistakes import MappingErrors
from pipelines import consume
from pipelines.consume import Consumer
from pipelines.outlet import outlets


def read(consumer):
    while consumer.step():
        pass


def told(deliverer):
    return [(row["subject"], row["state"]) for row in rows(deliverer)]


def rows(deliverer):
    from connectors.formats.tables import read_row

    return [read_row(one.body) for one in deliverer.connector.taken()]


def test_a_new_pipeline_begins_at_the_head_of_the_feed(outward):
    outward.study()
    outward.enroll(1)
    outward.tell()
    deliverer = outward.deliverer()

    outward.enroll(2)
    outward.run(deliverer)

    assert told(deliverer) == [("S-2", "enrolled")]


def test_a_version_is_said_when_its_mapping_wants_it(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()

    outward.enroll(1, "screening")
    outward.enroll(1, "screening", screening_no="17")
    outward.enroll(1, "enrolled", enrolled_on="2026-03-01")
    outward.run(deliverer)

    assert told(deliverer) == [("S-1", "screening"), ("S-1", "enrolled")]
    assert outward.rows("entity, n") == [("Enrollment", 1), ("Enrollment", 3)]


def test_a_feed_that_is_read_again_makes_no_second_delivery(outward):
    outward.tell()
    desk = outward.desk()
    consume.start(desk)
    outward.study()
    outward.enroll(1)
    outward.enroll(2)

    first, again = Consumer(desk, changes.START), Consumer(desk, changes.START)
    read(first)
    ids = outward.rows("id")
    read(again)

    assert len(ids) == 2
    assert outward.rows("id") == ids
    assert all(len(one) == 20 and one.isalnum() for one in ids)


def test_a_pipeline_goes_on_where_it_was(outward):
    outward.study()
    outward.tell()
    outward.run(outward.deliverer())
    outward.enroll(1)

    later = outward.deliverer()
    outward.run(later)

    assert told(later) == [("S-1", "enrolled")]


def test_two_pipelines_say_one_version_under_two_ids(outward):
    outward.study()
    outward.tell("out")
    outward.tell("also")
    both = [outward.deliverer(name) for name in ("out", "also")]

    outward.enroll(1)
    for one in both:
        outward.run(one)

    assert len({*outward.rows("id", "out"), *outward.rows("id", "also")}) == 2


def test_what_the_target_said_itself_is_not_said_back(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()

    outward.enroll(1, "screening", system="edc")
    outward.study(system="target")
    outward.enroll(1, "enrolled", system="target")
    outward.run(deliverer)

    assert told(deliverer) == [("S-1", "screening")]


MOVED = """\
when: {entity: Enrollment, participant: {changes: true}}
writes: text/csv;row
stream: people
columns: {subject: subject_number}
"""


def test_that_others_merged_two_people_is_no_word_of_the_targets(outward):
    outward.study()
    outward.write(mappings__outbound__moved=MOVED)
    outward.tell(mapping="moved")
    deliverer = outward.deliverer()
    for n in (1, 2):
        person = Stated(entity="Participant", key=f"p{n}", fields={"year_of_birth": 1970},
                        identifiers=(Identifier("mrn", f"10{n}", "UH"),))  # fmt: skip
        outward.say(person, system="target")
        outward.say(person, system="edc")
        outward.enroll(n, system="target", person=f"p{n}")
    outward.run(deliverer)
    assert rows(deliverer) == []  # whose subjects they are, the target said itself

    outward.say(SameAs(entity="Participant", kept="p1", retired="p2"), system="edc")
    outward.run(deliverer)

    assert len(rows(deliverer)) == 1


def test_a_record_that_was_merged_away_says_nothing_more(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()
    outward.enroll(1)
    outward.enroll(2)
    outward.run(deliverer)

    outward.say(SameAs(entity="Enrollment", kept="e1", retired="e2"))
    outward.run(deliverer)

    assert outward.house.rows("select 1 from enrollment where superseded_by is not null")
    assert len(told(deliverer)) == 2
    assert all(state for _, state in told(deliverer))


# -- replays and backfills


def replayed(outward, seq, state, **order):
    """Message `seq` is settled again and now means another state."""
    message = {"seq": seq, "part": 0, "lane": "00"}
    outward.house.order("replay", messages=[message], revision=None, **order)
    outward.obey()
    outward.house.hub.run("delete from outcome where seq = ?", (seq,))
    outward.say(*changed(state), seq=seq, again=True)


def changed(state):
    return (
        Stated(
            entity="Enrollment", key="e1", fields={"state": state},
            identifiers=(Identifier("subject_number", "S-1", "urn:x:subjects"),),
        ),
    )  # fmt: skip


def test_what_a_replay_changes_is_not_told(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()
    outward.enroll(1, "screening")
    seq = outward.say(*changed("enrolled"))
    outward.run(deliverer)

    replayed(outward, seq, "withdrawn")
    outward.run(deliverer)

    assert outward.house.rows("select state from enrollment") == [("withdrawn",)]
    assert told(deliverer) == [("S-1", "screening"), ("S-1", "enrolled")]


def test_a_replay_is_told_when_the_order_says_so(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()
    outward.enroll(1, "screening")
    seq = outward.say(*changed("enrolled"))
    outward.run(deliverer)

    replayed(outward, seq, "completed")
    replayed(outward, seq, "withdrawn", deliver=True)
    outward.run(deliverer)

    # a version's message decides: once it is loud, all it has made since is told
    assert told(deliverer)[-1] == ("S-1", "withdrawn")


def test_a_parked_message_that_is_settled_at_last_is_told(outward):
    outward.study()
    outward.tell()
    deliverer = outward.deliverer()
    outward.enroll(1, "screening")
    seq = next(outward.seqs)
    outward.house.hub.run(
        "insert into outcome(seq, part, lane, state, reason, place, tries, not_before, at, again) "
        "values(?, 0, ?, 'parked', '', '', 0, 0, 0, ?)",
        (seq, b"\x00", False),
    )

    replayed(outward, seq, "enrolled")
    outward.run(deliverer)

    assert told(deliverer) == [("S-1", "screening"), ("S-1", "enrolled")]


def test_a_backfill_says_what_was_there_before_only_when_asked(outward):
    outward.study()
    outward.enroll(1, "screening")
    outward.enroll(1, "enrolled")
    outward.enroll(2, "enrolled")
    outward.tell()
    deliverer = outward.deliverer()
    outward.run(deliverer)
    before = told(deliverer)

    number = consume.backfill(deliverer.desk)
    again = consume.backfill(deliverer.desk)
    outward.run(deliverer)

    assert before == []
    assert (number, again) == (3, 0)
    assert told(deliverer) == [("S-1", "screening"), ("S-2", "enrolled"), ("S-1", "enrolled")]


def test_a_backfill_never_puts_a_target_back(outward):
    outward.study()
    outward.enroll(1, "screening")
    outward.tell()
    deliverer = outward.deliverer()
    outward.enroll(1, "enrolled")
    outward.run(deliverer)

    number = consume.backfill(deliverer.desk)

    assert number == 0
    assert told(deliverer) == [("S-1", "enrolled")]


# -- the order of the feed


def test_a_transaction_that_commits_late_is_not_missed(big_outward, stated):
    outward = big_outward
    outward.study()
    outward.tell()
    consumer = Consumer(outward.desk())
    read(consumer)
    slow = outward.settler.context.session
    slow.raw.execute("begin")
    slow.one("select pg_current_xact_id()")
    outward_too = outward.house.settler("other")
    settle_with(outward_too.context, stated(2), 901)
    read(consumer)
    early = outward.rows("entity_id")

    settle_open(outward.settler.context, stated(1), 900)
    slow.raw.commit()
    read(consumer)

    assert early == []  # below the horizon nothing is read, so that nothing is passed over
    assert len(outward.rows("entity_id")) == 2


def settle_with(context, statement, seq):
    with context.session.transaction():
        settle_open(context, statement, seq)


def settle_open(context, statement, seq):
    import hub.settle
    from hub.said import Said
    from hub.statement import Meaning

    meaning = Meaning(statements=(statement,))
    hub.settle.settle(context, [Said(seq=seq, system="edc", at=1, meaning=meaning)])


# -- configuration


def test_a_pipeline_without_its_mapping_or_a_target_that_takes_anything_is_refused(small_outward):
    small_outward.write(
        pipelines__a="feed: versions\nmapping: rwos\nto: target\nmode: on\n",
        pipelines__b="feed: Study\nmapping: rows\nto: target\nmode: on\n",
        pipelines__c="feed: versions\nmapping: rows\nto: registry\nmode: on\n",
        connections__registry=(
            "connector: rest\nsystem: registry\nsettings:\n  base_url: https://example.org\n"
            "  streams: {all: {path: /all, records: '@', id: id}}\n"
        ),
    )

    with pytest.raises(MappingErrors) as raised:
        outlets(small_outward.house.deployment)

    found = [(one.file, one.found) for one in raised.value.mistakes]
    assert found == [
        ("pipelines/a.yaml", "the outbound mapping 'rwos'"),
        ("pipelines/b.yaml", "the feed 'Study'"),
        ("pipelines/c.yaml", "the connection 'registry', which cannot push"),
    ]


def test_a_pipeline_may_name_the_entity_it_takes(small_outward):
    small_outward.write(pipelines__out="feed: Enrollment\nmapping: rows\nto: target\nmode: on\n")

    [outlet] = outlets(small_outward.house.deployment)

    assert (outlet.entity, outlet.system) == ("Enrollment", "target")
