"""An outbound pipeline ready for work: its mapping compiled for the target it speaks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import Misconfigured
from connectors.protocol import Pushes
from hub.changes import Wanted
from hub.model.spec import entities
from hub.principal import Principal
from mappings import canonical
from mappings.deployed import deployed
from mappings.mistakes import MappingErrors, Mistake, one_of
from mappings.outbound import Outbound, outbound
from mappings.outbound_language import Outgoing
from mappings.reader import Reader
from mappings.setting import Context, Setting
from mappings.values import BadPath
from pipelines.settings import Deployment
from pipelines.settings import Outbound as Settings
from pipelines.understand import Revision

Reference = Callable[[canonical.CanonicalView], Any]  # the record it leads to, None: not known
FEED = "versions"  # the one feed there is; a pipeline may name the entity it takes from it instead


@dataclass(frozen=True, slots=True)
class Feed:
    """The feed itself as what is told: as whom it is read, and what of it is wanted."""

    principal: Principal
    wanted: Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """`connection` is where it goes and `system` who is told; `back` reads what that system says,
    so that an echo is recognised. `only` are the values that a record must have, where they are
    known; `needs` the references it must know first, `beside` all pipelines that tell it; `tests`
    the systems that hold no production data, and `is_test` whether it is one. With `feed` it is no
    mapping that speaks: each change is an event."""

    name: str
    settings: Settings
    system: str
    mapping: Outbound
    back: tuple[Reader, ...] = ()
    only: tuple[tuple[canonical.Step, frozenset[str]], ...] = ()
    needs: tuple[tuple[str, Reference], ...] = ()
    beside: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    is_test: bool = False
    feed: Feed | None = None

    @property
    def shadow(self) -> bool:
        """Whether nothing is sent, only what would be is counted."""
        return self.settings.mode == "shadow"

    @property
    def connection(self) -> str:
        return self.settings.to

    @property
    def entity(self) -> str:
        """What it speaks of."""
        return self.mapping.outgoing.entity


def outlets(deployment: Deployment) -> list[Outlet]:
    """Every outbound pipeline, by name. Nothing is loaded where there is none.

    Raises MappingErrors naming each whose mapping does not exist or whose target cannot be
    pushed to.
    """
    if not deployment.outbound:
        return []
    revision = Revision(deployment, deployed(deployment.folder))
    known = revision.library.outbound
    mistakes = list(_mistakes(deployment, known))
    if mistakes:
        raise MappingErrors(mistakes)
    found: list[Outlet] = []
    for name, settings in sorted(deployment.outbound.items()):
        system = deployment.connections[settings.to].system
        context = Context(
            system=system,
            timezone=deployment.zone(settings.to),
            parameters=settings.parameters,
        )
        setting = Setting(codes=revision.library.codes, context=context)
        mapping = outbound(revision.library.outgoing(settings.mapping, context), setting)
        outlet = Outlet(
            name=name,
            settings=settings,
            system=system,
            mapping=mapping,
            back=tuple(revision.reader(one) for one in _heard(deployment, system)),
            only=tuple(_only(settings, mapping.outgoing)),
            needs=tuple(_needs(settings, mapping.outgoing)),
            beside=frozenset(_telling(deployment, system)),
            tests=_tests(deployment),
            is_test=deployment.connections[settings.to].environment == "test",
        )
        found.append(outlet)
    return found


def _mistakes(deployment: Deployment, known: Mapping[str, Outgoing]) -> Iterator[Mistake]:
    for name, settings in deployment.outbound.items():
        file = f"pipelines/{name}.yaml"
        if settings.mapping not in known:
            expected = one_of(settings.mapping, known)
            yield Mistake(file, 1, 1, f"the outbound mapping {settings.mapping!r}", expected)
        elif settings.feed not in (FEED, known[settings.mapping].entity):
            expected = f"{FEED}, or {known[settings.mapping].entity}, of which its mapping speaks"
            yield Mistake(file, 1, 1, f"the feed {settings.feed!r}", expected)
        else:
            yield from _unknown(file, settings, known[settings.mapping])
        try:
            takes = isinstance(deployment.connector(settings.to), Pushes)
        except Misconfigured:
            continue  # loading the configuration has told it
        if not takes:
            found = f"the connection {settings.to!r}, which cannot push"
            yield Mistake(file, 1, 1, found, "one whose connector can")


def _unknown(file: str, settings: Settings, outgoing: Outgoing) -> Iterator[Mistake]:
    """What a pipeline needs, or looks at, and its record does not refer to."""
    entity = entities()[outgoing.entity]
    asked = [("needs", name, canonical.compile_reference) for name in settings.needs]
    asked += [("only", path, canonical.compile_path) for path in settings.only]
    for key, path, compiled in asked:
        try:
            compiled(path, entity)
        except BadPath as error:
            yield Mistake(file, 1, 1, f"{key}: {error.found}", error.expected)


def _only(
    settings: Settings, outgoing: Outgoing
) -> Iterator[tuple[canonical.Step, frozenset[str]]]:
    for path, values in settings.only.items():
        yield canonical.compile_path(path, entities()[outgoing.entity]), frozenset(values)


def _needs(settings: Settings, outgoing: Outgoing) -> Iterator[tuple[str, Reference]]:
    for name in dict.fromkeys((*outgoing.needs, *settings.needs)):
        yield name, canonical.compile_reference(name, entities()[outgoing.entity])


def _telling(deployment: Deployment, system: str) -> list[str]:
    """The outbound pipelines that speak to a system."""
    return [
        name
        for name, one in deployment.outbound.items()
        if deployment.connections[one.to].system == system
    ]


def _tests(deployment: Deployment) -> frozenset[str]:
    """The systems that are reached by connections to test systems only."""
    real = {one.system for one in deployment.connections.values() if one.environment != "test"}
    return frozenset(one.system for one in deployment.connections.values()) - real


def _heard(deployment: Deployment, system: str) -> list[str]:
    """The inbound pipelines that read what a system says."""
    return [
        name
        for name, inbound in deployment.inbound.items()
        if deployment.connections[inbound.reads.connection].system == system
    ]
