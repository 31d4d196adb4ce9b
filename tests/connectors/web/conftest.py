"""Real HTTP counterparts on loopback: a server that answers from a function, and a FHIR server."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.world import World


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        self.server.asked.append(asked)
        reply = self.server.answer(asked)
        if reply is None:  # hang up without a word
            self.close_connection = True
            return
        self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        headers = {"Date": self.date_time_string(), "Content-Type": "application/json"}
        headers |= reply.headers
        whole = isinstance(reply.body, bytes)
        if whole:
            headers.setdefault("Content-Length", str(len(reply.body)))
        else:
            headers["Connection"] = "close"
            self.close_connection = True
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in [reply.body] if whole else reply.body:
            self.wfile.write(piece)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server names

    def log_message(self, *_) -> None:
        """Tests speak for themselves."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 50

    def __init__(self, answer: Callable[[Asked], Reply | None], context=None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.asked, self.context = answer, [], context
        self.open: set[socket.socket] = set()

    def get_request(self):
        connection, address = super().get_request()
        if self.context:
            connection.settimeout(10)
            try:
                connection = self.context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                raise
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_) -> None:
        """A client that goes away is part of the test."""

    def end(self) -> None:
        self.shutdown()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@dataclass
class Web:
    """A running server: its address and what it was asked."""

    url: str
    asked: list[Asked]


@pytest.fixture
def reply():
    return Reply


@pytest.fixture
def serve():
    """Starts servers on free ports; each answers from a function, or from a list in turn."""
    running = []

    def start(answer, context: ssl.SSLContext | None = None) -> Web:
        if not callable(answer):
            in_turn = iter(answer)
            server = _Server(lambda _: next(in_turn), context)
        else:
            server = _Server(answer, context)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        scheme = "https" if context else "http"
        return Web(f"{scheme}://127.0.0.1:{server.server_address[1]}", server.asked)

    yield start
    for server, thread in running:
        server.end()
        thread.join()


@dataclass
class Clock:
    """A world whose time passes only by sleeping."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    @property
    def world(self) -> World:
        return World(now=lambda: self.at, sleep=self.sleep, chance=lambda: 0.5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def certificate(tmp_path):
    """Makes a self-signed certificate for 127.0.0.1; gives the server's context and the PEM."""

    def make(*, ends: datetime) -> tuple[ssl.SSLContext, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - timedelta(days=30))
            .not_valid_after(ends)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = tmp_path / "server.pem"
        pem.write_bytes(
            built.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        trusted = tmp_path / "trusted.pem"
        trusted.write_bytes(built.public_bytes(serialization.Encoding.PEM))
        return context, str(trusted)

    return make


_START = datetime(2026, 1, 1, tzinfo=UTC)


class FhirServer:
    """Search with paging, history and conditional writes over texts kept as they are."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[datetime, int, str]] = {}  # Type/id → changed, version, text
        self.deleted: list[tuple[datetime, int, str]] = []
        self.now = _START
        self.count = 3
        self.history = True
        self.url = ""
        self.requests: list[Asked] = []

    def put(self, kind: str, name: str, more: str = "") -> None:
        """Stores a resource; `more` is JSON text of further members."""
        self.now += timedelta(minutes=1)
        _, version, _ = self.texts.get(f"{kind}/{name}", (None, 0, ""))
        version += 1
        text = (
            f'{{"resourceType": "{kind}", "id": "{name}", "meta": {{"versionId": "{version}", '
            f'"lastUpdated": "{self.now.isoformat()}"}}{", " + more if more else ""}}}'
        )
        self.texts[f"{kind}/{name}"] = (self.now, version, text)

    def delete(self, kind: str, name: str) -> None:
        self.now += timedelta(minutes=1)
        _, version, _ = self.texts.pop(f"{kind}/{name}")
        self.deleted.append((self.now, version + 1, f"{kind}/{name}"))

    def __call__(self, asked: Asked) -> Reply | None:
        self.requests.append(asked)
        path = asked.path.removeprefix("/fhir/")
        if path == "metadata":
            return self._reply(self._capabilities())
        if path.endswith("/_history"):
            return self._reply(self._history(asked, path.removesuffix("/_history")))
        return self._reply(self._search(asked, path.removesuffix("/_search")))

    def _reply(self, text: str) -> Reply:
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        kind = {"Content-Type": "application/fhir+json", "Date": date}
        return Reply(body=text.encode(), headers=kind)

    def _capabilities(self) -> str:
        action = [{"code": "history-type"}] if self.history else []
        return json.dumps(
            {
                "resourceType": "CapabilityStatement",
                "fhirVersion": "4.0.1",
                "software": {"name": "Loopback"},
                "rest": [{"resource": [{"type": "Patient", "interaction": action}]}],
            }
        )

    def _search(self, asked: Asked, kind: str) -> str:
        query = asked.query or parse_qs(asked.body.decode())
        since = datetime.fromisoformat(query.get("_lastUpdated", ["ge1970-01-01T00:00Z"])[0][2:])
        skip = int(query.get("skip", ["0"])[0])
        found = sorted(
            (changed, text)
            for name, (changed, _, text) in self.texts.items()
            if name.startswith(kind + "/") and changed >= since
        )
        entries = [
            f'{{"fullUrl": "x", "resource": {text}, "search": {{"mode": "match"}}}}'
            for _, text in found[skip : skip + self.count]
        ]
        link = []
        if skip + self.count < len(found):
            again = f"_lastUpdated=ge{since.isoformat().replace('+', '%2B')}"
            url = f"{self.url}/{kind}?{again}&skip={skip + self.count}&_sort=_lastUpdated"
            link = [{"relation": "next", "url": url}]
        return (
            f'{{"resourceType": "Bundle", "type": "searchset", "link": {json.dumps(link)}, '
            f'"entry": [{", ".join(entries)}]}}'
        )

    def _history(self, asked: Asked, kind: str) -> str:
        since = datetime.fromisoformat(asked.query["_since"][0])
        entries = [
            {
                "fullUrl": f"{self.url}/{name}",
                "request": {"method": "DELETE", "url": name},
                "response": {
                    "status": "204",
                    "etag": f'W/"{version}"',
                    "lastModified": at.isoformat(),
                },
            }
            for at, version, name in reversed(self.deleted)
            if at >= since and name.startswith(kind + "/")
        ]
        return json.dumps({"resourceType": "Bundle", "type": "history", "entry": entries})


@pytest.fixture
def fhir_server(serve) -> FhirServer:
    server = FhirServer()
    web = serve(server)
    server.url = f"{web.url}/fhir"
    return server
