"""Splink brings together what may be one among all records; the scorer decides what is asked."""

from __future__ import annotations

import sys
from collections import defaultdict
from itertools import combinations

import pytest

from hub.matching import bulk
from hub.matching.settings import DEFAULTS
from hub.matching.traits import subject
from hub.matching.weights import score
from hub.statement import Stated
from tests.hub.matching.people import Registry

BOUND = DEFAULTS["Participant"].review


@pytest.fixture(scope="module")
def crowd():
    """Two thousand people, five hundred of them twice, three hundred who look like one of them."""
    registry = Registry(2)
    people = [registry.human() for _ in range(2000)]
    twice = [registry.again(one) for one in registry.chance.sample(people, 500)]
    near = [registry.near(one) for one in registry.chance.sample(people, 300)]
    return {f"{number:06d}": one for number, one in enumerate(people + twice + near)}


@pytest.fixture(scope="module")
def known(crowd):
    return {
        one: subject("Participant", one, human.fields() | {"sex": human.sex}, ())
        for one, human in crowd.items()
    }


def test_what_it_brings_together_the_scorer_tells_apart(crowd, known, capsys):
    brought = bulk.pairs("Participant", known.values())
    weighed = {(a, b): score("Participant", known[a].traits, known[b].traits) for a, b in brought}
    asked = {two for two, found in weighed.items() if found.weight >= BOUND}

    by_truth = defaultdict(list)
    for one, human in crowd.items():
        by_truth[human.truth].append(one)
    true = {two for ones in by_truth.values() for two in combinations(sorted(ones), 2)}
    precision, recall = len(asked & true) / len(asked), len(asked & true) / len(true)
    with capsys.disabled():
        print(
            f"\nsplink: {len(known)} records, {len(true)} true pairs, {len(brought)} brought "
            f"together, {len(asked)} asked about: precision {precision:.3f}, recall {recall:.3f}"
        )
    assert brought == sorted(set(brought))
    assert all(one < other for one, other in brought)
    assert len(brought) < 3 * len(true)
    assert precision >= 0.98
    assert recall >= 0.95


def test_staff_and_organizations_are_brought_together_too():
    people = {
        "1": {"family_name": "Okafor", "given_name": "Ada", "department": "Oncology"},
        "2": {"family_name": "Okafor", "given_name": "Ada", "email": "a@u.example"},
        "3": {"family_name": "Nakamura", "given_name": "Ken", "email": "k@u.example"},
    }
    houses = {
        "1": {"name": "Cedar Mesa University Hospital", "city": "Mesa", "website": "x.example"},
        "2": {"name": "Cedar Mesa Univ. Hospital", "city": "Mesa", "website": "https://x.example"},
        "3": {"name": "Invented Training Co", "city": "Tempe"},
    }
    staff = [subject("Person", one, said, ()) for one, said in people.items()]
    known = [subject("Organization", one, said, ()) for one, said in houses.items()]

    assert bulk.pairs("Person", staff) == [("1", "2")]
    assert bulk.pairs("Organization", known) == [("1", "2")]


@pytest.mark.parametrize("entity", sorted(DEFAULTS))
def test_of_records_that_say_nothing_nobody_is_asked(entity):
    empty = [subject(entity, one, {}, ()) for one in ("1", "2", "3")]

    assert bulk.pairs(entity, empty) == []
    assert bulk.pairs(entity, empty[:1]) == []


def test_all_records_are_read_as_the_search_reads_them(store, keyring, tell):
    for number, name in enumerate(("Okafor", "Nakamura")):
        said = {"family_name": name, "given_name": "Ada"}
        tell(Stated(entity="Person", key=str(number), fields=said))

    found = bulk.everyone(store, keyring, "Person")

    assert sorted(one.traits["family_name"] for one in found.values()) == [
        ("nakamura",), ("okafor",),
    ]  # fmt: skip


def test_without_the_extra_it_says_what_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "splink", None)

    with pytest.raises(bulk.NoSplink, match=r"crohub\[splink\]"):
        bulk.pairs("Person", ())
