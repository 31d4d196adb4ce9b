"""Killed again and again between the pages of a list it pulls, a node loses and doubles nothing."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from crohub.sandbox.web import WebServer
from hub import audit
from hub.seal import load
from pipelines import bodies
from pipelines.journal import GONE
from pipelines.places import Places

pytestmark = pytest.mark.faults

KILLS, PAGE, FIRST, LATE = 10, 100, 12_000, 30
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
LISTS = {
    "changes": "modified: changed, ordered: true, since: {param: since, overlap: 0}",
    "whole": "whole: true",
}
CONNECTION = """connector: rest
system: register
role: REGISTRY
settings:
  base_url: ADDRESS
  streams:
    people: {path: /people, id: id, records: people, HOW,
      pager: {kind: keyset, after_param: after, size_param: size, size: 100}}
"""
MAPPING = """reads: application/json
when: {id: {is: present}}
states:
  Participant:
    key: id
    sex: {path: sex, then: [code administrative-sex], on_bad: refuse}
"""
PIPELINE = """reads: {connection: register, stream: people}
mappings: [register/person]
lane: id
schedule: {every: 24h}
"""


@dataclass
class Register:
    """The people of a register, which grows, and a word when the page drawn is asked for."""

    people: list[dict] = field(default_factory=list)
    asked: int = 0
    mark: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    def grow(self, count: int) -> None:
        for number in range(len(self.people), len(self.people) + count):
            at = (BEGAN + timedelta(seconds=number)).isoformat()
            person = {"id": f"P{number:06}", "sex": "FMO"[number % 3], "changed": at}
            self.people.append(person)

    def draw(self) -> None:
        """The page at which the next kill comes, counted from now."""
        self.reached.clear()
        self.mark = self.asked + self.chance.randint(4, 12)

    def page(self, request) -> JSONResponse:
        self.asked += 1
        if self.asked == self.mark:
            self.reached.set()
            time.sleep(self.chance.uniform(0, 0.1))  # killed before, with or behind the answer
        since, after = (request.query_params.get(name, "") for name in ("since", "after"))
        then = datetime.fromisoformat(since) if since else BEGAN
        found = (
            person
            for person in list(self.people)
            if person["id"] > after and datetime.fromisoformat(person["changed"]) >= then
        )
        return JSONResponse({"people": [one for _, one in zip(range(PAGE), found, strict=False)]})


@pytest.fixture
def register():
    made = Register()
    made.grow(FIRST)
    return made


@pytest.mark.parametrize("how", LISTS)
def test_ten_kills_between_pages_lose_and_double_nothing(node, deployment, register, how):
    with WebServer([Route("/people", register.page)]) as server:
        _configure(deployment, server.url, LISTS[how])
        node.start()
        for _ in range(KILLS):
            register.draw()
            assert register.reached.wait(60), "the list is not read on"
            time.sleep(register.chance.uniform(0, 0.1))
            node.kill("all")
            assert _kept(node) < len(register.people), "killed when it had everything"
            register.grow(LATE)
            node.restart()
        _until_all_is_kept(node, len(register.people))
        node.wait_settled()
        node.stop()

    # each run went on from its last page: a list of changes was not read from its beginning
    pages = len(register.people) // PAGE
    assert how == "whole" or register.asked < pages + KILLS * 8
    _kept_once(node, register)
    _settled_once(node, register)


def _configure(folder, address: str, how: str) -> None:
    files = {
        "connections/register.yaml": CONNECTION.replace("ADDRESS", address).replace("HOW", how),
        "pipelines/register.yaml": PIPELINE,
        "mappings/inbound/register/person.yaml": MAPPING,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _kept(node) -> int:
    with closing(sqlite3.connect(node.data / "journal.db", timeout=20)) as journal:
        said = "select count(*) from message where connection = 'register'"
        return journal.execute(said).fetchone()[0]


def _until_all_is_kept(node, count: int) -> None:
    until = time.monotonic() + 120
    while _kept(node) < count or not _pulled_to_its_end(node):
        assert time.monotonic() < until, f"{_kept(node)} of {count} came; {node.said()[-2000:]}"
        time.sleep(0.1)


def _pulled_to_its_end(node) -> bool:
    return '"event": "pulled"' in node.log.read_text()


def _kept_once(node, register) -> None:
    places = Places(node.data)
    keyring = load(places.keys)
    with closing(places.journal(read_only=True)) as journal:
        rows = journal.all(
            "select connection, key, body, flags from message where connection = 'register'"
        )
    read = [
        json.loads(bodies.unpack(keyring, body, bodies.place_of(connection, key)))
        for connection, key, body, _ in rows
    ]
    assert Counter(one["id"] for one in read) == Counter(one["id"] for one in register.people)
    assert [flags for *_, flags in rows if flags & GONE] == []


def _settled_once(node, register) -> None:
    with closing(sqlite3.connect(node.data / "hub.db")) as hub:
        asserted = hub.execute("select count(*), count(distinct x) from assertion").fetchone()
        versions = hub.execute("select count(*), max(n) from version").fetchone()
        sexes = Counter(sex for (sex,) in hub.execute("select sex from participant"))
        outcomes = hub.execute("select state, count(*) from outcome group by state").fetchall()
    count = len(register.people)
    words = {"F": "female", "M": "male", "O": "other"}
    assert asserted == (count, count)
    assert versions == (count, 1)
    assert sexes == Counter(words[one["sex"]] for one in register.people)
    assert outcomes == []
    with closing(Places(node.data).hub(read_only=True)) as hub:
        assert list(audit.broken(hub)) == []
