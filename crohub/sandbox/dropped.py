"""Folders of the made-up institution into which others put tables. Whoever owns one takes a file
only as a whole: its last line says how many rows there are, what they come to, and the digest of
all before it."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

TOTALS = b"TRL"

Row = dict[str, str]


@dataclass
class Dropped:
    """What was taken from `folder`, in the order of the files' names, and what was refused and
    why, by file. `amount` is the column that the last line adds up."""

    folder: Path
    amount: str = "amount"
    files: dict[str, list[Row]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def read(self) -> list[Row]:
        """Takes what has come, each file once, and gives all rows that were taken so far."""
        for path in sorted(self.folder.glob("*.csv")):
            if path.name not in self.files and path.name not in self.refused:
                self._take(path)
        return [row for rows in self.files.values() for row in rows]

    def _take(self, path: Path) -> None:
        body, wrong = path.read_bytes(), ""
        table, mark, last = body.rpartition(TOTALS + b",")
        rows = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
        count, total, digest = (*last.decode().strip().split(","), "", "", "")[:3]
        if not mark or hashlib.sha256(table).hexdigest() != digest:
            wrong = "the last line's digest is not that of the rows"
        elif int(count) != len(rows) or _sum(rows, self.amount) != Decimal(total):
            wrong = "the last line's totals are not those of the rows"
        if wrong:
            self.refused[path.name] = wrong
        else:
            self.files[path.name] = rows


def _sum(rows: list[Row], column: str) -> Decimal:
    return sum((Decimal(row[column] or "0") for row in rows), Decimal(0))
