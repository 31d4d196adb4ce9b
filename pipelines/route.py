"""How messages of a pipeline are settled, as their revision says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hub.said import Admission
from pipelines import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`lane_waits`: a parked message holds back the ones behind it in its lane. `approve`: each
    waits for a person."""

    system: str
    environment: str
    admission: Admission
    lane_waits: bool
    approve: bool = False


class Routes:
    """Routes by revision; a revision's files are read once."""

    def __init__(self, folder_of: object) -> None:
        self._folder_of = folder_of
        self._read = lru_cache(maxsize=16)(self._load)
        self._known: dict[tuple[int, str, str], Route] = {}

    def __call__(self, revision: int, pipeline: str, connection: str) -> Route:
        key = (revision, pipeline, connection)
        if key not in self._known:
            self._known[key] = self._route(*key)
        return self._known[key]

    def deployment(self, revision: int) -> settings.Deployment:
        """The deployment as it was in a revision."""
        return self._read(revision)

    def _load(self, revision: int) -> settings.Deployment:
        folder: Path = self._folder_of(revision)  # type: ignore[operator]
        return settings.load(folder)

    def _route(self, revision: int, pipeline: str, connection: str) -> Route:
        deployment = self._read(revision)
        source = deployment.connections[connection]
        inbound = deployment.inbound.get(pipeline)
        admission = (inbound.participants if inbound else "") or deployment.hub.participants
        return Route(
            system=source.system,
            environment=source.environment,
            admission=admission,
            lane_waits=bool(inbound and inbound.on_fault == "wait"),
            approve=bool(inbound and inbound.approve),
        )
