"""An outbound pipeline ready for work: its mapping compiled for the target it speaks to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors.errors import Misconfigured
from connectors.protocol import Pushes
from mappings.deployed import deployed
from mappings.mistakes import MappingErrors, Mistake, one_of
from mappings.outbound import Outbound, outbound
from mappings.outbound_language import Outgoing
from mappings.reader import Reader
from mappings.setting import Context, Setting
from pipelines.settings import Deployment
from pipelines.settings import Outbound as Settings
from pipelines.understand import Revision

FEED = "versions"  # the one feed there is; a pipeline may name the entity it takes from it instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """`connection` is where it goes and `system` who is told; `back` reads what that system says,
    so that an echo is recognised."""

    name: str
    settings: Settings
    system: str
    mapping: Outbound
    back: tuple[Reader, ...] = ()

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
        back = tuple(revision.reader(one) for one in _heard(deployment, system))
        found.append(
            Outlet(name=name, settings=settings, system=system, mapping=mapping, back=back)
        )
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
        try:
            takes = isinstance(deployment.connector(settings.to), Pushes)
        except Misconfigured:
            continue  # loading the configuration has told it
        if not takes:
            found = f"the connection {settings.to!r}, which cannot push"
            yield Mistake(file, 1, 1, found, "one whose connector can")


def _heard(deployment: Deployment, system: str) -> list[str]:
    """The inbound pipelines that read what a system says."""
    return [
        name
        for name, inbound in deployment.inbound.items()
        if deployment.connections[inbound.reads.connection].system == system
    ]
