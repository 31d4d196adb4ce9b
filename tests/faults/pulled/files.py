"""Files of a folder and of an SFTP server: tables, and HL7 messages in batches."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crohub.sandbox import roster_sftp
from tests.faults.pulled.source import Person, Source, at_message

_HERE = """connector: files
settings: {path: "FOLDER", streams: {people: {format: FORMAT, glob: "*.txt", settle: 0}}}
"""
_THERE = """connector: sftp
settings:
  host: 127.0.0.1
  port: PORT
  username: USER
  password: "${env:PULLED_SECRET}"
  host_key: "HOST_KEY"
  path: PATH
  streams: {people: {format: csv, glob: "*.txt", settle: 0}}
"""


def _csv(people: Sequence[Person]) -> str:
    rows = (f"{one.id},{one.sex},{one.turn}\n" for one in people)
    return "".join(["id,sex,turn\n", *rows])


def _hl7(people: Sequence[Person]) -> str:
    def message(one: Person) -> str:
        at = f"{one.at:%Y%m%d%H%M%S}+0000"
        return (
            f"MSH|^~\\&|REG|NORTH|HUB|UH|{at}||ADT^A08|{one.id}.{one.turn}|P|2.5.1\r"
            f"PID|1||{one.id}^^^NORTH^MR||{one.turn}^Jo|||{one.sex}\r"
        )

    messages = "".join(map(message, people))
    return f"FHS|^~\\&|REG\rBHS|^~\\&|REG\r{messages}BTS|{len(people)}\rFTS|1\r"


def _filler(
    folder: Path, write: Callable[[Sequence[Person]], str], most: int
) -> Callable[[Sequence[Person]], None]:
    """Drops the people as files of at most so many, each as old as the last of them."""
    numbers = itertools.count()

    def put(people: Sequence[Person]) -> None:
        for start in range(0, len(people), most):
            some = people[start : start + most]
            part = folder / f"{next(numbers):04}.part"
            part.write_bytes(write(some).encode())
            at = some[-1].at.timestamp()
            os.utime(part, (at, at))
            part.rename(part.with_suffix(".txt"))

    return put


@contextmanager
def _folder(path: Path, form: str, write: Callable[[Sequence[Person]], str], **said) -> Source:
    folder = path / "dropped"
    folder.mkdir()
    settings = _HERE.replace("FOLDER", str(folder)).replace("FORMAT", form)
    yield Source(
        put=_filler(folder, write, 1_000), due=at_message, stream="people", settings=settings,
        people=5_000, **said,
    )  # fmt: skip


@contextmanager
def tables(path: Path) -> Iterator[Source]:
    with _folder(path, "csv", _csv, reads="text/csv;row", key="id", sex="sex") as source:
        yield source


@contextmanager
def batches(path: Path) -> Iterator[Source]:
    said = {"reads": "hl7v2", "key": "PID-3[5=MR].1", "sex": "PID-8.1"}
    with _folder(path, "hl7", _hl7, **said) as source:
        yield source


@contextmanager
def sftp(path: Path) -> Iterator[Source]:
    server = roster_sftp.RosterServer(path / "server")
    server.start()
    folder = server.folder / roster_sftp.ROSTERS.strip("/")
    words = {
        "PORT": str(server.port), "USER": roster_sftp.USER,
        "HOST_KEY": server.host_key, "PATH": roster_sftp.ROSTERS,
    }  # fmt: skip
    settings = _THERE
    for word, value in words.items():
        settings = settings.replace(word, value)
    try:
        yield Source(
            put=_filler(folder, _csv, 60), due=at_message, stream="people", settings=settings,
            reads="text/csv;row", key="id", sex="sex", people=5_000, secret=server.password,
        )  # fmt: skip
    finally:
        server.stop()
