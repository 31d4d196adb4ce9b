"""How well probable matches are found among people made up for it: figures, and their floor."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pytest

from hub.matching.search import Search
from hub.matching.settings import DEFAULTS
from hub.matching.traits import subject
from hub.matching.weights import score
from hub.statement import Stated
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


def found(entity: str, people: dict[str, dict]) -> dict[tuple[str, str], float]:
    """The pairs above the bound for review, and their weight."""
    known = {one: subject(entity, one, fields, ()) for one, fields in people.items()}
    by_block = defaultdict(list)
    for one, its in known.items():
        for block in its.blocks:
            by_block[block].append(one)
    pairs = {two for ones in by_block.values() for two in combinations(sorted(ones), 2)}
    weighed = {(a, b): score(entity, known[a].traits, known[b].traits).weight for a, b in pairs}
    return {two: w for two, w in weighed.items() if w >= DEFAULTS[entity].review}


def judged(entity: str, truths: dict[str, int], asked, capsys) -> tuple[float, float]:
    """Precision and recall, and prints them."""
    by_truth = defaultdict(list)
    for one, truth in truths.items():
        by_truth[truth].append(one)
    true = {two for ones in by_truth.values() for two in combinations(sorted(ones), 2)}
    hits = true & asked.keys()
    precision, recall = len(hits) / len(asked), len(hits) / len(true)
    with capsys.disabled():
        print(
            f"\nprobable matches, {entity}: {len(truths)} records, {len(true)} true pairs, "
            f"{len(asked)} asked about: precision {precision:.3f}, recall {recall:.3f}"
        )
    return precision, recall


@pytest.mark.parametrize("seed", [2, 3])  # the weights were looked at with seed 1
def test_duplicates_are_found_and_few_others(seed, capsys):
    people = crowd(seed)

    asked = found("Participant", {one: h.fields() | {"sex": h.sex} for one, h in people.items()})

    truths = {one: human.truth for one, human in people.items()}
    precision, recall = judged("Participant", truths, asked, capsys)
    assert precision >= 0.98
    assert recall >= 0.96


def test_staff_of_whom_offices_know_little_are_found_by_name_and_address(capsys):
    registry = Registry(2)
    staff = [registry.human() for _ in range(3000)]
    namesakes = [registry.namesake(one) for one in registry.chance.sample(staff, 30)]
    known = [(one, registry.staff(one)) for one in (*staff, *namesakes)]
    twice = registry.chance.sample(staff, 500)
    known += [(one, registry.staff(one, elsewhere=True)) for one in twice]
    numbered = {f"{number:06d}": one for number, one in enumerate(known)}

    asked = found("Person", {one: fields for one, (_, fields) in numbered.items()})

    truths = {one: human.truth for one, (human, _) in numbered.items()}
    precision, recall = judged("Person", truths, asked, capsys)
    assert precision >= 0.90
    assert recall >= 0.92


def test_nobody_is_merged_by_likeness(context, tell):
    """However sure the search is, it only asks."""
    registry = Registry(4)
    for number in range(40):
        human = registry.human()
        for office in ("ehr", "ctms"):
            key, fields = f"{office}{number}", human.fields()
            tell(
                Stated(entity="Participant", key=key, fields={"sex": human.sex}),
                Stated(entity="ParticipantPhi", key=key, fields=fields),
                system=office,
            )
    search = Search(
        session=context.session, keyring=context.keyring, clock=context.clock, chain="search"
    )
    while search.look():
        pass

    rows = context.session.all("select superseded_by from participant")
    assert [superseded for (superseded,) in rows] == [None] * 80
    assert context.session.one("select count(*) from decision where state = 'open'") == (40,)
