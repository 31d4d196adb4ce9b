"""When the event of a message was recorded (EVN-2): the sender's own word beside MSH-7."""

from __future__ import annotations

from datetime import datetime, tzinfo

from connectors.formats import er7
from connectors.formats.er7_path import compile_path
from connectors.formats.er7_time import read_time

_recorded = compile_path("EVN-2.1")


def event_time(body: bytes, zone: tzinfo) -> datetime | None:
    """None where EVN-2 is absent or no instant, or the message cannot be read."""
    try:
        return read_time(_recorded(er7.read(body)) or "", zone)
    except er7.Unreadable:
        return None
