"""What people order of records goes through the journal, is done in its turn and is audited."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace

import orjson
import pytest

from hub import decisions
from hub.matching import pairs
from hub.matching.settings import Bounds, Matching
from mappings.mistakes import Mistakes
from pipelines import identity, settings
from pipelines.janitor import Janitor
from pipelines.writer import Writer


def records(house) -> list[tuple[str, str | None]]:
    return house.rows("select id, superseded_by from participant order by id")


def audited(house, action) -> list[tuple[str, dict]]:
    rows = house.rows("select reason, detail from audit where action = ? order by n", (action,))
    return [(reason, orjson.loads(detail)) for reason, detail in rows]


def two(house, adt) -> list[str]:
    house.keep(adt("A", 1), adt("B", 2))
    house.settle()
    return [one for one, _ in records(house)]


def test_records_are_merged_and_unmerged_by_order(house, adt):
    one, other = two(house, adt)

    house.order("merge", entity="Participant", ids=[other, one])
    house.settle()
    assert records(house) == [(one, None), (other, one)]
    house.order("unmerge", entity="Participant", id=other)
    house.settle()

    assert records(house) == [(one, None), (other, None)]
    assert audited(house, "merge") == [("a test", {"id": one})]
    assert audited(house, "unmerge") == [("a test", {"id": other, "from": one})]


def test_an_order_that_cannot_be_done_changes_nothing_and_says_why(house, adt):
    one, _ = two(house, adt)
    before = house.rows("select count(*) from version")

    house.order("unmerge", entity="Participant", id=one)
    house.order("split", entity="Participant", id=one, system="ehr", key="nobody")
    house.settle()

    [(_, unmerged)] = audited(house, "unmerge")
    [(_, split)] = audited(house, "split")
    assert "not part of another record" in unmerged["refused"]
    assert "no such key of 'ehr'" in split["refused"]
    assert house.rows("select count(*) from version") == before


def test_accepted_questions_join_and_others_stay_as_they_were(house, adt):
    house.keep(*(adt(key, number) for number, key in enumerate("ABCD", 1)))
    house.settle()
    a, b, c, d = [one for one, _ in records(house)]
    for digest, ids in (("01", [a, b]), ("02", [c, d])):
        house.order(
            "propose", object=digest * 16, kind="match", evidence={},
            proposal={"entity": "Participant", "ids": ids},
        )  # fmt: skip
    house.settle()
    first, second = [r[0] for r in house.rows("select id from decision order by ids")]

    house.order("decide", objects=[first], state="accepted")
    house.order("decide", objects=[second, first], state="declined")
    house.settle()

    assert records(house) == [(a, None), (b, a), (c, None), (d, None)]
    assert house.rows("select state from decision order by ids") == [("accepted",), ("declined",)]
    assert [told for _, told in audited(house, "decide")] == [
        {"answered": 1, "left_open": 0},
        {"answered": 1, "left_open": 0},
    ]


def test_a_question_that_cannot_be_carried_out_stays_open(house, adt):
    two(house, adt)
    gone = "00000000-0000-7000-8000-000000000000"
    house.order(
        "propose", object="03" * 16, kind="match", evidence={},
        proposal={"entity": "Participant", "ids": [gone, gone[:-1] + "1"]},
    )  # fmt: skip
    house.settle()
    [(one,)] = house.rows("select id from decision")

    house.order("decide", object=one, state="accepted")
    house.settle()

    assert house.rows("select state from decision") == [("open",)]
    assert audited(house, "decide")[0][1] == {"answered": 0, "left_open": 1}


@pytest.mark.parametrize("state", ["accepted", "declined"])
def test_a_decided_contradiction_is_no_trouble_any_more(small_house, adt, state):
    house = small_house
    number = b"B^^^NORTH^MR"
    both = replace(adt("B", 3), body=adt("B", 3).body.replace(number, number + b"~A^^^NORTH^MR"))
    house.keep(adt("A", 1), adt("B", 2), both)
    house.settle()
    assert house.rows("select rule, closed_at from finding") == [("identity-contradicted", None)]
    [(one,)] = house.rows("select id from decision where kind = 'identity'")

    house.order("decide", object=one, state=state)
    house.keep(replace(both, message_key="and again"))
    house.settle()

    assert house.rows("select count(*) from finding where closed_at is null") == [(0,)]
    merged = [superseded is not None for _, superseded in records(house)]
    assert merged == [False, state == "accepted"]


def test_whoever_says_that_two_are_two_is_not_asked_whether_they_may_be_one(house, adt):
    house.keep(*(adt(key, number) for number, key in enumerate("ABC", 1)))
    house.settle()
    a, b, c = [one for one, _ in records(house)]
    asked = (("06", "match", [a, b]), ("07", "match", [a, c]), ("08", "identity", [b, a]))
    for digest, kind, ids in asked:
        house.order(
            "propose", object=digest * 16, kind=kind, evidence={},
            proposal={"entity": "Participant", "ids": ids},
        )  # fmt: skip
    house.settle()
    [(question,)] = house.rows("select id from decision where kind = 'identity'")

    house.order("decide", object=question, state="declined")
    house.settle()

    states = house.rows("select state from decision order by digest")
    assert states == [("moot",), ("open",), ("declined",)]


def test_a_question_lapses_when_its_time_is_over(small_house):
    house = small_house
    for digest in ("04", "05"):
        house.order("propose", object=digest * 16, kind="match", evidence={}, proposal={})
    house.settle()
    house.hub.run("update decision set expires_at = 1 where digest = ?", (bytes([4] * 16),))

    house.order("lapse", before=1)
    house.settle()

    assert house.rows("select state, decided_by from decision order by state") == [
        ("expired", "ada"),
        ("open", None),
    ]


@pytest.fixture
def tidy(small_house):
    """One round of a janitor."""
    writer = Writer(small_house.places.journal, wake=lambda: None, fatal=print)
    writer.start()

    def tick(**bounds) -> None:
        Janitor(
            open_hub=small_house.places.hub, writer=writer, keyring=small_house.keyring,
            clock=lambda: 9, days=30, matching=Matching(bounds=bounds),
        ).tick()  # fmt: skip
        small_house.settle()

    yield tick
    writer.stop()


def ask(house, number: int, *, weight=0.0, levels="", expires_at=None) -> str:
    """A question about two people who are not there, as the search would put it."""
    ids = [f"{number:08d}-0000-7000-8000-00000000000{n}" for n in (1, 2)]
    with house.hub.transaction():
        one = decisions.propose(
            house.hub, digest=bytes([number] * 16), kind="match", evidence={}, at=number,
            proposal={"entity": "Person", "ids": ids}, expires_at=expires_at,
        )  # fmt: skip
        house.hub.run(
            "insert into match_pair values (?, ?, 'Person', ?, ?, ?)",
            (*ids, round(weight * 100), levels, one),
        )
    return one


def test_the_janitor_lets_lapse_what_was_not_answered_in_time(small_house, tidy):
    due, _ = ask(small_house, 1, expires_at=9), ask(small_house, 2, expires_at=10)

    tidy()
    tidy()

    assert small_house.rows("select id from decision where state = 'expired'") == [(due,)]
    assert len(audited(small_house, "lapse")) == 1


def test_what_the_policy_is_sure_of_is_answered_in_the_hubs_name(small_house, tidy):
    sure = ask(small_house, 1, weight=30.5, levels="email=same")
    ask(small_house, 2, weight=29.5, levels="email=same")
    ask(small_house, 3, weight=31, levels="email=same,national_numbers=different")

    tidy(Person=Bounds(review=12))
    assert audited(small_house, "decide") == []
    tidy(Person=Bounds(review=12, link=30))

    [(actor, object_)] = small_house.rows("select actor, object from audit where action = 'decide'")
    assert (actor, object_) == ("crohub:matching", "1 questions of Person")
    assert pairs.sure(small_house.hub, "Person", 30) == [sure], "nobody is there to be merged"


def test_what_may_be_one_is_searched_while_nothing_waits(house, adt):
    anna = [replace(one, body=one.body.replace(b"Doe^" + key, b"Doe^Anna"))
            for one, key in ((adt("A", 1), b"A"), (adt("B", 2), b"B"))]  # fmt: skip
    house.keep(*anna)

    for _ in range(100):
        house.settle()
        if house.rows("select 1 from decision"):
            break
        time.sleep(0.1)  # PostgreSQL shows the feed up to the oldest transaction that still runs

    assert house.rows("select kind, state from decision") == [("match", "open")]


def test_a_failure_of_the_search_does_not_end_settling(small_house, adt):
    house = small_house
    settler = house.settler()
    settler.meanwhile = [lambda: 1 / 0]
    house.keep(adt("A", 1))

    while settler.step():
        pass

    assert len(records(house)) == 1
    assert settler.meanwhile == []


def test_the_policy_says_what_is_searched(small_house):
    folder = small_house.folder
    (folder / "policies").mkdir(exist_ok=True)
    path = folder / "policies" / "identity.yaml"
    path.write_text("search: [Person]\nlapse_after_days: 7\nPerson: {review: 20, link: 30}\n")

    found = settings.load(folder).matching

    assert found.days == 7
    assert {name: (b.review, b.link) for name, b in found.bounds.items()} == {"Person": (20, 30)}
    path.write_text("search: []\n")
    deployment = settings.load(folder)
    assert deployment.matching.bounds == {}
    assert pickle.loads(pickle.dumps(deployment)) == deployment  # noqa: S301 - the settler gets it


def test_a_policy_that_links_participants_is_a_mistake(tmp_path):
    (tmp_path / "policies").mkdir()
    path = tmp_path / "policies" / "identity.yaml"
    path.write_text("Participant: {review: 14, link: 40}\nPerson: {review: 9, link: 3}\nX: 1\n")
    mistakes = Mistakes()

    identity.matching(tmp_path, mistakes)

    assert [mistake.line for mistake in mistakes.found] == [1, 2, 3]
