"""Whole nodes as processes that can be killed, and a client that sends until it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
START, END = b"\x0b", b"\x1c\x0d"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEXES = {"F": "female", "M": "male", "O": "other"}
STRICT = """reads: hl7v2
when: {MSH-9.1: ADT, PID-8.1: Q9}
states:
  Participant:
    key: {call: hl7v2.patient_key}
    sex: {path: "PID-8.1", then: [code administrative-sex], on_bad: refuse}
"""
FILES = {
    "hub.yaml": "participants: all\n",
    "connections/hospital.yaml": "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n",
    "pipelines/hospital.yaml": (
        "reads: {connection: hospital, stream: ADT}\n"
        "mappings: [hl7v2/participant, hl7v2/merge, hl7v2/strict]\nlane: 'PID-3[5=MR].1'\n"
    ),
    "mappings/inbound/hl7v2/strict.yaml": STRICT,
}


@dataclass(frozen=True)
class Message:
    """One ADT message and what it should come to."""

    control_id: str
    patient: str
    sex: str
    number: int  # its turn in its patient's lane

    @property
    def at(self) -> datetime:
        return NOON + timedelta(seconds=self.number)

    @property
    def body(self) -> bytes:
        at = self.at
        return (
            f"MSH|^~\\&|REG|NORTH|CROHUB|UH|{at:%Y%m%d%H%M%S}+0000||ADT^A08|{self.control_id}|P"
            f"|2.5.1\rPID|1||{self.patient}^^^NORTH^MR||Doe^{self.patient}||19800101|{self.sex}"
        ).encode()


def bursty(connections: int, each: int, seed: int, *, strange: float = 0.005):
    """What every connection sends: runs of 1 to 50 messages of one of its own patients."""
    chance = random.Random(seed)
    sends = []
    for connection in range(connections):
        own: list[Message] = []
        turns: dict[str, int] = {}
        while len(own) < each:
            patient = f"C{connection}P{chance.randrange(12)}"
            for _ in range(min(chance.randint(1, 50), each - len(own))):
                turns[patient] = turns.get(patient, 0) + 1
                sex = "Q9" if chance.random() < strange else chance.choice(list(SEXES))
                own.append(Message(f"{connection}-{len(own)}", patient, sex, turns[patient]))
        sends.append(own)
    return sends


class Node:
    """A running crohub with its settler and mapping processes."""

    def __init__(self, config: Path, log: Path) -> None:
        self.config, self.log = config, log
        self.data = config / "data"
        self.process: subprocess.Popen | None = None
        self.address = self.port = None
        self.environment: dict[str, str] = {}

    def start(self, timeout: float = 60.0) -> None:
        """Starts it and waits until its listener takes connections."""
        self.begin()
        self.address = self._answer(timeout)
        self.port = self._listening(timeout)

    def begin(self) -> None:
        """Starts it and waits for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "serve_node.py"), str(self.config)],
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            )

    def _answer(self, timeout: float) -> str:
        said = self.process.stdout
        answer: list[bytes] = []
        reader = threading.Thread(target=lambda: answer.append(said.readline()), daemon=True)
        reader.start()
        reader.join(timeout)
        if not answer or not answer[0]:
            raise AssertionError(f"did not start: {self.log.read_text()[-3000:]}")
        return answer[0].decode().strip()

    def _listening(self, timeout: float) -> int:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            for line in reversed(self.log.read_text().splitlines()):
                if '"listens"' in line:
                    return int(json.loads(line)["port"])
            time.sleep(0.02)
        raise AssertionError("no listener")

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def settler(self) -> int | None:
        """The settler's process: the one child that is no resource tracker."""
        found = [c.pid for c in self.children() if "resource_tracker" not in str(c.cmdline())]
        return found[0] if found else None

    def kill(self, which: str) -> None:
        """SIGKILL for `all` processes, the `edge` alone, or the `settler` alone."""
        if which == "all":
            os.killpg(self.process.pid, signal.SIGKILL)
        elif which == "edge":
            self.process.kill()
        elif pid := self.settler():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if which != "settler":
            self.close()

    def restart(self) -> None:
        self.forget_log()
        self.start()

    def forget_log(self) -> None:
        """Keeps what was logged under another name: the next start is looked for afresh."""
        with self.log.with_suffix(".all").open("ab") as kept:
            kept.write(self.log.read_bytes())
        self.log.write_bytes(b"")

    def said(self) -> str:
        """Everything it ever logged."""
        kept = self.log.with_suffix(".all")
        return (kept.read_text() if kept.exists() else "") + self.log.read_text()

    def stop(self, timeout: float = 60.0) -> int:
        """Asks it to end; its exit code."""
        self.process.terminate()
        code = self.process.wait(timeout)
        self.close()
        return code

    def close(self) -> None:
        """Once it has ended: lets go of it."""
        self.process.wait(30)
        self.process.stdout.close()

    def wait_settled(self, timeout: float = 120.0) -> None:
        """Until every stored message is settled and nothing is to be settled again."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.is_settled():
                return
            time.sleep(0.1)
        raise AssertionError("settling did not come to its end")

    def is_settled(self) -> bool:
        with reading(self.data / "journal.db") as journal, reading(self.data / "hub.db") as hub:
            [(last,)] = journal.execute("select coalesce(max(seq), 0) from message").fetchall()
            [(upto,)] = hub.execute("select max(upto) from progress").fetchall()
            [(ready,)] = hub.execute(
                "select count(*) from outcome where state = 'ready'"
            ).fetchall()
            return upto == last and not ready


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


class Client:
    """Sends on many connections, each message until it is answered; like an interface engine."""

    def __init__(self, node: Node, seed: int = 1) -> None:
        self.node, self.chance = node, random.Random(seed)
        self.acked: list[Message] = []
        self.answers: dict[str, int] = {}
        self.resent = self.repeated = 0
        self._some = asyncio.Event()

    async def reaches(self, mark: int) -> None:
        """Waits until so many messages are answered."""
        while len(self.acked) < mark:
            self._some.clear()
            await self._some.wait()

    async def send_all(self, sends: list[list[Message]]) -> None:
        await asyncio.gather(*(self._connection(own) for own in sends))

    async def _connection(self, own: list[Message]) -> None:
        line = None
        for place, message in enumerate(own):
            line = await self._until_answered(line, message)
            self.acked.append(message)
            self._some.set()
            if self.chance.random() < 0.1:  # a sender that repeats what was answered
                self.repeated += 1
                back = self.chance.randint(0, min(place, 40))
                line = await self._until_answered(line, own[place - back])
        if line:
            line[1].close()

    async def _until_answered(self, line, message: Message):
        while True:
            try:
                line = line or await asyncio.open_connection("127.0.0.1", self.node.port)
                line[1].write(START + message.body + END)
                answer = await asyncio.wait_for(line[0].readuntil(END), 20)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.resent += 1
                if line:
                    line[1].close()
                line = None
                await asyncio.sleep(0.05)
                continue
            msa = answer.split(b"\rMSA|")[1].split(b"\r")[0].decode().split("|")
            self.answers[msa[0]] = self.answers.get(msa[0], 0) + 1
            assert msa[1] == message.control_id
            if msa[0] == "AA":
                return line
            await asyncio.sleep(0.2)  # AE: no room now


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def node(deployment: Path, tmp_path: Path):
    """A node that is not started yet; whatever is left of it is ended."""
    made = Node(deployment, tmp_path / "node.log")
    yield made
    if made.process:
        with contextlib.suppress(ProcessLookupError):
            made.kill("all")
        made.close()


@pytest.fixture
def client(node: Node) -> Client:
    return Client(node)


@pytest.fixture
def burst():
    return bursty


@pytest.fixture
def oracle():
    """What messages, in their lanes' order, must come to: every version of every patient."""

    def histories(messages) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for message in sorted(messages, key=lambda m: m.number):
            sex = SEXES.get(message.sex)
            own = found.setdefault(message.patient, [])
            if sex and (not own or own[-1] != sex):
                own.append(sex)
        return {patient: own for patient, own in found.items() if own}

    return histories
