"""A stranger's whole connector: one file, knowing crohub only by its contract."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from connectors.errors import Misconfigured, TryLater
from connectors.protocol import Connector, Health
from connectors.record import Record
from connectors.secrets import Secret


class AcmeIrb(Connector):
    """Acme's IRB portal, which leaves its submissions in a file, oldest first."""

    export: Path
    token: Secret

    def check(self) -> Health:
        """Is the export there?"""
        return Health(ok=self.export.exists(), detail=str(self.export), version="7")

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """Submissions behind number `since`."""
        if stream != "submissions":
            raise Misconfigured(f"no stream is called {stream!r}; expected submissions")
        if since and not (since.isdecimal() and len(since) < 9):
            raise Misconfigured("the cursor is no number; reset it")
        try:
            lines = self.export.read_bytes().splitlines()
        except OSError as error:
            raise TryLater(f"{self.export}: {error.strerror}") from error
        for number, line in enumerate(lines):
            if number >= int(since or 0):
                yield _submission(number, line)


def _submission(number: int, line: bytes) -> Record:
    body = orjson.loads(line)
    return Record(
        stream="submissions",
        message_key=f"{body['id']}@{body['version']}",
        at=datetime.fromisoformat(body["at"]),
        body=line,
        media="application/json",
        cursor=str(number + 1),
    )
