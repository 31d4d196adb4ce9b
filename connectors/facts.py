"""What a connector can do, in a few words each: its row in the table of connectors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Empty where it cannot. `tested` names the counterpart that is not our own code, or says that
    there is only a made-up one."""

    pulls: str = ""
    incremental: str = ""  # how a pull goes on where the last one ended
    deletes: str = ""  # how it learns that something has gone
    pushes: str = ""
    auth: str = ""
    tested: str = ""
