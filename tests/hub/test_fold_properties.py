"""What the fold promises, whatever is said in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.fold import fold, is_gone, standing, still_live
from hub.policy import Policy, System
from hub.rules import Rule
from hub.things import Assertion, Xref

NAMES = ("sex", "race", "title")
RANKS = {"ehr": 0, "ctms": 1, "edc": 2}
VALUES = st.sampled_from(["a", "b", "c", None, {"removed": True}])


POLICY = Policy(
    systems={name: System(name, name.upper()) for name in RANKS},
    rules={"Study": {"*": Rule(order=tuple(name.upper() for name in RANKS))}},
)


def home(x: int) -> str:
    return f"id-{x}"


def asserted(a, at, kind, fields, version=""):
    return Assertion(a, 1, "Study", a, at, version, kind, fields if kind != "gone" else {})


# every assertion with its own time: what is said at one moment is told apart by arrival
@st.composite
def assertions(draw, least=0, most=7, versions=("", "", "1", "2", "3")):
    times = draw(st.lists(st.integers(0, 50), unique=True, min_size=least, max_size=most))
    return [
        asserted(
            number,
            at,
            draw(st.sampled_from(["stated", "stated", "stated", "complete", "gone"])),
            draw(st.dictionaries(st.sampled_from(NAMES), VALUES)),
            draw(st.sampled_from(versions)),
        )
        for number, at in enumerate(times, 1)
    ]


@st.composite
def systems(draw):
    """What each system says, by its own key."""
    return {name: draw(assertions()) for name in RANKS}


def key(x, system, said):
    made = Xref(x, bytes([x]), "Study", system, b"", home(x), home(x))
    made.live = list(said)
    return made


def folded(said):
    keys = [key(x, system, own) for x, (system, own) in enumerate(said.items(), 1)]
    return fold("Study", keys, POLICY, home)


def arriving(said, order):
    """The live assertions after these arrived in this order, one by one."""
    live: list[Assertion] = []
    for place in order:
        live = still_live([*live, said[place]])
    return live


def plain_oracle(said):
    """The same rules, written down the long way: one system's own words, newest last."""
    held: dict[str, Assertion] = {}
    for one in sorted(said, key=lambda a: (int(a.version or -1), a.at)):
        if one.kind == "complete":
            held = {}
        if one.kind != "gone":
            held.update(dict.fromkeys(one.fields, one))
    return held


@given(assertions())
def test_one_systems_words_stand_as_if_read_from_the_oldest_to_the_newest(said):
    assert standing(said) == plain_oracle(said)


@given(assertions(), st.data())
def test_what_stands_does_not_depend_on_the_order_of_arrival(said, data):
    order = data.draw(st.permutations(range(len(said))))

    live = arriving(said, order)

    assert standing(live) == standing(said)
    assert is_gone(live) == is_gone(said)


@given(systems(), st.data())
def test_the_golden_record_does_not_depend_on_the_order_of_arrival(said, data):
    shuffled = {
        system: arriving(own, data.draw(st.permutations(range(len(own)))))
        for system, own in data.draw(st.permutations(list(said.items())))
    }

    assert folded(shuffled) == folded(said)


@given(assertions(1), st.integers(-50, -1), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_an_older_word_never_takes_the_place_of_a_newer_one(said, at, fields):
    before = standing(said)

    after = standing(still_live([*still_live(said), asserted(99, at, "stated", fields)]))

    assert {name: after[name] for name in before} == before


@given(assertions(), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_a_complete_statement_leaves_nothing_but_its_own_fields(said, fields):
    newest = asserted(99, 99, "complete", fields, version="9")

    after = standing(still_live([*said, newest]))

    assert after == dict.fromkeys(fields, newest)


@given(assertions())
def test_gone_keeps_what_was_said_last_and_says_so(said):
    after = still_live([*said, asserted(99, 99, "gone", {})])

    assert is_gone(after)
    assert standing(after) == standing(said)


@given(systems())
def test_a_removed_value_of_the_strongest_system_that_speaks_leaves_none(said):
    golden, _ = folded(said)

    for name in NAMES:
        holding = [standing(own)[name] for own in said.values() if name in standing(own)]
        voices = [one.fields[name] for one in holding]
        known = [value for value in voices if value is not None]
        expected = known[0] if known else None
        assert golden.get(name) == (None if expected == {"removed": True} else expected)


@given(systems())
def test_every_field_names_the_assertion_that_holds_its_value(said):
    golden, provenance = folded(said)

    assert golden.keys() == provenance.keys()
    every = {(system, one.a): one for system, own in said.items() for one in own}
    for name, a in provenance.items():
        holders = [one for (_, number), one in every.items() if number == a]
        assert golden[name] in [one.fields.get(name) for one in holders]


@given(assertions(most=5, versions=("",)), st.integers(1, 9), st.integers(1, 9))
def test_the_sources_own_version_counts_before_its_time(said, low, high):
    older = asserted(98, 100, "stated", {"sex": "old"}, version=str(low))
    newer = asserted(99, 60, "stated", {"sex": "new"}, version=str(low + high))

    assert standing([*said, newer, older])["sex"] is newer


@given(assertions(1))
def test_forgetting_what_no_longer_matters_changes_nothing_ever(said):
    """Live assertions are all that is kept: what they stand for is the same for any future."""
    live = still_live(said)
    for future in (
        asserted(99, 99, "stated", {"sex": "z"}),
        asserted(99, 25, "stated", {"race": "z"}),
        asserted(99, -1, "complete", {"title": "z"}),
        asserted(99, 25, "stated", {"race": "z"}, version="2"),
        asserted(99, 25, "gone", {}),
    ):
        now = still_live([*live, future])
        assert standing(now) == standing([*said, future])
        assert is_gone(now) == is_gone([*said, future])
