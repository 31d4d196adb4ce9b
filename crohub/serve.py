"""Runs one node: configuration, lock, databases, first key, edge and API, until it is stopped."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import socket
import threading
from collections.abc import Callable

import structlog
import uvicorn

from connectors.protocol import Listens
from crohub import app as application
from crohub import schema
from crohub.first_key import first_key
from crohub.options import Options, places_of
from crohub.ownership import Busy, owned
from crohub.refusals import Http
from hub import clock, seal
from hub.audit import signing
from pipelines import logs, settings
from pipelines.edge import Edge, open_edge
from pipelines.places import Places
from pipelines.settings import Deployment

log = structlog.get_logger("serve")
_ARENA_MAX = -8  # malloc.h of the GNU C library


class Exposed(Exception):
    """The API would be reachable from other machines without TLS."""


def serve(options: Options, *, started: Callable[[str], None] = lambda _: None) -> None:
    """Serves until SIGTERM or Ctrl-C: once drains, twice stops. `started` is told the address.

    Raises MappingErrors (configuration), Busy (another process has the data folder or the port),
    DatabaseNewer and Exposed before anything is started.
    """
    os.umask(0o077)
    _share_memory()
    logs.configure()
    deployment = settings.load(options.config)
    host = options.host or deployment.hub.listen.host
    port = deployment.hub.listen.port if options.port is None else options.port
    _refuse_exposed(host, deployment)
    places = places_of(options, deployment)
    places.make()
    with owned(places.lock) as lock:
        schema.upgrade(places)
        seal.load(places.keys)
        signing.load(places.signing_key, clock.now())
        first_key(places)
        with _bound(host, port) as taken:
            _run(places, deployment, taken, started, lock)


def _share_memory() -> None:
    """One arena of malloc for all threads: each would keep one of its own, and the interpreter lets
    one at a time run anyway."""
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such thing
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _bound(host: str, port: int) -> socket.socket:
    """The API's own socket. Raises Busy when something listens there already."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Busy(f"{host}:{port} is in use; choose another port with --port") from None


def _run(
    places: Places,
    deployment: Deployment,
    taken: socket.socket,
    started: Callable[[str], None],
    lock: int,
) -> None:
    def fatal(error: Exception) -> None:
        # after a failed fsync nobody knows what is on disk: end, and read it at the next start
        log.critical("storage failed", error=type(error).__name__)
        os._exit(1)

    edge = open_edge(places, deployment, fatal=fatal)
    _refuse_taken(edge)
    config = uvicorn.Config(
        application.build(edge, ending=lambda: server.should_exit),
        loop="uvloop",
        http=Http,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
        ssl_certfile=deployment.hub.listen.tls_cert or None,
        ssl_keyfile=deployment.hub.listen.tls_key or None,
    )
    server = uvicorn.Server(config)
    gc.freeze()  # what is loaded stays, and stays shared with the settler
    edge.settler.start(inherited=[lock, taken.fileno()])
    threading.Thread(target=_tell, args=(server, started), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once all has ended
        server.run(sockets=[taken])


def _refuse_taken(edge: Edge) -> None:
    """A listener whose port is taken would leave its senders without an answer, unnoticed."""
    stopped = edge.gates()
    for name in edge.deployment.connections:
        connector = edge.connector(name)
        port = getattr(connector, "port", None)
        if name in stopped or not isinstance(connector, Listens) or not port:
            continue
        host = str(getattr(connector, "host", "127.0.0.1"))
        with contextlib.closing(socket.socket(_family(host), socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    continue  # the listener itself says what is wrong, and tries again
                raise Busy(
                    f"connection {name}: {host}:{port} is in use; give its `port` another value "
                    "(the starter's listener: CROHUB_MLLP_PORT), or pause it"
                ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _tell(server: uvicorn.Server, started: Callable[[str], None]) -> None:
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.02)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    started(f"http://{host}:{port}")


def _refuse_exposed(host: str, deployment: Deployment) -> None:
    local = host in ("127.0.0.1", "::1", "localhost")
    if not local and not deployment.hub.listen.tls_cert:
        raise Exposed(
            f"the API on {host} would be open to other machines without TLS; give listen.tls_cert "
            "and listen.tls_key in hub.yaml, or listen on 127.0.0.1"
        )
