"""The settler's process as the edge sees it: started, woken, restarted when it dies, stopped."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import structlog

from pipelines import settling
from pipelines.places import Places
from pipelines.settings import Deployment

log = structlog.get_logger("edge")
_QUICK = 5.0  # a process that lived shorter than this is restarted with a growing pause


class SettlerProcess:
    """Keeps one settler running."""

    def __init__(self, places: Places, deployment: Deployment, worker: str = "settler") -> None:
        self._arguments = (places, deployment, worker)
        self._guard = threading.Lock()
        self._ending = threading.Event()
        self._process: BaseProcess | None = None
        self._wake = -1
        self._watcher = threading.Thread(target=self._watch, name="settler", daemon=True)

    def start(self, inherited: Sequence[int] = ()) -> None:
        """Starts it, once. Called before this process has threads, the settler is forked and
        shares what is loaded; `inherited` are open files that it must not keep."""
        if self._process is None:
            self._begin(inherited)
            self._watcher.start()

    def wake(self) -> None:
        """There is work. Never waits: a settler that is busy looks by itself when it is not."""
        if self._wake >= 0:
            with contextlib.suppress(BlockingIOError, BrokenPipeError, OSError):
                os.write(self._wake, b".")

    def stop(self, *, seconds: float = 20.0) -> None:
        """Lets it finish its batch, then ends it."""
        self._ending.set()
        with self._guard:
            process = self._process
        if process is not None and process.is_alive():
            process.terminate()
            process.join(seconds)
            if process.is_alive():
                process.kill()
                process.join()
        self._watcher.join()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def _begin(self, inherited: Sequence[int] = ()) -> None:
        # a fork copies locks in whatever state other threads hold them: with threads, spawn
        forks = threading.active_count() == 1
        context: Any = mp.get_context("fork" if forks else "spawn")
        theirs, ours = context.Pipe(duplex=False)
        close = (ours.fileno(), *inherited) if forks else ()
        with self._guard:
            self._process = context.Process(
                target=_main, args=(*self._arguments, theirs, close), name="settler"
            )
            # Ctrl-C reaches the whole group: only the edge answers it, from the first moment on
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
            os.set_blocking(ours.fileno(), False)
            self._pipe, self._wake = ours, ours.fileno()

    def _watch(self) -> None:
        pause = 0.5
        while True:
            began = time.monotonic()
            process = self._process
            if process is None:
                return
            process.join()
            self._wake = -1
            if self._ending.is_set():
                return
            if process.exitcode == 0:  # told to, as when the whole group is: so will the edge be
                log.info("settler ended", restarts_in=pause)
            else:
                log.error("settler died", exit=process.exitcode, restarts_in=pause)
            if self._ending.wait(pause):
                return
            pause = 0.5 if time.monotonic() - began > _QUICK else min(pause * 2, 30.0)
            self._begin()
            if self._ending.is_set() and self._process:  # `stop` may have looked at the one before
                self._process.terminate()


def _main(
    places: Places,
    deployment: Deployment,
    worker: str,
    wake: Connection,
    close: Sequence[int],
) -> None:
    for handle in close:  # else it would never see that its edge has ended
        os.close(handle)
    _give_way()
    settling.main(places, deployment, worker, wake)


def _give_way() -> None:
    """Senders wait for their answers, nobody for settling: where processors are short, it and its
    mapping processes get what the edge leaves, at least a tenth of a processor."""
    os.nice(10)
    if hasattr(os, "SCHED_BATCH"):  # Linux: nor does it interrupt the edge when it wakes up
        with contextlib.suppress(OSError):  # some containers do not let a process choose
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
