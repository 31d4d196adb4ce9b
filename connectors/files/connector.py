"""A folder of this machine as a connector."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from connectors.errors import Misconfigured
from connectors.facts import Facts
from connectors.files.folder import Folder, Local
from connectors.files.listing import Clock, census
from connectors.files.outputs import Out
from connectors.files.reading import Inbox, pull
from connectors.files.streams import Stream
from connectors.files.writing import push
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record


class Files(Connector):
    """Files that others put into a folder, and files we put there for others."""

    facts: ClassVar[Facts] = Facts(
        pulls="CSV, XLSX, zip, NDJSON, FHIR, HL7, XML, ODM, invoices, study designs",
        incremental="ledger of files; place in the file",
        deletes="whole lists compared; ODM's Remove",
        pushes="CSV, XLSX, ODM",
        auth="the file system's",
        tested="the file system",
    )

    path: Path = Field(description="The folder.")
    streams: dict[str, Stream] = Field(
        default_factory=dict, description="Which files are read, and how, by stream."
    )
    out: dict[str, Out] = Field(
        default_factory=dict, description="Which files are written, by the stream of a delivery."
    )

    def check(self) -> Health:
        """Is the folder there, may we read and, where needed, write?"""
        wanted = os.R_OK | os.X_OK | (os.W_OK if writes(self.streams, self.out) else 0)
        if self.path.is_dir() and not os.access(self.path, wanted):
            return Health(ok=False, detail=f"{self.path}: permission denied")
        return health(Local(self.path), self.streams, str(self.path))

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].is_list

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """The records of every file that is due; see `connectors.files.reading.pull`."""
        where = f"folder {self.path}"
        wanted = known(self.streams, stream, where)
        yield from pull(Inbox(Local(self.path), stream, wanted, where, Clock()), since)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Writes files; see `connectors.files.writing.push`."""
        return push(Local(self.path), self.out, deliveries, f"folder {self.path}")


def known(streams: dict[str, Stream], name: str, where: str) -> Stream:
    """The stream called `name`. Raises Misconfigured when there is none."""
    if name not in streams:
        raise Misconfigured(
            f"{where}: no stream is called {name!r}; expected one of "
            f"{', '.join(sorted(streams)) or 'none'}"
        )
    return streams[name]


def writes(streams: dict[str, Stream], out: dict[str, Out]) -> bool:
    """Is anything ever written into the folder?"""
    return bool(out) or any(stream.after == "archive" for stream in streams.values())


def health(folder: Folder, streams: dict[str, Stream], where: str, version: str = "") -> Health:
    """Counts what is there; an unreachable folder is an answer, too."""
    try:
        matching, odd = census(folder, streams.values())
    except OSError as error:
        return Health(ok=False, detail=f"{where}: {error.strerror or str(error)}")
    detail = f"{where}: {matching} files match"
    if odd:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(odd.items()))
        detail += f"; passed over: {reasons}"
    return Health(ok=True, detail=detail, version=version)
