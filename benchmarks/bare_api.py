"""The route that the API's lists are compared with: FastAPI giving out the bytes of a file.

`python -m benchmarks.bare_api FILE` prints its port and runs until it is ended.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response


def build(body: bytes) -> FastAPI:
    app = FastAPI()

    @app.get("/list")
    async def listed() -> Response:
        return Response(body, media_type="application/json")

    return app


def main(path: Path) -> None:
    """The same server settings as the hub's."""
    config = uvicorn.Config(
        build(path.read_bytes()),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)  # who reads the port may connect at once
        print(bound.getsockname()[1], flush=True)
        uvicorn.Server(config).run([bound])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
