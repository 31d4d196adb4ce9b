"""One hub to a data folder: a lock that ends with its process, whatever ends it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another crohub works on this data folder."""


@contextmanager
def owned(lock: Path) -> Iterator[int]:
    """Holds the folder's lock and gives its open file. Raises Busy naming who has it."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(handle, 20).decode().strip() or "unknown"
        os.close(handle)
        raise Busy(f"{lock.parent} is in use by process {holder}") from None
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    try:
        yield handle
    finally:
        os.close(handle)
