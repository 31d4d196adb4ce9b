"""MLLP over TLS, with certificates of both sides, and everything that must not get in."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import Misconfigured
from connectors.hl7v2 import Hl7v2
from connectors.protocol import Accepted
from connectors.record import Delivery

BODY = b"MSH|^~\\&|LAB|NORTH|HUB|SITE|20260301||ADT^A01|C1|P|2.5.1\rPID|1\r"


class Authority:
    """Signs certificates and writes them to a folder."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key.public_key(), is_ca=True)
        self.file = self._write(f"{name}.pem", self.certificate.public_bytes(_PEM))

    def issue(self, name, *, expired=False):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key.public_key(), expired=expired)
        secret = key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "cert": self._write(f"{self.name}-{name}.pem", certificate.public_bytes(_PEM)),
            "key": self._write(f"{self.name}-{name}.key", secret),
        }

    def _write(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def _sign(self, name, public, *, is_ca=False, expired=False):
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + timedelta(hours=1)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority, critical=False)
            .sign(self.key, hashes.SHA256())
        )


_PEM = serialization.Encoding.PEM


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def deliver(server_tls, target_tls, *, plain=None):
    """Push one message to a listener; receipts or the error, and what the listener was given."""

    async def talk():
        records = []

        def accept(record):
            records.append(record)
            future = asyncio.get_running_loop().create_future()
            future.set_result(Accepted("kept"))
            return future

        started = asyncio.get_running_loop().create_future()
        listener = Hl7v2(port=0, tls=server_tls, idle_timeout=2)
        task = asyncio.create_task(
            listener.listen(accept, started=lambda _host, port: started.set_result(port))
        )
        port = await started
        outcome = await (plain(port) if plain else asyncio.to_thread(_push, port, target_tls))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return outcome, records

    return asyncio.run(talk())


def _push(port, tls):
    target = Hl7v2(target_host="127.0.0.1", target_port=port, target_tls=tls, ack_timeout=2)
    try:
        (receipt,) = target.push([Delivery(id="d1", stream="x", body=BODY, media="hl7v2")])
        (again,) = target.push([Delivery(id="d1", stream="x", body=BODY, media="hl7v2")])
    except Misconfigured as error:
        return error
    finally:
        target.close()
    return receipt.outcome, again.outcome


def test_a_message_goes_over_tls(authority):
    outcome, records = deliver(authority.issue("hub"), {"ca": authority.file})

    assert outcome == ("delivered", "delivered")
    assert [record.body for record in records] == [BODY, BODY]


def test_a_message_goes_over_mutual_tls(authority):
    server = {**authority.issue("hub"), "ca": authority.file, "mutual": True, "names": ["ehr"]}
    client = {**authority.issue("ehr"), "ca": authority.file}

    outcome, records = deliver(server, client)

    assert outcome == ("delivered", "delivered")
    assert len(records) == 2


@pytest.mark.parametrize("who", ["nobody", "another name", "another authority", "expired"])
def test_a_client_that_is_not_let_in_leaves_nothing(authority, tmp_path, who):
    server = {**authority.issue("hub"), "ca": authority.file, "mutual": True, "names": ["ehr"]}
    stranger = Authority(tmp_path, "stranger")
    certificates = {
        "nobody": {},
        "another name": authority.issue("lab"),
        "another authority": stranger.issue("ehr"),
        "expired": authority.issue("ehr", expired=True),
    }

    outcome, records = deliver(server, {**certificates[who], "ca": authority.file})

    assert isinstance(outcome, Misconfigured) or outcome[0] == "unknown"
    assert records == []


def test_a_server_whom_we_do_not_trust_is_never_sent_anything(authority, tmp_path):
    other = Authority(tmp_path, "other")

    outcome, records = deliver(other.issue("hub"), {"ca": authority.file})

    assert isinstance(outcome, Misconfigured)
    assert "TLS is refused" in str(outcome)
    assert records == []


def test_an_expired_server_certificate_is_refused(authority):
    outcome, records = deliver(authority.issue("hub", expired=True), {"ca": authority.file})

    assert isinstance(outcome, Misconfigured)
    assert records == []


def test_a_plaintext_client_on_a_tls_port_is_closed_unanswered(authority):
    async def plain(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x0b" + BODY + b"\x1c\r")
        try:
            left = await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            left = b""
        writer.close()
        return left

    outcome, records = deliver(authority.issue("hub"), None, plain=plain)

    assert b"MSA" not in outcome
    assert records == []


def test_tls_1_1_is_not_spoken(authority):
    async def old(port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.file)
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("127.0.0.1", port, ssl=context)

    _, records = deliver(authority.issue("hub"), None, plain=old)

    assert records == []


@pytest.mark.parametrize(
    "tls", [{"cert": "none.pem", "key": "none.key"}, {"ca": "none.pem", "mutual": True}]
)
def test_a_file_that_is_not_there_is_named(tls):
    listener = Hl7v2(port=0, tls=tls)

    with pytest.raises(Misconfigured, match=r"none.pem|cert and key"):
        asyncio.run(listener.listen(lambda record: None))
