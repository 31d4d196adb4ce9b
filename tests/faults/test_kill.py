"""Killed again and again under load, a node loses nothing and does nothing twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sqlite3
from contextlib import closing

import pytest

from hub import audit
from hub.seal import load
from pipelines import bodies
from pipelines.places import Places

pytestmark = pytest.mark.faults

KILLS = ["all"] * 12 + ["settler"] * 4 + ["edge"] * 4
CONNECTIONS, EACH = 16, 1250


def test_twenty_kills_during_twenty_thousand_messages(node, client, burst, oracle):
    sends = burst(CONNECTIONS, EACH, seed=7)
    node.start()

    asyncio.run(_under_fire(node, client, sends))
    node.wait_settled()
    stopped = node.stop()

    messages = list(itertools.chain.from_iterable(sends))
    assert stopped in (0, -signal.SIGTERM)
    assert set(client.answers) == {"AA"}
    assert client.resent > 0  # the kills did hit messages under way
    stored = _stored(node, messages)
    _effects_are_once(node, stored)
    _truth_is_the_oracles(node, oracle(messages))
    _is_whole(node)


async def _under_fire(node, client, sends) -> None:
    chance = random.Random(3)
    kills = chance.sample(KILLS, len(KILLS))
    total = sum(map(len, sends))
    marks = sorted(chance.randrange(total // 50, total * 49 // 50) for _ in kills)
    loop = asyncio.get_running_loop()

    async def fire() -> None:
        for mark, which in zip(marks, kills, strict=True):
            await client.reaches(mark)
            await asyncio.sleep(chance.uniform(0, 0.05))
            node.kill(which)
            if which != "settler":
                await loop.run_in_executor(None, node.restart)

    await asyncio.gather(fire(), client.send_all(sends))


def _stored(node, messages) -> dict[int, object]:
    """The journal holds every message once, in the order its lane was sent; by number."""
    places = Places(node.data)
    keyring = load(places.keys)
    by_body = {message.body: message for message in messages}
    stored = {}
    lanes: dict[str, list[int]] = {}
    with closing(places.journal(read_only=True)) as journal:
        rows = journal.all("select seq, connection, key, body from message order by seq")
    for seq, connection, key, cell in rows:
        if connection == "crohub":
            continue
        message = by_body.pop(bodies.unpack(keyring, cell, bodies.place_of(connection, key)))
        stored[seq] = message
        lanes.setdefault(message.patient, []).append(message.number)
    assert by_body == {}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in lanes.values())
    return stored


def _effects_are_once(node, stored) -> None:
    with closing(sqlite3.connect(node.data / "hub.db")) as hub:
        asserted = hub.execute(
            "select seq, count(*) from assertion where entity = 'Participant' group by seq"
        ).fetchall()
        outcomes = dict(hub.execute("select seq, state from outcome").fetchall())
    strange = {seq for seq, message in stored.items() if message.sex == "Q9"}
    assert [seq for seq, times in asserted if times != 1] == []
    assert stored.keys() - strange - dict(asserted).keys() == set(), "without an effect"
    assert outcomes == dict.fromkeys(strange, "parked")


def _truth_is_the_oracles(node, expected) -> None:
    """Every version there ever was, in its order, beside the current row."""
    places = Places(node.data)
    keyring = load(places.keys)
    with closing(places.hub(read_only=True)) as hub:
        keys = hub.all("select x, entity_id, native from xref where entity = 'Participant'")
        versions = hub.all(
            "select id, n, seq, changed from version where entity = 'Participant' order by v"
        )
        current = dict(hub.all("select id, sex from participant"))
    patients = {
        one: keyring.open(native, f"xref|{x}|native".encode()).decode().split("^")[0]
        for x, one, native in keys
    }
    histories: dict[str, list[str]] = {}
    last: dict[str, tuple[int, int]] = {}
    for one, n, seq, changed in versions:
        before = last.get(one, (0, 0))
        assert n == before[0] + 1
        assert seq > before[1]
        last[one] = (n, seq)
        if "sex" in json.loads(changed):
            histories.setdefault(patients[one], []).append(json.loads(changed)["sex"])
    assert histories == expected
    assert {patients[one]: sex for one, sex in current.items()} == {
        patient: history[-1] for patient, history in expected.items()
    }


def _is_whole(node) -> None:
    for name in ("journal.db", "hub.db"):
        with closing(sqlite3.connect(node.data / name)) as opened:
            assert opened.execute("pragma integrity_check").fetchall() == [("ok",)]
    with closing(Places(node.data).hub(read_only=True)) as hub:
        assert list(audit.broken(hub)) == []
