"""How well probable matches are found among people made up for it: figures, and their floor."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pytest

from hub.matching.settings import DEFAULTS
from hub.matching.traits import subject
from hub.matching.weights import score
from tests.hub.matching.people import Human, Registry

PEOPLE, TWICE, NEAR = 4000, 1000, 600


def crowd(seed: int) -> dict[str, Human]:
    """People, a thousand of them twice, and six hundred others who look like one of them."""
    registry = Registry(seed)
    people = [registry.human() for _ in range(PEOPLE)]
    twice = [registry.again(one) for one in registry.chance.sample(people, TWICE)]
    near = [registry.near(one) for one in registry.chance.sample(people, NEAR)]
    everyone = people + twice + near
    registry.chance.shuffle(everyone)
    return {f"{number:06d}": one for number, one in enumerate(everyone)}


def found(entity: str, people: dict[str, Human]) -> dict[tuple[str, str], float]:
    """The pairs above the bound for review, and their weight."""
    known = {
        one: subject(entity, one, h.fields() | {"sex": h.sex}, ()) for one, h in people.items()
    }
    by_block = defaultdict(list)
    for one, its in known.items():
        for block in its.blocks:
            by_block[block].append(one)
    pairs = {two for ones in by_block.values() for two in combinations(sorted(ones), 2)}
    weighed = {(a, b): score(entity, known[a].traits, known[b].traits).weight for a, b in pairs}
    return {two: w for two, w in weighed.items() if w >= DEFAULTS[entity].review}


@pytest.mark.parametrize("seed", [2, 3])  # the weights were looked at with seed 1
def test_duplicates_are_found_and_few_others(seed, capsys):
    people = crowd(seed)
    by_truth = defaultdict(list)
    for one, human in people.items():
        by_truth[human.truth].append(one)
    true = {two for ones in by_truth.values() for two in combinations(sorted(ones), 2)}

    asked = found("Participant", people)

    hits = true & asked.keys()
    precision, recall = len(hits) / len(asked), len(hits) / len(true)
    with capsys.disabled():
        print(
            f"\nprobable matches, seed {seed}: {len(people)} records, {len(true)} true pairs, "
            f"{len(asked)} asked about: precision {precision:.3f}, recall {recall:.3f}"
        )
    assert precision >= 0.98
    assert recall >= 0.96
