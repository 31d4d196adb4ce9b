"""Python functions that a mapping may name in `call:`, for what a table of paths cannot say.

A function lives in `mappings/functions/`, is pure, and gets the document (inside `each`: the
element) and the arguments that the rule writes under `with:`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from mappings.mistakes import one_of
from mappings.transforms import Gives
from mappings.values import BadPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`reads` are the source paths it looks at, for lineage and for knowing what is unread."""

    name: str
    says: str
    gives: Gives
    arguments: frozenset[str]
    reads: tuple[str, ...]
    run: Callable[..., Any]


_FUNCTIONS: dict[str, Function] = {}


def function(
    name: str, *, says: str, reads: tuple[str, ...], gives: Gives = "raw", arguments: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as `name`; `arguments` names what `with:` may hold, parted by blanks.

    It returns a value, None (absent) or UNKNOWN, raises BadValue for what breaks its rule, and
    must answer the same for the same source.
    """

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        if name in _FUNCTIONS:
            raise ValueError(f"two mapping functions are called {name!r}")
        _FUNCTIONS[name] = Function(
            name=name, says=says, gives=gives, arguments=frozenset(arguments.split()),
            reads=reads, run=run,
        )  # fmt: skip
        return run

    return register


@cache
def functions() -> dict[str, Function]:
    """Every function of `mappings.functions` by name."""
    package = import_module("mappings.functions")
    for module in iter_modules(package.__path__):
        import_module(f"mappings.functions.{module.name}")
    return _FUNCTIONS


def find(name: str, arguments: frozenset[str]) -> Function:
    """The function called `name`. Raises BadPath when there is none or an argument is unknown."""
    known = functions().get(name)
    if known is None:
        raise BadPath(f"the function {name!r}", one_of(name, functions()))
    for extra in sorted(arguments - known.arguments):
        raise BadPath(f"the argument {extra!r} of {name}", one_of(extra, known.arguments))
    return known
