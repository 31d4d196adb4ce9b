"""A deployment as it is written down: hub.yaml, connections, pipelines, policies.

Values only. A secret is a reference (`${env:NAME}`, `${file:path}`); any other text may take
`${env:NAME:-default}`, and `${folder}` for the folder it all lies in. Every mistake is reported at
once, with file, line and what was expected.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors import registry
from connectors.errors import Misconfigured
from connectors.protocol import Connector
from hub.checks.settings import Checks
from hub.lapsing import Lapsing
from hub.matching.settings import Matching
from hub.rules import Rule
from mappings import document
from mappings.document import Table
from mappings.mistakes import Mistakes, one_of
from pipelines import address, identity, lasting, policies, tolerated, written
from pipelines.written import Kind

Role = Literal[
    "EHR", "EDC", "CTMS", "IRB", "HR", "ETMF", "EREG", "ERP", "TRAINING", "REGISTRY", "OTHER"
]
_SPAN = re.compile(r"^(\d+)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class _Values(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def seconds(span: str) -> float:
    """ "90s", "15m", "24h" in seconds."""
    match = _SPAN.match(span)
    if not match:
        raise ValueError(f"{span!r} is no span of time; expected a number and ms, s, m, h or d")
    return int(match[1]) * _SECONDS[match[2]]


class Listen(_Values):
    """Where the API is served. Another address than loopback needs TLS."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, lt=65_536)
    tls_cert: str = ""
    tls_key: str = ""


class Audit(_Values):
    """Where the signed heads of the audit are kept besides: files, folders or addresses of
    webhooks, none of them in the data folder; none: a file beside hub.yaml. And how often."""

    anchor: tuple[str, ...] = ()
    every: str = "1h"

    @field_validator("anchor", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic
        return (value,) if isinstance(value, str) else value

    @field_validator("every")
    @classmethod
    def _span(cls, span: str) -> str:
        if seconds(span) < 1:
            raise ValueError(f"{span!r} is too often; expected a second at least")
        return span


class Webhooks(_Values):
    """Where subscribers to the change feed may be besides public addresses over https: names,
    addresses and networks; `plain`: those without TLS as well."""

    allow: tuple[str, ...] = ()
    plain: bool = False


class HubSettings(_Values):
    """hub.yaml"""

    institution: str = "Unnamed institution"
    timezone: str = "UTC"
    database: str = address.EMBEDDED  # or postgresql://…, its password by reference
    participants: Literal["all", "known_only"] = "known_only"
    held_for_days: int = 30
    mapping_workers: int = 1
    listen: Listen = Listen()
    audit: Audit = Audit()
    webhooks: Webhooks = Webhooks()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _known_zone(name)

    @field_validator("database")
    @classmethod
    def _address(cls, said: str) -> str:
        return address.sound(said)


class ConnectionSettings(_Values):
    """One configured system."""

    connector: str
    system: str
    role: Role = "OTHER"
    family: str = ""  # what kind of system it is, for people; its role unless said
    environment: Literal["production", "test"] = "production"
    timezone: str = ""
    authority: str = ""  # assigns the numbers for which an HL7 v2 message names none (CX-4)
    settings: dict[str, Any] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return _known_zone(name) if name else name

    @field_validator("authority")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        if name != name.strip() or any(char in "|^~\\&" or char < " " for char in name):
            raise ValueError(
                "expected an authority as CX-4.1 names it, without | ^ ~ \\ & or blanks"
            )
        return name


class Schedule(_Values):
    """When a pull runs: every so often, or by crontab (week days by name, mon to sun)."""

    every: str = ""
    cron: str = ""

    @field_validator("every")
    @classmethod
    def _span(cls, span: str) -> str:
        seconds(span)
        return span

    @field_validator("cron")
    @classmethod
    def _names_days(cls, cron: str) -> str:
        parts = cron.split()
        if len(parts) != 5:
            raise ValueError(f"{cron!r} has {len(parts)} parts; expected 5")
        if re.search(r"\d", parts[4]):
            raise ValueError("write week days as mon..sun; numbers mean different days elsewhere")
        return cron


class Reads(_Values):
    """Which messages an inbound pipeline reads. Stream "*" is every stream no other reads."""

    connection: str
    stream: str


class Inbound(_Values):
    """connection + stream + mappings + lane (+ schedule)."""

    reads: Reads
    mappings: tuple[str, ...]
    parameters: dict[str, str] = Field(default_factory=dict)  # of the mappings
    lane: tuple[str, ...] = ()
    participants: Literal["", "all", "known_only"] = ""
    on_fault: Literal["go on", "wait"] = "go on"  # what a parked message does to its lane
    approve: bool = False  # nothing of a message is settled before a person lets it in
    schedule: Schedule | None = None
    # of a list that is pulled whole: the share that may be missing at once before a person is asked
    vanish_limit: float = Field(default=0.1, ge=0, le=1)
    validate_share: float = Field(default=0.05, ge=0, le=1)

    @field_validator("lane", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic
        return (value,) if isinstance(value, str) else value


class Outbound(_Values):
    """feed + mapping + connection. In `shadow` nothing is sent: what would be is counted."""

    feed: str
    mapping: str
    to: str
    mode: Literal["shadow", "on"] = "shadow"
    flow: str = ""  # what it is part of, for people; several pipelines may name one
    # of records for which other values are known nothing is said: {study.identifier(nct): [NCT…]}
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()  # references that the target must know first: study
    parameters: dict[str, str] = Field(default_factory=dict)  # of the mapping
    approval: bool = False
    on_unknown: Literal["resend", "hold"] = "resend"
    tries_for: str = "7d"


class Deployment(_Values):
    """Everything a deployment says."""

    folder: Path
    hub: HubSettings
    connections: dict[str, ConnectionSettings]
    inbound: dict[str, Inbound]
    outbound: dict[str, Outbound]
    rules: dict[str, dict[str, Rule]]
    matching: Matching = Matching()
    lapsing: Lapsing = Lapsing()
    checks: Checks = Checks()

    def connector(self, name: str) -> Connector:
        """The connector of a connection, built from its settings."""
        return build_connector(self.connections[name], self.hub)

    def pipeline_of(self, connection: str, stream: str) -> str:
        """The inbound pipeline that reads this stream, or ""."""
        for wanted in (stream, "*"):
            for name, pipeline in self.inbound.items():
                if pipeline.reads == Reads(connection=connection, stream=wanted):
                    return name
        return ""

    def zone(self, connection: str) -> ZoneInfo:
        """The time zone that a connection's local times are in."""
        own = self.connections[connection].timezone if connection in self.connections else ""
        return ZoneInfo(own or self.hub.timezone)


def build_connector(connection: ConnectionSettings, hub: HubSettings) -> Connector:
    """Raises Misconfigured naming every wrong setting."""
    kind = registry.find(connection.connector)
    return registry.build(connection.connector, _settings_of(connection, kind, hub))


def _settings_of(
    connection: ConnectionSettings, kind: type[Connector], hub: HubSettings
) -> dict[str, Any]:
    settings = dict(connection.settings)
    if "timezone" in kind.model_fields and "timezone" not in settings:
        settings["timezone"] = connection.timezone or hub.timezone
    return settings


def load(folder: Path, environment: Mapping[str, str] | None = None) -> Deployment:
    """The deployment in `folder`. Raises mappings.mistakes.MappingErrors with every mistake."""
    mistakes = Mistakes()
    environment = {
        **(os.environ if environment is None else environment),
        written.FOLDER: str(folder.resolve()),
    }
    hub = _one(folder / "hub.yaml", HubSettings, mistakes, environment, folder)
    tables = _tables(folder, "connections", mistakes)
    connections: dict[str, ConnectionSettings] = {}
    for name, table in tables.items():
        _put(connections, name, written.checked(table, ConnectionSettings, mistakes, environment))
        _check_connector(table, connections.get(name), hub or HubSettings(), mistakes, environment)
    inbound: dict[str, Inbound] = {}
    outbound: dict[str, Outbound] = {}
    for name, table in _tables(folder, "pipelines", mistakes).items():
        if "feed" in table.items:
            _put(outbound, name, written.checked(table, Outbound, mistakes, environment))
        else:
            _put(inbound, name, written.checked(table, Inbound, mistakes, environment))
        _check_name(table, _names(folder, "connections"), mistakes)
    rules = policies.survivorship(folder, get_args(Role), mistakes)
    matching = identity.matching(folder, mistakes)
    lapsing = lasting.lapsing(folder, mistakes)
    checks = tolerated.checks(folder, mistakes)
    mistakes.raise_if_any()
    return Deployment(
        folder=folder,
        hub=hub or HubSettings(),
        connections=connections,
        inbound=inbound,
        outbound=outbound,
        rules=rules,
        matching=matching,
        lapsing=lapsing,
        checks=checks,
    )


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone; expected one such as Europe/Paris") from None
    return name


def _put(into: dict[str, Any], name: str, value: Any) -> None:  # noqa: ANN401
    if value is not None:
        into[name] = value


def _tables(folder: Path, name: str, mistakes: Mistakes) -> dict[str, Table]:
    """The YAML files of a folder that can be read, by name."""
    found: dict[str, Table] = {}
    for path in sorted((folder / name).glob("*.yaml")):
        _put(found, path.stem, document.read(path, mistakes, name=_name(path, folder)))
    return found


def _names(folder: Path, name: str) -> set[str]:
    """Whatever has a file there: one that is wrong is still meant."""
    return {path.stem for path in (folder / name).glob("*.yaml")}


def _one(
    path: Path, kind: type[Kind], mistakes: Mistakes, environment: Mapping[str, str], folder: Path
) -> Kind | None:
    table = document.read(path, mistakes, name=_name(path, folder))
    return None if table is None else written.checked(table, kind, mistakes, environment)


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _check_name(table: Table, connections: Collection[str], mistakes: Mistakes) -> None:
    reads = table.items.get("reads")
    named = reads.items.get("connection") if isinstance(reads, Table) else table.items.get("to")
    if isinstance(named, document.Text) and named.value not in connections:
        mistakes.add(named, f"the connection {named.value!r}", one_of(named.value, connections))


def _check_connector(
    table: Table,
    connection: ConnectionSettings | None,
    hub: HubSettings,
    mistakes: Mistakes,
    environment: Mapping[str, str],
) -> None:
    """The connector's own settings, even where something else in the file is wrong."""
    named = table.items.get("connector")
    if not isinstance(named, document.Text):
        return  # that it is missing has been noted
    try:
        kind = registry.find(named.value)
    except Misconfigured as error:
        mistakes.add(named, str(error), "a connector that is installed")
        return
    if connection is None:
        given = written.plain(table, environment).get("settings", {})
        connection = ConnectionSettings(connector=named.value, system="", settings=given)
    try:
        kind(**_settings_of(connection, kind, hub))
    except ValidationError as error:
        written.note(error, table, mistakes, kind.model_fields, ("settings",))
