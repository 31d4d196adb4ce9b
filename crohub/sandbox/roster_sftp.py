"""An SFTP server on the loopback interface with the personnel office's roster files.

Needs asyncssh, which the extra `sandbox` installs.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncssh

USER = "roster"
ROSTERS = "/rosters"  # as a client sees it
WITHIN = 10.0  # seconds, to start or to stop
T = TypeVar("T")


class RosterServer:
    """Serves `folder` between `start` and `stop` to one user with a password.

    The host key is made at each start; `host_key` is what a client pins ("ssh-ed25519 AAAA…").
    A client sees `folder` as its root and nothing outside.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(16)
        self.host_key = ""
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._open: set[asyncssh.SSHServerConnection] = set()

    def start(self) -> None:
        """Binds a free port and serves; connections are taken when this returns.

        Raises RuntimeError when asyncssh is not installed.
        """
        ssh = _asyncssh()
        (self.folder / ROSTERS.strip("/")).mkdir(parents=True, exist_ok=True)
        key = ssh.generate_private_key("ssh-ed25519")
        self.host_key = key.export_public_key().decode().strip()
        root = str(self.folder.resolve()).encode()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="sandbox-sftp", daemon=True
        )
        self._thread.start()
        self._acceptor = _wait(self._loop, _listen(root, _guard(self.password, self._open), key))
        self.port = self._acceptor.get_port()

    def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._loop and self._thread:
            if self._acceptor:
                _wait(self._loop, _close(self._acceptor, self._open))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self._loop = self._thread = self._acceptor = None

    def put(self, name: str, content: bytes) -> Path:
        """A new roster file, there as a whole or not at all."""
        target = self.folder / ROSTERS.strip("/") / name
        part = target.with_name(f"{name}.part")
        part.write_bytes(content)
        return part.replace(target)


async def _listen(
    root: bytes, guard: type[asyncssh.SSHServer], key: asyncssh.SSHKey
) -> asyncssh.SSHAcceptor:
    ssh = _asyncssh()
    acceptor: asyncssh.SSHAcceptor = await ssh.listen(
        "127.0.0.1", 0, server_factory=guard, server_host_keys=[key],
        sftp_factory=lambda channel: ssh.SFTPServer(channel, chroot=root),
        config=[],
    )  # fmt: skip
    return acceptor


async def _close(
    acceptor: asyncssh.SSHAcceptor, connections: set[asyncssh.SSHServerConnection]
) -> None:
    acceptor.close()
    await acceptor.wait_closed()
    for connection in list(connections):
        connection.abort()
        await connection.wait_closed()


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that runs in the server's thread."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(WITHIN)


def _guard(
    password: str, connections: set[asyncssh.SSHServerConnection]
) -> type[asyncssh.SSHServer]:
    """Who is let in: the one user, with this password. Keeps count of who is there."""
    ssh = _asyncssh()

    class Guard(ssh.SSHServer):  # type: ignore[misc, name-defined]
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self.connection = conn
            connections.add(conn)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.discard(self.connection)

        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            right = secrets.compare_digest(given.encode(), password.encode())
            return right and username == USER

    return Guard


def _asyncssh() -> ModuleType:
    """The library, imported only here because it is an extra."""
    with suppress(ImportError):
        import asyncssh

        return asyncssh
    raise RuntimeError(
        "the sandbox's SFTP server needs asyncssh: install crohub with the extra `sandbox` "
        "(pip install 'crohub[sandbox]')"
    )
