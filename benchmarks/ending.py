"""Ends what a measurement started, and a measurement that takes too long."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType


class TooLong(Exception):
    """A measurement did not end in its time."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises TooLong in the main thread when the block takes longer; whatever it started is ended
    by its own `finally`."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLong(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[int]:
    """A program of this folder beside us, ended with the block. Gives the port it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        end(process)


def end(process: subprocess.Popen[str], *, seconds: float = 20.0) -> None:
    """Asks a process to end; ends it when it does not."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
