"""A hundred thousand records of one file, of each form and over SFTP: memory stays flat."""

from __future__ import annotations

import gc

import psutil
import pytest

from connectors import ssh
from connectors.files import Files
from connectors.sftp import Sftp
from crohub.sandbox import roster_sftp

COUNT, EARLY = 100_000, 30_000
PAD = "x" * 200
MSH = "MSH|^~\\&|REG|NORTH|HUB|UH|20260301120000+0000||ADT^A08|M"
FORMS = {  # how a stream says it; before, each and behind the records
    "csv": ({"format": "csv"}, "id,pad\n", "{n}," + PAD + "\n", ""),
    "ndjson": ({"format": "ndjson"}, "", '{{"id": {n}, "pad": "' + PAD + '"}}\n', ""),
    "xml": ({"format": "xml", "element": "P"}, "<L>", "<P id='{n}'>" + PAD + "</P>", "</L>"),
    "hl7": ({"format": "hl7"}, "", MSH + "{n}|P|2.5.1\rPID|1||{n}^^^N^MR||" + PAD + "\r", ""),
}


def write(file, form: str) -> dict:
    """Fills a file; the settings of its stream."""
    said, before, each, behind = FORMS[form]
    with file.open("w", newline="") as out:
        out.write(before)
        out.writelines(each.format(n=number) for number in range(COUNT))
        out.write(behind)
    return {"glob": file.name, "settle": 0} | said


def grown(records) -> int:
    """By how many bytes this process grew while the last seventy thousand were read."""
    held, number, process = [], 0, psutil.Process()
    for number, record in enumerate(records, start=1):
        assert not record.fault
        if number in (EARLY, COUNT):
            gc.collect()
            held.append(process.memory_info().rss)
    assert number == COUNT
    return held[1] - held[0]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_read_in_flat_memory(tmp_path, form):
    stream = write(tmp_path / "people.txt", form)

    folder = Files.model_validate({"path": str(tmp_path), "streams": {"people": stream}})

    assert grown(folder.pull("people", "")) < 4 << 20  # kept, the bodies alone would be 14 MB


def test_a_file_of_another_machine_is_read_in_flat_memory(tmp_path, monkeypatch):
    server = roster_sftp.RosterServer(tmp_path)
    server.start()
    try:
        stream = write(tmp_path / roster_sftp.ROSTERS.strip("/") / "people.txt", "csv")
        monkeypatch.setenv("PASSWORD", server.password)
        there = {
            "host": "127.0.0.1", "port": server.port, "username": roster_sftp.USER,
            "host_key": server.host_key, "password": "${env:PASSWORD}",
            "path": roster_sftp.ROSTERS, "streams": {"people": stream},
        }  # fmt: skip

        assert grown(Sftp.model_validate(there).pull("people", "")) < 4 << 20
    finally:
        ssh.hang_up()
        server.stop()
