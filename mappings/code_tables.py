"""Code tables: what a source's code means in canonical words, one CSV file a table.

Columns: `native`, `canonical`, `note` and, where rows differ by connected system, `system`. An
empty canonical says that the code is known and means nothing here; `null` says that it means
"not known".
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from mappings.mistakes import Mark, Mistakes
from mappings.values import UNKNOWN, Unknown

_COLUMNS = ("native", "canonical", "note", "system")
LARGEST = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    native: str
    canonical: str
    note: str
    system: str  # "" = every system
    mark: Mark


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One table; rows keep their file's order, a site's own after the packaged ones."""

    name: str
    rows: tuple[CodeRow, ...]

    def meanings(self, system: str) -> dict[str, str | Unknown | None]:
        """What each native code means to `system`; None: nothing. A system's own row wins over a
        general one, a later row over an earlier one."""
        rows = [row for row in self.rows if not row.system]
        rows += [row for row in self.rows if system and row.system == system]
        return {row.native: _meaning(row.canonical) for row in rows}

    def natives(self, system: str) -> dict[str, str]:
        """The reverse: the first native code listed for each canonical one."""
        rows = [row for row in self.rows if system and row.system == system]
        rows += [row for row in self.rows if not row.system]
        back: dict[str, str] = {}
        for row in rows:
            back.setdefault(row.canonical, row.native)
        return back

    def canonicals(self) -> dict[str, CodeRow]:
        """Every canonical code with the first row that gives it."""
        found: dict[str, CodeRow] = {}
        for row in self.rows:
            if isinstance(_meaning(row.canonical), str):
                found.setdefault(row.canonical, row)
        return found


@dataclass(frozen=True, slots=True)
class CodeTables:
    """All tables by name."""

    tables: Mapping[str, CodeTable] = field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(self.tables)

    def get(self, name: str) -> CodeTable | None:
        return self.tables.get(name)


def _meaning(canonical: str) -> str | Unknown | None:
    if canonical == "null":
        return UNKNOWN
    return canonical or None


def load_codes(*folders: Path, packaged: bool = True) -> CodeTables:
    """Every `*.csv` in the packaged tables and in `folders`.

    A table of the same name in a later folder adds rows; a row for the same native code and system
    replaces the earlier one. Raises MappingErrors with every mistake of every file.
    """
    mistakes = Mistakes()
    rows: dict[str, dict[tuple[str, str], CodeRow]] = {}
    with as_file(files("mappings") / "codes") as own:
        for folder in ([own] if packaged else []) + list(folders):
            for path in sorted(folder.glob("*.csv")):
                rows.setdefault(path.stem, {}).update(_file(path, mistakes))
    mistakes.raise_if_any()
    tables = {name: CodeTable(name, tuple(found.values())) for name, found in rows.items()}
    return CodeTables(MappingProxyType(tables))


def _file(path: Path, mistakes: Mistakes) -> dict[tuple[str, str], CodeRow]:
    start = Mark(str(path))
    try:
        text = _text(path)
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        if _bad_header(header, start, mistakes):
            return {}
        return _rows(path, header, ((reader.line_num, row) for row in reader), mistakes)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        mistakes.add(start, f"a table that cannot be read ({error})", "UTF-8 CSV below 5 MB")
        return {}


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise csv.Error(f"more than {LARGEST} bytes")
    return path.read_bytes().decode("utf-8-sig")


def _bad_header(header: list[str], start: Mark, mistakes: Mistakes) -> bool:
    known = set(header) <= set(_COLUMNS) and len(set(header)) == len(header)
    if not known or not {"native", "canonical"} <= set(header):
        expected = "the columns native, canonical and, if wanted, note, system"
        mistakes.add(start, f"the columns {', '.join(header) or 'none'}", expected)
        return True
    return False


def _rows(
    path: Path, header: list[str], lines: Iterable[tuple[int, list[str]]], mistakes: Mistakes
) -> dict[tuple[str, str], CodeRow]:
    found: dict[tuple[str, str], CodeRow] = {}
    for line, cells in lines:
        if not cells:
            continue
        mark = Mark(str(path), line)
        if len(cells) != len(header):
            mistakes.add(mark, f"{len(cells)} cells", f"{len(header)}, as in the header")
            continue
        row = _row(dict(zip(header, cells, strict=True)), mark)
        if (row.native, row.system) in found:
            mistakes.add(mark, f"the code {row.native!r} again", "each code once a system")
            continue
        if not row.native:
            mistakes.add(mark, "an empty native code", "the source's code")
            continue
        found[row.native, row.system] = row
    return found


def _row(cells: Mapping[str, str], mark: Mark) -> CodeRow:
    return CodeRow(
        native=cells["native"].strip(),
        canonical=cells["canonical"].strip(),
        note=cells.get("note", "").strip(),
        system=cells.get("system", "").strip(),
        mark=mark,
    )
