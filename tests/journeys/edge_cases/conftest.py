"""A hub that is told things by the institution's systems, in their own words, on both databases.

`told.says(feed, body)` maps one message through the packaged library, as the pipeline of that feed
would, and settles it; what it made is read back as a person with a key reads it.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from connectors.formats import tables as rows
from connectors.record import Record
from hub import history, repository, schema, seal, worklists
from hub.clock import micros
from hub.context import Context
from hub.database import Session, session
from hub.history import Asked
from hub.joining import Word
from hub.model.spec import entities
from hub.policy import Policy, System
from hub.principal import SYSTEM
from hub.provenance import Teller
from hub.query import Query, Sought, View
from hub.reader import Reader
from hub.said import Said
from hub.settle import settle
from mappings import setting
from mappings.code_tables import load_codes
from mappings.collection import load_library

FHIR, JSON, HL7, CSV = "application/fhir+json", "application/json", "hl7v2", rows.MEDIA
ROLES = {
    "ehr": "EHR", "ctms": "CTMS", "cro": "CTMS", "irb": "IRB", "edc": "EDC", "hr": "HR",
    "citi": "TRAINING", "ereg": "EREG", "etmf": "ETMF", "erp": "ERP", "grants": "ERP",
}  # fmt: skip
# feed: the system, the media of its messages, the mappings that its pipeline names
FEEDS = {
    "hl7": ("ehr", HL7, ("hl7v2/participant", "hl7v2/merge", "hl7v2/appointment",
                         "hl7v2/enrollment", "hl7v2/document")),
    "fhir": ("ehr", FHIR, ("fhir/patient", "fhir/study", "fhir/enrollment", "fhir/consent")),
    "protocols": ("ctms", JSON, ("oncore/study",)),
    "subjects": ("ctms", JSON, ("oncore/enrollment",)),
    "demographics": ("ctms", JSON, ("oncore/participant",)),
    "contacts": ("ctms", JSON, ("oncore/person",)),
    "protocol_staff": ("ctms", JSON, ("oncore/staff",)),
    "visits": ("ctms", JSON, ("oncore/visit",)),
    "cro_studies": ("cro", CSV, ("files/study",)),
    "irb_studies": ("irb", JSON, ("irb/study", "irb/staff")),
    "irb_submissions": ("irb", JSON, ("irb/submission", "irb/document")),
    "irb_list": ("irb", CSV, ("files/irb-submission",)),
    "redcap": ("edc", JSON, ("redcap/participant", "redcap/enrollment", "redcap/consent")),
    "redcap_log": ("edc", JSON, ("redcap/left",)),
    "redcap_users": ("edc", JSON, ("redcap/staff",)),
    "workers": ("hr", JSON, ("workday/person", "workday/employment")),
    "completions": ("citi", CSV, ("files/citi",)),
    "delegations": ("ereg", CSV, ("files/delegation",)),
    "documents": ("etmf", JSON, ("vault/document", "vault/document-version")),
    "document_versions": ("etmf", JSON, ("vault/document-version",)),
    "billing": ("erp", JSON, ("odata/billing-document",)),
    "awards": ("grants", CSV, ("files/award",)),
    "budgets": ("ctms", CSV, ("files/budget",)),
    "invoices": ("erp", CSV, ("files/invoice",)),
    "payments": ("erp", CSV, ("files/payment",)),
    "allocations": ("erp", CSV, ("files/payment-allocation",)),
}  # fmt: skip
# who gives which numbers, as the pipelines say it
NUMBERS = {
    "ctms": "ONCORE", "mrn_of": "CEDARMESA", "irb": "CM-IRB", "hr": "CM-HR", "employer": "CM-HR",
    "sponsor_no": "ACME", "record_id": "record_id",
}  # fmt: skip
LIBRARY = load_library(codes=load_codes(), packaged=True)
FIRST_DAY = datetime(2026, 3, 1, 8, tzinfo=UTC)


def reader_of(feed: str, timezone: str, numbers: tuple[tuple[str, str], ...]):
    """The mappings of one feed, with the numbers that their parameters know."""
    system, _, names = FEEDS[feed]
    known = {name for one in names for name in LIBRARY.inbound[one].parameters}
    wanted = {name: value for name, value in {**NUMBERS, **dict(numbers)}.items() if name in known}
    context = setting.Context(
        system=system, timezone=ZoneInfo(timezone), authority="CEDARMESA", parameters=wanted
    )
    return LIBRARY.reader(names, context)


@dataclass
class Told:
    """A hub and the day it is there. A message says that it is of that minute unless `at` is
    given; the hub hears of it then. Every message takes a minute."""

    store: Session
    context: Context
    today: datetime = FIRST_DAY
    seen: list[tuple[str, str]] = field(default_factory=list)  # what was opened, by whom
    zone: str = "America/Phoenix"
    numbers: dict[str, str] = field(default_factory=dict)
    _readers: dict[Any, Any] = field(default_factory=dict)
    _seq: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def reader(self) -> Reader:
        def saw(entity, ids, principal):
            self.seen += [(entity, principal.name) for _ in ids]

        return Reader(self.store, self.context.keyring, saw, self.context.policy)

    def day(self, said: str) -> None:
        """It becomes this day, or this moment, at the hub."""
        at = datetime.fromisoformat(said)
        self.today = at if at.tzinfo else at.replace(hour=at.hour or 8, tzinfo=UTC)

    def says(self, feed, body, *, at: str = "", said="said"):
        """One message of a feed: JSON as a dict or list, CSV as a dict, HL7 as its lines."""
        self.today += timedelta(minutes=1)
        moment = datetime.fromisoformat(at) if at else self.today
        system, media, _ = FEEDS[feed]
        raw = _raw(body, media)
        record = Record(
            stream=feed, message_key="1", at=moment, body=raw, media=media, said=said
        )  # fmt: skip
        place = (feed, self.zone, tuple(sorted(self.numbers.items())))
        if place not in self._readers:
            self._readers[place] = reader_of(*place)
        meaning = self._readers[place](record)
        assert meaning.statements, f"no mapping of {feed} reads {raw[:200]!r}"
        message = Said(seq=next(self._seq), system=system, at=micros(moment), meaning=meaning)
        with self.store.transaction():
            return settle(self.context, [message])

    def hl7(self, event, *segments, at=""):
        """One HL7 message of the hospital, sent `at`; "": now."""
        now = datetime.fromisoformat(at) if at else self.today + timedelta(minutes=1)
        head = f"MSH|^~\\&|HIS|CEDARMESA|||{now:%Y%m%d%H%M%S%z}||{event}|1|P|2.5.1"
        return self.says("hl7", "\r".join((head, *segments)) + "\r", at=now.isoformat())

    def word(self, do, entity, *arguments):
        """A person's word on records (hub.joining), as an order carries it out."""
        self.today += timedelta(minutes=1)
        word = Word(seq=next(self._seq), at=micros(self.today))
        with self.store.transaction():
            return do(self.context, entities()[entity], *arguments, word)

    def all(self, entity, *include, principal=SYSTEM, **wanted):
        """The records of one kind whose fields are as `wanted`."""
        view = View(include=frozenset({"labels", *include}), provenance=True)
        page = repository.page(self.reader, principal, entities()[entity], Query(view=view))
        return [r for r in page.items if all(r[n] == value for n, value in wanted.items())]

    def one(self, entity, *include, **wanted):
        """The one record of a kind that is as `wanted`."""
        found = self.all(entity, *include, **wanted)
        assert len(found) == 1, f"{len(found)} records of {entity} {wanted}"
        return found[0]

    def found(self, entity, type_, value):
        """The records that a person finds by a number."""
        query = Query(
            identifiers=(Sought(type_, value),), view=View(include=frozenset({"identifiers"}))
        )
        return repository.page(self.reader, SYSTEM, entities()[entity], query).items

    def then(self, record, entity, *, as_of="", known_at=""):
        """A record as it was on a day, or as the hub knew it on a day."""
        asked = Asked(
            as_of=micros(_moment(as_of)) if as_of else None,
            known_at=micros(_moment(known_at)) if known_at else None,
        )
        view = View(include=frozenset({"labels"}))
        return history.rebuilt(
            self.reader, SYSTEM, entities()[entity], record["id"], view, asked
        )  # fmt: skip

    def values(self, record, entity, name):
        """The values that a field has had, in turn."""
        page = history.history(self.reader, SYSTEM, entities()[entity], record["id"], view=View())
        return [item["changed"][name] for item in page.items if name in item["changed"]]

    def findings(self, rule="", **more):
        return worklists.findings(self.reader, SYSTEM, rule=rule, **more).items

    def story(self, record, entity, name):
        """Why a field has its value."""
        teller = Teller(self.reader, self.context.policy, lambda seqs: {})
        told = teller.story(SYSTEM, entities()[entity], record["id"], [name])
        return told.fields[0]


def _moment(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _raw(body, media: str) -> bytes:
    if media == CSV:
        return f"{','.join(body)}\r\n{','.join(body.values())}\r\n".encode()
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("edge-cases") / "hub.db"
    schema.upgrade(f"sqlite:///{path}", [schema.HUB])
    return path


@pytest.fixture(scope="session")
def migrated_server(postgres_server: str) -> str:
    """The address of a server on which `edge_cases` can be copied."""
    _create(postgres_server, "edge_cases")
    schema.upgrade(_address(postgres_server, "edge_cases"), [schema.HUB])
    return postgres_server


def _create(server: str, name: str, template: str = "template1") -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")


def _address(server: str, name: str) -> str:
    address = server.replace("/postgres?", f"/{name}?")
    return address.replace("postgresql:", "postgresql+psycopg:")


_copies = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def told(request, tmp_path: Path):
    """On both databases."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "hub.db")
        address = f"sqlite:///{tmp_path / 'hub.db'}"
    else:
        server, name = request.getfixturevalue("migrated_server"), f"edge_case_{next(_copies)}"
        _create(server, name, "edge_cases")
        address = _address(server, name)
    opened = session(address)
    context = Context(
        session=opened, keyring=seal.load(tmp_path / "keys.json"), clock=lambda: 0, chain="test",
        policy=Policy(systems={name: System(name, role) for name, role in ROLES.items()}),
        keeps=opened.dialect == "sqlite",
    )  # fmt: skip
    made = Told(opened, context)
    context.clock = lambda: micros(made.today)
    yield made
    opened.close()
