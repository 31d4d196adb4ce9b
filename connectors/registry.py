"""Finds connectors by name: crohub's own and a stranger's come through the same door."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from connectors.errors import Misconfigured
from connectors.protocol import Connector, Listens, Pulls, Pushes

GROUP = "crohub.connectors"


def names() -> list[str]:
    """Every installed connector's name, sorted."""
    return sorted({point.name for point in _points()})


@cache
def _points() -> tuple[EntryPoint, ...]:
    """What is installed, looked for once: it reads the description of every package there is."""
    return tuple(entry_points(group=GROUP))


def find(name: str) -> type[Connector]:
    """The connector class called `name`: an entry point, or "module:Class" of a site's own file.

    Raises Misconfigured when nothing or more than one thing answers to the name, or when what
    answers is no connector or has no verb.
    """
    kind = _own_file(name) if ":" in name else _installed(name)
    if not (isinstance(kind, type) and issubclass(kind, Connector)):
        raise Misconfigured(f"{name!r} is {kind!r}, expected a class derived from Connector")
    if not any(issubclass(kind, verb) for verb in (Pulls, Pushes, Listens)):
        raise Misconfigured(f"connector {name!r} has none of the verbs pull, push, listen")
    return kind


def build(name: str, settings: dict[str, Any]) -> Connector:
    """A connector with its settings checked; every wrong setting is named in one error."""
    kind = find(name)
    try:
        return kind(**settings)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()
        )
        raise Misconfigured(f"connector {name!r}: {faults}") from None


def _installed(name: str) -> object:
    points = [point for point in _points() if point.name == name]
    if not points:
        raise Misconfigured(
            f"no connector is called {name!r}; installed: {', '.join(names()) or 'none'}"
        )
    if len({point.value for point in points}) > 1:
        owners = " and ".join(_owner(point) for point in points)
        raise Misconfigured(f"connector {name!r} is offered by {owners}; uninstall one")
    return points[0].load()


def _own_file(name: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise Misconfigured(f"connector {name!r} cannot be loaded: {error}") from error


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'unknown'} ({point.value})"
