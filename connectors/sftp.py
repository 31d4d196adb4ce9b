"""A folder of another machine over SFTP, with the host's key pinned."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, BinaryIO, ClassVar, cast

import paramiko
from paramiko.sftp_attr import SFTPAttributes
from pydantic import AfterValidator, Field, model_validator

from connectors.errors import ConnectorError
from connectors.facts import Facts
from connectors.files.connector import health, known
from connectors.files.folder import Entry, kind
from connectors.files.listing import Clock
from connectors.files.outputs import Out
from connectors.files.reading import Inbox, pull
from connectors.files.streams import Stream
from connectors.files.writing import push
from connectors.protocol import Connector, Health
from connectors.record import Delivery, Receipt, Record
from connectors.secrets import Secret
from connectors.sftp_client import Client
from connectors.ssh import HostKey, Login, connected

_IN_MEMORY = 8 * 1024 * 1024  # a larger file is spooled into an unlinked temporary file


def _bare_host(host: str) -> str:
    if not host or any(c in host for c in "@/ \t") or host.count(":") == 1:
        raise ValueError("a host name or address alone; user, password and port have settings")
    return host


class Sftp(Connector):
    """Files on an SFTP server, read and written as `connectors.files` does."""

    facts: ClassVar[Facts] = Facts(
        pulls="as files",
        incremental="as files",
        deletes="as files",
        pushes="as files",
        auth="password or key, host key pinned",
        tested="OpenSSH, asyncssh",
    )

    host: Annotated[str, AfterValidator(_bare_host)] = Field(
        description="The server's name or address alone."
    )
    username: str = Field(description="The account that signs in.")
    host_key: Annotated[str, AfterValidator(lambda text: str(HostKey.read(text)))] = Field(
        description="The host's key, as in known_hosts, or SHA256:… as ssh-keygen -l says it."
    )
    port: int = Field(22, gt=0, lt=65_536, description="The server's port.")
    password: Secret | None = Field(
        default=None, description="The account's password, by reference, where it has no key."
    )
    private_key: Secret | None = Field(
        default=None, description="The account's key, OpenSSH or PEM, by reference."
    )
    passphrase: Secret | None = Field(
        default=None, description="What opens the private key, by reference."
    )
    timeout: float = Field(
        30.0, gt=0, description="Seconds to connect, to sign in, and for each answer."
    )
    path: str = Field(default=".", description="The folder, from where the account arrives.")
    streams: dict[str, Stream] = Field(
        default_factory=dict, description="Which files are read, and how, by stream."
    )
    out: dict[str, Out] = Field(
        default_factory=dict, description="Which files are written, by the stream of a delivery."
    )

    @model_validator(mode="after")
    def _signs_in(self) -> Sftp:
        if bool(self.password) == bool(self.private_key):
            raise ValueError("expected either `password` or `private_key`")
        return self

    def check(self) -> Health:
        """Does the host answer with its key, are we let in, can the folder be listed?"""
        try:
            with self._folder() as folder:
                return health(folder, self.streams, self._where, folder.version)
        except ConnectorError as error:
            return Health(ok=False, detail=str(error))

    def is_whole(self, stream: str) -> bool:
        """See `connectors.protocol.Whole`."""
        return stream in self.streams and self.streams[stream].is_list

    def pull(self, stream: str, since: str) -> Iterator[Record]:
        """The records of every file that is due; see `connectors.files.reading.pull`. A file is
        fetched whole before any of it is read, so that half a transfer is never taken."""
        wanted = known(self.streams, stream, self._where)
        with self._folder() as folder:
            yield from pull(Inbox(folder, stream, wanted, self._where, Clock()), since)

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Writes files; see `connectors.files.writing.push`."""
        if not deliveries:
            return []
        with self._folder() as folder:
            return push(folder, self.out, deliveries, self._where)

    @property
    def _where(self) -> str:
        return f"sftp {self.host}:{self.port} {self.path}"

    @contextmanager
    def _folder(self) -> Iterator[Remote]:
        login = Login(
            host=self.host,
            port=self.port,
            host_key=HostKey.read(self.host_key),
            username=self.username,
            password=self.password,
            private_key=self.private_key,
            passphrase=self.passphrase,
            timeout=self.timeout,
        )
        with connected(login, Client) as client:
            yield Remote(client, self.path)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """A broken connection is an OSError like any other trouble of a folder."""
    try:
        yield
    except (paramiko.SSHException, paramiko.SFTPError, EOFError) as error:
        raise ConnectionError(f"the connection broke off ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class Remote:
    """A folder on an SFTP server. Its times come from another clock."""

    client: Client
    path: str
    shares_clock: bool = False

    @property
    def version(self) -> str:
        """What the server says it is."""
        channel = self.client.get_channel()
        return str(channel.get_transport().remote_version) if channel else ""

    def entries(self) -> Iterator[Entry]:
        with _as_os_error():
            for found in self.client.each(self.path):
                if found.filename not in (".", ".."):
                    yield _entry(found.filename, found)

    def look(self, name: str) -> Entry | None:
        with _as_os_error():
            try:
                return _entry(name, self.client.lstat(self._at(name)))
            except FileNotFoundError:
                return None

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        before = self.look(name)
        if before is None or before.kind != "file":
            raise FileNotFoundError(f"{name} is no regular file any more")
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            blocks = self.client.blocks(self._at(name), before.size)
            with _as_os_error(), closing(blocks):
                for block in blocks:
                    spool.write(block)
            spool.seek(0)
            yield cast("BinaryIO", spool)

    def put(self, name: str, body: bytes) -> None:
        part = self._at(f"{name}.part")
        with _as_os_error():
            with self.client.open(part, "wb") as remote:
                remote.set_pipelined(True)
                remote.write(body)
            arrived = self.client.stat(part).st_size
            if arrived != len(body):
                raise ConnectionError(f"{arrived} of {len(body)} bytes arrived")
            self.client.posix_rename(part, self._at(name))

    def move(self, name: str, below: str, named: str) -> None:
        with _as_os_error():
            if self.look(below) is None:
                self.client.mkdir(self._at(below))
            self.client.posix_rename(self._at(name), self._at(posixpath.join(below, named)))

    def _at(self, name: str) -> str:
        return posixpath.join(self.path, name)


def _entry(name: str, found: SFTPAttributes) -> Entry:
    seconds = found.st_mtime or 0
    return Entry(name, kind(found.st_mode or 0), found.st_size or 0, seconds * 10**9)
