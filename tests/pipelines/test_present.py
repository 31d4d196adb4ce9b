"""A list that is pulled whole tells what has gone: once, never falsely, and not when most of it is
missing."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipelines.present
import pipelines.pull
from connectors.errors import TryLater
from connectors.flaky import Crash
from connectors.record import Record
from pipelines.journal import GONE, position_of
from pipelines.present import Guard, Seen
from pipelines.pull import pull
from pipelines.writer import Writer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Roster:
    """A source of one list; `breaks` is what happens before the element of that position."""

    def __init__(self, *things: str, at=NOON) -> None:
        self.things, self.breaks, self.at = list(things), {}, at

    def is_whole(self, stream: str) -> bool:
        return stream == "things"

    def pull(self, stream: str, since: str):
        for position, thing in enumerate(self.things):
            if position in self.breaks:
                raise self.breaks[position]
            yield self.record(thing)

    def record(self, thing: str) -> Record:
        of, body = thing.partition("=")[0], thing.encode()
        key = f"{of}@{hashlib.sha256(body).hexdigest()[:8]}"
        fault = "unreadable" if thing.endswith("?") else ""
        return Record(
            stream="things", message_key=key, at=self.at, body=body, media="application/json",
            of=of, fault=fault,
        )  # fmt: skip


class Files(Roster):
    """A source that hands out one list after another; the cursor counts them."""

    def pull(self, stream: str, since: str):
        number = int(since or 0)
        if number < len(self.things):
            *most, last = [self.record(thing) for thing in self.things[number].split()]
            yield from most
            yield Record(
                stream="things", message_key=last.message_key, at=NOON, body=last.body,
                media=last.media, of=last.of, cursor=str(number + 1),
            )  # fmt: skip


@pytest.fixture
def pulled(house):
    made = Pulling(house)
    yield made
    made.writer.stop()


class Pulling:
    """Runs pulls, each with a page of three."""

    def __init__(self, house) -> None:
        self.house, self.session = house, house.session()
        self.writer = Writer(house.places.journal, wake=lambda: None, fatal=lambda _: None)
        self.writer.start()
        self.crash_at = 0

    def __call__(self, source, **guard):
        intake = self.house.intake(self.writer)
        keep, left = intake.keep, [self.crash_at]

        def crashing(*args):
            left[0] -= 1
            if left[0] == 0:
                raise Crash
            return keep(*args)

        proxy = Proxy(intake, crashing)
        return pull(
            source, "source", "things", intake=proxy, journal=self.session,
            clock=lambda: next(self.house.ticks), guard=Guard(**guard),
        )  # fmt: skip

    def told(self) -> list[str]:
        """All messages in order: the body, with a minus for what has gone."""
        rows = self.session.all("select seq, flags from message order by seq")
        return [
            ("-" if flags & GONE else "") + self.house.body(seq).decode() for seq, flags in rows
        ]

    def there(self) -> set[str]:
        """What the messages leave there, thing by thing."""
        things: dict[str, str] = {}
        for one in self.told():
            of = one.lstrip("-").partition("=")[0]
            things.pop(of, None)
            if not one.startswith("-"):
                things[of] = one
        return set(things.values())


class Proxy:
    def __init__(self, intake, keep) -> None:
        self.keyring, self.writer, self.keep = intake.keyring, intake.writer, keep


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(pipelines.pull, "PAGE", 3)
    monkeypatch.setattr(pipelines.present, "_AT_ONCE", 2)


def named(*numbers) -> list[str]:
    return [f"p{n}=a" for n in numbers]


def test_what_is_missing_from_the_next_list_has_gone(pulled):
    pulled(Roster(*named(*range(20))))

    run = pulled(Roster(*named(*range(19))))

    assert (run.state, run.detail) == ("done", "1 of 20 things have gone")
    assert pulled.told()[20:] == ["-p19=a"]
    assert (run.arrival.read, run.arrival.new) == (19, 1)


def test_what_has_gone_is_said_once(pulled):
    pulled(Roster(*named(1, 2)))

    for _ in range(3):
        pulled(Roster(*named(1)))

    assert pulled.told() == ["p1=a", "p2=a", "-p2=a"]


def test_unchanged_things_are_read_and_neither_sealed_nor_stored(pulled, monkeypatch):
    pulled(Roster(*named(*range(8))))
    sealed = []
    monkeypatch.setattr(
        "pipelines.bodies.pack_all", lambda _, bodies, __: sealed.extend(bodies) or []
    )

    run = pulled(Roster(*named(*range(8))))

    assert (run.arrival.read, run.arrival.new, sealed) == (8, 0, [])


def test_a_thing_that_comes_back_unchanged_is_said_again_and_later_than_it_went(pulled):
    for things in (named(1, 2), named(1), named(1, 2), named(1), named(1, 2)):
        pulled(Roster(*things))

    assert pulled.told() == ["p1=a", "p2=a", "-p2=a", "p2=a", "-p2=a", "p2=a"]
    times = [at for (at,) in pulled.session.all("select at from message order by seq")]
    assert times[1:] == sorted(set(times[1:]))


def test_content_that_returns_to_what_it_was_is_news(pulled):
    for content in "abab":
        pulled(Roster(f"p1={content}"))

    assert pulled.told() == ["p1=a", "p1=b", "p1=a", "p1=b"]


@pytest.mark.parametrize("left", [17, 5, 0])
def test_a_list_that_misses_too_much_marks_nothing_and_asks(pulled, left):
    pulled(Roster(*named(*range(20))))

    run = pulled(Roster(*named(*range(left))))

    assert run.state == "asks"
    assert run.detail.startswith(f"{20 - left} of 20 things are missing from the list")
    assert pulled.told() == named(*range(20))
    outcome = pulled.session.one("select outcome from arrival order by began_at desc limit 1")
    assert outcome[0].startswith("asks: ")


def test_what_a_person_accepts_goes_through(pulled):
    pulled(Roster(*named(*range(20))))
    pulled(Roster(*named(*range(5))))

    run = pulled(Roster(*named(*range(5))), accepted=True)

    assert run.state == "done"
    assert pulled.there() == set(named(*range(5)))


def test_two_things_may_always_go_and_the_share_is_a_setting(pulled):
    pulled(Roster(*named(*range(4))))

    assert pulled(Roster(*named(0, 1))).state == "done"
    pulled(Roster(*named(*range(10))))
    assert pulled(Roster(*named(*range(6))), limit=0.5).state == "done"


@pytest.mark.parametrize("end", [TryLater("broke off"), Crash()])
def test_a_list_that_breaks_off_says_nothing_of_what_did_not_come(pulled, end):
    pulled(Roster(*named(*range(8))))
    source = Roster(*named(*range(8)))
    source.breaks = {7: end}

    with suppress(Crash):
        pulled(source)

    assert pulled.told() == named(*range(8))


def test_an_element_without_an_id_leaves_open_what_is_missing(pulled):
    pulled(Roster(*named(1, 2, 3)))

    run = pulled(Roster("=x", *named(1, 2)))

    assert "not looked for" in run.detail
    assert pulled.there() - {"=x"} == set(named(1, 2, 3))


def test_a_thing_that_cannot_be_read_is_there(pulled):
    pulled(Roster(*named(1, 2)))

    pulled(Roster("p1=a", "p2=?"))

    assert "-p2=a" not in pulled.told()


def test_one_id_twice_in_a_list_is_parked_once_and_does_not_flip(pulled):
    for _ in range(3):
        pulled(Roster("p1=a", "p1=b", "p2=a"))

    rows = pulled.session.all("select key, remark from message order by seq")
    assert [(key[:2], remark is not None) for key, remark in rows] == [
        ("p1", False), ("p1", True), ("p2", False),
    ]  # fmt: skip


def test_lists_that_wait_are_compared_one_after_the_other(pulled):
    full = " ".join(named(*range(10)))
    pulled(Files(full, " ".join(named(*range(9))), full))

    assert pulled.told() == [*named(*range(10)), "-p9=a", "p9=a"]
    assert position_of(pulled.session, "source", "things") == "3"


def test_nothing_new_is_no_empty_list(pulled):
    source = Files(" ".join(named(1, 2)))
    pulled(source)

    assert pulled(source).state == "done"
    assert pulled.told() == named(1, 2)


def test_a_list_that_is_asked_about_is_asked_again_until_a_newer_one_answers(pulled):
    full, half = " ".join(named(*range(10))), " ".join(named(*range(5)))
    source = Files(full, half)

    states = [pulled(source).state, pulled(source).state]
    position = position_of(pulled.session, "source", "things")
    source.things.append(full)
    healed = pulled(source)

    assert (states, position, healed.state) == (["asks", "asks"], "1", "done")
    assert pulled.told() == named(*range(10))
    assert position_of(pulled.session, "source", "things") == "3"


def test_a_list_that_shifts_while_it_is_read_makes_nothing_gone(pulled):
    pulled(Roster(*named(1, 2, 3)))
    readings = [named(1, 3), ["p1=a", "p2=b", "p3=b"]]  # 2 slipped over the edge of a page
    source = Roster()
    source.pull = lambda *_: map(source.record, readings.pop(0))

    run = pulled(source)

    assert (run.state, run.arrival.read) == ("done", 2)
    assert pulled.told() == [*named(1, 2, 3), "p2=b"]


def test_what_another_run_stored_meanwhile_is_not_missing(pulled):
    pulled(Roster(*named(1)))
    source = Roster(*named(1))
    others = Roster(*named(1, 2))

    def meanwhile(stream, since):
        yield from Roster.pull(source, stream, since)
        assert pulled(others).state == "done"

    source.pull = meanwhile
    run = pulled(source)

    assert run.state == "done"
    assert pulled.there() == set(named(1, 2))


LISTS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 11), st.sampled_from("ab")),  # what the source has
        st.integers(0, 14),  # before which element it dies; beyond the last: not
        st.integers(0, 7),  # at which commit the run dies; 0: at none
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LISTS)
def test_however_runs_die_no_thing_is_gone_that_is_there(small_house, lists):
    """After every run that ends, the messages leave there exactly what the source has; and a run
    that dies has called nothing gone that its source has."""
    session = small_house.session()
    with session.transaction():
        for table in ("message", "present", "arrival", "cursor"):
            session.run(f"delete from {table}")
    pulled = Pulling(small_house)
    try:
        for things, dies, commit in lists:
            source = Roster(*(f"{n}={content}" for n, content in things.items()))
            source.breaks, pulled.crash_at = {dies: Crash()}, commit
            before = pulled.there()
            ended = ran(pulled, source)
            there = pulled.there()
            if ended:
                assert there == set(source.things)
            else:
                gone = {one.partition("=")[0] for one in before - there}
                changed = {one.partition("=")[0] for one in there}
                assert not {n for n in gone - changed if int(n) in things}
    finally:
        pulled.writer.stop()


def ran(pulled, source) -> bool:
    try:
        return pulled(source, accepted=True).state == "done"
    except Crash:
        return False


def test_what_was_seen_leaves_memory(tmp_path):
    seen = Seen()
    for n in range(20_000):
        seen.first(hashlib.sha256(str(n).encode()).digest()[:16])

    assert seen.has(hashlib.sha256(b"19999").digest()[:16])
    assert not seen.has(b"\0" * 16)
    seen.close()
    with pytest.raises(sqlite3.ProgrammingError):
        seen.has(b"")
