"""Workbooks (.xlsx): each row of one sheet as a row of a table, cells as text, nothing run.

A row's piece is its header and itself as delimited text, UTF-8 with commas, which a mapping reads
as it reads a row of a CSV file. The workbook is judged before it is read: `sheet_guard`, `zips`.
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import BinaryIO, Literal
from zipfile import ZipFile

from lxml import etree
from openpyxl.utils import column_index_from_string, get_column_letter

from connectors.errors import Refused
from connectors.formats import sheet_cells, sheet_guard, xml, zips
from connectors.formats.pieces import START, Piece, Place
from connectors.formats.sheet_cells import BadCell, Meanings
from connectors.formats.tables import CELL_LIMIT

_BOOK = "xl/workbook.xml"
_PART = 16 * 1024 * 1024  # bytes of the workbook's own parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a sheet is read."""

    rows: int = 1_048_576
    columns: int = 2_000
    cells: int = 20_000_000
    texts: int = 256 * 1024 * 1024  # characters of shared texts, which are held in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Which sheet is read and how. `columns` are names the header must have; it may have more."""

    sheet: str = ""  # "" is the first that is not hidden
    columns: tuple[str, ...] = ()
    formulas: Literal["value", "refuse"] = "value"
    limits: Limits = field(default_factory=Limits)
    archive: zips.Limits = zips.DEFAULT


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: dict[int, str]  # by column, from 1; empty ones are left out
    faults: tuple[str, ...]
    formulas: tuple[str, ...]  # the cells that hold one: "D4"


def pieces(source: BinaryIO, dialect: Dialect, start: Place = START) -> Iterator[Piece]:
    """Every row below the header that is not blank, in order; the header is the first row that
    holds anything. A row with a bad cell has a fault that names it. Streams: memory is that of
    the shared texts. Raises Refused for a workbook that is not to be read."""
    with _sheet(source, dialect) as (rows, names):
        for passed, row in enumerate(rows, 1):
            if passed > start.passed:
                yield _piece(row, names, Place(0, passed))


@contextmanager
def _sheet(source: BinaryIO, dialect: Dialect) -> Iterator[tuple[Iterator[_Row], tuple[str, ...]]]:
    sheet_guard.judge(source)
    with zips.opened(source, dialect.archive) as archive:
        sheet_guard.judge_parts(archive)
        book = xml.document(zips.read(archive, _BOOK, largest=_PART))
        part = _part_of(archive, book, dialect.sheet)
        meanings = _meanings(archive, book, dialect.limits)
        with zips.member(archive, archive.getinfo(part)) as sheet:
            rows = _rows(sheet, meanings, dialect)
            head = next(rows, None)
            if head is None:
                raise Refused("CROHUB-SHEET-EMPTY: the sheet has no row, expected a header")
            yield rows, _names(head, dialect)


def _part_of(archive: ZipFile, book: etree._Element, wanted: str) -> str:
    """The archive's member that holds the sheet."""
    links = xml.document(zips.read(archive, "xl/_rels/workbook.xml.rels", largest=_PART))
    targets = {
        link.get("Id"): posixpath.normpath(posixpath.join("/xl", link.get("Target", "")))[1:]
        for link in links.iter("{*}Relationship")
        if link.get("Type", "").endswith("/worksheet")
    }
    for sheet in book.iter("{*}sheet"):
        part = next(
            (targets[v] for n, v in sheet.attrib.items() if v in targets and "}id" in n), ""
        )
        hidden = sheet.get("state", "visible") != "visible"
        if part in archive.namelist() and (sheet.get("name") == wanted if wanted else not hidden):
            return part
    raise Refused(f"CROHUB-SHEET-NONE: no {f'sheet {wanted!r}' if wanted else 'sheet to read'}")


def _meanings(archive: ZipFile, book: etree._Element, limits: Limits) -> Meanings:
    names = archive.namelist()
    texts = list(_shared(archive, limits)) if "xl/sharedStrings.xml" in names else []
    styles = (
        sheet_cells.styles(zips.read(archive, "xl/styles.xml", largest=_PART))
        if "xl/styles.xml" in names
        else []
    )
    properties = book.find("{*}workbookPr")
    said = "" if properties is None else properties.get("date1904", "")
    return Meanings(texts, styles, said in ("1", "true"))


def _shared(archive: ZipFile, limits: Limits) -> Iterator[str]:
    left = limits.texts
    with zips.member(archive, archive.getinfo("xl/sharedStrings.xml")) as part:
        for event, element, depth, _ in xml.events(part):
            if event == "end" and depth == 2:
                text = sheet_cells.shared(element)
                left -= len(text)
                if left < 0:
                    raise Refused(
                        f"CROHUB-SHEET-SIZE: more than {limits.texts:,} characters of text"
                    )
                yield text
                xml.forget(element)


def _rows(sheet: BinaryIO, meanings: Meanings, dialect: Dialect) -> Iterator[_Row]:
    """The rows that hold anything."""
    limits, before, left = dialect.limits, 0, dialect.limits.cells
    for event, element, _, _ in xml.events(sheet):
        if event != "end" or etree.QName(element).localname != "row":
            continue
        number = _int(element.get("r"), before + 1)
        if not before < number <= limits.rows:
            raise Refused(f"CROHUB-SHEET-ROWS: row {number:,} behind {before:,}; at most "
                          f"{limits.rows:,}, in order")  # fmt: skip
        before, left = number, left - len(element)
        if left < 0:
            raise Refused(f"CROHUB-SHEET-CELLS: more than {limits.cells:,} cells")
        row = _row(element, number, meanings, dialect)
        xml.forget(element)
        if row.cells or row.faults:
            yield row


def _row(element: etree._Element, number: int, meanings: Meanings, dialect: Dialect) -> _Row:
    cells: dict[int, str] = {}
    faults: list[str] = []
    formulas: list[str] = []
    column = 0
    for cell in element:
        if etree.QName(cell).localname != "c":
            continue
        column = _column(cell.get("r", ""), column + 1, dialect.limits)
        place = f"{get_column_letter(column)}{number}"
        if cell.find("{*}f") is not None:
            formulas.append(place)
        try:
            value = sheet_cells.text(cell, meanings)
        except BadCell as bad:
            faults.append(f"cell {place} holds {bad}")
            continue
        if len(value) > CELL_LIMIT:
            faults.append(f"cell {place} has more than {CELL_LIMIT:,} characters")
        elif value.strip():
            cells[column] = value
    if formulas and dialect.formulas == "refuse":
        faults.append(f"cell {formulas[0]} is a formula; save the sheet with values only")
    return _Row(number, cells, tuple(faults), tuple(formulas))


def _int(said: str | None, otherwise: int) -> int:
    return int(said) if said and said.isdecimal() and len(said) < 19 else otherwise


def _column(said: str, otherwise: int, limits: Limits) -> int:
    letters = said.rstrip("0123456789")
    try:
        column = column_index_from_string(letters) if letters else otherwise
    except ValueError:
        column = limits.columns + 1
    if column > limits.columns:
        raise Refused(f"CROHUB-SHEET-COLUMNS: a cell beyond column {limits.columns:,}")
    return column


def _names(head: _Row, dialect: Dialect) -> tuple[str, ...]:
    """The header. No name of it is repeated in the error: in a sheet that lacks one they are
    data."""
    if head.faults:
        raise Refused(f"CROHUB-SHEET-HEADER: {head.faults[0]}")
    names = tuple(head.cells.get(at, "").strip() for at in range(1, max(head.cells) + 1))
    missing = [name for name in dialect.columns if name not in names]
    if missing:
        raise Refused(f"CROHUB-SHEET-HEADER: column {', '.join(missing)} is missing")
    for place, name in enumerate(names, 1):
        letter = get_column_letter(place)
        if not name:
            raise Refused(f"CROHUB-SHEET-HEADER: column {letter} has no name")
        if name in names[: place - 1]:
            other = get_column_letter(names.index(name) + 1)
            raise Refused(f"CROHUB-SHEET-HEADER: columns {other} and {letter} have the same name")
    return names


def _piece(row: _Row, names: Sequence[str], after: Place) -> Piece:
    faults = list(row.faults)
    if row.cells and max(row.cells) > len(names):
        place = f"{get_column_letter(max(row.cells))}{row.number}"
        faults.append(f"cell {place} is beyond the header's {len(names)} columns")
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerow([row.cells.get(at, "") for at in range(1, len(names) + 1)])
    notes = tuple(
        f"cell {cell} is a formula; the value it had when it was saved was taken"
        for cell in row.formulas
    )
    fault = f"row {row.number}: {'; '.join(faults[:3])}" if faults else ""
    return Piece(text.getvalue().encode(), row.number, after, fault, notes)
