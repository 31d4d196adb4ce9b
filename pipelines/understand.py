"""What a stored message means under the revision that accepted it. Runs in mapping processes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from connectors.record import Record
from hub import spoken
from hub.statement import Meaning
from mappings.collection import Library
from mappings.deployed import deployed
from mappings.reader import Reader
from mappings.setting import Context
from mappings.values import NotUnderstood as _NotUnderstood
from pipelines import settings
from pipelines.settings import Deployment, Inbound
from pipelines.validating import FHIR, HL7, complained, is_sampled, undated, validated

NotUnderstood = _NotUnderstood
_UNREAD_EVERY = 100  # one message in so many is searched for data that no mapping reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A stored message, opened."""

    seq: int
    connection: str
    stream: str
    key: str
    at: datetime
    body: bytes
    media: str
    gone: bool
    doubtful: bool = False  # it says no time of its own that can be read


@dataclass(slots=True)
class Revision:
    """One revision, read and compiled as far as it was asked for."""

    deployment: Deployment
    library: Library
    readers: dict[str, Reader] = field(default_factory=dict)

    def reader(self, pipeline: str) -> Reader:
        """The mappings of an inbound pipeline, compiled for its connection."""
        if pipeline not in self.readers:
            inbound = self.deployment.inbound[pipeline]
            connection = self.deployment.connections[inbound.reads.connection]
            zone = self.deployment.zone(inbound.reads.connection)
            context = Context(
                system=connection.system,
                timezone=zone,
                authority=connection.authority,
                parameters=inbound.parameters,
            )
            self.readers[pipeline] = self.library.reader(inbound.mappings, context)
        return self.readers[pipeline]


class Readers:
    """Compiled revisions, found in folders named by their number."""

    def __init__(self, revisions: Path) -> None:
        self._revisions = revisions
        self._get = lru_cache(maxsize=8)(self._load)

    def _load(self, number: int) -> Revision:
        return load(self._revisions / str(number))

    def system(self, revision: int, connection: str) -> str:
        """Which system speaks through a connection."""
        return self._get(revision).deployment.connections[connection].system

    def understand(self, revision: int, pipeline: str, raw: Raw) -> tuple[Meaning, bool]:
        """What a message means, and whether any mapping reads it. Raises NotUnderstood."""
        if raw.media == spoken.MEDIA:
            return _spoken(raw.body), True
        known = self._get(revision)
        reader = known.reader(pipeline)
        record = Record(
            stream=raw.stream,
            message_key=raw.key,
            at=raw.at,
            body=raw.body,
            media=raw.media,
            said="gone" if raw.gone else "said",
        )
        meaning = reader(record)
        if not (meaning.statements or meaning.complaints) and not reader.fits(record):
            return meaning, False
        inbound = known.deployment.inbound[pipeline]
        if is_sampled(raw.seq, _share(inbound, raw.media)):
            version = known.deployment.connections[raw.connection].settings.get("fhir_version")
            meaning = validated(meaning, raw.body, raw.media, version or "R4")
        if raw.doubtful:
            meaning = complained(meaning, [undated(raw.media)])
        if raw.seq % _UNREAD_EVERY == 0:
            meaning = replace(meaning, unread=tuple(reader.unread(record)))
        return meaning, True


def _spoken(body: bytes) -> Meaning:
    try:
        return spoken.meaning(body)
    except ValueError as error:
        raise NotUnderstood(rule="unreadable", place="message", expected=str(error)) from None


def load(folder: Path) -> Revision:
    """The deployment in a folder with its library. Raises MappingErrors with every mistake."""
    return Revision(settings.load(folder), deployed(folder))


def _share(inbound: Inbound, media: str) -> float:
    # a FHIR resource is checked in half a millisecond, an HL7 message in a quarter of a second
    if media.startswith(FHIR) or (media == HL7 and "validate_share" in inbound.model_fields_set):
        return inbound.validate_share
    return 0.0
