"""The sandbox's SFTP server as paramiko sees it."""

import sys
from base64 import b64decode

import paramiko
import pytest

from crohub.sandbox.roster_sftp import ROSTERS, USER, RosterServer


@pytest.fixture
def server(tmp_path):
    pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")
    one = RosterServer(tmp_path / "sftp")
    one.start()
    yield one
    one.stop()


def connect(server, password=None, port=None):
    """A client that trusts the published host key and no other."""
    kind, key = server.host_key.split()[:2]
    pinned = paramiko.Ed25519Key(data=b64decode(key))
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[127.0.0.1]:{port or server.port}", kind, pinned)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            "127.0.0.1", port or server.port, username=USER, password=password or server.password,
            allow_agent=False, look_for_keys=False, timeout=10,
        )  # fmt: skip
    except paramiko.SSHException:
        client.close()
        raise
    return client


def test_a_client_that_pins_the_host_key_reads_a_roster(server):
    server.put("roster_20260302.csv", b"employee_id\r\nE101\r\n")

    with connect(server) as client, client.open_sftp() as sftp:
        names = sftp.listdir(ROSTERS)
        content = sftp.open(f"{ROSTERS}/{names[0]}").read()

    assert names == ["roster_20260302.csv"]
    assert content == b"employee_id\r\nE101\r\n"


def test_a_roster_is_there_whole_or_not_at_all(server):
    server.put("roster.csv", b"old")

    path = server.put("roster.csv", b"new and longer")

    assert path.read_bytes() == b"new and longer"
    assert [p.name for p in path.parent.iterdir()] == ["roster.csv"]


def test_a_wrong_password_is_refused(server):
    with pytest.raises(paramiko.AuthenticationException):
        connect(server, password="guess")


def test_another_host_key_is_not_this_server(server, tmp_path):
    other = RosterServer(tmp_path / "other")
    other.start()
    try:
        with pytest.raises(paramiko.BadHostKeyException):
            connect(other, port=server.port)
    finally:
        other.stop()


def test_a_client_sees_nothing_outside_the_folder(server, tmp_path):
    (tmp_path / "secret").write_text("outside")

    with connect(server) as client, client.open_sftp() as sftp:
        with pytest.raises(FileNotFoundError):
            sftp.stat("/../secret")
        assert sftp.listdir("/..") == [ROSTERS.strip("/")]


def test_a_file_written_by_a_client_arrives(server):
    with connect(server) as client, client.open_sftp() as sftp:
        with sftp.open("/accrual.csv.part", "wb") as file:
            file.write(b"study,count\r\n")
        sftp.posix_rename("/accrual.csv.part", "/accrual.csv")

    assert (server.folder / "accrual.csv").read_bytes() == b"study,count\r\n"


def test_stopping_ends_open_connections_and_a_start_takes_a_new_key(server):
    client = connect(server)
    transport = client.get_transport()
    before = server.host_key

    server.stop()
    server.start()

    transport.join(5)
    assert not transport.is_alive()
    assert server.host_key != before
    client.close()


def test_without_the_extra_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncssh", None)

    with pytest.raises(RuntimeError, match=r"pip install 'crohub\[sandbox\]'"):
        RosterServer(tmp_path).start()
