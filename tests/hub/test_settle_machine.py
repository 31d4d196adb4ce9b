"""Anything may arrive, twice or late, be merged, taken apart, replayed, and the process may die at
any call: the store is what a few lines of plain Python say it must be.

The same machine must find faults that are planted on purpose; one that it cannot find would make
its silence worthless.
"""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
import tempfile
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crohub import schema
from hub import audit, clock, seal, things
from hub.context import Context
from hub.policy import Policy, System
from hub.statement import REMOVED, Gone, Meaning, SameAs, Stated
from pipelines import bodies, outcomes
from pipelines.journal import Entry, Journal
from pipelines.outcomes import Outcome
from pipelines.places import Places
from pipelines.queue import Queue
from pipelines.route import Route
from pipelines.settler import Settler
from pipelines.work import Mapped

KEYS = ("A", "B", "C", "D")
VALUES = {"sex": ("female", "male", REMOVED), "language": ("en", "fr", REMOVED)}


class OneRoute:
    """Every message is settled alike."""

    def __call__(self, *_) -> Route:
        return Route(system="ehr", environment="production", admission="all", lane_waits=False)

    def deployment(self, _revision) -> None:
        """There is no configuration here."""


class Crash(BaseException):
    """As if the process had ended here."""


class Mortal:
    """A raw connection in a process that dies at one of its calls."""

    def __init__(self, raw, life) -> None:
        self._raw, self._life = raw, life

    def __getattr__(self, name):
        real = getattr(self._raw, name)
        if name not in ("execute", "executemany", "commit"):
            return real

        def call(*arguments):
            self._life.step()
            return real(*arguments)

        return call


@dataclass
class Life:
    """How many more calls this process makes."""

    left: int = -1

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


class Plainly:
    """Understands bodies that say in statements what they mean."""

    def __init__(self, keyring) -> None:
        self._keyring = keyring

    def submit(self, works):
        done: Future = Future()
        meant = [pickle.loads(self._open(work)) for work in works]  # noqa: S301 - our own
        done.set_result([Mapped(meaning=one) for one in meant])
        return [done]

    def _open(self, work) -> bytes:
        place = bodies.place_of(work.connection, work.key)
        return bodies.unpack(self._keyring, work.body, place)

    @staticmethod
    def collect(waiting):
        return [mapped for future in waiting for mapped in future.result()]


class Process:
    """One life of a node: a journal that is kept and a store that is settled."""

    queue_kind = Queue

    def __init__(self, places: Places, life: Life, ticks) -> None:
        self.keyring, self.places = seal.load(places.keys), places
        self.journal = Journal(self._mortal(places.journal(), life))
        hub = self._mortal(places.hub(), life)
        queue = self.queue_kind(places.journal(read_only=True), hub, "one")
        context = Context(
            session=hub,
            keyring=self.keyring,
            policy=Policy(systems={"ehr": System("ehr", "EHR")}),
            clock=clock.now,
            chain="one",
        )
        self.settler = Settler(
            queue=queue,
            mapper=Plainly(self.keyring),
            context=context,
            route=OneRoute(),
            is_outside=lambda _: True,
            clock=partial(next, ticks),
            limit=4,
        )

    @staticmethod
    def _mortal(session, life):
        session.raw = Mortal(session.raw, life)
        return session

    def begin(self) -> None:
        self.settler.queue.prepare()
        self.settler.queue.lease(clock.now())

    def close(self) -> None:
        for session in (self.journal.session, self.settler.queue.journal, self.settler.queue.hub):
            raw = getattr(session.raw, "_raw", session.raw)
            raw.close()

    def keep(self, entry: Entry):
        """Stores a message; what it returns is the acknowledgement."""
        return self.journal.keep([entry])[0]


def _entry(keyring, number: int, at: int, body: bytes) -> Entry:
    import hashlib

    key = f"k{number}"
    return Entry(
        connection="ehr", stream="S", key=key, hash=hashlib.sha256(body).digest(), lane=b"lane",
        part=0, arrival=0, at=at * 1_000_000, received_at=1, media="m", flags=0, pipeline="p",
        revision=1, remark=None, body=bodies.pack(keyring, body, bodies.place_of("ehr", key)),
    )  # fmt: skip


@dataclass
class Sent:
    """What was sent: said of `key` at `at`; its number in the journal once it is known."""

    number: int
    at: int
    meaning: Meaning
    acked: int = 0


class Machine(RuleBasedStateMachine):
    """A sender, a process that dies, and what must be true."""

    process_kind = Process
    template: Path

    @initialize()
    def born(self) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - no disk
        self.folder = Path(tempfile.mkdtemp(dir=memory))
        self.places = Places(self.folder / "data")
        shutil.copytree(self.template, self.places.data)
        self.sent: list[Sent] = []
        self.life, self.ticks = Life(), itertools.count(1_772_000_000_000_000, 1_000_000)
        self._rise()

    def teardown(self) -> None:
        if hasattr(self, "process"):
            try:
                self._settle_all()
                self._is_true()
            finally:
                self.process.close()
                shutil.rmtree(self.folder)

    def _rise(self) -> None:
        self.life.left = -1
        self.process = self.process_kind(self.places, self.life, self.ticks)
        self.process.begin()

    def _mortally(self, do, dies: int) -> bool:
        """Does it, or dies trying. Afterwards there is a process again."""
        self.life.left = dies
        try:
            do()
        except Crash:
            self.process.close()
            self._rise()
            return False
        self.life.left = -1
        return True

    # -- what happens

    DIES = st.one_of(st.just(-1), st.integers(1, 14))
    DIES_LATE = st.one_of(st.just(-1), st.integers(1, 40))

    @rule(
        key=st.sampled_from(KEYS),
        at=st.integers(0, 30),
        fields=st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
        ),
        dies=DIES,
    )
    def is_said(self, key, at, fields, dies) -> None:
        self._send(at, Stated(entity="Participant", key=key, fields=fields), dies)

    @rule(key=st.sampled_from(KEYS), at=st.integers(0, 30), dies=DIES)
    def is_gone(self, key, at, dies) -> None:
        self._send(at, Gone(entity="Participant", key=key), dies)

    @rule(
        pair=st.sampled_from(list(itertools.combinations(KEYS, 2))),
        withdrawn=st.booleans(),
        dies=DIES,
    )
    def are_one(self, pair, withdrawn, dies) -> None:
        kept, retired = pair
        same = SameAs(entity="Participant", kept=kept, retired=retired, withdrawn=withdrawn)
        self._send(0, same, dies)

    def _send(self, at: int, statement, dies: int) -> None:
        one = Sent(len(self.sent), at, Meaning(statements=(statement,)))
        self.sent.append(one)
        self._deliver(one, dies)

    @rule(which=st.integers(0, 100), dies=DIES)
    def is_sent_again(self, which, dies) -> None:
        if self.sent:
            self._deliver(self.sent[which % len(self.sent)], dies)

    def _deliver(self, one: Sent, dies: int) -> None:
        body = pickle.dumps(one.meaning)

        def keep() -> None:
            entry = _entry(self.process.keyring, one.number, one.at, body)
            one.acked = self.process.keep(entry).seq

        self._mortally(keep, dies)

    @rule(steps=st.integers(1, 3), dies=DIES_LATE)
    def is_settled(self, steps, dies) -> None:
        self._mortally(lambda: [self.process.settler.step() for _ in range(steps)], dies)

    @rule(which=st.integers(0, 100))
    def is_replayed(self, which) -> None:
        self._settle_all()
        hub = self.process.settler.queue.hub
        works = [
            row[0] for row in self._stored() if row[0] <= hub.one("select upto from progress")[0]
        ]
        if not works:
            return
        seq = works[which % len(works)]
        with hub.transaction():
            row = (seq, 0, b"lane", "ready", "replay", "", 0, 0, 1, None, True)
            from pipelines import tables

            hub.upsert(tables.outcome, outcomes.COLUMNS, [row], ("seq",))
        self.process.settler.ready_at = 0

    @rule()
    def all_is_settled(self) -> None:
        self._settle_all()
        self._is_true()

    def _settle_all(self) -> None:
        self.life.left = -1
        idle = 0
        while idle < 3:
            idle = 0 if self.process.settler.step() else idle + 1

    # -- what must be true

    def _stored(self):
        return self.process.journal.session.all("select seq, key from message order by seq")

    def _is_true(self) -> None:
        stored = {int(key[1:].split("#")[0]): seq for seq, key in self._stored()}
        rows = len(self._stored())
        acked = {one.number: one.acked for one in self.sent if one.acked}
        assert acked.items() <= stored.items(), "an acknowledged message is not stored"
        assert rows == len(stored), "a message is stored twice"
        kept = [one for one in self.sent if one.number in stored]
        self._effects_are_once([stored[one.number] for one in kept if not _is_same(one)])
        ordered = sorted(kept, key=lambda one: stored[one.number])
        assert self._records() == expected(ordered, stored)
        with closing(self.places.hub(read_only=True)) as hub:
            assert list(audit.broken(hub)) == []

    def _effects_are_once(self, seqs) -> None:
        rows = self.process.settler.queue.hub.all(
            "select seq, sum(case kind when 'void' then -1 else 1 end) from assertion group by seq"
        )
        assert dict(rows) == dict.fromkeys(seqs, 1), "an effect is missing or there twice"

    def _records(self):
        """The records that live: the keys each is known by, and its fields."""
        hub, keyring = self.process.settler.queue.hub, self.process.keyring
        keys: dict[str, set[str]] = {}
        for x, one, native in hub.all("select x, entity_id, native from xref"):
            opened = keyring.open(native, f"xref|{x}|native".encode()).decode()
            keys.setdefault(one, set()).add(opened)
        return {
            frozenset(keys[one]): (sex, language, bool(withdrawn))
            for one, sex, language, withdrawn in hub.all(
                "select id, sex, language, withdrawn from participant where superseded_by is null"
            )
        }


def _is_same(one: Sent) -> bool:
    return isinstance(one.meaning.statements[0], SameAs)


def expected(messages, stored):
    """The same, in plain Python: groups of keys by the ties that stand; in each the newest word
    on a field; withdrawn when the newest word on every key is that it is gone."""
    ties: set[tuple[str, str]] = set()
    words: dict[str, list] = {}
    for one in messages:
        [statement] = one.meaning.statements
        if isinstance(statement, SameAs):
            pair = (statement.kept, statement.retired)
            (ties.discard if statement.withdrawn else ties.add)(pair)
            for key in pair:
                words.setdefault(key, [])
        else:
            words.setdefault(statement.key, []).append((one.at, stored[one.number], statement))
    return {group: _believed(words, group) for group in _groups(set(words), ties)}


def _groups(keys: set[str], ties) -> set[frozenset[str]]:
    groups = {key: frozenset({key}) for key in keys}
    for one, other in ties:
        joined = groups[one] | groups[other]
        groups.update(dict.fromkeys(joined, joined))
    return set(groups.values())


def _believed(words, group):
    fields: dict[str, object] = {}
    said = sorted((word for key in group for word in words[key]), key=lambda word: word[:2])
    for _, _, statement in said:
        if isinstance(statement, Stated):
            fields.update(statement.fields)
    newest = [max(words[key], key=lambda word: word[:2])[2] for key in group if words[key]]
    gone = bool(newest) and all(isinstance(statement, Gone) for statement in newest)
    values = [fields.get(name) for name in ("sex", "language")]
    return (*(None if value is REMOVED else value for value in values), gone)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    places = Places(tmp_path_factory.mktemp("machine") / "data")
    schema.upgrade(places)
    seal.load(places.keys)
    return places.data


def play(template: Path, examples: int, **kinds) -> None:
    machine = type("Played", (Machine,), {"template": template, **kinds})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_the_store_is_what_plain_python_says(template):
    play(template, 25)


@pytest.mark.faults
def test_whatever_happens_for_longer(template):
    play(template, 300)


# -- faults planted on purpose


class NoDedupe(Process):
    """Every arrival is a message of its own."""

    turn = itertools.count()

    def keep(self, entry):
        from dataclasses import replace

        other = f"{entry.key}#{next(self.turn)}"
        place = bodies.place_of("ehr", entry.key)
        body = bodies.pack(
            self.keyring, bodies.unpack(self.keyring, entry.body, place),
            bodies.place_of("ehr", other),
        )  # fmt: skip
        return self.journal.keep([replace(entry, key=other, body=body)])[0]


class AckBeforeCommit(Process):
    """The sender is told before the commit, which the process may not live to make."""

    def keep(self, entry):
        known = self.journal.session.raw._raw.execute(
            "select coalesce((select seq from message where key = ?), "
            "(select coalesce(max(seq), 0) + 1 from message))", (entry.key,)
        ).fetchone()[0]  # fmt: skip
        from pipelines.journal import Kept

        try:
            self.journal.keep([entry])
        except Crash:
            self.died = True
        return Kept(known)


class LateMark(Queue):
    """Marks what is done after the effects, in a transaction of its own."""

    def advance(self, works):
        """Not yet."""

    def advanced(self, works):
        with self.hub.transaction():
            Queue.advance(self, works)
        Queue.advanced(self, works)


class SplitTransaction(Process):
    queue_kind = LateMark


def _by_arrival(self) -> None:
    self.order = (-1, self.seq, self.seq, self.a)


@pytest.mark.faults
@pytest.mark.parametrize("fault", [NoDedupe, AckBeforeCommit, SplitTransaction])
def test_a_planted_fault_is_found(template, fault):
    with pytest.raises(AssertionError):
        play(template, 200, process_kind=fault)


@pytest.mark.faults
def test_ordering_by_arrival_instead_of_time_is_found(template, monkeypatch):
    monkeypatch.setattr(things.Assertion, "__post_init__", _by_arrival)

    with pytest.raises(AssertionError):
        play(template, 200)


@pytest.mark.faults
def test_losing_an_outcome_is_found(template, monkeypatch):
    """A message that is parked instead of settled leaves a hole."""
    real = Settler._commit

    def parks(self, works, mapped):
        if any(work.seq == 3 for work in works):
            with self.queue.hub.transaction():
                outcomes.mark(
                    self.queue.hub, 1, [Outcome(work=work, state="parked") for work in works]
                )
                self.queue.advance(works)
            self.queue.advanced(works)
            return
        real(self, works, mapped)

    monkeypatch.setattr(Settler, "_commit", parks)

    with pytest.raises(AssertionError):
        play(template, 200)
