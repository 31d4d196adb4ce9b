"""Every connector that pulls: killed at drawn pages of its system, a node loses and doubles
nothing, while people come and change there."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from contextlib import closing

import pytest

from hub import audit, identity
from hub.seal import load
from pipelines import bodies
from pipelines.journal import GONE
from pipelines.places import Places
from tests.faults.pulled import fhir, files, irb, odata, oncore, redcap, scim, sql, vault, workday
from tests.faults.pulled.source import People, Source, said_in

pytestmark = pytest.mark.faults

KILLS, LATE = 3, 7
SOURCES = {
    "fhir search": fhir.search,
    "fhir export": fhir.export,
    "redcap": redcap.records,
    "vault": vault.subjects,
    "oncore": oncore.subjects,
    "irb": irb.submissions,
    "odata v2": odata.changes,
    "odata v4 delta": odata.delta,
    "scim lists": scim.users,
    "scim changes": scim.changes,
    "workday": workday.workers,
    "sftp": files.sftp,
    "files": files.tables,
    "hl7 batches": files.batches,
    "sql": sql.rows,
}
MAPPING = """reads: READS
states:
  Participant:
    key: "KEY"
    sex: {path: "SEX", then: [code fhir-gender], on_bad: refuse}
"""
PIPELINE = """reads: {connection: peer, stream: STREAM}
mappings: [peer/person]
lane: "KEY"
schedule: {every: EVERY}
"""


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    with SOURCES[request.param](tmp_path) as made:
        yield made


def test_kills_between_pages_lose_and_double_nothing(node, deployment, source):
    people, chance, kept = People(source.put), random.Random(3), []
    people.come(source.people)
    _configure(deployment, source)
    node.environment = {"PULLED_SECRET": source.secret}
    node.log.touch()
    for _ in range(KILLS):
        mark = source.due(chance, lambda: _kept(node))
        node.forget_log()
        node.begin()
        _until(mark.reached, 60, node, "the source is not read on")
        time.sleep(chance.uniform(0, mark.seconds))
        node.kill("all")
        kept.append(_kept(node))
        people.come(LATE)
        people.change(chance.sample(list(people.now)[:100], LATE))
    assert 0 < kept[-1] < len(people.now), "killed when it had nothing, or everything"
    node.restart()
    _until(lambda: people.said_now <= _said(node).keys(), 90, node, "not all came", pause=0.3)
    _until(lambda: '"event": "pulled"' in node.log.read_text(), 60, node, "the pull does not end")
    node.wait_settled()
    node.stop()

    _kept_once(node, people)
    _settled_once(node, people)


def _configure(folder, source: Source) -> None:
    connector, settings = source.settings.split("\n", 1)
    words = {"READS": source.reads, "KEY": source.key, "SEX": source.sex}
    words |= {"STREAM": source.stream, "EVERY": source.every}
    files = {
        "connections/peer.yaml": f"{connector}\nsystem: peer\nrole: OTHER\n{settings}",
        "pipelines/peer.yaml": _filled(PIPELINE, words),
        "mappings/inbound/peer/person.yaml": _filled(MAPPING, words),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _until(so, seconds: float, node, otherwise: str, *, pause: float = 0.005) -> None:
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, f"{otherwise}; {node.said()[-2000:]}"
        time.sleep(pause)


def _kept(node) -> int:
    if not (node.data / "journal.db").exists():
        return 0
    with closing(sqlite3.connect(node.data / "journal.db", timeout=20)) as journal:
        if not journal.execute("select 1 from sqlite_master where name = 'message'").fetchone():
            return 0
        said = "select count(*) from message where connection = 'peer'"
        return journal.execute(said).fetchone()[0]


def _said(node) -> Counter:
    """What is kept, and how often."""
    places = Places(node.data)
    keyring = load(places.keys)
    with closing(places.journal(read_only=True)) as journal:
        rows = journal.all("select connection, key, body from message where connection = 'peer'")
    return Counter(
        said_in(bodies.unpack(keyring, body, bodies.place_of(connection, key)))
        for connection, key, body in rows
    )


def _kept_once(node, people: People) -> None:
    said = _said(node)
    assert set(said.values()) == {1}
    assert people.said_now <= said.keys() <= people.said
    with closing(Places(node.data).journal(read_only=True)) as journal:
        assert journal.all("select key from message where flags & ? != 0", (GONE,)) == []


def _settled_once(node, people: People) -> None:
    keyring = load(Places(node.data).keys)
    with closing(sqlite3.connect(node.data / "hub.db")) as hub:
        sexes = dict(
            hub.execute("select digest, sex from xref join participant p on p.id = entity_id")
        )
        asserted = hub.execute("select count(*), count(distinct x) from assertion").fetchone()
        [versions] = hub.execute("select count(*) from version").fetchone()
        outcomes = hub.execute("select state, count(*) from outcome group by state").fetchall()
    wanted = {
        identity.key_digest(keyring, "Participant", "peer", one.id): one.sex
        for one in people.now.values()
    }
    kept = _kept(node)
    assert sexes == wanted
    assert asserted == (kept, len(wanted))
    assert len(wanted) <= versions <= kept
    assert outcomes == []
    with closing(Places(node.data).hub(read_only=True)) as hub:
        assert list(audit.broken(hub)) == []
