"""Messages are found by what an operator knows of them, and every search walks an index."""

import itertools

import pytest

from crohub import lookup, schema
from crohub.lookup import Wanted
from hub import seal
from pipelines import outcomes, tables
from pipelines.intake import lane_digest
from pipelines.journal import COLUMNS
from pipelines.places import Places
from pipelines.queue import PARTS


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request, tmp_path):
    if request.param == "postgresql":
        made = Places(tmp_path / "data", request.getfixturevalue("postgres_database"))
        made.make()
    else:
        made = Places(tmp_path / "data")
    schema.upgrade(made)
    return made


@pytest.fixture
def keyring(places):
    return seal.load(places.keys)


@pytest.fixture
def session(places):
    opened = lookup.reading(places)
    yield opened
    opened.close()


@pytest.fixture
def store(places, keyring):
    """Stores messages of patients; the last `waiting` are not settled yet."""

    def store(*mrns, waiting=0, connection="ehr"):
        journal, hub = places.journal(), places.hub()
        parts = PARTS[journal.dialect]
        rows = []
        for n, mrn in enumerate(mrns, 1):
            lane = lane_digest(keyring, mrn)
            values = {
                "seq": n, "part": lane[0] % parts, "connection": connection, "stream": "ADT",
                "key": f"REG|NORTH|C{n}", "hash": b"", "lane": lane, "arrival": 0, "at": n,
                "received_at": n, "media": "hl7v2", "flags": 0, "pipeline": "adt", "revision": 1,
                "remark": None, "body": b"", "control": f"C{n}",
            }  # fmt: skip
            rows.append(tuple(values[name] for name in COLUMNS))
        with journal.transaction():
            journal.insert(tables.message, COLUMNS, rows)
        upto = len(mrns) - waiting
        columns = ("part", "upto", "epoch", "owner", "lease_until")
        progress = [(part, upto, 0, None, 0) for part in range(parts)]
        with hub.transaction():
            hub.upsert(tables.progress, columns, progress, ("part",))
        journal.close()
        hub.close()

    return store


def set_aside(places, keyring, seq, mrn, state):
    hub = places.hub()
    lane = lane_digest(keyring, mrn)
    part = lane[0] % PARTS[hub.dialect]
    with hub.transaction():
        row = (seq, part, lane, state, "why", "PID-3", 0, 0, 1, None, False)
        hub.upsert(tables.outcome, outcomes.COLUMNS, [row], ("seq",))
    hub.close()


def seqs(found):
    return [one.seq for one in found]


def test_by_patient_and_by_control_id(session, store, keyring):
    store("1", "2", "1", "3")

    assert seqs(lookup.find(session, keyring, Wanted(patient="1"))) == [3, 1]
    assert seqs(lookup.find(session, keyring, Wanted(control_id="C2"))) == [2]
    assert lookup.find(session, keyring, Wanted(control_id="C")) == []
    assert seqs(lookup.find(session, keyring, Wanted(patient="1", control_id="C3"))) == [3]


def test_by_state(session, store, places, keyring):
    store("1", "2", "3", "4", waiting=1)
    set_aside(places, keyring, 2, "2", "parked")
    set_aside(places, keyring, 3, "3", "held")

    found = {state: seqs(lookup.find(session, keyring, Wanted(state=state)))
             for state in ("done", "waiting", "parked", "held", "test")}  # fmt: skip

    assert found == {"done": [1], "waiting": [4], "parked": [2], "held": [3], "test": []}
    assert [one.state for one in lookup.find(session, keyring, Wanted())] == [
        "waiting", "held", "parked", "done",
    ]  # fmt: skip


def test_a_message_that_no_settler_ever_looked_at_waits(session, store, places, keyring):
    store("1")
    hub = places.hub()
    with hub.transaction():
        hub.run("delete from progress")
    hub.close()

    assert [one.state for one in lookup.find(session, keyring, Wanted())] == ["waiting"]
    assert seqs(lookup.find(session, keyring, Wanted(state="waiting"))) == [1]


def test_pages_cover_every_message_once(session, store, keyring):
    store(*(str(n % 7) for n in range(50)))
    before, found = 0, []
    for _ in itertools.repeat(None, 10):
        page = lookup.find(session, keyring, Wanted(before=before, limit=8))
        if not page:
            break
        found += seqs(page)
        before = page[-1].seq

    assert found == list(range(50, 0, -1))


def test_our_own_orders_are_not_messages(session, store, keyring):
    store("1", connection="crohub")

    assert lookup.find(session, keyring, Wanted()) == []


SEARCHES = {
    "patient": Wanted(patient="1"),
    "control id": Wanted(control_id="C1"),
    "patient and state": Wanted(patient="1", state="parked"),
    "control id and connection": Wanted(control_id="C1", connection="ehr"),
    "parked": Wanted(state="parked"),
    "held, next page": Wanted(state="held", before=1000),
    "waiting": Wanted(state="waiting"),
    "all, next page": Wanted(before=1000),
}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("places", ["sqlite"], indirect=True)
def test_every_search_walks_an_index_and_sorts_nothing(session, keyring, name):
    wanted = SEARCHES[name]
    part = None if wanted.patient or wanted.control_id else 0
    sql, values = lookup.statement(keyring, wanted, part, 50)

    plan = [str(row[3]) for row in session.all(f"explain query plan {sql}", values)]

    assert not [step for step in plan if step.startswith(("SCAN m", "SCAN o"))], plan
    if not wanted.control_id:
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("places", ["sqlite"], indirect=True)
def test_the_plan_test_notices_a_search_without_an_index(session):
    plan = [str(row[3]) for row in session.all("explain query plan select * from message m "
                                               "where m.stream = 'ADT'")]  # fmt: skip

    assert [step for step in plan if step.startswith("SCAN m")]
