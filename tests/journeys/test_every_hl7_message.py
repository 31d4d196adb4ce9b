"""Every real HL7 message through the whole hub: the right answer, byte for byte in the journal,
settled without a word of trouble."""

from __future__ import annotations

import asyncio
import collections
import itertools
import json
import re
from pathlib import Path

import hl7.mllp
import pytest

from connectors.hl7v2.intake import VERSIONS
from pipelines.answers import NO_TARGET

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
FILES = sorted(DATA.rglob("*.hl7"))
SIDE_BY_SIDE = 16


def messages_of(body: bytes) -> list[bytes]:
    """The messages in a file, each from its MSH up to the next header or trailer."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    marks = [m.start() for m in re.finditer(rb"(?:^|(?<=[\r\n]))(?:MSH|FHS|BHS|BTS|FTS)\|", body)]
    pieces = [body[a:b] for a, b in itertools.pairwise([*marks, len(body)])]
    return [piece for piece in pieces if piece.startswith(b"MSH")]


def expected(body: bytes, seen: dict[str, bytes]) -> str | None:
    """MSA-1 by the book; None: the sender wants no answer."""
    fields = re.split(r"[\r\n]", body.decode())[0].split("|") + [""] * 20
    refused = (
        not fields[8].split("^")[0]
        or not fields[9]
        or fields[10].split("^")[0] not in ("P", "T", "D")
        or fields[11].split("^")[0] not in VERSIONS
    )
    reused = not refused and seen.setdefault(fields[9], body) != body
    code = "AR" if refused else "AE" if reused else "AA"
    accept, application = fields[14].strip(), fields[15].strip()
    wanted = accept or application
    bad = code != "AA"
    if wanted == "NE" or (wanted == "ER" and not bad) or (wanted == "SU" and bad):
        return None
    return code.replace("A", "C", 1) if accept else code


async def tell(address: tuple[str, int], messages: list[bytes]) -> list[str]:
    """Sends messages with the independent client; what differed from the book."""
    reader, writer = await hl7.mllp.open_hl7_connection(*address, encoding="utf-8")
    wrong, seen = [], {}
    for message in messages:
        want = expected(message, seen)
        writer.writeblock(message)
        await writer.drain()
        if want is None:
            continue
        block = await asyncio.wait_for(reader.readblock(), 20)
        got = re.search(rb"\rMSA\|([A-Z]{2})\|", block)[1].decode()
        if got != want:
            wrong.append(f"{want} expected, {got} came")
    writer.close()
    await writer.wait_closed()
    return wrong


async def send_all(hub, sets: dict[str, list[bytes]]) -> list[str]:
    wrong = []
    async with hub.running() as edge:
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(name, messages):
            async with gate:
                found = await tell(edge.addresses[name], messages)
                wrong.extend(f"{name}: {fault}" for fault in found)

        async with asyncio.TaskGroup() as group:
            for name, messages in sets.items():
                group.create_task(one(name, messages))
        await hub.settled()
    return wrong


def source(hub, name: str) -> None:
    """A connection of its own for each file, since their control ids collide."""
    hub.write(
        f"connections/{name}.yaml",
        f"connector: hl7v2\nsystem: {name}\nrole: EHR\nsettings: {{port: 0}}\n",
    )
    for stream in ("ADT", "SIU"):
        mappings = "[hl7v2/participant, hl7v2/merge, hl7v2/appointment, hl7v2/research_encounter]"
        hub.write(
            f"pipelines/{name}-{stream.lower()}.yaml",
            f"reads: {{connection: {name}, stream: {stream}}}\nmappings: {mappings}\n"
            "lane: 'PID-3[5=MR].1'\n",
        )


@pytest.mark.skipif(not FILES, reason="shared/data is not here")
def test_every_real_message_is_answered_by_the_book_kept_byte_for_byte_and_settled(deployed, capfd):
    sets = {f"file-{n:03}": messages_of(path.read_bytes()) for n, path in enumerate(FILES)}
    sets = {name: messages for name, messages in sets.items() if messages}
    for name in sets:
        source(deployed, name)

    wrong = asyncio.run(send_all(deployed, sets))

    assert wrong == []
    kept = collections.defaultdict(collections.Counter)
    for name, body in deployed.bodies():
        kept[name][body] += 1
    sent = {name: {m for m in messages if m.strip()} for name, messages in sets.items()}
    assert {name: set(found) for name, found in kept.items()} == sent
    err = capfd.readouterr().err
    assert "Traceback" not in err
    said = [json.loads(line) for line in err.splitlines() if line[:1] == "{"]
    trouble = [line for line in said if line["level"] != "info"]
    assert [line for line in trouble if line.get("reason") != NO_TARGET] == []
    assert {line["connection"] for line in trouble} <= {
        name for name, messages in sets.items() if any(map(wants_application_answer, messages))
    }


def wants_application_answer(body: bytes) -> bool:
    """Both acknowledgement fields filled: the second answer comes later, on a way of its own."""
    fields = re.split(rb"[\r\n]", body)[0].split(b"|") + [b""] * 20
    return bool(fields[14].strip()) and fields[15].strip() not in (b"", b"NE")
