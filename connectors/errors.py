"""What a connector raises, named by what happens next.

    ConnectorError
    ├── TryLater        wait, then the same again
    ├── Refused         this one will never be taken: park it with the reason
    └── Misconfigured   a person must act: stop this connection and say so

Messages say what was found, what was expected and where. They never carry a patient's data or
a secret: keys, field names and codes only.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something between us and the outside system went wrong."""


class TryLater(ConnectorError):
    """The system cannot answer now; the same request may succeed later."""

    def __init__(self, message: str, *, after: float = 0.0, answered: bool = False) -> None:
        super().__init__(message)
        self.after = after  # seconds the system asked us to wait; 0: it did not say
        self.answered = answered  # it is well, and cannot take this one now: a conflict


class Refused(ConnectorError):
    """The system will never take this one."""


class Misconfigured(ConnectorError):
    """A setting is wrong; repeating cannot help."""
