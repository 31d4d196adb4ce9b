"""What the tests of expected outcomes share: the real data, the packaged mappings, a store."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.record import Record
from hub import seal, tables
from hub.context import Context
from hub.database import engine, session
from hub.policy import Policy, System
from hub.said import Said
from hub.settle import settle
from mappings.code_tables import load_codes
from mappings.collection import load_library

DATA = Path(__file__).parents[3] / "shared" / "data"
SYSTEMS = {"register": System("register", "REGISTRY"), "ehr": System("ehr", "EHR")}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def data():
    """The folder of real data; a test that needs it is skipped where it is not."""
    if not DATA.is_dir():
        pytest.skip(f"the real test data is not here ({DATA.name} beside the checkout)")
    return DATA


@pytest.fixture(scope="session")
def library():
    return load_library(codes=load_codes(), packaged=True)


@pytest.fixture
def record():
    def make(body, media, said="said"):
        return Record(stream="s", message_key="1", at=NOON, body=body, media=media, said=said)

    return make


@pytest.fixture
def store(tmp_path):
    """An open session on an empty SQLite store."""
    address = f"sqlite:///{tmp_path / 'hub.db'}"
    made = engine(address)
    tables.metadata.create_all(made)
    made.dispose()
    opened = session(address)
    yield opened
    opened.close()


@pytest.fixture
def tell(store, tmp_path):
    """Settles what a message means, in the order of the calls."""
    ticks = itertools.count(1_772_000_000_000_000, 1_000_000)
    context = Context(
        session=store, keyring=seal.load(tmp_path / "keys.json"), policy=Policy(systems=SYSTEMS),
        clock=lambda: next(ticks), chain="test", keeps=True,
    )  # fmt: skip
    numbers = itertools.count(1)

    def tell(meaning, system):
        seq = next(numbers)
        said = Said(seq=seq, system=system, at=context.clock(), meaning=meaning)
        with store.transaction():
            return settle(context, [said])

    return tell
