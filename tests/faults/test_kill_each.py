"""Every connector that pulls: killed at drawn pages of its system, a node loses and doubles
nothing, while people come and change there."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.pulled import fhir, files, irb, odata, oncore, redcap, scim, sql, vault, workday
from tests.faults.pulled.outcome import kept_once, messages, said, settled_once, until
from tests.faults.pulled.source import People, Source

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
        mark = source.due(chance, lambda: messages(node))
        node.forget_log()
        node.begin()
        until(mark.reached, 60, node, "the source is not read on")
        time.sleep(chance.uniform(0, mark.seconds))
        node.kill("all")
        kept.append(messages(node))
        people.come(LATE)
        people.change(chance.sample(list(people.now)[:100], LATE))
    assert 0 < kept[-1] < len(people.now), "killed when it had nothing, or everything"
    node.restart()
    until(lambda: people.said_now <= said(node).keys(), 90, node, "not all came", pause=0.3)
    until(lambda: '"event": "pulled"' in node.log.read_text(), 60, node, "the pull does not end")
    node.wait_settled()
    node.stop()

    kept_once(node, people)
    settled_once(node, people)


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
