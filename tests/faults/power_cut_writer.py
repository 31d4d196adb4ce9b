"""Keeps and settles messages as a node does, and notes each acknowledgement on a descriptor.

python power_cut_writer.py CONFIG COUNT SYNCHRONOUS DESCRIPTOR
"""

import os
import random
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(number: int):
    """Message `number`: patient, sex and padding follow from it."""
    from connectors.record import Record

    chance = random.Random(number)
    patient, sex = f"P{chance.randrange(30)}", chance.choice("FMO")
    at = NOON + timedelta(seconds=number)
    padding = "".join(chance.choice("abcdefghij") for _ in range(600))
    body = (
        f"MSH|^~\\&|REG|NORTH|CROHUB|UH|{at:%Y%m%d%H%M%S}+0000||ADT^A08|{number}|P|2.5.1\r"
        f"PID|1||{patient}^^^NORTH^MR||Doe^{patient}||19800101|{sex}\rNTE|1||{padding}"
    ).encode()
    return Record(stream="ADT", message_key=f"REG|NORTH|{number}", at=at, body=body, media="hl7v2")


def work(config: Path, count: int, synchronous: str, ack: int) -> None:
    from hub import clock, database, seal
    from pipelines import revision, settings, settling
    from pipelines.intake import Intake, reader_of
    from pipelines.mapper import Limits
    from pipelines.places import Places
    from pipelines.writer import Writer

    # many checkpoints, which is where the files themselves are written
    replaced = {"wal_autocheckpoint": "60", "synchronous": synchronous}
    database.PRAGMAS = tuple(
        f"{name}={replaced.get(name, value)}"
        for name, _, value in (pragma.partition("=") for pragma in database.PRAGMAS)
    )
    deployment, places = settings.load(config), Places(config / "data")
    journal = places.journal()
    number = revision.enter(journal, config)
    journal.close()
    settler = settling.build(places, deployment, worker="settler", limits=Limits())
    settler.limit = 40
    writer = Writer(places.journal, wake=lambda: None, fatal=lambda error: os._exit(1))
    writer.start()
    intake = Intake(
        keyring=seal.load(places.keys),
        writer=writer,
        revision=number,
        parts=1,
        clock=clock.now,
        reader_of=partial(reader_of, deployment),
    )
    chance, kept = random.Random(5), 0
    while kept < count:
        many = min(chance.randint(1, 9), count - kept)
        entries = [intake.entry("hospital", 0, record(n)) for n in range(kept + 1, kept + many + 1)]
        writer.keep(entries)
        kept += many
        os.write(ack, f"{kept}\n".encode())
        if chance.random() < 0.4:
            settler.step()
    while settler.step():
        pass
    settler.mapper.stop()
    writer.stop()


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
