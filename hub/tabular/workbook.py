"""A table as a workbook of one sheet (ECMA-376), with no cell that a spreadsheet would run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from hub.tabular.cells import cell
from hub.tabular.column import PIECE, Column, Rows
from hub.tabular.sink import Sink

MOST = 1_048_575  # rows of a sheet, the header aside
LONGEST = 32_767  # characters of a cell
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EXACT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})|-?(?=[0-9.]{1,16}\Z)(?:0|[1-9][0-9]*)\.[0-9]+")
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every member: the same rows are the same bytes
_CUT = "… (cut)"


class TooMany(Exception):
    """A sheet does not hold so many rows."""


def written(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Header and rows. Numbers that a spreadsheet keeps exactly are numbers, all else is text; one
    that is longer than a cell ends with a word that says so. Raises TooMany."""
    sink = Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for name, text in _members().items():
            archive.writestr(_info(name), _DECLARED + text)
        with archive.open(_info("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            for part in _sheet(columns, rows):
                sheet.write(part.encode())
                if piece := sink.taken():  # what is packed comes in lumps
                    yield piece
    yield sink.taken()


def _info(name: str) -> ZipInfo:
    made = ZipInfo(name, _WHEN)
    made.compress_type = ZIP_DEFLATED
    return made


def _members() -> dict[str, str]:
    overrides = {"/xl/workbook.xml": "sheet.main", "/xl/worksheets/sheet1.xml": "worksheet"}
    types = "".join(
        f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>'
        for part, kind in overrides.items()
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>'
        ),
        "_rels/.rels": _link("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="data" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _link("worksheet", "worksheets/sheet1.xml"),
    }


def _link(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )


def _sheet(columns: Sequence[Column], rows: Rows) -> Iterator[str]:
    numeric = [column.kind in ("integer", "number", "decimal") for column in columns]
    held = [f'<worksheet xmlns="{_MAIN}"><sheetData>', _header(columns)]
    size = 0
    for count, row in enumerate(rows):
        if count == MOST:
            raise TooMany(f"a sheet holds {MOST:,} rows")
        held.append(f"<row>{''.join(map(_cell, row, numeric))}</row>")
        size += len(held[-1])
        if size >= PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join([*held, "</sheetData></worksheet>"])


def _header(columns: Sequence[Column]) -> str:
    return f"<row>{''.join(_text(cell(column.name)) for column in columns)}</row>"


def _cell(value: Any, numeric: bool) -> str:  # noqa: ANN401, FBT001 - JSON
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    text = cell(value)
    if numeric and _EXACT.fullmatch(text):
        return f"<c><v>{text}</v></c>"
    return _text(text)


def _text(text: str) -> str:
    if len(text) > LONGEST:
        text = text[: LONGEST - len(_CUT)] + _CUT
    bare = _UNWRITABLE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(bare, quote=False)}</t></is></c>'
