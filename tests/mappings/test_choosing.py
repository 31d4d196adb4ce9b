"""Which mappings fit: decided once for every set of values that tests tell apart."""

import pytest

from mappings.choosing import choice
from mappings.media.hl7v2 import medium as hl7
from mappings.media.json import medium as json
from mappings.mistakes import Mark
from mappings.spec import Test as Condition

HERE = Mark("a.yaml", 1)


def when(path, *values, negated=False):
    return Condition(path=path, values=frozenset(values), negated=negated, mark=HERE)


def of_json(body, *whens):
    medium = json(exact=False)
    return list(choice(whens, medium)(medium.read(body, "application/json")))


def of_hl7(msh_9, *whens):
    medium = hl7()
    body = f"MSH|^~\\&|A|B|C|D|20260301||{msh_9}|1|P|2.5.1\r".encode()
    return list(choice(whens, medium)(medium.read(body, "hl7v2")))


def test_every_condition_of_a_mapping_must_hold():
    adt, a04 = when("MSH-9.1", "ADT"), when("MSH-9.2", "A04", "A08")

    assert of_hl7("ADT^A04", [adt, a04], [adt], [], [when("MSH-9.1", "SIU")]) == [0, 1, 2]
    assert of_hl7("ADT^A01", [adt, a04], [adt], []) == [1, 2]


@pytest.mark.parametrize(
    ("body", "present", "absent", "is_a", "is_not_a"),
    [
        (b'{"x": "a"}', True, False, True, False),
        (b'{"x": "b"}', True, False, False, True),
        (b'{"x": ""}', False, True, False, True),
        (b"{}", False, True, False, True),
        (b'{"x": {"y": 1}}', True, False, False, False),
        (b'{"x": 5}', True, False, False, True),
    ],
)
def test_presence_and_value(body, present, absent, is_a, is_not_a):
    whens = [
        [when("x")],
        [when("x", negated=True)],
        [when("x", "a")],
        [when("x", "a", negated=True)],
    ]

    held = [present, absent, is_a, is_not_a]
    assert of_json(body, *whens) == [n for n, holds in enumerate(held) if holds]


def test_what_was_decided_stands_for_the_next_document_with_the_same_values():
    medium = json(exact=False)
    choose = choice([[when("x", "a")]], medium)
    read = [medium.read(b'{"x": "%b"}' % x, "application/json") for x in (b"a", b"b", b"c", b"a")]

    assert [list(choose(one)) for one in read] == [[0], [], [], [0]]
