"""Lists that hang on lists: what a system hands out only for one thing at a time.

OnCore gives the staff of one protocol, so that all staff are a request for each element of the
list of protocols. A list that cannot be read does not keep the others from being read; but then
the pull ends with an error, so that nobody takes what came for all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.errors import ConnectorError, Refused, TryLater
from connectors.formats import json_text
from connectors.http import Http
from connectors.pagers import AnyPager, MaybePath, NoPages, Path, find
from connectors.record import Record
from connectors.rest import Rest
from connectors.rest_stream import Since, Stream, known_zone
from connectors.resume import Seen

_PATIENCE = 5  # lists in a row that cannot be read; then no more are asked for
_PLACE = "{of}"


class Listing(BaseModel):
    """One list. Where it hangs on another, `of`, it is read for each element there: `by` selects
    from that element what takes the place of `{of}` in `path` and `params`.

    `marked`: the name under which each element is given that value as its first member, where it
    does not say itself what it belongs to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        pattern=r"^/[^?#]*$",
        description="Where the list is, behind base_url; {of} is the value it hangs on.",
    )
    params: dict[str, str] = Field(
        default_factory=dict,
        description="Parameters that go with the request, by name; {of} as in path.",
    )
    of: str = Field(
        default="",
        description="Name of the list whose elements this one is read for; empty: it stands alone.",
    )
    by: MaybePath = Field(
        default="",
        description="What takes the place of {of}, of an element of that list, by JMESPath.",
    )
    marked: str = Field(
        default="",
        pattern=r"^\w*$",
        description="Name under which each element is given that value; empty: it is not.",
    )
    records: Path = Field(
        default="@",
        description="Where the list is in an answer, by JMESPath; @ is the whole answer.",
    )
    id: Path = Field(description="What names an element, by JMESPath.")
    modified: MaybePath = Field(
        default="", description="When an element changed, by JMESPath; empty: it does not say."
    )
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
    whole: bool = Field(
        default=True,
        description="Whether it is always the whole list, so that what is missing has gone.",
    )

    @model_validator(mode="after")
    def _hangs_or_stands(self) -> Self:
        held = any(_PLACE in text for text in (self.path, *self.params.values()))
        if bool(self.of) != held or bool(self.of) != bool(self.by):
            raise ValueError("`of`, `by` and {of} in `path` or `params` belong together")
        if self.of and self.since:
            raise ValueError("a list that hangs on another is not asked for changes")
        self.stream()  # whatever else does not fit together
        return self

    def stream(self, of: str = "") -> Stream:
        """The list as a stream, that of element `of` where it hangs on another."""
        return Stream(
            path=self.path.replace(_PLACE, quote(of, safe="")),
            params={name: value.replace(_PLACE, of) for name, value in self.params.items()},
            records=self.records, id=self.id, modified=self.modified, timezone=self.timezone,
            since=self.since, pager=self.pager, whole=self.whole,
        )  # fmt: skip


def laid_over(shipped: Mapping[str, BaseModel], said: Any) -> Any:  # noqa: ANN401 - not checked yet
    """The settings `said`, what they leave out taken from those that are shipped."""
    if not isinstance(said, Mapping):
        return said
    whole: dict[Any, Any] = {name: one.model_dump() for name, one in shipped.items()}
    for name, one in said.items():
        whole[name] = {**whole.get(name, {}), **one} if isinstance(one, Mapping) else one
    return whole


def hung(listings: Mapping[str, Listing]) -> Mapping[str, Listing]:
    """`listings`, where each `of` names one of them and none hangs on itself."""
    for name in listings:
        above, at = [name], name
        while of := listings[at].of:
            if of not in listings or of in above:
                raise ValueError(f"{name}.of: {of!r} is no list above it")
            above.append(at := of)
    return listings


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists of one system. `turn` waits until the next may be asked for."""

    rest: Rest
    http: Http
    listings: Mapping[str, Listing]
    turn: Callable[[], None]

    def read(self, name: str, since: str = "") -> Iterator[Record]:
        """Every element of a list, each once; from `since` where it can be asked for changes."""
        listing = self.listings[name]
        if not listing.of:
            self.turn()
            after = since if listing.since else ""
            records = self.rest.read(self.http, name, listing.stream(), after)
            yield from _steady(name, records, after) if listing.since else records
            return
        trouble, in_a_row, seen = list[str](), 0, Seen()
        for of in self._elements_of(listing, trouble):
            try:
                for record in self._one(name, listing, of):
                    if seen.first(record.message_key):
                        yield record
                in_a_row = 0
            except Refused as error:
                trouble.append(str(error))
                in_a_row += 1
                if in_a_row == _PATIENCE:
                    break
        if trouble:
            raise Refused(f"{name}: {len(trouble)} of its lists not read, the first: {trouble[0]}")

    def _one(self, name: str, listing: Listing, of: str) -> Iterator[Record]:
        self.turn()
        for record in self.rest.read(self.http, name, listing.stream(of)):
            record.cursor = ""  # a list that hangs on another is always read from its beginning
            yield _marked(record, listing.marked, of) if listing.marked else record

    def _elements_of(self, listing: Listing, trouble: list[str]) -> Iterator[str]:
        """What `by` selects from each element above, each once."""
        seen = Seen()
        for above in self.read(listing.of):
            if above.fault:
                trouble.append(f"{listing.of}: {above.fault}")
                continue
            found = find(listing.by, json_text.read(above.body))
            if isinstance(found, str | int) and found != "" and seen.first(str(found)):
                yield str(found)


def _steady(name: str, records: Iterator[Record], since: str) -> Iterator[Record]:
    """`records`, and TryLater behind them where one came twice: it changed while the list was read
    and moved on, so that another may have slipped through between two pages. The cursor stays."""
    seen, twice, held = Seen(), False, None
    try:
        for record in records:
            if held:
                yield held
            held = record
            twice = twice or not seen.first(record.message_key.rpartition("@")[0])
    except ConnectorError:
        if held:
            yield replace(held, cursor=since)
        raise
    if held:
        yield replace(held, cursor=since) if twice else held
    if twice:
        raise TryLater(f"{name}: the list changed while it was read; it is read again")


def _marked(record: Record, name: str, of: str) -> Record:
    """The element with what it belongs to as its first member, all else as it is spelled."""
    if not record.body.startswith(b"{"):
        return record
    rest = record.body[1:].lstrip()
    mark = json_text.write({name: of})[:-1]
    body = mark + (b"" if rest.startswith(b"}") else b", ") + rest
    stream, _, key = record.message_key.partition("/")
    thing = f"{of}|{record.of}" if record.of else ""
    return replace(record, body=body, message_key=f"{stream}/{of}|{key}", of=thing)
