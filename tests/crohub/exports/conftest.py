"""A store with one whole study, and an empty one that what was exported is read into."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from connectors.record import Record
from crohub.exports.study import pieces
from crohub.fhir.codes import Codes
from hub import clock, schema, seal
from hub.context import Context
from hub.database import session
from hub.policy import Policy, System
from hub.principal import READ, Principal
from hub.reader import Reader
from hub.said import Said
from hub.settle import settle
from hub.statement import Identifier, Meaning, Ref, Stated
from mappings.code_tables import load_codes
from mappings.collection import load_library

BASE = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
WHO = Principal(name="test", scopes=frozenset({READ}))


def said(entity, key, *identifiers, **fields):
    return Stated(entity=entity, key=key, fields=fields, identifiers=identifiers)


def to(entity, key):
    return Ref(entity=entity, key=key)


def _definition():
    yield said(
        "Organization",
        "acme",
        Identifier("duns", "800000001"),
        name="Acme Bio",
        kind="sponsor",
        city="Springfield",
        country="US",
    )
    yield said("Organization", "cedar", name="Cedar Mesa", kind="institution")
    yield said(
        "Person",
        "lee",
        Identifier("username", "lee", "edc"),
        family_name="Lee",
        given_name="Ada",
        email="lee@cedar.example",
    )
    yield said(
        "Study",
        "onc",
        Identifier("nct", "NCT99000101"),
        Identifier("sponsor_protocol_no", "ONC-101", "ACME"),
        title="Drug A",
        official_title="A study of drug A",
        acronym="ONC",
        study_type="interventional",
        phase="2_3",
        blinding="double",
        conditions=["A disease"],
        target_enrolment=40,
        sponsor=to("Organization", "acme"),
        description="Made up",
    )
    for n, (name, kind) in enumerate((("Drug A", "experimental"), ("None", "other")), 1):
        yield said("StudyArm", name, study=to("Study", "onc"), name=name, arm_type=kind, sequence=n)
    for n, (name, kind) in enumerate((("Screening", "screening"), ("Watching", "observation")), 1):
        yield said(
            "StudyEpoch", name, study=to("Study", "onc"), name=name, epoch_type=kind, sequence=n
        )
    for n, (name, day, early, late) in enumerate(
        (("Screening", -14, 0, 7), ("Day 1", 0, None, None), ("Week 2", 14, 3, 3)), 1
    ):
        yield said(
            "VisitDef",
            name,
            Identifier("visit_oid", name.upper(), "onc"),
            study=to("Study", "onc"),
            name=name,
            sequence=n,
            planned_day=day,
            window_before_days=early,
            window_after_days=late,
            visit_type="scheduled",
            contact_mode="telephone" if day else "in_person",
            calendar_version="3",
            epoch=to("StudyEpoch", "Screening" if day < 0 else "Watching"),
        )
    yield said(
        "ProcedureDef",
        "ct",
        study=to("Study", "onc"),
        name="CT",
        procedure_code="71260",
        code_system="cpt",
        sequence=1,
    )
    yield said(
        "CoverageDesignation",
        "ct1",
        study=to("Study", "onc"),
        visit_def=to("VisitDef", "Day 1"),
        procedure_def=to("ProcedureDef", "ct"),
    )
    yield said(
        "ProtocolVersion",
        "a1",
        study=to("Study", "onc"),
        kind="amendment",
        amendment_no="1",
        summary="More",
        primary_reason="IRB asked",
        substantial=True,
        effective_on="2026-02-01",
        sponsor_approved_on="2026-01",
    )
    yield said(
        "EligibilityCriterion",
        "i1",
        study=to("Study", "onc"),
        criterion_no="I1",
        category="inclusion",
        wording="Adults",
        sequence=1,
    )
    yield said(
        "StudyObjective",
        "o1",
        study=to("Study", "onc"),
        level="primary",
        objective="That it helps",
        endpoint="How much",
        sequence=1,
    )
    yield said(
        "StudySite",
        "s1",
        Identifier("site_number", "101", "ONC-101"),
        study=to("Study", "onc"),
        site_number="101",
        country="US",
        organization=to("Organization", "cedar"),
    )
    yield said(
        "StaffAssignment", "pi", person=to("Person", "lee"), study=to("Study", "onc"), role="pi"
    )


def _subjects():
    for n, state in enumerate(("on_treatment", "withdrawn"), 1):
        yield said("Participant", f"p{n}", Identifier("mrn", f"ZZ{n}12345", "UH"))
        yield said("ParticipantPhi", f"p{n}", family_name="ZZSECRETNAME")
        yield said(
            "Enrollment",
            f"e{n}",
            Identifier("subject_number", f"S-000{n}", "ONC-101"),
            study=to("Study", "onc"),
            participant=to("Participant", f"p{n}"),
            study_site=to("StudySite", "s1"),
            subject_number=f"S-000{n}",
            state=state,
            state_native=state.upper(),
            consented_on="2026-02",
            enrolled_on="2026-03-01",
            investigator=to("Person", "lee"),
        )
        yield said("EnrollmentArm", f"e{n}", arm_assigned="ZZSECRETARM")
        yield said(
            "EnrollmentState",
            f"t{n}",
            enrollment=to("Enrollment", f"e{n}"),
            state=state,
            started_on="2026-03-01",
        )
        yield said(
            "Consent",
            f"c{n}",
            participant=to("Participant", f"p{n}"),
            enrollment=to("Enrollment", f"e{n}"),
            study=to("Study", "onc"),
            form_name="Main ICF",
            form_version="v3",
            kind="main",
            status="obtained",
            status_native="SIGNED",
            signed_at="2026-02-28T17:00Z[-07:00]",
        )
        yield said(
            "ParticipantVisit",
            f"v{n}",
            participant=to("Participant", f"p{n}"),
            enrollment=to("Enrollment", f"e{n}"),
            study=to("Study", "onc"),
            visit_def=to("VisitDef", "Day 1"),
            sequence=1,
            status="completed",
            status_native="DONE",
            actual_on="2026-03-02",
            planned_on="2026-03-01",
        )


class Store:
    """A migrated SQLite store that messages can be settled into."""

    def __init__(self, folder):
        url = f"sqlite:///{folder / 'hub.db'}"
        schema.upgrade(url, [schema.HUB])
        self.url = url
        self.session, self.keyring = session(url), seal.load(folder / "keys.json")
        self.policy = Policy(systems={"ctms": System("ctms", "CTMS")})
        self.context = Context(
            session=self.session, keyring=self.keyring, policy=self.policy,
            clock=itertools.count(BASE, 1_000_000).__next__, chain="test", keeps=True,
        )  # fmt: skip
        self.numbers = itertools.count(1)

    def tell(self, meaning):
        seq = next(self.numbers)
        with self.session.transaction():
            settle(self.context, [Said(seq=seq, system="ctms", at=BASE + seq, meaning=meaning)])

    @property
    def reader(self):
        return Reader(self.session, self.keyring, _nobody, self.policy)

    def table(self, columns, table):
        return sorted(self.session.all(f"select {columns} from {table}"), key=str)


def _nobody(entity, ids, who):
    raise AssertionError(f"{entity} was opened")


@pytest.fixture(scope="session")
def codes():
    return load_codes()


@pytest.fixture(scope="session")
def library(codes):
    return load_library(codes=codes, packaged=True)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    made = Store(tmp_path_factory.mktemp("exported"))
    for one in (*_definition(), *_subjects()):
        made.tell(Meaning(statements=(one,)))
    yield made
    made.session.close()


@pytest.fixture(scope="session")
def export(store, codes):
    """The study in a form, as one text."""
    [(one,)] = store.session.all("select id from study")

    def export(form, which=one, who=WHO):
        found = pieces(store.reader, who, Codes(codes), which, form, NOON)
        return None if found is None else b"".join(found)

    return export


@pytest.fixture
def elsewhere(tmp_path):
    """A store that has heard of nothing."""
    made = Store(tmp_path)
    yield made
    made.session.close()


@pytest.fixture(scope="session")
def record():
    def make(body, media):
        return Record(stream="s", message_key="1", at=NOON, body=body, media=media)

    return make


@pytest.fixture(scope="session")
def micros():
    return clock.micros(NOON)
