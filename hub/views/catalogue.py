"""The views there are, by name: each stands in a file of its own and is called VIEW there."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import MappingProxyType

from hub.query import BadQuery
from hub.views import croms, ctms
from hub.views.view import View


@cache
def views() -> MappingProxyType[str, View]:
    """Every view by its name, in alphabetical order."""
    found = [
        import_module(f"{family.__name__}.{module.name}").VIEW
        for family in (croms, ctms)
        for module in pkgutil.iter_modules(family.__path__)
    ]
    return MappingProxyType({view.name: view for view in sorted(found, key=lambda v: v.name)})


def named(name: str) -> View:
    """The view `name`. Raises BadQuery naming those there are."""
    if name not in views():
        raise BadQuery("CROHUB-UNKNOWN-VIEW", f"expected one of the views: {', '.join(views())}")
    return views()[name]
