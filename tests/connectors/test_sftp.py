"""SFTP against asyncssh's server, and OpenSSH's where it is installed."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest
from pydantic import ValidationError

from connectors import ssh
from connectors.errors import Misconfigured, TryLater
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery
from connectors.sftp import Sftp

T0 = 1_760_000_000
SSHD = Path("/usr/sbin/sshd")
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")
USER_KEY = asyncssh.generate_private_key("ssh-ed25519")
PINNED = HOST_KEY.export_public_key().decode().strip()


class Door(asyncssh.SSHServer):
    """Lets `crohub` in by password or key."""

    def __init__(self, server: "Server") -> None:
        self.server = server

    def connection_made(self, conn):
        self.server.connections.append(conn)

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("crohub", "s3cret!")

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, username, key):
        return username == "crohub" and key == USER_KEY.convert_to_public()


class Server:
    """asyncssh's SFTP server on a free port, in a loop of its own; `root` is its chroot."""

    def __init__(
        self, root: Path, *, keys=(HOST_KEY,), port=0, sftp=asyncssh.SFTPServer, door=Door
    ):
        self.root, self.keys, self.sftp = root, keys, sftp
        self.connections = []
        self.door = door
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.acceptor = self.do(self._listen(port))
        self.port = self.acceptor.get_port()

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _listen(self, port):
        return await asyncssh.listen(
            "127.0.0.1",
            port,
            server_host_keys=list(self.keys),
            server_factory=lambda: self.door(self),
            sftp_factory=lambda channel: self.sftp(channel, chroot=os.fsencode(self.root)),
        )

    def stop(self):
        self.do(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def _stop(self):
        self.acceptor.close()
        await self.acceptor.wait_closed()
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=2) if others else None
        await asyncio.sleep(0)  # a transport closes its socket a turn after it is aborted
        await asyncio.sleep(0)


@contextmanager
def serving(root: Path, **options) -> Iterator[Server]:
    root.mkdir(exist_ok=True)
    server = Server(root, **options)
    try:
        yield server
    finally:
        ssh.hang_up()
        server.stop()


@pytest.fixture(autouse=True)
def _secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SFTP_PASSWORD", "s3cret!")
    (tmp_path / "id").write_bytes(USER_KEY.export_private_key("openssh"))


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "root") as server:
        yield server


def sftp(port: int, **settings) -> Sftp:
    stream = {"glob": "*.csv", "format": "csv", "settle": 0}
    stream |= settings.pop("stream", {})
    defaults = {
        "host": "127.0.0.1",
        "port": port,
        "username": "crohub",
        "host_key": PINNED,
        "password": "${env:SFTP_PASSWORD}",
        "path": "/",
        "timeout": 5,
        "streams": {"roster": stream},
        "out": {"visits": {"columns": ["id", "note"]}},
    }
    return Sftp(**defaults | settings)


def drop(root: Path, name: str | bytes, text: str, *, time: int = T0) -> None:
    file = os.fsencode(root) + b"/" + os.fsencode(name)
    Path(os.fsdecode(file)).write_text(text)
    os.utime(file, (time, time))


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class TestSftp(PullPromises, PushPromises, CheckPromises):
    @pytest.fixture
    def connector(self, server):
        drop(server.root, "b.csv", "id,name\n3,C\n", time=T0 + 5)
        drop(server.root, "a.csv", "id,name\n1,A\n2,B\n", time=T0)
        return sftp(server.port)

    @pytest.fixture
    def stream(self):
        return "roster"

    @pytest.fixture
    def down(self):
        return sftp(unused_port())

    @pytest.fixture
    def deliveries(self):
        bodies = [b'{"id": 1, "note": "=x"}', b'{"id": 2}']
        return [
            Delivery(id=f"d{n}", stream="visits", body=body, media="application/json")
            for n, body in enumerate(bodies)
        ]

    @pytest.fixture
    def there(self, server):
        return lambda: {p.name: p.read_bytes() for p in server.root.glob("visits-*")}


def test_what_is_pushed_arrives_whole_and_safe(server):
    delivery = Delivery(
        id="9", stream="visits", body=b'{"id": -1, "note": "=x"}', media="application/json"
    )

    [receipt] = sftp(server.port).push([delivery])

    assert (receipt.outcome, receipt.native_id) == ("delivered", "visits-9.csv#1")
    assert (server.root / "visits-9.csv").read_bytes() == b"id,note\r\n-1,'=x\r\n"
    assert list(server.root.glob("*.part")) == []


def test_a_key_lets_us_in_and_the_version_is_told(server, tmp_path):
    connector = sftp(server.port, password=None, private_key=f"${{file:{tmp_path / 'id'}}}")

    health = connector.check()

    assert health.ok
    assert "AsyncSSH" in health.version


def test_a_fingerprint_pins_the_host_too(server):
    pinned = sftp(server.port, host_key=HOST_KEY.get_fingerprint())

    assert pinned.check().ok


def test_of_several_host_keys_the_pinned_one_is_asked_for(tmp_path):
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    ecdsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    with serving(tmp_path / "root", keys=(rsa, HOST_KEY, ecdsa)) as server:
        found = [
            sftp(server.port, host_key=key.export_public_key().decode()).check()
            for key in (rsa, ecdsa, HOST_KEY)
        ]

    assert [health.ok for health in found] == [True, True, True], found


def test_an_unknown_host_key_is_refused_before_the_password_is_sent(tmp_path):
    asked = []

    class Curious(Door):
        def begin_auth(self, username):
            asked.append(username)
            return True

    with serving(tmp_path / "root", keys=(OTHER_KEY,), door=Curious) as server:
        connector = sftp(server.port)
        health = connector.check()
        with pytest.raises(Misconfigured, match="CROHUB-SFTP-HOSTKEY") as caught:
            list(connector.pull("roster", ""))

    assert not health.ok
    assert OTHER_KEY.get_fingerprint() in str(caught.value)
    assert HOST_KEY.get_fingerprint() in str(caught.value)
    assert asked == []


def test_a_host_key_that_changes_is_refused_on_the_next_connection(tmp_path):
    with serving(tmp_path / "root") as server:
        connector, port = sftp(server.port), server.port
        before = connector.check()
    with serving(tmp_path / "root", keys=(OTHER_KEY,), port=port):
        after = connector.check()

    assert before.ok
    assert "CROHUB-SFTP-HOSTKEY" in after.detail


def test_a_host_without_the_pinned_type_of_key_is_refused(tmp_path):
    ecdsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    with (
        serving(tmp_path / "root", keys=(ecdsa,)) as server,
        pytest.raises(Misconfigured, match="pinned is a key of type ssh-ed25519"),
    ):
        list(sftp(server.port).pull("roster", ""))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"password": "${env:SFTP_WRONG}"}, "user crohub is not let in by password"),
        ({"username": "eve"}, "user eve is not let in by password"),
        ({"password": "${env:SFTP_UNSET}"}, "SFTP_UNSET is not set"),
        ({"password": None, "private_key": "${env:SFTP_WRONG}"}, "is no Ed25519, ECDSA or RSA"),
    ],
)
def test_a_wrong_login_needs_a_person(server, monkeypatch, settings, reason):
    monkeypatch.setenv("SFTP_WRONG", "wrong")

    with pytest.raises(Misconfigured, match=reason):
        list(sftp(server.port, **settings).pull("roster", ""))


class HangsUp(Door):
    def validate_password(self, username, password):
        self.server.connections[-1].abort()
        return False


class Dawdles(Door):
    async def validate_password(self, username, password):
        await asyncio.sleep(2)
        return True


@pytest.mark.parametrize("door", [HangsUp, Dawdles])
def test_a_host_that_does_not_answer_a_login_is_tried_later(tmp_path, door):
    with (
        serving(tmp_path / "root", door=door) as server,
        pytest.raises(TryLater, match="no answer to our sign-in"),
    ):
        list(sftp(server.port, timeout=0.5).pull("roster", ""))


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "crohub:s3cret@sftp.example.org"},
        {"host": "sftp://example.org"},
        {"host_key": "trust me"},
        {"host_key": "ssh-ed25519 not*base64"},
        {"password": "s3cret!"},
        {"private_key": "${env:KEY}"},
        {"password": None},
    ],
)
def test_a_setting_that_cannot_be_right_is_refused_at_load(settings):
    with pytest.raises(ValidationError) as caught:
        sftp(22, **settings)

    assert "s3cret" not in str(caught.value)


def test_a_connection_is_used_again_and_made_anew_when_it_died(tmp_path):
    with serving(tmp_path / "root") as server:
        connector = sftp(server.port)
        for _ in range(3):
            connector.check()
        logins, port = len(server.connections), server.port
    with serving(tmp_path / "root", port=port) as server:
        again = connector.check()

    assert logins == 1
    assert again.ok


def test_two_pulls_at_once_do_not_disturb_each_other(server):
    for name in range(30):
        drop(server.root, f"{name:02}.csv", "id,name\n" + "1,x\n" * 50)
    connector = sftp(server.port)
    counts = []

    def count() -> None:
        counts.append(sum(1 for _ in connector.pull("roster", "")))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert counts == [1500, 1500, 1500]
    assert len(server.connections) == 1


def test_odd_entries_of_a_server_are_passed_over(server):
    drop(server.root, "good.csv", "id,name\n1,x\n")
    drop(server.root.parent, "outside.csv", "id,name\n2,secret\n")
    (server.root / "link.csv").symlink_to("../outside.csv")
    (server.root / "folder.csv").mkdir()
    os.mkfifo(server.root / "pipe.csv")
    for name in ("new\nline.csv", "-rf.csv", b"bad\xff.csv", "x" * 251 + ".csv"):
        drop(server.root, name, "id,name\n2,x\n")
    connector = sftp(server.port)

    records = list(connector.pull("roster", ""))
    detail = connector.check().detail

    assert [r.body for r in records] == [b"id,name\n1,x\n"]
    assert "1 files match; passed over: 1 folder, 1 name begins with . or -" in detail
    assert "1 symbolic link" in detail


def test_a_server_that_lists_a_name_with_a_path_is_not_followed(tmp_path):
    class Liar(asyncssh.SFTPServer):
        async def scandir(self, path):
            attrs = asyncssh.SFTPAttrs(size=12, permissions=0o100644, mtime=T0, atime=T0)
            for name in (b"../outside.csv", b"..", b"/etc/x.csv", b"a\\..\\b.csv"):
                yield asyncssh.SFTPName(name, attrs=attrs)

    drop(tmp_path, "outside.csv", "id,name\n2,secret\n")
    with serving(tmp_path / "root", sftp=Liar) as server:
        records = list(sftp(server.port).pull("roster", ""))

    assert records == []


def test_a_growing_file_waits_until_it_is_seen_twice_the_same(tmp_path):
    class Busy(asyncssh.SFTPServer):
        """Somebody adds a row between any two listings."""

        async def scandir(self, path):
            with (tmp_path / "root/growing.csv").open("a") as file:
                file.write("3,x\n")
            async for name in super().scandir(path):
                yield name

    with serving(tmp_path / "root", sftp=Busy) as server:
        drop(server.root, "still.csv", "id,name\n1,x\n")
        drop(server.root, "growing.csv", "id,name\n2,x\n")
        records = list(sftp(server.port, stream={"settle": 0.01}).pull("roster", ""))

    assert [r.body for r in records] == [b"id,name\n1,x\n"]


def test_half_a_transfer_is_never_read(tmp_path):
    class Cutting(asyncssh.SFTPServer):
        """Ends the connection in the middle of a large file."""

        def read(self, file_obj, offset, size):
            if offset > 200_000:
                self.channel.get_connection().abort()
                return b""
            return super().read(file_obj, offset, size)

    with serving(tmp_path / "root", sftp=Cutting) as server:
        drop(server.root, "a.csv", "id,name\n1,x\n", time=T0 - 1)
        drop(server.root, "b.csv", "id,name\n" + "1,x\n" * 200_000)
        got = []
        with pytest.raises(TryLater, match=r"connection|closed"):
            got.extend(r.body for r in sftp(server.port).pull("roster", ""))

    assert got == [b"id,name\n1,x\n"]


def test_a_file_larger_than_what_is_read_ahead_comes_whole(tmp_path):
    class Stingy(asyncssh.SFTPServer):
        """Gives less than it was asked for now and then, as a server may."""

        def read(self, file_obj, offset, size):
            return super().read(file_obj, offset, size if offset % 3 else size - 1000)

    body = "id,name\n" + "".join(f"{n},somebody\n" for n in range(200_000))
    with serving(tmp_path / "root", sftp=Stingy) as server:
        drop(server.root, "a.csv", body)
        login = sftp(server.port)
        with login._folder() as folder, folder.open("a.csv") as file:
            assert file.read() == body.encode()


def test_no_thread_is_left_behind_by_a_transfer_that_broke_off(tmp_path):
    class Cutting(asyncssh.SFTPServer):
        def read(self, file_obj, offset, size):
            if offset > 500_000:
                self.channel.get_connection().abort()
                return b""
            return super().read(file_obj, offset, size)

    with serving(tmp_path / "root", sftp=Cutting) as server:
        drop(server.root, "a.csv", "id,name\n" + "1,x\n" * 2_000_000)
        before = set(threading.enumerate())
        with pytest.raises(TryLater):
            list(sftp(server.port).pull("roster", ""))
        ssh.hang_up()
        left = set(threading.enumerate()) - before
        for thread in left:
            thread.join(5)

    assert [thread for thread in left if thread.is_alive()] == []


def test_a_file_that_ends_before_its_size_is_left_for_later(tmp_path):
    class Short(asyncssh.SFTPServer):
        def read(self, file_obj, offset, size):
            return super().read(file_obj, offset, size)[:5] if offset == 0 else b""

    with serving(tmp_path / "root", sftp=Short) as server:
        drop(server.root, "a.csv", "id,name\n1,x\n")
        records = list(sftp(server.port).pull("roster", ""))

    assert records == []


def test_a_closed_file_is_tried_later_and_the_others_come(tmp_path):
    class Closed(asyncssh.SFTPServer):
        def open(self, path, pflags, attrs):
            if path.endswith(b"a.csv"):
                raise asyncssh.SFTPPermissionDenied("no")
            return super().open(path, pflags, attrs)

    with serving(tmp_path / "root", sftp=Closed) as server:
        drop(server.root, "a.csv", "id,name\n1,x\n")
        drop(server.root, "b.csv", "id,name\n2,x\n", time=T0 + 1)
        pull = sftp(server.port).pull("roster", "")
        first = next(pull)
        with pytest.raises(TryLater, match=r"permission denied for a\.csv"):
            next(pull)

    assert first.body == b"id,name\n2,x\n"


def test_a_stored_file_is_moved_to_the_archive_on_the_server(server):
    drop(server.root, "a.csv", "id,name\n1,x\n")
    connector = sftp(server.port, stream={"after": "archive"})

    [record] = connector.pull("roster", "")
    before = sorted(p.name for p in server.root.iterdir())
    list(connector.pull("roster", record.cursor))

    assert before == ["a.csv"]
    assert [p.name for p in server.root.iterdir()] == ["archive"]
    assert len(list((server.root / "archive").glob("a.csv.*"))) == 1


def test_a_folder_that_is_not_there_needs_a_person(server):
    with pytest.raises(Misconfigured, match="expected a folder"):
        list(sftp(server.port, path="/nowhere").pull("roster", ""))


def test_a_server_that_never_speaks_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(TryLater, match="no SSH greeting"):
            list(sftp(port, timeout=0.3).pull("roster", ""))


@pytest.mark.peer
@pytest.mark.skipif(
    not SSHD.exists() or os.geteuid() != 0, reason="needs OpenSSH's server, started by root"
)
class TestOpenSsh(PullPromises, PushPromises, CheckPromises):
    """The same promises against the server most hospitals run."""

    @pytest.fixture
    def root(self, tmp_path):
        (tmp_path / "root").mkdir()
        return tmp_path / "root"

    @pytest.fixture
    def port(self, tmp_path):
        key = tmp_path / "host_key"
        key.write_bytes(HOST_KEY.export_private_key("openssh"))
        key.chmod(0o600)
        (tmp_path / "authorized").write_bytes(USER_KEY.export_public_key())
        port = unused_port()
        config = tmp_path / "sshd_config"
        config.write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\n"
            f"AuthorizedKeysFile {tmp_path / 'authorized'}\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n"
            f"Subsystem sftp internal-sftp\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        try:
            _until_it_answers(port, server)
            yield port
        finally:
            ssh.hang_up()
            server.terminate()
            server.wait(10)

    @pytest.fixture
    def connector(self, port, root, tmp_path):
        drop(root, "b.csv", "id,name\n3,C\n", time=T0 + 5)
        drop(root, "a.csv", "id,name\n1,A\n2,B\n", time=T0)
        return self.settings(port, root, tmp_path)

    @pytest.fixture
    def down(self, root, tmp_path):
        return self.settings(unused_port(), root, tmp_path)

    def settings(self, port, root, tmp_path):
        key = f"${{file:{tmp_path / 'id'}}}"
        return sftp(port, username="root", password=None, private_key=key, path=str(root))

    @pytest.fixture
    def stream(self):
        return "roster"

    @pytest.fixture
    def deliveries(self):
        return [
            Delivery(id=n, stream="visits", body=b'{"id": 1}', media="application/json")
            for n in "ab"
        ]

    @pytest.fixture
    def there(self, root):
        return lambda: {p.name: p.read_bytes() for p in root.glob("visits-*")}


def _until_it_answers(port: int, server: subprocess.Popen) -> None:
    for _ in range(100):
        if server.poll() is not None:
            pytest.fail(f"sshd ended with {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("sshd does not answer")
