"""The resources of the research register with every version they ever had."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from crohub.sandbox.resources import instant
from crohub.sandbox.world import Resource

Method = Literal["POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource; `resource` is None where it was deleted."""

    kind: str
    id: str
    number: int
    at: datetime
    method: Method
    resource: Resource | None


class FhirStore:
    """Versions by type and id, in the order in which they were written.

    Safe for several threads. `meta.lastUpdated` never goes back: a write with an older time is
    given the time of the write before it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: list[Version] = []
        self._current: dict[tuple[str, str], Version] = {}

    def put(self, resource: Resource, at: datetime) -> Version:
        """Writes a resource under its own id: the first time a create, then updates."""
        with self._lock:
            key = (resource["resourceType"], resource["id"])
            before = self._current.get(key)
            number = before.number + 1 if before else 1
            at = self._not_before(at)
            meta = resource.get("meta", {}) | {
                "versionId": str(number), "lastUpdated": instant(at),
            }  # fmt: skip
            version = Version(
                *key, number, at, "PUT" if before else "POST", resource | {"meta": meta}
            )
            return self._append(version)

    def delete(self, kind: str, id: str, at: datetime) -> Version | None:
        """Deletes a resource, which leaves a version that says so; None if it is not there."""
        with self._lock:
            before = self._current.get((kind, id))
            if before is None or before.resource is None:
                return None
            at = self._not_before(at)
            return self._append(Version(kind, id, before.number + 1, at, "DELETE", None))

    def read(self, kind: str, id: str) -> Version | None:
        """The newest version, a deletion among them; None if the id was never used."""
        with self._lock:
            return self._current.get((kind, id))

    def current(self, kind: str) -> list[Version]:
        """All resources of a type that are not deleted, oldest change first."""
        with self._lock:
            found = [v for v in self._current.values() if v.kind == kind and v.resource]
        return sorted(found, key=lambda version: version.at)

    def history(self, kind: str, id: str = "") -> list[Version]:
        """Every version of a type, or of one resource, newest first."""
        with self._lock:
            return [
                version
                for version in reversed(self._versions)
                if version.kind == kind and id in {"", version.id}
            ]

    def counts(self) -> dict[str, int]:
        """How many resources of each type there are now."""
        counted: dict[str, int] = {}
        with self._lock:
            alive: Iterable[Version] = [v for v in self._current.values() if v.resource]
        for version in alive:
            counted[version.kind] = counted.get(version.kind, 0) + 1
        return counted

    def newest(self) -> datetime | None:
        """The time of the newest version."""
        with self._lock:
            return self._versions[-1].at if self._versions else None

    def _not_before(self, at: datetime) -> datetime:
        return max(at, self._versions[-1].at) if self._versions else at

    def _append(self, version: Version) -> Version:
        self._versions.append(version)
        self._current[version.kind, version.id] = version
        return version
