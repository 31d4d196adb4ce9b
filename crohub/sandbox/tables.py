"""The folder in which the offices of the made-up institution lay their tables and what is sent to
them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from crohub.sandbox import finance_records, office_records
from crohub.sandbox.documents import documents
from crohub.sandbox.office_records import Row
from crohub.sandbox.plants.stand import Standing
from crohub.sandbox.world import World


def lay(folder: Path, world: World, planted: Standing | None = None) -> None:
    """Writes a file a table, each whole or not at all. What a connection has read it knows by its
    content: a file that says the same is no news."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {**office_records.tables(world), **finance_records.tables(world)}
    for name, rows in (planted.tables(found) if planted else found).items():
        _put(folder / f"{name}.csv", written(rows))
    for name, at in (planted.times() if planted else {}).items():
        os.utime(folder / f"{name}.csv", (at.timestamp(), at.timestamp()))
    for name, content in documents().items():
        _put(folder / name, content)


def _put(target: Path, content: bytes) -> None:
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    part.replace(target)


def written(rows: Sequence[Row]) -> bytes:
    """A table as CSV; what a row does not say is an empty cell."""
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    lines = csv.DictWriter(text, list(columns), restval="", lineterminator="\r\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue().encode()
