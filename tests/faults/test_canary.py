"""Marked personal data goes in by every way, good and bad; nowhere does it come out unsealed."""

from __future__ import annotations

import http.client
import signal
import socket
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.places import Places

pytestmark = pytest.mark.faults

MARK = "ZZPHI"
START, END = b"\x0b", b"\x1c\x0d"
HEAD = "MSH|^~\\&|REG|NORTH|CROHUB|UH|20260301120000+0000||{kind}|{id}|P|2.5.1"
PID = (
    "PID|1||ZZPHI01^^^NORTH^MR~ZZPHI02^^^LAB^PI||ZZPHIFAMILY^ZZPHIGIVEN||19800101|{sex}|||"
    "ZZPHI Street 1^^ZZPHICITY^^12345||555-ZZPHI|||||ZZPHI99|536-22-ZZPHI"
)


def message(kind="ADT^A08", id="1", *, sex="F", pid=PID, rest="") -> bytes:
    return "\r".join((HEAD.format(kind=kind, id=id), pid.format(sex=sex), *rest.split())).encode()


GOOD = message()
MESSAGES = {
    "good": GOOD,
    "merge": message("ADT^A40", "2", rest="MRG|ZZPHI03^^^NORTH^MR"),
    "another body under a known control id": message(sex="M"),
    "refused by its mapping": message(id="3", sex="Q9"),
    "a birth date that is none": GOOD.replace(b"19800101", b"19ZZPHI0").replace(b"|1|P", b"|4|P"),
    "a type nobody reads": message("ORU^R01", "5", rest="OBX|1|TX|NOTE||ZZPHI"),
    "no type": message("", "6"),
    "no control id": message(id=""),
    "an unknown version": message(id="7").replace(b"2.5.1", b"9.9"),
    "a test message": message(id="8").replace(b"|P|2.5.1", b"|T|2.5.1"),
    "not its character set": message(id="9") + b"\rNTE|1||ZZPHI\xff\xfe",
    "a NUL byte": message(id="10") + b"\rNTE|1||ZZPHI\0",
    "no message at all": b"ZZPHI is not a message",
    "half a header": b"MSH|^~\\&|REG\rPID|1||ZZPHI",
    "a placeholder for a key": message(
        id="11", pid="PID|1||UNKNOWN^^^NORTH^MR||ZZPHIFAMILY||1980ZZPHI|{sex}"
    ),
    "a broken batch": b"BHS|^~\\&|\r" + message(id="12") + b"\rBTS|7|ZZPHI",
}  # fmt: skip


@pytest.fixture
def inbox(deployment: Path, tmp_path: Path) -> Path:
    """A watched folder of HL7 files beside the listener."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (deployment / "connections" / "drop.yaml").write_text(
        f"connector: files\nsystem: drop\nrole: EHR\nsettings:\n  path: {folder}\n"
        '  streams: {ADT: {format: hl7, glob: "*.hl7", settle: 0}}\n'
    )
    (deployment / "pipelines" / "drop.yaml").write_text(
        "reads: {connection: drop, stream: ADT}\nmappings: [hl7v2/participant]\n"
        "lane: 'PID-3[5=MR].1'\nschedule: {every: 1s}\n"
    )
    return folder


def test_personal_data_is_nowhere_in_the_clear(node, inbox):
    (inbox / "day.hl7").write_bytes(message(id="f1") + b"\r" + message(id="f2", sex="M"))
    (inbox / "bad.hl7").write_bytes(b"ZZPHI no message\r" + message(id="f3", sex="Q9"))
    node.start()

    answers = {name: _said(node, body) for name, body in MESSAGES.items()}
    _broken_off(node)
    bodies = _api(node)
    _wait_for_files(node)
    node.wait_settled()
    kept = _every_file(node)
    assert node.stop() in (0, -signal.SIGTERM)

    marked = MARK.encode()
    assert [name for name, answer in answers.items() if marked in answer] == []
    assert [what for what, body in bodies.items() if marked in body] == []
    assert [
        name for name, content in {**kept, **_every_file(node)}.items() if marked in content
    ] == []
    assert MARK not in node.said()
    assert "Traceback" not in node.said()
    _was_kept_all_the_same(node)


def _said(node, body: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", node.port), timeout=20) as line:
        line.sendall(START + body + END)
        answer = b""
        while not answer.endswith(END) and (piece := line.recv(65536)):
            answer += piece
    return answer


def _broken_off(node) -> None:
    """Half a frame, then silence; and no frame at all."""
    for raw in (START + GOOD[:200], b"ZZPHI" * 400):
        with socket.create_connection(("127.0.0.1", node.port), timeout=20) as line:
            line.sendall(raw)


def _api(node) -> dict[str, bytes]:
    """What the node answers who knows no key, a wrong one, and the right one, asking badly."""
    place = urlsplit(node.address)
    right = (node.data / "admin.key").read_text().strip()
    asked = {
        "/readyz": "", "/healthz": "", "/metrics": right, "/ops/messages": right,
        "/ops/connections": right, "/api/v1/participants": "", "/api/v1/studies": "crohub_x_y",
        "/api/v1/participants?sort=nothing": right, "/api/v1/nothing": right,
        "/api/v1/changes": right, "/ops/messages?state=parked": right,
    }  # fmt: skip
    found = {}
    with closing(http.client.HTTPConnection(place.hostname, place.port, timeout=20)) as line:
        for path, key in asked.items():
            line.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
            found[path] = line.getresponse().read()
        # what a caller says himself is not told back, nor written to a log
        line.request("GET", "/api/v1/participants?identifier=MRN|ZZPHI01&sort=ZZPHI")
        found["asked with it"] = line.getresponse().read()
        line.request(
            "POST", "/api/v1/participants/search", body=b'{"identifier": "ZZPHI", "ZZPHI": 1',
            headers={"Authorization": f"Bearer {right}", "Content-Type": "application/json"},
        )  # fmt: skip
        found["a broken search"] = line.getresponse().read()
    return found


def _wait_for_files(node) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with closing(Places(node.data).journal(read_only=True)) as journal:
            [(count,)] = journal.all("select count(*) from message where connection = 'drop'")
        if count >= 3:
            return
        time.sleep(0.1)
    raise AssertionError("the files were not read")


def _every_file(node) -> dict[str, bytes]:
    """The bytes of every file of the data folder, logs of SQLite among them."""
    return {path.name: path.read_bytes() for path in node.data.rglob("*") if path.is_file()}


def _was_kept_all_the_same(node) -> None:
    """It did go through: what is sealed opens to it, and what was bad was parked."""
    from hub import seal

    keyring = seal.load(node.data / "keys.json")
    with closing(Places(node.data).hub(read_only=True)) as hub:
        cells = hub.all("select id, family_name from participant_phi where family_name is not null")
        names = [
            keyring.open(cell, f"participant_phi|{one}|family_name".encode()) for one, cell in cells
        ]
        states = {state for (state,) in hub.all("select distinct state from outcome")}
    assert b'"ZZPHIFAMILY"' in names
    assert {"parked", "aside", "test"} <= states
