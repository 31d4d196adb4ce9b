"""The change feed gives every version once, also while several writers commit out of order."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading

import pytest

from hub.changes import NOW, START, Wanted, changes, feed, head, held_back, stretch
from hub.database import session
from hub.principal import READ, SYSTEM, Principal
from hub.query import BadQuery
from hub.statement import Identifier, Ref, SameAs, Stated

READER = Principal(name="reader", scopes=frozenset({READ}))


def patient(key, mrn, **fields):
    given = (Identifier("mrn", mrn, "UH"),)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def read_all(reader, principal=READER, limit=2):
    found, since, more = [], START, True
    while more:
        part = changes(reader, principal, since, limit)
        found += part.items
        since, more = part.next, part.more
    return found, since


def test_the_feed_tells_every_version_in_order_and_then_what_is_new(reader, tell):
    for number in range(5):
        tell(patient(f"p{number}", str(number), sex="female"))

    found, since = read_all(reader)
    again = changes(reader, READER, since, 10)
    tell(patient("p0", "0", sex="male"))
    news = changes(reader, READER, since, 10)

    assert [item["changed"] for item in found] == [{"sex": "female"}] * 5
    assert (again.items, again.next, again.more) == ([], since, False)
    assert [(i["version"], i["changed"]) for i in news.items] == [(2, {"sex": "male"})]


def followed(store, since, entity, most=1_000):
    """The changes of one entity behind a cursor, read stretch by stretch, and where that ended."""
    found = []
    for _ in range(most):
        some, end = stretch(store, since, 3, entity)
        if not end:
            break
        found, since = found + some, end
    return found, since


def test_whoever_waits_for_one_entity_reads_past_the_others(store, tell):
    for number in range(5):
        tell(patient(f"p{number}", str(number), sex="female"))
        tell(Stated(entity="Study", key=str(number), fields={"title": f"T{number}"}))

    found, since = followed(store, START, "Study")

    assert found == [one for one in feed(store, START, 100) if one.entity == "Study"]
    assert len(found) == 5
    assert since == feed(store, START, 100)[-1].cursor
    assert stretch(store, since, 3, "Study") == ([], "")
    with pytest.raises(BadQuery):
        stretch(store, "no cursor", 3, "Study")


def test_an_empty_feed_can_be_asked_again(reader, tell):
    first = changes(reader, READER, START, 10)
    tell(patient("p", "1", sex="female"))

    assert (first.items, first.more) == ([], False)
    assert len(changes(reader, READER, first.next, 10).items) == 1


def test_the_head_is_behind_all_that_was_said(reader, store, tell):
    tell(patient("p", "1", sex="female"))
    since = head(store)
    tell(patient("q", "2", sex="male"))

    assert [item["changed"] for item in changes(reader, READER, since, 10).items] == [
        {"sex": "male"}
    ]


def test_a_cursor_from_before_a_restore_is_told(reader, tell):
    tell(patient("p", "1", sex="female"))

    with pytest.raises(BadQuery, match="restored"):
        changes(reader, READER, "999999999999.1", 10)


def test_from_now_on_only_what_is_to_come_is_told(reader, tell):
    tell(patient("p", "1", sex="female"))
    since = changes(reader, READER, NOW, 10).next
    tell(patient("p", "1", sex="male"))

    assert [one["version"] for one in changes(reader, READER, since, 10).items] == [2]


def test_one_answer_reads_only_so_much_and_says_that_there_is_more(reader, tell, monkeypatch):
    monkeypatch.setattr("hub.changes._PAGE", 2)
    monkeypatch.setattr("hub.changes._SCANNED", 4)
    for number in range(7):
        tell(patient(f"p{number}", str(number), sex="female"))
    wanted = Wanted(entities=frozenset({"Study"}))

    first = changes(reader, READER, START, 10, wanted)
    last = changes(reader, READER, first.next, 10, wanted)

    assert (first.items, first.more) == ([], True)
    assert (last.items, last.more) == ([], False)


@pytest.mark.parametrize("cursor", ["ZZPHI", "1", "1.x", "-1.2", "9" * 30 + ".1", "1.1;drop"])
def test_what_is_no_cursor_is_refused(reader, cursor):
    with pytest.raises(BadQuery, match="since"):
        changes(reader, READER, cursor, 10)


def test_sealed_changes_need_the_scope_and_never_show_values(reader, tell, audited):
    tell(
        patient("p", "1", sex="female"),
        Stated(entity="ParticipantPhi", key="p", fields={"family_name": "ZZPHI"}),
    )

    plain, _ = read_all(reader)
    whole, _ = read_all(reader, SYSTEM)

    assert [item["entity"] for item in plain] == ["Participant"]
    assert [item["entity"] for item in whole] == ["Participant", "ParticipantPhi"]
    assert "ZZPHI" not in repr(whole)
    assert audited == []


def test_the_feed_leaves_out_other_studies_and_follows_merges(reader, store, tell):
    def enrolled(key, study, person):
        refs = {"study": Ref("Study", study), "participant": Ref("Participant", person)}
        return Stated(entity="Enrollment", key=key, fields=refs)

    tell(patient("A", "1", sex="female"))
    tell(patient("B", "2", sex="male"))
    tell(patient("C", "3", sex="other"), enrolled("2", "other", "C"))
    tell(enrolled("1", "mine", "B"))
    tell(SameAs(entity="Participant", kept="A", retired="B"))
    [[study]] = store.all(
        "select study_id from enrollment join participant p on p.id = participant_id "
        "where p.sex = 'male' or p.sex = 'female'"
    )
    confined = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({study}))

    found, _ = read_all(reader, confined)

    people = {item["id"] for item in found if item["entity"] == "Participant"}
    expected = {
        row[0] for row in store.all("select id from participant where coalesce(sex, '') <> 'other'")
    }
    assert people == expected
    assert {item["id"] for item in found if item["entity"] == "Study"} == {study}


INSERT = (
    "insert into version(v, entity, id, n, seq, valid_from, recorded_at, changed, provenance) "
    "values(nextval('version_v_seq'), 'Study', ?, 1, 1, 1, 1, '{}', '')"
)
# SQLite has one writer: there is no late commit
several_writers = pytest.mark.parametrize("hub_url", ["postgresql"], indirect=True)


def naive(opened, since):
    return [row[0] for row in opened.all("select v from version where v > ? order by v", (since,))]


@several_writers
def test_a_version_that_is_committed_late_is_missed_by_its_number_and_not_by_the_feed(hub_url):
    with contextlib.ExitStack() as stack:
        slow, quick = (stack.enter_context(contextlib.closing(session(hub_url))) for _ in "ab")
        slow.raw.execute("begin")
        slow.run(INSERT, ("slow",))
        quick.run(INSERT, ("quick",))

        by_number = naive(quick, 0)
        early = feed(quick, START, 10)
        held = held_back(quick)
        slow.raw.commit()
        late_by_number = naive(quick, by_number[-1])
        none_held = held_back(quick)
        late = feed(quick, START, 10)

    assert by_number == [2]
    assert late_by_number == []  # version 1 is lost for who counts by number
    assert early == []
    assert (held, none_held) == (1, None)
    assert {change.id for change in late} == {"slow", "quick"}


def write(hub_url, number, each):
    """Transactions of one to four versions that take a different time each."""
    dice = random.Random(number)
    names = (f"{number}-{i}" for i in range(each))
    with contextlib.closing(session(hub_url)) as opened:
        while batch := list(itertools.islice(names, dice.randint(1, 4))):
            with opened.transaction():
                for name in batch:
                    opened.run(INSERT, (name,))
                opened.one("select pg_sleep(?)", (dice.random() / 200,))


@several_writers
def test_many_writers_at_once_lose_no_version_and_double_none(hub_url):
    writers, each = 4, 60
    threads = [threading.Thread(target=write, args=(hub_url, n, each)) for n in range(writers)]
    found, since, own, at = [], START, [], START
    for thread in threads:
        thread.start()

    with contextlib.closing(session(hub_url)) as opened:
        while any(thread.is_alive() for thread in threads) or feed(opened, since, 1):
            for change in feed(opened, since, 7):
                found.append(change.id)
                since = change.cursor
            some, at = followed(opened, at, "Study", most=1)
            own += some
        own += followed(opened, at, "Study")[0]

    assert [change.id for change in own] == found
    assert sorted(found) == sorted(f"{n}-{i}" for n in range(writers) for i in range(each))
