"""How the API describes filters: one parameter for each field and each test it can be put to."""

from __future__ import annotations

from collections.abc import Collection

from hub import filters
from hub.api.openapi_parts import Json, parameter
from hub.filters import Filterable

_MEANS = {
    "": "equal to", "in": "one of, separated by commas", "lt": "before or below",
    "le": "up to and including", "gt": "after or above", "ge": "from", "contains": "contains",
    "missing": "true: has no value; false: has one",
}  # fmt: skip
_TYPES = {"flag": "boolean", "integer": "integer", "decimal": "number"}


def described(known: Filterable, but: Collection[str] = ()) -> list[Json]:
    """The parameters of what can be filtered by, without those named `but`."""
    made = []
    for name, (_, kind, codes) in known.items():
        for test in filters.tests_of(kind):
            full = f"{name}__{test}" if test else name
            if full in but:
                continue
            word = "string"
            if test in ("", "missing"):
                word = _TYPES.get("flag" if test else kind, "string")
            one = parameter(full, f"{name}: {_MEANS[test]}", word)
            if codes and not test:
                one["schema"]["enum"] = list(codes)
            made.append(one)
    return made
