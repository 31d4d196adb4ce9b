"""Short cuts around the JMESPath interpreter give its own answers."""

import jmespath
import pytest

from mappings.media.json import one
from mappings.values import BadValue

PATHS = [
    "a", "a.b", "a[0]", "a[-1].b", "a.b[1].c",
    "a[?b=='x'] | [0].c", "a[?b] | [0]", "a[].b", "a[].[b || c][]", "a[*].b", "a.*",
    "a && `true`", "a || b", "(a || b).c", "!a", "a | [b, c]", "a | {x: b}", "a[?b].c | [0]",
    "[a][?b]", "a[?!(b.c)]", "a[?contains(b, 'x')]", "a == `null`", "not_null(a, `1`)",
    "a && b || c", "a | `5`", "a[1:]", "a | b || `5`",
    "a[?b!='x']", "a[?b!='x'].c | [0]", "a[?'x'==b]", "a[?b==`0`]", "a[?b==c]", "a[?b=='x' || c]",
    "a[?b && c].b", "a[].[b, c]", "a[*].[b, c][] | [?@] | [0]", "[*].[a][] | [?@] | [0]",
    "a[*][0]", "a[*][*]", "a[][]", "a[].b[]", "a[0:1].b", "a[?@]", "a[-1]", "a[5]", "(a || b)[0]",
    "a.b || `0` || b", "a[?b=='']", "a[?b && `false`]", "a || `[]` || b", "[a, b]",
]  # fmt: skip
DOCUMENTS = [
    {}, {"a": None}, {"b": 1}, {"b": {"c": 2}, "c": 3}, {"a": 0}, {"a": ""}, {"a": []}, {"a": {}},
    {"a": {"b": 1}}, {"a": {"b": [{"c": 1}, {"c": 2}]}}, {"a": [1, 2]}, {"a": "x", "b": "y"},
    {"a": [{"b": "x", "c": 1}, {"b": "y"}, {"c": 2}]}, {"a": [{"b": {"c": 1}}]}, [], None, "a", 5,
    [{"a": 1}], {"a": [0, False, None, "", "x", [], {}, [1, [2]]], "b": 0},
    {"a": [{"b": 0, "c": False}, {"b": False, "c": 0}, {"b": 1, "c": True}, {"b": "", "c": ""}]},
    [[{"a": 0}], {"a": ""}, {"a": "z"}, {"a": [1]}, 7], {"a": False, "b": 0.0},
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_answers_as_the_interpreter_does(path):
    get, compiled = one(path), jmespath.compile(path)

    for document in DOCUMENTS:
        try:
            expected = compiled.search(document)
        except jmespath.exceptions.JMESPathError:
            with pytest.raises(BadValue):
                get(document, None)
            continue
        assert get(document, None) == expected, document


def test_an_expression_that_fails_on_what_is_absent_still_fails():
    get = one("a | length(@)")

    with pytest.raises(BadValue):
        get({}, None)
    assert get({"a": [1]}, None) == 1


def test_an_element_is_read_as_a_document_is():
    get = one(".a[?b] | [0].b")

    assert get({"a": 1}, {"c": 1}) is None
    assert get(None, {"a": [{"b": 2}]}) == 2
    assert get(None, "text") is None
