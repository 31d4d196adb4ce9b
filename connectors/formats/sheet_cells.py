"""The cells of a worksheet as text, the way a person would write them into a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Literal

from lxml import etree
from openpyxl.styles.numbers import (
    BUILTIN_FORMATS,
    is_date_format,
    is_datetime,
    is_timedelta_format,
)
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from connectors.formats import xml

Kind = Literal["number", "date", "datetime", "time", "duration"]
_UNSHOWN = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\\.|_.")  # colours, languages, fixed text
_ZEROS = re.compile(r"0{2,40}")
_PLAIN = re.compile(r"-?\d+")
_DIGITS = 15  # a spreadsheet's numbers have no more
_HALF = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Style:
    """How a number is shown: its kind and, for one that fills up with zeros, its width."""

    kind: Kind = "number"
    width: int = 0


@dataclass(frozen=True, slots=True)
class Meanings:
    """What cells refer to: texts and styles by number, and the day from which days count."""

    texts: Sequence[str] = ()
    styles: Sequence[Style] = ()
    from_1904: bool = False


class BadCell(ValueError):
    """Why a cell has no value. Never shows what stands in it."""


def styles(part: bytes) -> list[Style]:
    """The styles of `xl/styles.xml` in the order in which cells number them."""
    root = xml.document(part)
    own = {
        element.get("numFmtId", ""): element.get("formatCode", "")
        for element in root.iter("{*}numFmt")
    }
    found = root.find("{*}cellXfs")
    return [_style(own, one.get("numFmtId", "0")) for one in (found if found is not None else ())]


def _style(own: dict[str, str], number: str) -> Style:
    form = own.get(number) or BUILTIN_FORMATS.get(int(number) if number.isdigit() else 0, "")
    form = form.partition(";")[0]
    if _ZEROS.fullmatch(form):
        return Style(width=len(form))
    if is_timedelta_format(form):
        return Style("duration")
    bare = _UNSHOWN.sub("", form).lower()
    if not is_date_format(bare):
        return Style()
    kind = is_datetime(bare)
    return Style("time" if kind == "time" else "datetime" if kind == "datetime" else "date")


def text(cell: etree._Element, meanings: Meanings) -> str:
    """A cell's value. Raises BadCell for an error (#REF!), a formula that was never worked out,
    and for what cannot be told."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(_texts(cell))
    found = cell.find("{*}v")
    said = (found.text or "") if found is not None else ""
    if not said:
        if cell.find("{*}f") is not None and kind != "str":
            raise BadCell("a formula without a value")
        return ""
    return _value(kind, said, cell.get("s", "0"), meanings)


def _value(kind: str, said: str, style: str, meanings: Meanings) -> str:
    if kind == "e":
        raise BadCell("an error instead of a value")
    if kind == "b":
        return "true" if said == "1" else "false"
    if kind in ("str", "d"):
        return said
    try:
        if kind == "s":
            return meanings.texts[int(said)]
        return _number(said, _at(meanings.styles, style), meanings)
    except (ValueError, IndexError, InvalidOperation, OverflowError):
        raise BadCell("a value that cannot be told") from None


def _at(known: Sequence[Style], number: str) -> Style:
    return known[int(number)] if known else Style()


def _texts(cell: etree._Element) -> list[str]:
    """The runs of a text; how it is pronounced (rPh) is none of it."""
    found = []
    for one in cell.iter("{*}t"):
        holder = one.getparent()
        if holder is None or etree.QName(holder).localname != "rPh":
            found.append(one.text or "")
    return found


def shared(item: etree._Element) -> str:
    """The text of an entry of the shared strings."""
    return "".join(_texts(item))


def _number(said: str, style: Style, meanings: Meanings) -> str:
    if style.kind != "number":
        return _moment(float(said), style.kind, meanings)
    if not isfinite(float(said)):
        raise BadCell("a value that cannot be told")
    if not _PLAIN.fullmatch(said):  # 0.1 is stored as 0.10000000000000001
        said = format(Decimal(f"{float(said):.{_DIGITS}g}"), "f")
    return said.zfill(style.width)


def _moment(number: float, kind: Kind, meanings: Meanings) -> str:
    epoch = CALENDAR_MAC_1904 if meanings.from_1904 else CALENDAR_WINDOWS_1900
    found = from_excel(number, epoch, timedelta=kind == "duration")
    if isinstance(found, timedelta):
        return str(found)
    if isinstance(found, time):  # a part of a day: no date was entered
        return found.replace(microsecond=0).isoformat()
    if not isinstance(found, datetime):
        raise BadCell("a value that cannot be told")
    whole = (found + _HALF).replace(microsecond=0)
    if kind == "time":
        return whole.time().isoformat()
    if whole.time() == time() and kind == "date":
        return date(whole.year, whole.month, whole.day).isoformat()
    return whole.isoformat()
