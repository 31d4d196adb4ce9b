"""What the operations routes share: the edge, sessions over both stores, counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from crohub import lookup
from crohub.ops.tally import Tally
from hub.api.deps import Sessions
from hub.database import Session
from pipelines import revision
from pipelines.edge import Edge


@dataclass(slots=True)
class Desk:
    """One node's operations. Sessions only read; changes are orders."""

    edge: Edge
    counts: Tally = field(default_factory=Tally)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(partial(lookup.reading, self.edge.places), 4)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session over the journal and the hub's store. Raises hub.api.deps.Busy."""
        with self.sessions.reading() as session:
            yield session

    def enter_revision(self) -> int:
        """The number of the configuration as it is on disk now."""
        journal = self.edge.places.journal()
        try:
            return revision.enter(journal, self.edge.deployment.folder)
        finally:
            journal.close()

    def close(self) -> None:
        """When no request runs any more."""
        self.sessions.close()
