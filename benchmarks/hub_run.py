"""A hub as a site runs it, `crohub serve` in a process of its own, and what is seen of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from benchmarks import tree
from benchmarks.ending import end

HL7 = {
    "hub.yaml": "institution: North General\nparticipants: all\n",
    "connections/hospital.yaml": (
        "connector: hl7v2\nsystem: hospital\nrole: EHR\n"
        "settings:\n  port: ${env:CROHUB_MLLP_PORT:-2575}\n"
    ),
    "pipelines/hospital.yaml": (
        "reads: {connection: hospital, stream: '*'}\n"
        "mappings: [hl7v2/participant, hl7v2/merge, hl7v2/appointment, hl7v2/research_encounter,\n"
        "  hl7v2/staff_master, hl7v2/staff_event]\n"
        "lane: ['PID-3[5=MR].1', 'PID-3.1', 'STF-1.1', 'MFE-4.1']\n"
    ),
}
READY_WITHIN = 30.0  # seconds


class NotReady(Exception):
    """A hub did not come up, or did not settle in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A running hub. `ready_after`: seconds from its start to readiness."""

    data: Path
    process: subprocess.Popen[str]
    port: int
    mllp: int
    ready_after: float

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def settler(self) -> psutil.Process:
        """The settling process: the child that is not Python's own bookkeeper."""
        for child in psutil.Process(self.pid).children():
            if "resource_tracker" not in " ".join(child.cmdline()):
                return child
        raise NotReady("the hub has no settling process")

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """Nothing is settled meanwhile: the settler and its mapping processes stand still."""
        still = tree.processes(self.settler.pid)
        for one in still:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in still:
                one.send_signal(signal.SIGCONT)

    @property
    def key(self) -> str:
        """The admin key of the first start."""
        return (self.data / "admin.key").read_text().strip()

    def get(self, path: str) -> bytes:
        """An answer of the API. Raises URLError for any status but 200."""
        address = f"http://127.0.0.1:{self.port}{path}"
        asked = Request(address, headers={"Authorization": f"Bearer {self.key}"})
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own, on loopback
            return bytes(answer.read())

    def settled(self) -> int:
        """The number of the last message that is settled."""
        return _number(self.data / "hub.db", "select max(upto) from progress")

    def kept(self) -> int:
        """The number of the last message that is stored."""
        return _number(self.data / "journal.db", "select max(seq) from message")

    def wait_settled(self, number: int, *, seconds: float = 120.0) -> float:
        """Waits until message `number` is settled; the time when it was."""
        until = time.perf_counter() + seconds
        while self.settled() < number:
            if time.perf_counter() > until:
                raise NotReady(f"{self.settled()} of {number} settled within {seconds:g} s")
            time.sleep(0.02)
        return time.perf_counter()


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A deployment of these files in `folder`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@contextlib.contextmanager
def serving(
    folder: Path, files: Mapping[str, str] = HL7, variables: Mapping[str, str] | None = None
) -> Iterator[Hub]:
    """A hub with its deployment and data in `folder`, ready, ended with the block."""
    write(folder / "config", files)
    port, mllp = free_port(), free_port()
    command = [sys.executable, "-m", "crohub", "serve", "--config", str(folder / "config")]
    command += ["--data", str(folder / "data"), "--port", str(port)]
    own = {**os.environ, "CROHUB_MLLP_PORT": str(mllp), **(variables or {})}
    own.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed hub has its bytecode
    began = time.perf_counter()
    with (folder / "hub.log").open("a") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=own)
    try:
        _await_ready(process, port, folder / "hub.log")
        yield Hub(
            data=folder / "data",
            process=process,
            port=port,
            mllp=mllp,
            ready_after=time.perf_counter() - began,
        )
    finally:
        end(process)


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stored_bytes(data: Path) -> int:
    """What both files take once the write-ahead logs are folded in. Nothing may be running."""
    for name in ("journal.db", "hub.db"):
        opened = sqlite3.connect(data / name)
        opened.execute("pragma wal_checkpoint(truncate)")
        opened.close()
    return sum((data / name).stat().st_size for name in ("journal.db", "hub.db"))


def _await_ready(process: subprocess.Popen[str], port: int, log: Path) -> None:
    until = time.perf_counter() + READY_WITHIN
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise NotReady(
                f"crohub serve ended with {process.returncode}: {log.read_text()[-2000:]}"
            )
        with contextlib.suppress(URLError, OSError):
            urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        time.sleep(0.01)
    raise NotReady(f"not ready within {READY_WITHIN:g} s: {log.read_text()[-2000:]}")


def _number(path: Path, sql: str) -> int:
    opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    try:
        return int(opened.execute(sql).fetchone()[0] or 0)
    finally:
        opened.close()
