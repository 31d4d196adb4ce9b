"""Lists and reads over one SFTP channel where paramiko's own ways break.

Its listing reads ahead, which goes wrong when anything else is asked in between, and fails on a
name that is not UTF-8. Its reading ahead is a thread of its own, which waits for ever, or ends in a
stack trace, when the connection breaks under it. Both are done here by whoever asks, in steps.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, cast

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    SFTP_FLAG_READ,
    int64,
)
from paramiko.sftp_attr import SFTPAttributes

_BLOCK = 32 * 1024  # bytes asked for at once: what every server gives (SFTP version 3, section 3)
_AHEAD = 64  # requests under way


class Client(paramiko.SFTPClient):
    """An SFTP channel. Used by one thread at a time."""

    def each(self, path: str) -> Iterator[SFTPAttributes]:
        """What a folder holds, in no order; a name's bytes that are no UTF-8 as surrogates."""
        ask = cast("Any", self)._request  # noqa: SLF001 - ours by inheritance
        handle = ask(CMD_OPENDIR, path)[1].get_binary()
        try:
            while True:
                answer = ask(CMD_READDIR, handle)[1]
                for _ in range(answer.get_int()):
                    name = answer.get_binary().decode("utf-8", "surrogateescape")
                    answer.get_binary()  # the line `ls -l` would show
                    make = cast("Any", SFTPAttributes)._from_msg  # noqa: SLF001 - no public way
                    yield make(answer, name)
        except EOFError:  # the end of the listing, or of the connection: then closing raises it
            pass
        finally:
            ask(CMD_CLOSE, handle)

    def blocks(self, path: str, size: int) -> Generator[bytes]:
        """The first `size` bytes of a file, or all that it has, in order. Many are asked for before
        the first has come, so that a distant server does not make each of them wait."""
        ask = cast("Any", self)._request  # noqa: SLF001 - ours by inheritance
        handle = ask(CMD_OPEN, path, SFTP_FLAG_READ, SFTPAttributes())[1].get_binary()
        try:
            yield from _Reading(self, handle, size).blocks()
        finally:
            with suppress(OSError, EOFError, paramiko.SSHException):  # said by what reads or asks
                ask(CMD_CLOSE, handle)


class _Reading:
    """A file in the course of being read. paramiko hands it the answers to its requests."""

    def __init__(self, client: Client, handle: bytes, size: int) -> None:
        self._client: Any = client
        self._handle, self._size = handle, size
        self._asked: dict[int, int] = {}  # request -> offset
        self._came: dict[int, bytes | Exception] = {}  # offset -> what was answered

    def blocks(self) -> Iterator[bytes]:
        at = asked = 0
        while at < self._size:
            while asked < self._size and len(self._asked) + len(self._came) < _AHEAD:
                self._ask(asked)
                asked += _BLOCK
            block = self._block(at)
            if not block:  # it has become shorter
                return
            yield block
            at += len(block)
            if at % _BLOCK and at < self._size:
                self._ask(at)  # a server may give less than was asked for: the rest of it

    def _ask(self, offset: int) -> None:
        length = min(_BLOCK - offset % _BLOCK, self._size - offset)
        number = self._client._async_request(self, CMD_READ, self._handle, int64(offset), length)  # noqa: SLF001
        self._asked[number] = offset

    def _block(self, offset: int) -> bytes:
        while offset not in self._came:
            self._client._read_response()  # noqa: SLF001 - comes back as `_async_response`
        said = self._came.pop(offset)
        if isinstance(said, EOFError):
            return b""
        if isinstance(said, Exception):
            raise said
        return said

    def _async_response(self, kind: int, answer: paramiko.Message, number: int) -> None:
        offset = self._asked.pop(number)
        if kind == CMD_DATA:
            self._came[offset] = answer.get_string()[: _BLOCK - offset % _BLOCK]
            return
        try:
            self._client._convert_status(answer)  # noqa: SLF001 - raises what the status means
            raise paramiko.SFTPError(f"expected data, got an answer of type {kind}")
        except (OSError, EOFError, paramiko.SFTPError) as error:
            self._came[offset] = error
