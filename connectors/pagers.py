"""How a system hands out a long list: each way of paging is a small frozen set of settings.

A pager is pure: from the request that was made and what came back it makes the next request,
or None when that was all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

import jmespath
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connectors.address import follow
from connectors.errors import Refused
from connectors.http import Ask

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:"[^"]*"|[^\s";,]+))*)')
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2}))?")
TICKS = re.compile(r"/Date\((-?\d{1,15})([+-]\d{1,4})?\)/")  # OData V2 in JSON: milliseconds
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)


def _compiles(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"{expression!r} is no JMESPath: {first}") from None
    return expression


# A JMESPath expression, checked when the settings are.
Path = Annotated[str, AfterValidator(_compiles)]
# The same, or "" for: there is none.
MaybePath = Annotated[str, AfterValidator(lambda value: _compiles(value) if value else value)]
# OData's; a setting that comes from YAML is text.
ODataVersion = Annotated[
    Literal[2, 4], BeforeValidator(lambda said: int(said) if said in ("2", "4") else said)
]


def find(path: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """What JMESPath `path` selects. Raises Refused where the value is of another kind than the
    expression's functions take."""
    try:
        return jmespath.search(path, value)
    except jmespath.exceptions.JMESPathError as error:
        kind = type(error).__name__
        raise Refused(f"JMESPath {path!r} does not fit the answer ({kind})") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came back: `count` elements, the last one's id, from `url`."""

    value: Any
    headers: Mapping[str, str]
    url: str
    count: int
    last_id: str
    last: Any = None  # the last element itself


class Pager(Protocol):
    def first(self, ask: Ask) -> Ask: ...
    def next(self, ask: Ask, came: Came) -> Ask | None: ...


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def first(self, ask: Ask) -> Ask:
        """The first request: `ask`, with what the pager needs from the start."""
        return ask


class NoPages(_Settings):
    """Everything comes at once."""

    kind: Literal["none"] = Field(default="none", description="Everything comes at once.")

    def next(self, _: Ask, __: Came) -> Ask | None:
        return None


class NextLink(_Settings):
    """The answer's body holds the next address (OData `"@odata.nextLink"`, Vault, FHIR)."""

    kind: Literal["next_link"] = Field(
        description="The answer's body holds the address of the next page."
    )
    link: Path = Field(description="Where that address is in an answer, by JMESPath.")

    def next(self, ask: Ask, came: Came) -> Ask | None:
        link = find(self.link, came.value)
        return _to(ask, link, came.url) if isinstance(link, str) and link else None


class LinkHeader(_Settings):
    """`Link: <…>; rel="next"` (RFC 8288 §3)."""

    kind: Literal["link_header"] = Field(
        description='The header Link with rel="next" holds the address of the next page.'
    )

    def next(self, ask: Ask, came: Came) -> Ask | None:
        for target, parameters in _LINK.findall(came.headers.get("link", "")):
            relation = _REL.search(parameters)
            if relation and "next" in (relation[1] or relation[2]).lower().split():
                return _to(ask, target, came.url)
        return None


class Offset(_Settings):
    """`offset` and `limit`. Ends when `has_more` is not true or `total` is reached; where a
    system says neither, with the first empty page, since many give less than was asked for."""

    kind: Literal["offset"] = Field(description="Pages by how many elements came before.")
    offset_param: str = Field(
        default="offset", description="Parameter that says how many elements are skipped."
    )
    limit_param: str = Field(
        default="limit", description="Parameter that says how many are wanted."
    )
    limit: int = Field(default=200, ge=1, description="Elements asked for at once.")
    start: int = Field(default=0, description="Offset of the first element, 0 or 1.")
    has_more: MaybePath = Field(
        default="",
        description="Where an answer says whether more follow, by JMESPath; empty: nowhere.",
    )
    total: MaybePath = Field(
        default="",
        description="Where an answer says how many there are, by JMESPath; empty: nowhere.",
    )

    def first(self, ask: Ask) -> Ask:
        return _with(ask, {self.limit_param: str(self.limit), self.offset_param: str(self.start)})

    def next(self, ask: Ask, came: Came) -> Ask | None:
        if came.count == 0 or (self.has_more and find(self.has_more, came.value) is not True):
            return None
        offset = int(_param(ask, self.offset_param)) + came.count
        if self.total and offset - self.start >= count_at(self.total, came.value):
            return None
        return _with(ask, {self.offset_param: str(offset)})


class PageNumber(_Settings):
    """`page=1, 2, 3 …`. Ends at `pages`, the number of pages, else with the first empty one."""

    kind: Literal["page_number"] = Field(description="Pages by their number.")
    page_param: str = Field(default="page", description="Parameter that holds the page's number.")
    size_param: str = Field(
        default="", description="Parameter that holds the page's size; empty: it is not sent."
    )
    size: int = Field(
        default=200, ge=1, description="Elements asked for at once, where size_param is said."
    )
    start: int = Field(default=1, description="Number of the first page.")
    pages: MaybePath = Field(
        default="",
        description="Where an answer says how many pages there are, by JMESPath; empty: nowhere.",
    )

    def first(self, ask: Ask) -> Ask:
        size = {self.size_param: str(self.size)} if self.size_param else {}
        return _with(ask, {**size, self.page_param: str(self.start)})

    def next(self, ask: Ask, came: Came) -> Ask | None:
        page = int(_param(ask, self.page_param)) + 1
        if came.count == 0:
            return None
        if self.pages and page - self.start >= count_at(self.pages, came.value):
            return None
        return _with(ask, {self.page_param: str(page)})


class PageToken(_Settings):
    """The answer holds a token that asks for the next page (ClinicalTrials.gov, Google)."""

    kind: Literal["page_token"] = Field(
        description="The answer holds a token that asks for the next page."
    )
    token: Path = Field(description="Where the token is in an answer, by JMESPath.")
    token_param: str = Field(description="Parameter that sends the token back.")
    size_param: str = Field(
        default="", description="Parameter that holds the page's size; empty: it is not sent."
    )
    size: int = Field(
        default=200, ge=1, description="Elements asked for at once, where size_param is said."
    )

    def first(self, ask: Ask) -> Ask:
        return _with(ask, {self.size_param: str(self.size)}) if self.size_param else ask

    def next(self, ask: Ask, came: Came) -> Ask | None:
        token = find(self.token, came.value)
        if token is None or token == "":
            return None
        if str(token) == _param(ask, self.token_param):
            raise Refused(f"{ask.told}: the same page token came again")
        return _with(ask, {self.token_param: str(token)})


class Keyset(_Settings):
    """Everything behind the last id that came (`startid=…`). Ends with the first empty page."""

    kind: Literal["keyset"] = Field(
        description="The next page begins behind the last id that came."
    )
    after_param: str = Field(description="Parameter that holds the last id that came.")
    size_param: str = Field(
        default="", description="Parameter that holds the page's size; empty: it is not sent."
    )
    size: int = Field(
        default=200, ge=1, description="Elements asked for at once, where size_param is said."
    )

    def first(self, ask: Ask) -> Ask:
        return _with(ask, {self.size_param: str(self.size)}) if self.size_param else ask

    def next(self, ask: Ask, came: Came) -> Ask | None:
        if came.count == 0:
            return None
        if not came.last_id or came.last_id == _param(ask, self.after_param):
            raise Refused(f"{ask.told}: the page ends with the id it was to begin behind")
        return _with(ask, {self.after_param: came.last_id})


class Seek(_Settings):
    """Everything behind the last element by the `fields` that the list is sorted by, as a filter
    of OData: a list that shifts while it is read loses nothing. `where` is what holds of all
    elements. Ends with the first empty page."""

    kind: Literal["seek"] = Field(description="An OData filter behind the last element that came.")
    fields: tuple[str, ...] = Field(
        min_length=1,
        description="Fields that the list is sorted by; together they name an element.",
    )
    where: str = Field(
        default="", description="OData filter that holds for all elements; empty: none."
    )
    version: ODataVersion = Field(
        default=2, description="Version of OData, 2 or 4, for how values are written in the filter."
    )
    size: int = Field(default=200, ge=1, description="Elements asked for at once ($top).")

    def first(self, ask: Ask) -> Ask:
        return _with(ask, {"$top": str(self.size)})

    def next(self, ask: Ask, came: Came) -> Ask | None:
        if came.count == 0:
            return None
        return _with(ask, {"$filter": self._behind(ask, came.last)})

    def _behind(self, ask: Ask, last: Any) -> str:  # noqa: ANN401 - JSON
        same, ways = "", []
        for name in self.fields:
            value = last.get(name) if isinstance(last, dict) else None
            if value is None:
                raise Refused(f"{ask.told}: the page ends with an entity without {name}")
            written = self._literal(value)
            ways.append(f"({same}{name} gt {written})")
            same += f"{name} eq {written} and "
        behind = " or ".join(ways)
        return f"({self.where}) and ({behind})" if self.where else behind

    def _literal(self, value: Any) -> str:  # noqa: ANN401 - JSON
        """As a filter writes it (V2 URI conventions, V4 URL conventions §5.1.1.6.1)."""
        if not isinstance(value, str):
            return str(value).lower()
        if self.version == 4 and _ISO.fullmatch(value):
            return value
        ticks = TICKS.fullmatch(value)
        if ticks is None or self.version == 4:
            return "'" + value.replace("'", "''") + "'"
        at = datetime.fromtimestamp(int(ticks[1]) / 1000, UTC).replace(tzinfo=None)
        text = at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")
        return f"datetimeoffset'{text}Z'" if ticks[2] else f"datetime'{text}'"


AnyPager = Annotated[
    NoPages | NextLink | LinkHeader | Offset | PageNumber | PageToken | Keyset | Seek,
    Field(discriminator="kind"),
]


def _to(ask: Ask, link: str, seen_at: str) -> Ask:
    return replace(ask, url=follow(link, seen_at=seen_at), params=None)


def _with(ask: Ask, changes: Mapping[str, str]) -> Ask:
    kept = [(name, value) for name, value in ask.params or () if name not in changes]
    return replace(ask, params=(*kept, *changes.items()))


def _param(ask: Ask, name: str) -> str:
    return dict(ask.params or ()).get(name, "")


def count_at(path: str, answer: Any) -> int:  # noqa: ANN401 - JSON
    """The count that `path` selects. Raises Refused where it is none."""
    value = find(path, answer)
    if isinstance(value, int | Decimal) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise Refused(f"{path!r} is {type(value).__name__}, expected how many there are")
