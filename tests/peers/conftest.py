"""Peers that run on Node: installed once into `.cache` of the checkout, started on a free port."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_CACHE = _HERE.parents[1] / ".cache"
_WANTED = ("package.json", "package-lock.json", ".npmrc")
_NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


@pytest.fixture(scope="module")
def start():
    """Starts the peer of a folder beside this file; its address. It ends with the module."""
    with contextlib.ExitStack() as running:
        yield lambda name: running.enter_context(_served(name))


@contextlib.contextmanager
def _served(name: str) -> Iterator[str]:
    place = _installed()
    node = next(place.glob("node_modules/node-linux-*/bin/node"), None) or shutil.which("node")
    # a folder of its own: two modules may start the same peer at once
    own = tempfile.TemporaryDirectory(prefix=f"{name}-", dir=place)
    folder = shutil.copytree(_HERE / name, own.name, dirs_exist_ok=True)
    with (
        own,
        subprocess.Popen(
            [node, "server.mjs"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", "NODE_NO_WARNINGS": "1"},
        ) as server,
    ):
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=lambda: lines.put(_port(server)))
        reader.start()
        try:
            port = lines.get(timeout=60)
            if not port:
                server.kill()
                raise AssertionError(f"{name} did not start: {server.stderr.read()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            reader.join()


def _port(server: subprocess.Popen[str]) -> str:
    """The first line that is a number: peers may talk before they listen."""
    return next((line.strip() for line in server.stdout if line.strip().isdigit()), "")


def _installed() -> Path:
    """The folder with the peers, installed now unless it is there from another run."""
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _WANTED))
    place = _CACHE / f"peers-{digest.hexdigest()[:12]}"
    if place.exists():
        return place
    if not shutil.which("npm"):
        pytest.skip("npm is not there")
    _CACHE.mkdir(exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=_CACHE))
    for name in _WANTED:
        shutil.copy(_HERE / name, building)
    made = subprocess.run(
        _NPM, cwd=building, capture_output=True, text=True, timeout=300, check=False
    )
    if made.returncode:
        shutil.rmtree(building)
        pytest.skip(f"npm cannot install the peers: {made.stderr.strip()[-300:]}")
    try:
        building.rename(place)
    except OSError:  # another run was faster
        shutil.rmtree(building)
    return place
