"""The checks find all that is planted in the made-up institution, and nothing else.

The answer sheet is written by the plants before any check looks. A seed says which subjects,
people, days and amounts it is, and in which order.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from crohub.sandbox.answers import NAMES, sheet
from crohub.sandbox.plants.expected import Expected
from hub.checks import CHECKS
from hub.checks.check import Check, Discrepancy
from hub.checks.keeping import HUB

THERE = [name for name in NAMES if name in CHECKS]  # the checks that are written already
SEEDS = range(1, 11)


@pytest.mark.parametrize("seed", [
    pytest.param(seed, marks=() if seed < 3 else pytest.mark.faults) for seed in SEEDS
])  # fmt: skip
def test_all_that_is_planted_is_found_and_nothing_else(hub_of, seed):
    hub = hub_of(seed)
    wanted = [one for one in hub.sheet.expected if one.check in THERE]
    found = [(name, one) for name in THERE for one in _found(hub, CHECKS[name])]
    missed, surplus = _compared(wanted, found)
    hits = len(wanted) - len(missed)
    print(
        f"\nseed {seed}: {len(wanted)} planted, {len(found)} found, precision "
        f"{hits / max(len(found), 1):.3f}, recall {hits / max(len(wanted), 1):.3f}"
    )
    wrong = [*(f"not found: {one}" for one in missed), *(f"not planted: {one}" for one in surplus)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_a_check_is_planted(name, today):
    planted = {one.kind for one in sheet(1, today).expected if one.check == name}
    assert planted == {kind.name for kind in CHECKS[name].kinds}


def test_a_seed_says_what_is_planted(today):
    first, again, other = (sheet(seed, today).expected for seed in (1, 1, 2))
    assert first == again
    assert first != other


def _found(hub, check: Check) -> list[Discrepancy]:
    ids = [HUB]
    if check.scope != "hub":
        rows = hub.store.all(f"select id from {check.scope} where superseded_by is null")
        ids = [row[0] for row in rows]
    return list(check.find(hub.checking.looks(check, ids)))


def _compared(
    wanted: Sequence[Expected], found: Sequence[tuple[str, Discrepancy]]
) -> tuple[list[Expected], list[str]]:
    """What is planted and not found, and what is found and not planted: each answers one."""
    missed, left = [], list(found)
    for one in wanted:
        hit = next((it for it in left if _answers(one, *it)), None)
        if hit:
            left.remove(hit)
        else:
            missed.append(one)
    return missed, [f"check.{name}.{one.kind}: {one.sentence}" for name, one in left]


def _answers(wanted: Expected, name: str, one: Discrepancy) -> bool:
    """Whether a finding is of that kind and its words name what they must."""
    text = " ".join((one.sentence, *(f"{e.system} {e.says} {e.of}" for e in one.evidence)))
    return (wanted.check, wanted.kind) == (name, one.kind) and all(
        word in text for word in wanted.names
    )
