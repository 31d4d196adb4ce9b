"""The transforms of dates and moments, both ways; what they mean is settled by `hub.dates`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from hub import dates
from mappings.setting import Setting
from mappings.transforms import Step, as_text, transform
from mappings.values import BadPath, BadValue


class Noted(str):
    """A value that can be read, with something a person should know about it."""

    __slots__ = ("note",)
    note: str


def _noted(reading: dates.Reading) -> str:
    if not reading.note:
        return reading.text
    value = Noted(reading.text)
    value.note = reading.note
    return value


@transform("date", says="a date as precise as it was said, from HL7 or ISO text", gives="date")
def _date(_argument: str, _setting: Setting) -> Step:
    return lambda value: _read_date(value if type(value) is str else as_text(value))


# Birth dates come again and again, and reading one costs as much as five other fields.
@lru_cache(maxsize=8192)
def _read_date(value: str) -> str:
    text = value.strip()
    try:
        return _noted(dates.iso_date(text) if text[4:5] == "-" else dates.hl7_date(text))
    except ValueError:
        raise BadValue("unreadable-date", "YYYY[MM[DD…]] or YYYY[-MM[-DD…]]", text) from None


@transform(
    "instant", says="a moment with its offset; local times are in the connection's time zone",
    gives="instant",
)  # fmt: skip
def _instant(_argument: str, setting: Setting) -> Step:
    zone = setting.context.timezone

    def read(value: Any) -> str:  # noqa: ANN401 - whatever the source sent
        return _read_moment(value if type(value) is str else as_text(value), zone)

    return read


# What one message says of several things, it says with one time.
@lru_cache(maxsize=256)
def _read_moment(value: str, zone: tzinfo) -> str:
    text = value.strip()
    try:
        return _noted(_moment(text, zone))
    except ValueError:
        expected = "YYYYMMDDHHMM[SS][+ZZZZ] or YYYY-MM-DDThh:mm[:ss][Z]"
        raise BadValue("unreadable-date", expected, text) from None


def _moment(text: str, zone: tzinfo) -> dates.Reading:
    if text[4:5] == "-":
        return dates.iso_instant(text, zone)
    return dates.hl7_instant(text, zone)


@transform("year", says="the year of a date, as a number", gives="integer")
def _year(_argument: str, setting: Setting) -> Step:
    read = _date("", setting)
    return lambda value: int(read(value)[:4])


_PARTS = {"YYYY": r"(?P<y>\d{4})", "MM": r"(?P<m>\d{1,2})", "DD": r"(?P<d>\d{1,2})",
          "MON": r"(?P<b>[A-Za-z]{3,9})\.?"}  # fmt: skip
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
           "october", "november", "december")  # fmt: skip
_MONTH = {name[:length]: n for n, name in enumerate(_MONTHS, 1) for length in (3, len(name))}
_FORM = re.compile(r"YYYY|MON|MM|DD|[^A-Za-z0-9]+")


@transform(
    "date_as", says="a date in one stated form, such as DD/MM/YYYY or MON DD, YYYY *", gives="date",
    argument="form",
)  # fmt: skip
def _date_as(argument: str, _setting: Setting) -> Step:
    pattern = _pattern(argument)

    def read(value: Any) -> str:  # noqa: ANN401 - whatever the source sent
        text = as_text(value).strip()
        match = pattern.fullmatch(text)
        try:
            return _in_calendar(match.groupdict() if match else {})
        except (KeyError, ValueError):
            raise BadValue("unreadable-date", f"a date as {argument}", text) from None

    return read


def _pattern(form: str) -> re.Pattern[str]:
    """What `form` describes; behind a * at its end comes anything, a time of the day for one."""
    form, rest = (form[:-1], ".*") if form.endswith("*") else (form, "")
    tokens = _FORM.findall(form)
    named = [token for token in tokens if token in _PARTS]
    once = len(set(named)) == len(named) and not {"MM", "MON"} <= set(named)
    months = {"MM", "MON"} & set(named) or "DD" not in named
    if "".join(tokens) != form or "YYYY" not in named or not once or not months:
        raise BadPath(f"the form {form!r}", "YYYY, MM or MON, and DD with signs between them")
    parts = "".join(_PARTS.get(t) or re.escape(t) for t in tokens)
    return re.compile(parts + rest, re.ASCII)


def _in_calendar(parts: dict[str, str]) -> str:
    year = int(parts["y"])
    month = _MONTH[parts["b"].lower()] if "b" in parts else parts.get("m")
    if month is None:
        return f"{year:04d}"
    day = parts.get("d")
    found = date(year, int(month), int(day or 1)).isoformat()
    return found if day else found[:7]


# -- OData


@transform(
    "odata_date", says="a date as OData V2 writes it in JSON, /Date(ms)/, as ISO", gives="text"
)
def _odata_date(_argument: str, _setting: Setting) -> Step:
    def read(value: Any) -> str:  # noqa: ANN401 - text of a source
        text = as_text(value)
        ticks = _TICKS.fullmatch(text)
        if ticks is None:
            return text  # V4 writes ISO
        try:
            found = datetime.fromtimestamp(int(ticks[1]) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadValue("unreadable-date", "/Date(milliseconds)/", text) from None
        return found.strftime("%Y-%m-%dT%H:%M:%SZ")

    return read


_TICKS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)/")


# -- outbound


@transform("hl7_date", says="a date as HL7 writes it: 20260301", gives="text")
def _write_hl7_date(_argument: str, _setting: Setting) -> Step:
    return lambda value: as_text(value)[:10].replace("-", "")


@transform(
    "hl7_time", says="a moment as HL7 writes it, in the offset its source used: 202603010930+0100",
    gives="text",
)  # fmt: skip
def _hl7_time(_argument: str, _setting: Setting) -> Step:
    def write(value: Any) -> str:  # noqa: ANN401 - canonical text
        clock, offset = _local(as_text(value))
        return re.sub(r"[-T:]", "", clock) + offset.replace(":", "")

    return write


@transform(
    "fhir_time", says="a moment as FHIR writes it, in the offset its source used", gives="text"
)
def _fhir_time(_argument: str, _setting: Setting) -> Step:
    def write(value: Any) -> str:  # noqa: ANN401 - canonical text
        clock, offset = _local(as_text(value))
        # FHIR's dateTime has seconds as soon as it has a time
        return (f"{clock}:00" if len(clock) == 16 else clock) + offset

    return write


def _local(value: str) -> tuple[str, str]:
    """Canonical text as clock time and offset where it was said; a date has no offset."""
    if "T" not in value:
        return value, ""
    match = re.fullmatch(r"(.{16})([:.\d]*)Z\[([+-])(\d\d):(\d\d)\]", value)
    if match is None:
        raise BadValue("unreadable-date", "a canonical moment")
    shift = timedelta(hours=int(match[4]), minutes=int(match[5]))
    utc = dates.to_datetime(f"{match[1]}Z[+00:00]")
    there = utc + shift if match[3] == "+" else utc - shift
    return f"{there:%Y-%m-%dT%H:%M}{match[2]}", f"{match[3]}{match[4]}:{match[5]}"
