"""Where the database is: `embedded`, or the address of a PostgreSQL database.

A password, or the whole address, is written as a reference (`${env:NAME}`, `${file:path}`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from connectors.errors import Misconfigured

EMBEDDED = "embedded"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")  # the last as SQLAlchemy spells it
_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")
_EXPECTED = "expected `embedded` or postgresql://user@host:port/name"


def sound(said: str) -> str:
    """`said`, if it may stand in a configuration. ValueError says what is wrong with it."""
    if said == EMBEDDED or _REFERENCE.fullmatch(said):
        return said
    # a reference may hold signs that mean something in an address; what it is counts, not its name
    parts = urlsplit(_REFERENCE.sub("reference", said))
    if parts.scheme not in _SCHEMES or not parts.path.strip("/"):
        raise ValueError(_EXPECTED)
    literal = urlsplit(_REFERENCE.sub("", said))
    if literal.password or any(parse_qs(literal.query).get("password", [])):
        raise ValueError("a password is written as ${env:NAME} or ${file:path}, never as its value")
    return said


def resolved(said: str) -> str:
    """The address with its references read. Raises Misconfigured naming one that leads nowhere,
    never what was read."""
    if said == EMBEDDED:
        return said
    if whole := _REFERENCE.fullmatch(said):
        address = _value(whole)
    else:
        address = _REFERENCE.sub(lambda match: quote(_value(match), safe=""), said)
    if urlsplit(address).scheme not in _SCHEMES:
        raise Misconfigured(f"hub.yaml: database: {said} leads to no address; {_EXPECTED}")
    return address


def _value(match: re.Match[str]) -> str:
    kind, name = match.groups()
    if kind == "env":
        if name not in os.environ:
            raise Misconfigured(
                f"hub.yaml: database: the environment variable {name} is not set; expected "
                "the database's address or its password"
            )
        return os.environ[name]
    try:
        return Path(name).read_text().rstrip("\r\n")
    except OSError as error:
        raise Misconfigured(f"hub.yaml: database: file {name}: {error.strerror}") from error
