"""How a broken promise is told."""

from __future__ import annotations

from collections.abc import Callable

from connectors.errors import ConnectorError


def promise(kept: object, broken: str) -> None:
    """Raises AssertionError saying what is broken, under `python -O` too."""
    if not kept:
        raise AssertionError(broken)


def raises_one_of_the_three(act: Callable[[], object]) -> None:
    try:
        act()
    except ConnectorError as error:
        promise(str(error), f"{type(error).__name__} says nothing")
        return
    raise AssertionError("it passed without a word; expected TryLater, Refused or Misconfigured")


def one_of_the_three_or_nothing(act: Callable[[], object]) -> None:
    try:
        act()
    except ConnectorError as error:
        promise(str(error), f"{type(error).__name__} says nothing")
