"""Three systems speak, correct, delete, merge and take it back; a person overrides; the policy
changes: the records are what a few lines of plain Python say they must be, and their versions add
up to them. Faults planted on purpose must be found."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import hub.override
import hub.recompute
from hub import believed, judge, schema, seal, separate, things
from hub.authority import DEFAULT_RULES
from hub.context import Context
from hub.database import session
from hub.joining import Word
from hub.override import Override, lift, override
from hub.policy import PERSON, Policy, System
from hub.recompute import chunks, finish, recompute
from hub.rules import Rule
from hub.said import Said
from hub.settle import settle
from hub.statement import REMOVED, Gone, Identifier, Meaning, SameAs, Stated

SYSTEMS = ("ctms", "edc", "ehr")
KEYS = tuple(itertools.product(SYSTEMS, "ABC"))
FIELDS = ("state", "enrolled_on")
VALUES = {
    "state": ("enrolled", "off_study", None, REMOVED),
    "enrolled_on": ("2026-01-05", "2026-02-05", None, REMOVED),
}
BASE = 1_772_000_000_000_000
ORDERS = list(itertools.permutations(("CTMS", "EDC", "EHR")))


def policy(order, by) -> Policy:
    rules = {"state": Rule(order=order), "enrolled_on": Rule(order=order, by=by)}
    return Policy(
        systems={name: System(name, name.upper()) for name in SYSTEMS},
        rules={**DEFAULT_RULES, "Enrollment": rules},
    )


@dataclass
class Plain:
    """What has been said, and what follows from it: the oracle."""

    words: dict = field(default_factory=dict)  # key → [(at, seq, statement)]
    identified: set = field(default_factory=set)  # keys that have given their identifier
    ties: set = field(default_factory=set)
    born: dict = field(default_factory=dict)  # every key that was ever named
    overrides: dict = field(default_factory=dict)  # seq → (key, field, value, at)

    def groups(self) -> list[frozenset]:
        of = {key: frozenset({key}) for key in self.born}
        pairs = [(a, b) for a, b in itertools.combinations(self.identified, 2) if a[1] == b[1]]
        for one, other in [*self.ties, *pairs]:
            joined = of[one] | of[other]
            of.update(dict.fromkeys(joined, joined))
        return list(set(of.values()))

    def records(self, rules) -> dict:
        return {group: self._record(group, rules) for group in self.groups()}

    def _record(self, group, rules):
        values = tuple(self._value(group, name, rules[name]) for name in FIELDS)
        newest = [max(self.words[k], key=lambda w: w[:2])[2] for k in group if self.words.get(k)]
        return (*values, bool(newest) and all(isinstance(word, Gone) for word in newest))

    def _value(self, group, name, rule_):
        own = [
            (at, seq, v)
            for seq, (k, n, v, at) in self.overrides.items()
            if k in group and n == name
        ]
        if own:
            return max(own)[2]
        said = [w for key in group for w in [self._standing(key, name)] if w]
        known = [w for w in said if w[3] not in (None, REMOVED)]
        if rule_.by != "authority":
            if not known:
                return None
            return {"min": min, "max": max}[rule_.by](w[3] for w in known)
        if not [w for w in said if w[3] is not None]:
            return None
        said = [w for w in said if w[3] is not None]
        best = min(said, key=lambda w: (rule_.order.index(w[0].upper()), -w[1], -w[2]))
        return None if best[3] is REMOVED else best[3]

    def _standing(self, key, name):
        """The newest word of a key on a field: system, at, seq, value."""
        found = None
        for at, seq, statement in sorted(self.words.get(key, []), key=lambda w: w[:2]):
            if isinstance(statement, Gone):
                continue
            if statement.complete:
                found = None
            if name in statement.fields:
                found = (key[0], at, seq, statement.fields[name])
        return found


class Machine(RuleBasedStateMachine):
    """Everybody who speaks, and what must be true."""

    template: Path

    @initialize(order=st.sampled_from(ORDERS), by=st.sampled_from(("authority", "min", "max")))
    def born(self, order, by) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - no disk
        self.folder = Path(tempfile.mkdtemp(dir=memory))
        shutil.copy(self.template, self.folder / "hub.db")
        ticks = itertools.count(BASE, 1_000_000)
        self.plain, self.seq = Plain(), 0
        self.context = Context(
            session=session(f"sqlite:///{self.folder / 'hub.db'}"),
            keyring=seal.load(self.folder / "keys.json"),
            policy=policy(order, by),
            clock=lambda: next(ticks),
            chain="one",
        )
        self.context.stale = believed.begin(self.context.session, self.context.policy)

    def teardown(self) -> None:
        if hasattr(self, "context"):
            try:
                self.all_is_true()
            finally:
                self.context.session.close()
                shutil.rmtree(self.folder)

    # -- what happens

    @rule(
        key=st.sampled_from(KEYS),
        at=st.integers(0, 30),
        complete=st.booleans(),
        fields=st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
        ),
    )
    def is_said(self, key, at, complete, fields) -> None:
        number = Identifier("registration_no", key[1], "urn:x:office")
        one = Stated(
            entity="Enrollment", key=key[1], fields=fields, identifiers=(number,),
            complete=complete,
        )  # fmt: skip
        self._say(key, at, one)
        self.plain.identified.add(key)

    @rule(key=st.sampled_from(KEYS), at=st.integers(0, 30))
    def is_gone(self, key, at) -> None:
        self._say(key, at, Gone(entity="Enrollment", key=key[1]))

    def _say(self, key, at, statement) -> None:
        self._settle(key[0], at, statement)
        self.plain.born[key] = None
        self.plain.words.setdefault(key, []).append((at, self.seq, statement))

    @rule(
        system=st.sampled_from(SYSTEMS),
        pair=st.sampled_from(list(itertools.combinations("ABC", 2))),
    )
    def are_one(self, system, pair) -> None:
        self._same(system, pair)
        self.plain.born |= {(system, native): None for native in pair}
        self.plain.ties.add(((system, pair[0]), (system, pair[1])))

    @rule(which=st.integers(0, 8))
    def are_one_no_more(self, which) -> None:
        if self.plain.ties:
            one, other = sorted(self.plain.ties)[which % len(self.plain.ties)]
            self._same(one[0], (one[1], other[1]), withdrawn=True)
            self.plain.ties.discard((one, other))

    def _same(self, system, pair, *, withdrawn=False) -> None:
        kept, retired = pair
        same = SameAs(entity="Enrollment", kept=kept, retired=retired, withdrawn=withdrawn)
        self._settle(system, 0, same)

    def _settle(self, system, at, statement) -> None:
        self.seq += 1
        said = Said(
            seq=self.seq, system=system, at=BASE + at * 1_000_000,
            meaning=Meaning(statements=(statement,)),
        )  # fmt: skip
        with self.context.session.transaction():
            settle(self.context, [said])

    @rule(
        which=st.integers(0, 8),
        name=st.sampled_from(FIELDS),
        at=st.integers(0, 3),
        odd=st.integers(0, 2),
    )
    def is_overridden(self, which, name, at, odd) -> None:
        ids = self._ids()
        if not ids:
            return
        one, keys = sorted(ids.items())[which % len(ids)]
        self.seq += 1
        value = VALUES[name][odd]
        given = Override(entity="Enrollment", id=one, field=name, value=value)
        with self.context.session.transaction():
            override(self.context, given, Word(seq=self.seq, at=BASE + at * 1_000_000))
        births = self._births()
        oldest = min(keys, key=births.__getitem__)  # two keys of one message: either
        self.plain.overrides[self.seq] = (oldest, name, value, at)

    @rule(which=st.integers(0, 8))
    def is_lifted(self, which) -> None:
        if not self.plain.overrides:
            return
        seq = sorted(self.plain.overrides)[which % len(self.plain.overrides)]
        self.seq += 1
        with self.context.session.transaction():
            lift(self.context, seq, Word(seq=self.seq, at=BASE))
        del self.plain.overrides[seq]

    @rule(order=st.sampled_from(ORDERS), by=st.sampled_from(("authority", "min", "max")))
    def is_believed_differently(self, order, by) -> None:
        self.context.world.clear()
        self.context.policy = policy(order, by)
        self.context.stale = believed.begin(self.context.session, self.context.policy)

    @rule()
    def all_is_true(self) -> None:
        self._work_out()
        rules = self.context.policy.rules["Enrollment"]
        assert self._records() == self.plain.records(rules)
        self._versions_add_up()

    # -- what is there

    def _work_out(self) -> None:
        for entity in sorted(self.context.stale):
            for ids in list(chunks(self.context, entity)):
                self.seq += 1
                with self.context.session.transaction():
                    recompute(self.context, entity, ids, seq=self.seq, at=BASE)
            with self.context.session.transaction():
                finish(self.context, entity)

    def _keys(self):
        """Every key: its name here, its number, the id it was born with and that of its record."""
        rows = self.context.session.all("select x, home_id, entity_id, system, native from xref")
        for x, home, one, system, native in rows:
            if system != PERSON:
                opened = self.context.keyring.open(native, f"xref|{x}|native".encode()).decode()
                yield (system, opened), x, home, one

    def _ids(self) -> dict[str, set]:
        keys: dict[str, set] = {}
        for key, _, _, one in self._keys():
            keys.setdefault(one, set()).add(key)
        return keys

    def _births(self) -> dict:
        return {key: (home, x) for key, x, home, _ in self._keys()}

    def _records(self) -> dict:
        rows = self.context.session.all(
            "select id, state, enrolled_on, withdrawn from enrollment where superseded_by is null"
        )
        keys = self._ids()
        return {frozenset(keys[i]): (state, day, bool(gone)) for i, state, day, gone in rows}

    def _versions_add_up(self) -> None:
        told: dict[str, dict] = {}
        rows = self.context.session.all("select id, changed from version order by v")
        for one, changed in rows:
            told.setdefault(one, {}).update(orjson.loads(changed))
        rows = self.context.session.all("select id, state, enrolled_on from enrollment")
        for one, state, day in rows:
            said = told.get(one, {})
            assert (said.get("state"), said.get("enrolled_on")) == (state, day)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("truth") / "hub.db"
    schema.upgrade(f"sqlite:///{path}", [schema.HUB])
    with closing(session(f"sqlite:///{path}")) as opened:
        opened.run("pragma wal_checkpoint(truncate)")
    return path


def play(template: Path, examples: int) -> None:
    machine = type("Played", (Machine,), {"template": template})
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


def test_whatever_is_said_the_records_are_what_plain_python_says(template):
    play(template, 40)


@pytest.mark.faults
def test_whatever_is_said_for_longer(template):
    play(template, 600)


# -- faults planted on purpose


def _no_unmerge(monkeypatch):
    monkeypatch.setattr(separate.Ties, "groups", lambda self: [list(self.xrefs)])


def _arrival_beats_time(monkeypatch):
    def by_arrival(self):
        self.order = (-1, self.seq, self.seq, self.a)

    monkeypatch.setattr(things.Assertion, "__post_init__", by_arrival)


def _override_of_the_newest_key(monkeypatch):
    monkeypatch.setattr(hub.override, "born", lambda xref: (-xref.x,))


def _lifting_forgets_what_was_hidden(monkeypatch):
    monkeypatch.setattr(hub.override, "withdraw_earlier", lambda *_: None)


def _another_policy_is_not_noticed(monkeypatch):
    monkeypatch.setattr(believed, "stale", lambda *_: frozenset())


def _records_are_believed_to_be_what_they_fold_to(monkeypatch):
    monkeypatch.setattr("hub.load._as_written", lambda *_: None)


def _merged_records_keep_the_first_ones_words(monkeypatch):
    from hub import fold

    real = fold.speaking
    monkeypatch.setattr(fold, "speaking", lambda entity, xrefs: real(entity, xrefs[:1]))


@pytest.mark.parametrize(
    "plant",
    [
        _no_unmerge, _arrival_beats_time, _override_of_the_newest_key,
        _lifting_forgets_what_was_hidden, _another_policy_is_not_noticed,
        _records_are_believed_to_be_what_they_fold_to, _merged_records_keep_the_first_ones_words,
    ],
)  # fmt: skip
@pytest.mark.faults
def test_a_planted_fault_is_found(template, monkeypatch, plant):
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        play(template, 200)


def test_a_record_is_judged_only_by_what_it_is(monkeypatch, template):
    """Whatever is found odd about a record changes no field of it."""
    monkeypatch.setattr(judge, "judge", lambda *_: "")

    play(template, 10)
