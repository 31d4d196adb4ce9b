"""Mapping files as hostile people and tired ones write them."""

import time

import pytest

from mappings import document
from mappings.document import Many, Table, Text
from mappings.mistakes import Mistakes


def mistakes_of(text):
    mistakes = Mistakes()
    body = text if isinstance(text, bytes) else text.encode()
    node = document.parse(body, mistakes, name="m.yaml")
    return node, [(m.line, m.column, m.found) for m in mistakes.found]


def test_every_scalar_stays_as_it_was_written():
    node, mistakes = mistakes_of("a: .10\nb: on\nc: 0777\nd: ~\ne: 2026-03-01\nf: '1'\n")

    assert mistakes == []
    assert [value.value for value in node.items.values()] == [
        ".10", "on", "0777", "~", "2026-03-01", "1",
    ]  # fmt: skip


def test_each_value_knows_its_line_and_column():
    node, _ = mistakes_of("reads: hl7v2\nwhen:\n  a: [x, y]\n")

    when = node.items["when"]

    assert isinstance(when, Table)
    assert isinstance(when.items["a"], Many)
    second = when.items["a"].items[1]
    assert isinstance(second, Text)
    assert (second.mark.line, second.mark.column) == (3, 10)
    assert (node.keys["when"].line, node.keys["when"].column) == (2, 1)


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: !!python/object/apply:os.system [x]\n", (1, 4), "tag"),
        ("a: !!str x\n", (1, 4), "tag"),
        ("a: &x [1]\n", (1, 4), "anchor"),
        ("a: *x\n", (1, 4), "alias"),
        ("a: 1\n---\nb: 2\n", (2, 1), "second document"),
        ("a:\n\tb: 1\n", (2, 1), "no YAML"),
        ("a: [1, 2\n", (2, 1), "no YAML"),
        ("? [a, b]\n: 1\n", (1, 3), "key"),
        ("- a\n", (1, 1), "no table"),
        ("", (1, 1), "no table"),
        (b"a: \xff\n", (1, 1), "UTF-8"),
        (b"a: \x00\n", (1, 1), "no YAML"),
    ],
)
def test_what_a_mapping_never_needs_is_refused_with_its_place(text, place, word):
    node, mistakes = mistakes_of(text)

    assert node is None
    assert [(line, column) for line, column, _ in mistakes] == [place]
    assert word in mistakes[0][2]


def test_a_duplicate_key_is_named_and_the_rest_is_read():
    node, mistakes = mistakes_of("a: 1\nb: 2\na: 3\nb: 4\n")

    assert [(line, column) for line, column, _ in mistakes] == [(3, 1), (4, 1)]
    assert node.items["a"].value == "1"


def test_an_alias_bomb_costs_nothing():
    levels = "".join(f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    started = time.perf_counter()

    node, mistakes = mistakes_of("l0: &l0 [x]\n" + levels)

    assert node is None
    assert "anchor" in mistakes[0][2]
    assert time.perf_counter() - started < 1


def test_a_file_over_a_megabyte_is_not_parsed():
    node, mistakes = mistakes_of(b"a: " + b"x" * 1_000_000)

    assert node is None
    assert "bytes" in mistakes[0][2]


@pytest.mark.parametrize("text", ["[" * 30_000, "a: " + "{b: " * 5_000, "- " * 5_000])
def test_depth_ends_at_a_limit_and_never_in_the_interpreter(text):
    node, mistakes = mistakes_of(text)

    assert node is None
    assert len(mistakes) == 1


def test_a_missing_file_is_a_mistake(tmp_path):
    mistakes = Mistakes()

    node = document.read(tmp_path / "none.yaml", mistakes)

    assert node is None
    assert "No such file" in mistakes.found[0].found
