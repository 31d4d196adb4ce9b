"""One store with a study, its people and its money, served as FHIR; made once for all tests."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from crohub.fhir import routes
from hub import keys, schema, seal
from hub.api.app import mount
from hub.api.deps import Deps
from hub.context import Context
from hub.database import session
from hub.policy import Policy, System
from hub.principal import PHI, READ
from hub.said import Said
from hub.settle import settle
from hub.statement import Gone, Identifier, Meaning, Ref, SameAs, Stated
from mappings.code_tables import load_codes

BASE = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z
SUBJECTS = 7


def said(entity, key, *identifiers, **fields):
    return Stated(entity=entity, key=key, fields=fields, identifiers=identifiers)


def to(entity, key):
    return Ref(entity=entity, key=key)


def _places():
    yield said(
        "Organization",
        "acme",
        Identifier("ror", "021nxhr62"),
        name="Acme Bio",
        kind="sponsor",
        phone="+1 555 0100",
        city="Springfield",
        country="US",
        active=True,
    )
    yield said("Organization", "cedar", name="Cedar Mesa", kind="institution", alias=["CMM"])
    yield said(
        "Location",
        "ward",
        name="Research Ward",
        kind="ward",
        status="active",
        organization=to("Organization", "cedar"),
        latitude="35.10",
        longitude="-106.60",
    )
    yield said(
        "Person",
        "lee",
        Identifier("npi", "1234567893"),
        family_name="Lee",
        given_name="Ada",
        degrees=["MD"],
        email="lee@cedar.example",
        active=True,
    )


def _study():
    yield said(
        "Study",
        "onc",
        Identifier("nct", "NCT99000101"),
        Identifier("sponsor_protocol_no", "ONC-101", "ACME"),
        title="Drug A in a disease",
        official_title="A study of drug A",
        acronym="ONC",
        status="open_to_accrual",
        status_native="OPEN TO ACCRUAL",
        phase="2",
        sponsor=to("Organization", "acme"),
        principal_investigator=to("Person", "lee"),
        start_on="2026-01",
        target_enrolment=40,
        conditions=["A disease"],
        description="Made up",
    )
    yield said("Study", "idea", title="Only an idea", status="concept", status_native="IDEA")
    yield said("Study", "heard", title="Only heard of")
    yield said(
        "StudyArm",
        "arm",
        study=to("Study", "onc"),
        name="Drug A",
        arm_type="experimental",
        sequence=1,
    )
    yield said(
        "StudyObjective",
        "goal",
        study=to("Study", "onc"),
        level="primary",
        objective="That it helps",
        sequence=1,
    )
    yield said(
        "StudySite",
        "site",
        study=to("Study", "onc"),
        site_number="101",
        organization=to("Organization", "cedar"),
        status="activated",
        status_native="Activated",
    )
    yield said(
        "StudyState",
        "open",
        study=to("Study", "onc"),
        scope="local",
        state="open_to_accrual",
        state_native="OPEN TO ACCRUAL",
        started_on="2026-02-01",
    )
    yield said(
        "StaffAssignment",
        "pi",
        person=to("Person", "lee"),
        study=to("Study", "onc"),
        role="pi",
        role_native="Principal Investigator",
        status="active",
        location=to("Location", "ward"),
        start_on="2026-01-05",
    )


def _subject(n, state, native):
    mrn = Identifier("mrn", f"12345{n}", "CEDARMESA")
    number = Identifier("subject_number", f"S-000{n}", "ONC-101")
    yield said(
        "Participant",
        f"p{n}",
        mrn,
        sex="female",
        race=["asian"],
        year_of_birth=1985,
        language="en",
        deceased=False,
    )
    yield said(
        "ParticipantPhi",
        f"p{n}",
        family_name=f"Example{n}",
        given_name="Anna",
        middle_name="B C",
        birth_date="1985-02-14",
        city="Springfield",
        phone="555-0101",
    )
    yield said(
        "Enrollment",
        f"e{n}",
        number,
        study=to("Study", "onc"),
        participant=to("Participant", f"p{n}"),
        subject_number=f"S-000{n}",
        state=state,
        state_native=native,
        enrolled_on=f"2026-03-0{n}",
    )
    yield said("EnrollmentArm", f"e{n}", arm_assigned="ZZSECRETARM")
    yield said(
        "EnrollmentState",
        f"s{n}",
        enrollment=to("Enrollment", f"e{n}"),
        state=state,
        state_native=native,
        started_on=f"2026-03-0{n}",
    )


def _visits():
    about = {
        "participant": to("Participant", "p1"),
        "enrollment": to("Enrollment", "e1"),
        "study": to("Study", "onc"),
    }
    yield said(
        "ParticipantVisit",
        "v1",
        **about,
        visit_type="C1D1",
        status="scheduled",
        status_native="Booked",
        scheduled_at="2026-03-10T15:30Z[-07:00]",
        scheduled_end_at="2026-03-10T16:00Z[-07:00]",
        location=to("Location", "ward"),
    )
    yield said(
        "ParticipantVisit",
        "v2",
        **about,
        visit_type="C1D8",
        status="scheduled",
        scheduled_at="2026-03-17T15:30Z[-07:00]",
    )
    yield said(
        "ParticipantVisit",
        "v3",
        **about,
        visit_type="C1D15",
        status="scheduled",
        scheduled_at="2026-03-24",
    )
    yield said("ParticipantVisit", "v4", **about, visit_type="C2D1", status="projected")


def _papers():
    yield said(
        "Consent",
        "c1",
        participant=to("Participant", "p1"),
        study=to("Study", "onc"),
        enrollment=to("Enrollment", "e1"),
        form_name="Main ICF",
        form_version="v3",
        kind="main",
        status="obtained",
        status_native="SIGNED",
        language="en",
        signed_at="2026-02-28T17:00Z[-07:00]",
        obtained_by=to("Person", "lee"),
    )
    yield said(
        "Document",
        "icf",
        study=to("Study", "onc"),
        title="Consent form",
        kind="informed_consent",
        status="effective",
        status_native="Approved",
        current_version="3.0",
    )
    yield said(
        "Document", "due", study=to("Study", "onc"), title="CV", kind="cv", status="expected"
    )
    yield said(
        "DocumentVersion",
        "icf3",
        document=to("Document", "icf"),
        version_no="3.0",
        media_type="application/pdf",
        status="effective",
        approved_on="2026-02-20",
    )
    yield said(
        "Invoice",
        "i1",
        Identifier("invoice_no", "INV-7", "CEDARMESA"),
        direction="ar",
        kind="invoice",
        invoice_no="INV-7",
        party=to("Organization", "acme"),
        study=to("Study", "onc"),
        state="sent",
        state_native="Posted",
        issued_on="2026-03-20",
        total_amount="3825.00",
        currency="USD",
    )
    yield said(
        "InvoiceLine",
        "l1",
        invoice=to("Invoice", "i1"),
        sequence=1,
        description="C1D1 less holdback",
        amount="3825.00",
        currency="USD",
    )


def story():
    """Everything that is said, in order."""
    yield from _places()
    yield from _study()
    states = [("on_treatment", "ON TREATMENT"), ("consented", "CONSENTED")]
    states += [("enrolled", "ON STUDY")] * (SUBJECTS - 2)
    for n, (state, native) in enumerate(states, 1):
        yield from _subject(n, state, native)
    yield from _visits()
    yield from _papers()
    yield said("Organization", "acme-2", name="Acme Bio")
    yield SameAs(entity="Organization", kept="acme", retired="acme-2")
    yield said("Location", "closed", name="Closed Ward")
    yield Gone(entity="Location", key="closed")


@dataclass
class Served:
    """A store, the application that serves it, and who was told of what was seen."""

    store: object
    app: FastAPI
    audited: list

    def client(self, *scopes):
        key = keys.make("test", scopes, now=BASE)
        with self.store.transaction():
            keys.put(self.store, key.row)
        return TestClient(self.app, headers={"Authorization": f"Bearer {key.text}"}), key.text

    def id(self, entity, where="1 = 1"):
        [(one,)] = self.store.all(f"select id from {entity} where {where} limit 1")
        return one


@contextmanager
def serving(url, folder):
    """The story in a store at `url`, served."""
    schema.upgrade(url, [schema.HUB])
    keyring, store = seal.load(folder / "keys.json"), session(url)
    embedded = store.dialect == "sqlite"
    context = Context(
        session=store, keyring=keyring, policy=Policy(systems={"ctms": System("ctms", "CTMS")}),
        clock=itertools.count(BASE, 1_000_000).__next__, chain="test", keeps=embedded,
    )  # fmt: skip
    with store.transaction():
        for seq, one in enumerate(story(), 1):
            meaning = Meaning(statements=(one,))
            settle(context, [Said(seq=seq, system="ctms", at=BASE + seq, meaning=meaning)])
    audited: list = []
    app = FastAPI(docs_url=None, redoc_url=None)
    deps = Deps(
        open_session=lambda: session(url, read_only=True), keyring=keyring, clock=lambda: BASE,
        saw=lambda *one: audited.append(one), embedded=embedded, policy=context.policy,
        open_paths=routes.OPEN,
    )  # fmt: skip
    sessions = mount(app, deps)
    routes.mount(app, deps, sessions, load_codes())
    yield Served(store, app, audited)
    sessions.close()
    store.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fhir")
    with serving(f"sqlite:///{folder / 'hub.db'}", folder) as made:
        yield made


@pytest.fixture
def on_postgres(postgres_database, tmp_path):
    with serving(postgres_database, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def client(served):
    """With a key that may read personal data, too."""
    return served.client(READ, PHI)[0]


@pytest.fixture(scope="session")
def plain(served):
    """With a key that may only read."""
    return served.client(READ)[0]


@pytest.fixture(scope="session")
def address(served):
    """The application behind a socket: what a client that others wrote can reach."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(served.app, port=port, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
