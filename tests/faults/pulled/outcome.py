"""What a node must have come to once it has read, or was told of, the people of a source."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing

from hub import audit, identity
from hub.seal import load
from pipelines import bodies
from pipelines.journal import GONE
from pipelines.places import Places
from tests.faults.pulled.source import People, said_in


def until(so, seconds: float, node, otherwise: str, *, pause: float = 0.005) -> None:
    """Waits until it is so."""
    ends = time.monotonic() + seconds
    while not so():
        runs = node.process.poll() is None and time.monotonic() < ends
        assert runs, f"{otherwise}; {node.said()[-2000:]}"
        time.sleep(pause)


def messages(node) -> int:
    """How many the node has kept."""
    if not (node.data / "journal.db").exists():
        return 0
    with closing(sqlite3.connect(node.data / "journal.db", timeout=20)) as journal:
        if not journal.execute("select 1 from sqlite_master where name = 'message'").fetchone():
            return 0
        said = "select count(*) from message where connection = 'peer'"
        return journal.execute(said).fetchone()[0]


def said(node) -> Counter:
    """What is kept, and how often."""
    places = Places(node.data)
    keyring = load(places.keys)
    with closing(places.journal(read_only=True)) as journal:
        rows = journal.all("select connection, key, body from message where connection = 'peer'")
    return Counter(
        said_in(bodies.unpack(keyring, body, bodies.place_of(connection, key)))
        for connection, key, body in rows
    )


def kept_once(node, people: People) -> None:
    """Whatever the source says now is there, nothing of it twice, and nobody is said to be gone."""
    found = said(node)
    assert set(found.values()) == {1}
    assert people.said_now <= found.keys() <= people.said
    with closing(Places(node.data).journal(read_only=True)) as journal:
        assert journal.all("select key from message where flags & ? != 0", (GONE,)) == []


def settled_once(node, people: People) -> None:
    """The hub's records are the source's people; each message is one assertion."""
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
    kept = messages(node)
    assert sexes == wanted
    assert asserted == (kept, len(wanted))
    assert len(wanted) <= versions <= kept
    assert outcomes == []
    with closing(Places(node.data).hub(read_only=True)) as hub:
        assert list(audit.broken(hub)) == []
