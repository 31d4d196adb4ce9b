"""Every real HL7 message through the whole hub, and every batch file as it is: the right answer,
byte for byte in the journal, and the state that the message calls for."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import hl7.mllp
import pytest

from connectors.hl7v2.intake import VERSIONS
from pipelines.answers import NO_TARGET

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
FILES = sorted(DATA.rglob("*.hl7"))
SIDE_BY_SIDE = 16
READ = ("ADT", "SIU")  # the streams that a pipeline reads
UNREAD_EVENTS = ("A20", "A23", "A24", "A29", "A37")  # of ADT: no mapping speaks for these
# what data.md says of the batch files of python-hl7: these are refused as a whole
BAD = {
    *(f"sample_bad_{name}.hl7" for name in ("batch", "batch1", "file", "file1", "file2", "file3")),
    *("sample_batch3.hl7", "sample_file3.hl7", "sample_file4.hl7"),
    *("sample_file5.hl7", "sample_file6.hl7"),
}
ENVELOPE = re.compile(rb"(?:^|(?<=[\r\n]))(?:FHS|BHS)\|")
# the last on each connection: its answer comes next, so that nothing unwanted came before it
PROBE = b"MSH|^~\\&|PROBE|HERE|||20260301||QCN^J01|crohub-probe|P|2.5.1\r"


class Answer(NamedTuple):
    """What an acknowledgement says: MSA-1, MSA-2, and the code of ERR (table 0357)."""

    code: str
    echo: str
    error: str = ""


class Judged(NamedTuple):
    """What a message deserves. `answer` None: its sender wants none."""

    answer: Answer | None
    state: str
    reason: str = ""  # words that the reason holds


WORDS = {
    "100": "batch: ", "101": "is empty", "202": "MSH-11", "203": "MSH-12", "205": "key came before",
}  # fmt: skip


def messages_of(body: bytes) -> list[bytes]:
    """The messages in a file, each from its MSH up to the next header or trailer."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    marks = [m.start() for m in re.finditer(rb"(?:^|(?<=[\r\n]))(?:MSH|FHS|BHS|BTS|FTS)\|", body)]
    pieces = [body[a:b] for a, b in itertools.pairwise([*marks, len(body)])]
    return [piece for piece in pieces if piece.startswith(b"MSH")]


def head(body: bytes) -> list[str]:
    """The fields of MSH, by their numbers less one."""
    return re.split(r"[\r\n]", body.decode())[0].split("|") + [""] * 20


def error_of(fields: list[str], body: bytes, seen: dict[str, bytes]) -> str:
    """The code that reliability.md §3 gives the message, "" for one that is accepted."""
    if not fields[8].split("^")[0] or not fields[9]:
        return "101"
    if fields[10].split("^")[0] not in ("P", "T", "D"):
        return "202"
    if fields[11].split("^")[0] not in VERSIONS:
        return "203"
    return "205" if seen.setdefault(fields[9], body) != body else ""


def judged(body: bytes, seen: dict[str, bytes]) -> Judged:
    """By the book: reliability.md §3 for the answer, what the pipelines read for the state."""
    fields = head(body)
    error = error_of(fields, body, seen)
    code = {"": "AA", "205": "AE"}.get(error, "AR")
    accept, application = fields[14].strip(), fields[15].strip()
    wanted, said = accept or application, Answer(code, fields[9], error)
    if accept:
        said = said._replace(code=code.replace("A", "C", 1))
    if wanted == "NE" or (wanted == "ER" and not error) or (wanted == "SU" and error):
        said = None
    kind, event, *_ = [*fields[8].split("^"), ""]
    if fields[10].split("^")[0] in ("T", "D"):
        return Judged(said, "test", "not production data")
    if error:
        return Judged(said, "parked", WORDS[error])
    if kind not in READ:
        return Judged(said, "aside", "no pipeline reads this stream")
    if kind == "ADT" and event in UNREAD_EVENTS:
        return Judged(said, "aside", "no mapping of its pipeline reads it")
    return Judged(said, "done")


def answers_in(block: bytes) -> list[Answer]:
    """The acknowledgements of a block: one, or those of a batch."""
    found: list[Answer] = []
    for line in block.decode().split("\r"):
        fields = line.split("|")
        if fields[0] == "MSA":
            found.append(Answer(fields[1], fields[2]))
        elif fields[0] == "ERR":
            new = len(fields) > 3  # before 2.5 the code is in ERR-1, component 4
            code = fields[3].split("^")[0] if new else fields[1].split("^")[3].split("&")[0]
            found[-1] = found[-1]._replace(error=code)
    return found


async def tell(address: tuple[str, int], frames: list[tuple[bytes, list[Answer]]]) -> list[str]:
    """Sends frames with the independent client; what differed from the book."""
    reader, writer = await hl7.mllp.open_hl7_connection(*address, encoding="utf-8")
    wrong = []
    for frame, want in [*frames, (PROBE, [Answer("AA", "crohub-probe")])]:
        writer.writeblock(frame)
        await writer.drain()
        if not want:
            continue  # an answer all the same would be taken for the next one's, and differ
        got = answers_in(await asyncio.wait_for(reader.readblock(), 20))
        if got != want:
            wrong.append(f"{want} expected, {got} came")
    writer.close()
    await writer.wait_closed()
    return wrong


async def send_all(hub, sets: dict[str, list[tuple[bytes, list[Answer]]]]) -> list[str]:
    wrong = []
    async with hub.running() as edge:
        gate = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(name, frames):
            async with gate:
                found = await tell(edge.addresses[name], frames)
                wrong.extend(f"{name}: {fault}" for fault in found)

        async with asyncio.TaskGroup() as group:
            for name, frames in sets.items():
                group.create_task(one(name, frames))
        await hub.settled()
    return wrong


def source(hub, name: str) -> None:
    """A connection of its own for each file, since their control ids collide."""
    hub.write(
        f"connections/{name}.yaml",
        f"connector: hl7v2\nsystem: {name}\nrole: EHR\nsettings: {{port: 0}}\n",
    )
    for stream in READ:
        mappings = "[hl7v2/participant, hl7v2/merge, hl7v2/appointment, hl7v2/research_encounter]"
        hub.write(
            f"pipelines/{name}-{stream.lower()}.yaml",
            f"reads: {{connection: {name}, stream: {stream}}}\nmappings: {mappings}\n"
            "lane: 'PID-3[5=MR].1'\n",
        )


def differing(hub, due: dict[str, dict[bytes, Judged]]) -> list[str]:
    """Messages that are missing, surplus, or in another state than the one that is due."""
    kept, wrong = defaultdict(dict), []
    for name, body, state, reason in hub.became():
        want = due[name].get(body)
        kept[name][body] = state
        if want is None:
            wrong.append(f"{name}: a message that nobody sent is {state}")
        elif state != want.state or want.reason not in reason or bool(reason) != bool(want.reason):
            wrong.append(f"{name}: {want} is due, it is {state}, {reason}")
    return wrong + [f"{name}: {due[name].keys() - kept[name].keys()} is not kept" for name in due
                    if due[name].keys() - kept[name].keys()]  # fmt: skip


LAST = Judged(Answer("AA", "crohub-probe"), "aside", "no pipeline reads this stream")


@pytest.mark.skipif(not FILES, reason="shared/data is not here")
def test_every_real_message_is_answered_by_the_book_kept_byte_for_byte_and_settled(deployed, capfd):
    sets, due, count = {}, {}, Counter()
    for n, messages in enumerate(messages_of(path.read_bytes()) for path in FILES):
        name, seen = f"file-{n:03}", {}
        verdicts = [judged(message, seen) for message in messages]
        if messages:
            source(deployed, name)
            sets[name] = [
                (message, [verdict.answer] if verdict.answer else [])
                for message, verdict in zip(messages, verdicts, strict=True)
            ]
            due[name] = {PROBE: LAST} | dict(zip(messages, verdicts, strict=True))
            count.update(one.state for one in due[name].values())
            count.update({"silent": sum(one.answer is None for one in verdicts)})

    wrong = asyncio.run(send_all(deployed, sets))

    assert wrong == []
    assert differing(deployed, due) == []
    count["aside"] -= len(sets)  # the probes
    assert count == {"done": 117, "test": 136, "parked": 57, "aside": 204, "silent": 80}
    told(capfd, sets)


def told(capfd, sets) -> None:
    """The log speaks of nothing but answers that have no way back."""
    err = capfd.readouterr().err
    assert "Traceback" not in err
    said = [json.loads(line) for line in err.splitlines() if line[:1] == "{"]
    trouble = [line for line in said if line["level"] != "info"]
    assert [line for line in trouble if line.get("reason") != NO_TARGET] == []
    assert {line["connection"] for line in trouble} <= {
        name
        for name, frames in sets.items()
        if any(wants_application_answer(frame) for frame, _ in frames)
    }


def wants_application_answer(body: bytes) -> bool:
    """Both acknowledgement fields filled: the second answer comes later, on a way of its own."""
    return any(
        head(message)[14].strip() and head(message)[15].strip() not in ("", "NE")
        for message in messages_of(body)
    )


@pytest.mark.skipif(not FILES, reason="shared/data is not here")
def test_every_batch_file_is_taken_message_by_message_or_refused_as_a_whole(deployed, capfd):
    sets, due, good = {}, {}, 0
    for n, path in enumerate(path for path in FILES if ENVELOPE.match(path.read_bytes())):
        name, body, seen = f"batch-{n:02}", path.read_bytes(), {}
        source(deployed, name)
        if path.name in BAD:
            sets[name] = [(body, [Answer("AR", "", "100")])]
            due[name] = {PROBE: LAST, body: Judged(None, "parked", WORDS["100"])}
            continue
        messages = messages_of(body)
        verdicts = [judged(message, seen) for message in messages]
        sets[name] = [(body, [one.answer for one in verdicts if one.answer])]
        due[name] = {PROBE: LAST} | dict(zip(messages, verdicts, strict=True))
        good += 1

    wrong = asyncio.run(send_all(deployed, sets))

    assert wrong == []
    assert differing(deployed, due) == []
    assert (good, len(sets) - good) == (6, len(BAD))
    told(capfd, sets)
