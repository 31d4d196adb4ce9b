"""Killed again and again while events are posted to it, a node loses and doubles nothing."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
import pytest

from tests.faults.pulled.outcome import kept_once, messages, said, settled_once, until
from tests.faults.pulled.source import SECRET, People, Person

pytestmark = pytest.mark.faults

KILLS, SENDERS, PEOPLE, EACH = 4, 3, 60, 5  # events of a sender: its people, EACH times
FILES = {
    "connections/peer.yaml": """connector: webhook
system: peer
role: OTHER
settings: {verification: {kind: bearer, token: "${env:HOOK_SECRET}"}}
""",
    "pipelines/peer.yaml": """reads: {connection: peer, stream: event}
mappings: [peer/person]
lane: id
""",
    "mappings/inbound/peer/person.yaml": """reads: application/json
states:
  Participant:
    key: id
    at: at
    sex: {path: sex, then: [code fhir-gender], on_bad: refuse}
""",
}


@dataclass
class Sender:
    """Posts its events in their order, each until it is answered, and now and then once more."""

    node: object
    events: list[Person]
    seed: int
    answered: int = 0
    repeated: int = 0
    sent_again: int = 0
    wrong: list[int] = field(default_factory=list)

    def run(self) -> None:
        chance = random.Random(self.seed)
        with httpx2.Client(trust_env=False, timeout=10) as line:
            for place, event in enumerate(self.events):
                self._until_answered(line, event)
                self.answered += 1
                if chance.random() < 0.05:
                    self.repeated += 1
                    before = self.events[chance.randint(max(0, place - 20), place)]
                    self._until_answered(line, before)

    def _until_answered(self, line: httpx2.Client, event: Person) -> None:
        headers = {"Authorization": f"Bearer {SECRET}", "webhook-id": f"{event.id}.{event.turn}"}
        at = event.at.isoformat()
        said = {"id": event.id, "sex": event.sex, "turn": event.turn, "at": at}
        while True:
            try:
                url = f"{self.node.address}/hooks/peer"
                answer = line.post(url, content=json.dumps(said), headers=headers)
            except (httpx2.HTTPError, httpx2.InvalidURL):
                self.sent_again += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 202:
                return
            if answer.status_code != 503:
                self.wrong.append(answer.status_code)
            time.sleep(0.1)


def _events(people: People, told: list[Person]) -> Iterator[list[Person]]:
    """What each sender says: the people came, then all of them changed again and again."""
    people.come(SENDERS * PEOPLE)
    for _ in range(EACH - 1):
        people.change(list(people.now))
    for number in range(SENDERS):
        yield [one for one in told if one.number % SENDERS == number]


def test_kills_while_events_come_lose_and_double_nothing(node, deployment):
    told: list[Person] = []
    people, chance = People(told.extend), random.Random(5)
    for name, text in FILES.items():
        (deployment / name).parent.mkdir(parents=True, exist_ok=True)
        (deployment / name).write_text(text)
    node.environment = {"HOOK_SECRET": SECRET}
    senders = [Sender(node, events, n) for n, events in enumerate(_events(people, told))]
    threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
    node.start()
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        mark = messages(node) + chance.randint(40, 180)
        until(lambda mark=mark: messages(node) >= mark, 60, node, "no more events come")
        node.kill("all")
        time.sleep(chance.uniform(0, 0.3))
        assert messages(node) < len(told), "killed when it had everything"
        node.restart()
    for thread in threads:
        thread.join(120)
    node.wait_settled()
    node.stop()

    assert [(sender.answered, sender.wrong) for sender in senders] == [(PEOPLE * EACH, [])] * 3
    assert sum(sender.repeated for sender in senders) > 20
    assert sum(sender.sent_again for sender in senders) >= KILLS  # answers were lost
    assert said(node).keys() == people.said
    kept_once(node, people)
    settled_once(node, people)
