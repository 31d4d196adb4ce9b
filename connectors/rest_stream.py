"""What one stream of a REST system is, as settings, and how an element becomes a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.errors import ConnectorError, Misconfigured, Refused, TryLater
from connectors.formats import json_text
from connectors.http_policy import Answer, StatusRefused
from connectors.pagers import TICKS, AnyPager, MaybePath, NoPages, Path, find
from connectors.record import Record
from connectors.rest_elements import Element

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")

Grain = Literal["instant", "fine_instant", "date", "seconds", "milliseconds", "bare_instant"]


def known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone, expected for one Europe/Vienna") from None
    return name


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Since(_Settings):
    """How to ask for what changed: `param`, which takes the place of one of that name in the
    stream's `params`, and its value with `{since}` where the time belongs (`ge{since}`). Read
    again are the last `overlap` seconds before the cursor."""

    param: str = Field(description="Parameter that asks for what changed.")
    value: str = Field(
        default="{since}",
        pattern=r"\{since\}",
        description="Its value, with {since} where the time belongs.",
    )
    grain: Grain = Field(
        default="instant", description="How the time is written; bare_instant is without an offset."
    )
    overlap: int = Field(
        default=300, ge=0, description="Seconds before the cursor that are read again."
    )


class Failure(_Settings):
    """How a 200 says no: `when` selects something true-like, `code` the system's error code;
    the codes in `later` pass by themselves, for those in `setup` a person must act."""

    when: Path = Field(description="JMESPath of what stands in an answer only when it failed.")
    code: MaybePath = Field(
        default="", description="Where the code of the error is, by JMESPath; empty: nowhere."
    )
    later: tuple[str, ...] = Field(
        default=(), description="Codes that pass by themselves: it is tried again later."
    )
    setup: tuple[str, ...] = Field(
        default=(), description="Codes that stop the connection until a person acts."
    )


class Stream(_Settings):
    """One list of a system. `records` selects the list, the other paths start at an element.

    Where `records` is "@" or dotted names, a record's body is the element as the answer spells
    it; behind any other expression it is written anew, compact, every digit kept.
    """

    path: str = Field(
        pattern=r"^(/[^?#]*)?$",
        description="Where the list is, behind base_url; begins with a slash.",
    )
    method: Literal["GET", "POST"] = Field(
        default="GET", description="GET or POST; POST sends the parameters as a form."
    )
    params: dict[str, str] = Field(
        default_factory=dict, description="Parameters that go with the request, by name."
    )
    records: Path = Field(
        default="@",
        description="Where the list is in an answer, by JMESPath; @ is the whole answer.",
    )
    id: Path = Field(description="What names an element, by JMESPath.")
    version: MaybePath = Field(
        default="", description="What tells its states apart, by JMESPath; empty: its content does."
    )
    modified: MaybePath = Field(
        default="", description="When an element changed, by JMESPath; empty: it does not say."
    )
    ordered: bool = Field(default=False, description="Whether the oldest change comes first.")
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="Time zone of times without an offset, for one Europe/Vienna."
    )
    since: Since | None = Field(
        default=None,
        description="How changes are asked for; unsaid: the list is always read in full.",
    )
    pager: AnyPager = Field(
        default=NoPages(), description="How the list goes on; unsaid: everything comes at once."
    )
    failure: Failure | None = Field(
        default=None, description="How an answer with status 200 says no; unsaid: it never does."
    )
    whole: bool = Field(
        default=False,
        description="Whether it is always the whole list, so that what is missing has gone.",
    )
    total: MaybePath = Field(
        default="",
        description="Where each page says how long a whole list is, by JMESPath; empty: nowhere.",
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Stream:
        if self.whole and self.since:
            raise ValueError("a whole list is not asked for changes: leave out `since` or `whole`")
        if self.total and not self.whole:
            raise ValueError("`total` is held against a whole list: say `whole` or leave it out")
        return self


def record(name: str, stream: Stream, element: Element, at: datetime) -> Record:
    """The record of one element; `at` counts where the element has no time of its own."""
    body = element.text.encode()
    digest = sha256(body).hexdigest()[:32]
    key, fault = _text(find(stream.id, element.value)), element.fault
    if not key:
        fault = fault or f"the element has no id at {stream.id!r}"
    version = _text(find(stream.version, element.value)) if stream.version else ""
    if fault or not version:
        version = digest
    return Record(
        stream=name,
        message_key=f"{name}/{key or 'unnamed'}@{version}",
        at=changed(stream, element) or at,
        body=body,
        media="application/json",
        of=key if stream.whole else "",
        fault=fault,
    )


def element_id(stream: Stream, element: Element) -> str:
    return _text(find(stream.id, element.value))


def changed(stream: Stream, element: Element) -> datetime | None:
    """When the element changed, as it says itself; None where it does not."""
    if not stream.modified:
        return None
    said, zone = find(stream.modified, element.value), ZoneInfo(stream.timezone)
    grain = stream.since.grain if stream.since else "instant"
    try:
        if isinstance(said, int | Decimal) and not isinstance(said, bool):
            seconds = said / 1000 if grain == "milliseconds" else said
            return datetime.fromtimestamp(float(seconds), UTC)
        return _moment(said, zone) if isinstance(said, str) else None
    except (ValueError, OverflowError):
        return None


def _moment(said: str, zone: ZoneInfo) -> datetime:
    """An ISO date or time, 2004-05 begins with its first day; or OData's /Date(1772323200000)/."""
    ticks = TICKS.fullmatch(said.strip())
    if ticks:
        return datetime.fromtimestamp(int(ticks[1]) / 1000, UTC)
    partial = _PARTIAL.fullmatch(said.strip())
    if partial:
        return datetime(int(partial[1]), int(partial[2] or 1), 1, tzinfo=zone).astimezone(UTC)
    found = datetime.fromisoformat(said.strip())
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def since_param(stream: Stream, since: datetime) -> Iterator[tuple[str, str]]:
    """The parameter that asks for what changed since, less the overlap."""
    if stream.since is None:
        return
    from_then = since - timedelta(seconds=stream.since.overlap)
    written = _write(from_then, stream.since.grain, ZoneInfo(stream.timezone))
    yield stream.since.param, stream.since.value.replace("{since}", written)


def _write(time: datetime, grain: Grain, zone: ZoneInfo) -> str:
    if grain == "seconds":
        return str(int(time.timestamp()))
    if grain == "milliseconds":
        return str(int(time.timestamp() * 1000))
    if grain == "date":
        day: date = time.astimezone(zone).date()
        return day.isoformat()
    if grain == "bare_instant":
        return time.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
    fine = "milliseconds" if grain == "fine_instant" else "seconds"
    return time.astimezone(UTC).isoformat(timespec=fine).replace("+00:00", "Z")


def judge(failure: Failure | None, answer: Answer) -> ConnectorError | None:
    """The error that an answer stands for although its status is 200."""
    if failure is None or answer.status >= 300:
        return None
    try:
        said = json_text.read(answer.body)
    except Refused:
        return None  # whoever reads the page says what is wrong with it
    if not find(failure.when, said):
        return None
    code = _text(find(failure.code, said)) if failure.code else ""
    told = f"{answer.told}: HTTP {answer.status}, but the answer says it failed ({code[:60]})"
    if code in failure.later:
        return TryLater(told)
    if code in failure.setup:
        return Misconfigured(told)
    return StatusRefused(told, answer.status)


def _text(value: object) -> str:
    """An id or version as text; "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return str(value)
