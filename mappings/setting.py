"""What a mapping must know about the connection whose messages it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from mappings.code_tables import CodeTables


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The connected system: its own code rows win, and local times without offset are read in its
    time zone. `authority` assigns the numbers for which an HL7 v2 message names none, in the
    words that the system itself uses (CX-4). `parameters` take the place of the defaults that
    mappings declare."""

    system: str = ""
    timezone: tzinfo = UTC
    authority: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All that transforms are made from."""

    codes: CodeTables = field(default_factory=CodeTables)
    context: Context = field(default_factory=Context)
