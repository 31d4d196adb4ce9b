"""What runs natively gives what JMESPath gives."""

import itertools

import jmespath
import pytest

from mappings.media import json
from mappings.values import BadPath

VALUES = (None, "", "x", 0, 1, 0.0, False, True, [], [1], ["a", None], {}, {"b": 1}, {"b": None},
          {"b": {"c": "deep"}}, {"b": [{"c": 2}, {"c": 3}]}, [{"b": 1}])  # fmt: skip
PATHS = (
    "a", "a.b", "a.b.c", "a[0]", "a[-1]", "a[9]", "a.b[1].c", "a || z", "a.b || z.b", "a||z||y",
    "(a || z).b", "(a.b || z).c", "(a || z).b[0].c", "a[0] || z", "a.b[*].c", "a[?b].b | [0]",
    "not_null(a, z)", "a && z", "[a, z]", "{k: a}", "@", "a.keys(@)", "length(a)",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_gives_what_jmespath_gives(path):
    get, real = json.medium(exact=False).one(path), jmespath.compile(path)

    for a, z in itertools.product(VALUES, repeat=2):
        document = {"a": a, "z": z, "y": "last"}
        try:
            expected = real.search(document)
        except jmespath.exceptions.JMESPathError:
            continue
        found = get(document, None)
        assert found == expected, document
        assert type(found) is type(expected)


@pytest.mark.parametrize("path", ["a", "a.b", "a || z", "(a || z).b"])
@pytest.mark.parametrize("document", [None, [], "a", 1, [{"a": 1}]])
def test_a_document_of_another_shape_holds_nothing(path, document):
    assert json.medium(exact=False).one(path)(document, None) is None


@pytest.mark.parametrize("path", ["a || ", "(a || b).", "(a || b", "a.[", "nosuch(a)", ".a."])
def test_what_only_looks_like_a_path_is_refused(path):
    with pytest.raises(BadPath):
        json.medium(exact=False).one(path)
