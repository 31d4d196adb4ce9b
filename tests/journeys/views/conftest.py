"""A hub that is told a story in the institution's own tables and messages, and the rows that its
views give of it.

A module of tests tells one story, once, to a store of its own:

    STORY = (
        ("ctms", "files/study", "protocol_no,title\\nONC-101,A trial of X"),   # a table, row by row
        ("ctms", "oncore/study", {...}),                                      # JSON, FHIR
        ("ehr", "hl7v2/enrollment", "MSH|..."),                               # HL7
    )

    def test_a_row_says_so(shown):
        assert shown("ctms_study_overview", study="ONC-101") == [{...}]

`shown` leaves out what is not repeatable (ids). The day is TODAY unless `today=` says another.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.formats import tables
from connectors.formats.pieces import START
from connectors.record import Record
from hub import schema, seal
from hub.clock import micros
from hub.context import Context
from hub.database import Session, session
from hub.policy import Policy, System
from hub.principal import SYSTEM
from hub.reader import Reader
from hub.said import Said
from hub.settle import settle
from hub.views import asked, read
from hub.views.catalogue import named
from mappings import setting
from mappings.code_tables import load_codes
from mappings.collection import load_library

TODAY = "2026-06-15"
ROLES = {
    "ehr": "EHR", "ctms": "CTMS", "irb": "IRB", "edc": "EDC", "hr": "HR", "office": "OTHER",
    "citi": "TRAINING", "ereg": "EREG", "etmf": "ETMF", "erp": "ERP", "grants": "ERP",
}  # fmt: skip
# who gives which numbers; the protocol numbers of the office's tables are the CTMS's
NUMBERS = {
    "office": "oncore", "ctms": "oncore", "mrn_of": "CEDARMESA", "irb": "CM-IRB", "hr": "CM-HR",
    "employer": "CM-HR", "sponsor_no": "ACME", "study_no_of": "ACME", "record_id": "record_id",
}  # fmt: skip
LIBRARY = load_library(codes=load_codes(), packaged=True)
SAID_AT = datetime(2026, 6, 14, 8, tzinfo=UTC)


@cache
def _reader(system: str, mapping: str):
    known = LIBRARY.inbound[mapping].parameters
    context = setting.Context(
        system=system, timezone=ZoneInfo("America/Phoenix"), authority="CEDARMESA",
        parameters={name: value for name, value in NUMBERS.items() if name in known},
    )  # fmt: skip
    return LIBRARY.reader([mapping], context)


@dataclass
class Told:
    """A hub; `says` maps a message, or each row of a table, and settles it."""

    store: Session
    context: Context
    seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def says(self, system: str, mapping: str, body: Any, *, at: datetime = SAID_AT, said="said"):
        """One message: JSON as a dict or list, a table as its text, HL7 as its lines."""
        media = LIBRARY.inbound[mapping].reads
        heard = []
        for raw in _bodies(body, media):
            record = Record(
                stream=mapping, message_key="1", at=at, body=raw, media=media, said=said
            )
            meaning = _reader(system, mapping)(record)
            assert meaning.statements, f"{mapping} makes nothing of {raw[:200]!r}"
            number = next(self.seq)
            heard.append(Said(seq=number, system=system, at=micros(at), meaning=meaning))
        with self.store.transaction():
            settle(self.context, heard)

    @property
    def reader(self) -> Reader:
        return Reader(self.store, self.context.keyring, lambda *saw: None, self.context.policy)

    def rows(self, name: str, *, today: str = TODAY, principal=SYSTEM, **params: str):
        """A page of a view, without the ids of its rows and of studies, sites and people."""
        question = asked.parse(named(name), tuple(params.items()))
        page = read.page(self.reader, principal, named(name), question, now=f"{today}T12:00:00Z")
        return [{n: v for n, v in row.items() if n not in IDS} for row in page.items]


IDS = ("id", "study_id", "study_site_id", "person_id", "enrollment_id", "organization_id",
       "as_of", "freshness")  # fmt: skip


def _bodies(body: Any, media: str) -> list[bytes]:
    if media == tables.MEDIA:
        text = "\n".join(line.strip() for line in body.strip().splitlines()) + "\n"
        read_as = tables.Dialect()
        pieces = list(tables.pieces(io.BytesIO(text.encode()), read_as, START))
        assert not any(piece.fault for piece in pieces), pieces
        return [piece.body for piece in pieces]
    return [body.encode() if isinstance(body, str) else json.dumps(body).encode()]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("views") / "hub.db"
    schema.upgrade(f"sqlite:///{path}", [schema.HUB])
    return path


def tell(folder: Path, migrated: Path, *stories: Sequence[Any]) -> Told:
    """A store below `folder` that was told the stories."""
    shutil.copy(migrated, folder / "hub.db")
    opened = session(f"sqlite:///{folder / 'hub.db'}")
    policy = Policy(systems={name: System(name, role) for name, role in ROLES.items()})
    context = Context(
        session=opened, keyring=seal.load(folder / "keys.json"), policy=policy, chain="test",
        clock=lambda: micros(SAID_AT),
    )  # fmt: skip
    made = Told(opened, context)
    for message in itertools.chain(*stories):
        system, mapping, body, *said = message
        made.says(system, mapping, body, said=said[0] if said else "said")
    return made


@pytest.fixture(scope="module")
def told(request, migrated, tmp_path_factory):
    """The store that was told this module's STORY."""
    made = tell(tmp_path_factory.mktemp("story"), migrated, request.module.STORY)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def shown(told):
    """The rows of a view, asked by the words of a URL."""
    return told.rows


@pytest.fixture(scope="module")
def known(told):
    """The same, with what has no value left out of each row."""

    def rows(name: str, **params: str):
        return [
            {n: v for n, v in row.items() if v is not None} for row in told.rows(name, **params)
        ]

    return rows


@pytest.fixture(scope="session")
def everything_told(migrated, tmp_path_factory):
    """A store that was told the stories of all modules beside this file, and how to open more."""
    made = tell(tmp_path_factory.mktemp("all"), migrated, *_stories())
    yield made
    made.store.close()


def _stories() -> list[Sequence[Any]]:
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"story_of_{path.stem}", path)
        module = importlib.util.module_from_spec(spec) if spec else SimpleNamespace()
        spec.loader.exec_module(module)
        found.append(getattr(module, "STORY", ()))
    return found
