"""Real messages, sent by an independent client: each gets the answer its header calls for."""

import asyncio
import itertools
import re
from pathlib import Path

import hl7.mllp
import pytest
import structlog

from connectors.hl7v2 import Hl7v2
from connectors.hl7v2.intake import VERSIONS
from connectors.protocol import Accepted

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
FILES = sorted(DATA.rglob("*.hl7"))
pytestmark = pytest.mark.skipif(not FILES, reason="shared/data is not here")


def messages_of(file):
    """Each from its MSH up to the next header or trailer of an envelope."""
    body = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    marks = [m.start() for m in re.finditer(rb"(?:^|(?<=[\r\n]))(?:MSH|FHS|BHS|BTS|FTS)\|", body)]
    pieces = [body[a:b] for a, b in itertools.pairwise([*marks, len(body)])]
    return [piece for piece in pieces if piece.startswith(b"MSH")]


def expected(body, seen):
    """The answer by the book, read with nothing but str.split: MSA-1 and the code of ERR."""
    fields = re.split(r"[\r\n]", body.decode())[0].split("|") + [""] * 20
    accept, application = fields[14].strip(), fields[15].strip()
    code = _refusal(fields)
    if not code and seen.setdefault(fields[9], body) != body:
        code = "205"
    plain = "AA" if not code else "AE" if code == "205" else "AR"
    wanted = accept or application
    if wanted == "NE" or (wanted == "ER" and not code) or (wanted == "SU" and code):
        return None
    return (plain.replace("A", "C", 1) if accept else plain), fields[9], code


def _refusal(fields):
    if not fields[8].split("^")[0]:
        return "101"
    if not fields[9]:
        return "101"
    if fields[10].split("^")[0] not in ("P", "T", "D"):
        return "202"
    return "" if fields[11].split("^")[0] in VERSIONS else "203"


def said(reply):
    segments = [line.split("|") for line in reply.decode().split("\r")]
    msa = next(row for row in segments if row[0] == "MSA")
    error = next((row for row in segments if row[0] == "ERR"), None)
    if error is None:
        return msa[1], msa[2], ""
    old = len(error) < 4
    return msa[1], msa[2], re.split(r"\^|&", error[1])[3] if old else error[3].split("^")[0]


class Hub:
    def __init__(self):
        self.kept = {}
        self.bodies = []

    def accept(self, record):
        self.bodies.append(record.body)
        known = self.kept.setdefault(record.message_key, record.body)
        future = asyncio.get_running_loop().create_future()
        future.set_result(Accepted("kept" if known == record.body else "conflict"))
        return future


async def send_all():
    wrong, count = [], 0
    for file in FILES:
        hub = Hub()  # one source for each file: their control ids collide
        started = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            Hl7v2(port=0).listen(hub.accept, started=lambda *at, s=started: s.set_result(at))
        )
        reader, writer = await hl7.mllp.open_hl7_connection(*await started)
        seen, bodies = {}, messages_of(file)
        for body in bodies:
            count += 1
            writer.writeblock(body)
            await writer.drain()
            want = expected(body, seen)
            got = said(await asyncio.wait_for(reader.readblock(), 10)) if want else None
            if got != want:
                wrong.append((file.name, want, got))
        writer.write_eof()
        if await asyncio.wait_for(reader.read(), 10):
            wrong.append((file.name, "no more answers", "more"))
        writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if hub.bodies != bodies:
            wrong.append((file.name, "every byte", "others"))
    return wrong, count


def test_every_real_message_is_kept_byte_for_byte_and_answered_by_the_book(caplog):
    with structlog.testing.capture_logs() as events:
        wrong, count = asyncio.run(send_all())

    assert wrong == []
    assert count == 515
    assert (caplog.records, events) == ([], [])
