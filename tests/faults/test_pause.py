"""A person pauses a connection: its listener closes, its neighbours do not, and it opens again."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.faults


def _order(node, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "crohub", *words, "--config", node.config, "--reason", "a test"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _becomes(truth, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if truth():
            return True
        time.sleep(0.05)
    return False


def _ports(node) -> dict[str, int]:
    lines = [json.loads(line) for line in node.said().splitlines() if '"listens"' in line]
    return {line["connection"]: line["port"] for line in lines}


def test_a_paused_listener_closes_and_opens_again_when_it_is_resumed(node, client, burst):
    (node.config / "connections" / "clinic.yaml").write_text(
        "connector: hl7v2\nsystem: clinic\nsettings: {port: 0}\n"
    )
    node.start()
    assert _becomes(lambda: len(_ports(node)) == 2)
    ports = _ports(node)
    node.port = ports["hospital"]
    asyncio.run(client.send_all(burst(1, 5, seed=1)))

    _order(node, "pause", "hospital")
    closed = _becomes(lambda: not _is_open(ports["hospital"]))
    neighbour = _is_open(ports["clinic"])
    _order(node, "resume", "hospital")
    opened = _becomes(lambda: _is_open(_ports(node)["hospital"]))

    assert (closed, neighbour, opened) == (True, True, True)
    assert node.stop() in (0, -signal.SIGTERM)
