"""What a client is told whose bytes are no HTTP: a problem, as everywhere else."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.api.errors import Problem, problem

_DETAIL = "expected an HTTP/1.1 request with an address of at most 8,192 bytes"


class Http(HttpToolsProtocol):
    """The server's own protocol; only its refusal is another."""

    def send_400_response(self, msg: str) -> None:
        said = problem(Problem(400, "CROHUB-NO-HTTP", _DETAIL))
        head = [b"HTTP/1.1 400 Bad Request", b"connection: close"]
        head += [name + b": " + value for name, value in said.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(said.body)]))
        self.transport.close()
