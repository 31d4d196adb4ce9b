"""Workday's reports as a service: custom reports of workers, each always its whole list.

A report knows no pages and no changes: what is new is known by its content, what is missing has
gone. One that is too long for one answer is asked for in parts, by the values of a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from connectors.address import BaseUrl
from connectors.auth import Auth
from connectors.errors import ConnectorError, Misconfigured
from connectors.facts import Facts
from connectors.http import HttpSettings
from connectors.pagers import Path
from connectors.protocol import Connector, Health
from connectors.record import Record
from connectors.rest import Rest
from connectors.rest_stream import Failure, Stream
from connectors.world import World

_ENTRIES = "Report_Entry || `[]`"  # a report without rows leaves it out


class Report(BaseModel):
    """One custom report, in JSON. `path` is its owner and name; `id` tells its rows apart.

    With `prompt` it is asked for once for each of `values`, which together must be everybody:
    who is in none of them has gone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        pattern=r"^/[^/?#]+/[^/?#]+$",
        description="Owner and name of the report, as /ISU_crohub/Research_Workers.",
    )
    id: Path = Field(default="Employee_ID", description="What tells its rows apart, by JMESPath.")
    params: dict[str, str] = Field(
        default_factory=dict, description="Further parameters of the report, by name."
    )
    prompt: str = Field(
        default="", description="Prompt by which the report is read in parts; empty: read at once."
    )
    values: tuple[str, ...] = Field(
        default=(), description="The prompt's values; their parts together must be everybody."
    )

    @model_validator(mode="after")
    def _parts_are_whole(self) -> Self:
        if bool(self.prompt) != bool(self.values) or len(set(self.values)) != len(self.values):
            raise ValueError("`prompt` and `values` belong together, each value once")
        return self

    def parts(self) -> Iterator[Stream]:
        """The requests that together are the report."""
        for value in self.values or ("",):
            prompted = {self.prompt: value} if self.prompt else {}
            yield Stream(
                path=self.path,
                params={"format": "json", **self.params, **prompted},
                records=_ENTRIES,
                id=self.id,
                failure=Failure(when="error || errors"),
                whole=True,
            )


class Workday(Connector):
    """One tenant, by an integration system user. `reports` are the streams."""

    facts: ClassVar[Facts] = Facts(
        pulls="worker reports (RaaS)",
        incremental="whole, compared by content",
        deletes="whole lists compared",
        auth="Basic, OAuth2",
        tested="made-up tenant; names unverified against the vendor",
    )

    base_url: BaseUrl = Field(
        description="Up to the tenant: https://HOST/ccx/service/customreport2/TENANT."
    )
    auth: Auth = Field(description="How we sign in: an integration system user or an OAuth client.")
    http: HttpSettings = Field(
        default=HttpSettings(read_timeout=300, body_cap=64 * 1024 * 1024),
        description="Limits, trust and proxy; unless said, 300 s and 64 MiB for a report.",
    )
    reports: dict[str, Report] = Field(
        min_length=1, description="Reports that can be pulled, by name of their stream."
    )

    _line: Rest = PrivateAttr()

    def model_post_init(self, _: Any, /) -> None:  # noqa: ANN401 - pydantic's
        streams = {name: next(report.parts()) for name, report in self.reports.items()}
        self._line = Rest(base_url=self.base_url, auth=self.auth, http=self.http, streams=streams)

    def within(self, world: World) -> Self:
        """The same connection in other surroundings."""
        other = super().within(world)
        other._line = self._line.within(world)  # noqa: SLF001 - our own, of another instance
        return other

    def check(self) -> Health:
        """Asks for the first part of each report: there is no smaller question."""
        said = []
        for name in self.reports:
            try:
                number = sum(1 for _ in self._line.pull(name, ""))
            except ConnectorError as error:
                return Health(ok=False, detail=f"{name}: {error}")
            said.append(f"{name}: {number} rows")
        return Health(ok=True, detail=", ".join(said))

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.reports

    def pull(self, stream: str, _since: str) -> Iterator[Record]:
        """See `Pulls`. Rows of two parts that say the same of one id are one; where they differ,
        the second is kept with its fault."""
        if stream not in self.reports:
            known = ", ".join(self.reports)
            raise Misconfigured(f"no report is called {stream!r}; configured: {known}")
        said: dict[str, str] = {}  # of a report's size: an institution's workers, not its patients
        for part in self.reports[stream].parts():
            line = self._line.model_copy(update={"streams": {stream: part}})
            for record in line.pull(stream, ""):
                before = said.get(record.of) if record.of else None
                if before is None:
                    said[record.of] = record.message_key
                    yield record
                elif before != record.message_key:
                    fault = f"a second row with this {self.reports[stream].id}; say a finer `id`"
                    yield replace(record, of="", fault=fault)
