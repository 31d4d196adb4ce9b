"""A workbook as it goes out: one sheet of texts, with no cell that a spreadsheet would run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from connectors.formats.table_text import safe

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHEN = (1980, 1, 1, 0, 0, 0)  # of every member: the same rows are the same bytes
_SHEET_NAME = re.compile(r"[^\[\]:*?/\\']{1,31}")
LONGEST = 32_767  # characters of a cell


def is_sheet_name(name: str) -> bool:
    """May a sheet be called so?"""
    return bool(_SHEET_NAME.fullmatch(name))


def written(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, sheet: str = "data") -> bytes:
    """A workbook of the header and the rows. Every cell is text, so that 007 and 1E5 stay what
    they are, and what could be taken for a formula begins with `'` as in a CSV file.

    Raises ValueError for a text that is longer than a cell.
    """
    members = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _link("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _link("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": "".join(_sheet(columns, rows)),
    }
    body = BytesIO()
    with ZipFile(body, "w", ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(ZipInfo(name, _WHEN), _DECLARED + text, ZIP_DEFLATED)
    return body.getvalue()


def _types() -> str:
    overrides = {"/xl/workbook.xml": "sheet.main", "/xl/worksheets/sheet1.xml": "worksheet"}
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>'
            for part, kind in overrides.items()
        )
        + "</Types>"
    )


def _link(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )


def _sheet(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield f'<worksheet xmlns="{_MAIN}"><sheetData>'
    yield _row(columns)
    for row in rows:
        yield _row(row)
    yield "</sheetData></worksheet>"


def _row(cells: Sequence[Any]) -> str:
    return f"<row>{''.join(_cell(safe(cell)) for cell in cells)}</row>"


def _cell(text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"a text of {len(text):,} characters; a cell holds {LONGEST:,}")
    if not text:
        return "<c/>"
    bare = _UNWRITABLE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(bare, quote=False)}</t></is></c>'
