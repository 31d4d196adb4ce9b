"""Secrets in configuration are references, never values: `${env:NAME}` or `${file:path}`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from connectors.errors import Misconfigured

_REFERENCE = re.compile(r"^\$\{(env|file):([^}]+)\}$")


def _must_refer(value: SecretStr) -> SecretStr:
    if not _REFERENCE.match(value.get_secret_value()):
        raise ValueError("a secret is written as ${env:NAME} or ${file:path}, never as its value")
    return value


# A setting whose value stays outside the configuration; read it with `reveal` when it is used.
Secret = Annotated[SecretStr, AfterValidator(_must_refer)]


def reveal(secret: SecretStr) -> str:
    """The value behind a reference, read now, so that a rotated secret is picked up.

    Raises Misconfigured naming the reference when it is not set or not readable.
    """
    match = _REFERENCE.match(secret.get_secret_value())
    if not match:
        raise Misconfigured("a secret is written as ${env:NAME} or ${file:path}")
    kind, name = match.groups()
    if kind == "env":
        if name not in os.environ:
            raise Misconfigured(f"the environment variable {name} is not set")
        return os.environ[name]
    try:
        return Path(name).read_text().rstrip("\r\n")
    except OSError as error:
        raise Misconfigured(f"secret file {name}: {error.strerror}") from error
