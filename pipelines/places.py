"""Where a hub keeps what it has: one data folder, private to its user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.database import Session, session

HUB_SCHEMA, JOURNAL_SCHEMA = "hub", "journal"


@dataclass(frozen=True, slots=True)
class Places:
    """The data folder of one deployment and the databases it means. `database` is "embedded" or
    the address of a PostgreSQL database."""

    data: Path
    database: str = "embedded"

    @property
    def keys(self) -> Path:
        return self.data / "keys.json"

    @property
    def admin_key(self) -> Path:
        return self.data / "admin.key"

    @property
    def signing_key(self) -> Path:
        """What the heads of the audit are signed with."""
        return self.data / "audit.key"

    @property
    def revisions(self) -> Path:
        return self.data / "revisions"

    @property
    def lock(self) -> Path:
        return self.data / "lock"

    @property
    def embedded(self) -> bool:
        return self.database == "embedded"

    def make(self) -> None:
        """Makes the folders, readable by their owner alone."""
        for folder in (self.data, self.revisions):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def journal_url(self) -> str:
        return f"sqlite:///{self.data / 'journal.db'}" if self.embedded else self.database

    def hub_url(self) -> str:
        return f"sqlite:///{self.data / 'hub.db'}" if self.embedded else self.database

    def journal(self, *, read_only: bool = False) -> Session:
        """A session on the journal."""
        schema = f"{JOURNAL_SCHEMA},{HUB_SCHEMA}"
        return session(self.journal_url(), schema=schema, read_only=read_only)

    def hub(self, *, read_only: bool = False) -> Session:
        """A session on the hub's store."""
        schema = f"{HUB_SCHEMA},{JOURNAL_SCHEMA}"
        return session(self.hub_url(), schema=schema, read_only=read_only)
