"""The hub and the made-up institution, put beside each other: the institution's servers, where they
are for the configuration to refer to, that configuration, and the hub itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from connectors.errors import Misconfigured
from crohub import schema
from crohub.first_key import first_key
from crohub.ownership import owned
from crohub.sandbox.institution import Institution
from hub import seal
from pipelines import settings
from pipelines.edge import Edge, open_edge
from pipelines.places import Places

SEED = 7
HOST = "127.0.0.1"
NOWHERE = (HOST, 9)  # before the hub listens nobody knows where


class NoSandbox(Misconfigured):
    """What the made-up institution needs is not installed."""


@contextmanager
def institution(
    folder: Path,
    hl7: tuple[str, int] = NOWHERE,
    **how: Any,  # noqa: ANN401 - as Institution takes them
) -> Iterator[Institution]:
    """The institution, started, with what it keeps below `folder`; stopped at the end."""
    made = Institution(SEED, hl7, folder / "institution", **how)
    try:
        made.start()
    except RuntimeError as error:
        raise NoSandbox(f"{error}; install crohub[sandbox]") from None
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def environment(
    institution: Institution, *, mllp_port: int, every: str, seldom: str
) -> Iterator[None]:
    """Where the institution's systems are, for the configuration to refer to; `seldom` is how
    often those are read that tell everything each time."""
    ends = institution.endpoints
    named: Mapping[str, str] = {
        "MLLP_PORT": str(mllp_port),
        "FHIR": ends.fhir_url,
        "SFTP_PORT": str(ends.sftp_port),
        "SFTP_USER": ends.sftp_user,
        "SFTP_PASSWORD": ends.sftp_password_file.read_text().strip(),
        "SFTP_HOST_KEY": ends.sftp_host_key,
        "SFTP_FOLDER": ends.sftp_folder,
        "SINK_PORT": str(ends.sink_port),
        "EVERY": every,
        "SELDOM": seldom,
        **ends.systems,
    }
    before = {name: os.environ.get(f"CROHUB_DEMO_{name}") for name in named}
    os.environ.update({f"CROHUB_DEMO_{name}": value for name, value in named.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[f"CROHUB_DEMO_{name}"]
            else:
                os.environ[f"CROHUB_DEMO_{name}"] = value


def node(folder: Path, ending: ExitStack) -> Edge:
    """The hub of the configuration in `folder`, not started yet, with its data folder's lock."""
    deployment = settings.load(folder)
    places = Places(folder / "data")
    places.make()
    ending.enter_context(owned(places.lock))
    schema.upgrade(places)
    seal.load(places.keys)
    first_key(places)

    def fatal(error: Exception) -> None:
        # after a failed fsync nobody knows what is on disk
        os.write(2, f"storage failed: {type(error).__name__}\n".encode())
        os._exit(1)

    return open_edge(places, deployment, fatal=fatal)


def configuration(folder: Path) -> Path:
    """The demonstration's configuration, written anew."""
    _copy(files("crohub") / "sandbox" / "config", folder)
    return folder


def _copy(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
