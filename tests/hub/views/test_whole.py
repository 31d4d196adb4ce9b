"""Whatever is told, in whatever order: rows that are kept are those a view gives on the spot."""

from __future__ import annotations

import random

import pytest

from hub.model.spec import entities
from hub.statement import REMOVED, Gone, Ref, SameAs, Stated
from hub.views import read, summing, whole
from hub.views.place import Place
from hub.views.scope import begin
from hub.views.summing import Summing
from hub.views.words import Words

NOW = "2026-03-10T08:00:00.000000Z"
KEYS = ("1", "2", "3")  # of each entity: few, so that they meet
DAYS = ("2025-12-01", "2026-01-15", "2026-02", "2026-03-09", "2026-04-30")
_MERGED = ("Study", "Organization", "Person")


def a_value(chance, field):
    kind = field.meta.kind
    if kind == "ref":
        return Ref(field.meta.of, chance.choice(KEYS))
    if kind == "code":
        return chance.choice(field.meta.codes)
    if field.name == "tmf_artifact":
        return chance.choice(("01.01.01", "05.02.03"))
    return {
        "date": lambda: chance.choice(DAYS),
        "instant": lambda: f"{DAYS[chance.choice((0, 1, 3, 4))]}T09:00Z[+00:00]",
        "integer": lambda: chance.randrange(1, 40),
        "decimal": lambda: f"{chance.randrange(1, 900)}.25",
        "flag": lambda: chance.random() < 0.5,
        "texts": lambda: [],
        "text": lambda: f"{field.name} {chance.randrange(3)}",
    }[kind]()


def a_statement(chance, entity):
    key, what = chance.choice(KEYS), chance.random()
    if what < 0.05:
        return Gone(entity=entity, key=key)
    if what < 0.08 and entity in _MERGED:
        return SameAs(entity=entity, kept="1", retired="2", withdrawn=chance.random() < 0.5)
    fields = {}
    for field in entities()[entity].fields.values():
        if field.sealed or (chance.random() < 0.4 and field.meta.kind != "ref"):
            continue
        fields[field.name] = REMOVED if chance.random() < 0.05 else a_value(chance, field)
    if "currency" in fields:
        fields["currency"] = chance.choice(("USD", "EUR"))
    return Stated(entity=entity, key=key, fields=fields)


def on_the_spot(store, studies):
    """View: its rows, each study's as a question about that study is answered."""
    words, found = Words(dialect=store.dialect, narrowed=True), {}
    for view in whole.kept():
        found[view.name] = []
        for study in studies:
            head, values = begin(store.dialect, [study], NOW)
            found[view.name] += store.all(
                f"with {head} select {', '.join(columns(view))} from ({view.sql(words)}) e", values
            )
    return found


def as_kept(store):
    return {
        view.name: store.all(f"select {', '.join(columns(view))} from {view.name} e")
        for view in whole.kept()
    }


def differences(kept, worked_out):
    """View, row, column, what is kept of it, what it is."""
    found = []
    for view in whole.kept():
        was, now = ({row[0]: row for row in rows[view.name]} for rows in (kept, worked_out))
        for one in was.keys() | now.keys():
            rows = [side.get(one, [None] * len(columns(view))) for side in (was, now)]
            found += [
                (view.name, one, name, old, new)
                for name, old, new in zip(columns(view), *rows, strict=True)
                if old != new
            ]
    return found


def columns(view):
    return ["e.id", *(f"e.{one.name}" for one in view.columns)]


@pytest.mark.parametrize("seed", [1, 2, pytest.param(range(3, 13), marks=pytest.mark.faults)])
def test_what_is_kept_is_what_would_be_worked_out(tell, store, seed):
    for one in seed if isinstance(seed, range) else [seed]:
        told_at_random(tell, store, one)


def told_at_random(tell, store, seed):
    chance, names = random.Random(seed), sorted(summing.read())
    clock = iter(range(1_773_129_600_000_000, 1 << 62, 1_000_000))
    keeper = Summing(session=store, clock=lambda: next(clock), slice=chance.choice((3, 50)))
    for _ in range(12):
        tell(*(a_statement(chance, chance.choice(names)) for _ in range(chance.randrange(1, 25))))
        while keeper.look():
            pass
        studies = [row[0] for row in store.all("select id from study order by id")]
        assert differences(as_kept(store), on_the_spot(store, studies)) == []
    assert sum(map(len, as_kept(store).values())) > 5


def test_a_row_that_is_kept_is_of_a_study():
    assert all(view.has("study_id") for view in whole.kept())
    assert all(read._source(kept_place(), view) == view.name for view in whole.kept())


def kept_place():
    return Place(None, Words(dialect="sqlite", live=False), None, NOW, NOW, True)
