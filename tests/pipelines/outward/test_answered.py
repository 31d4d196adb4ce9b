"""What a target answers with is its key of the record: deliveries and pulls meet there."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from connectors.flaky import Flaky
from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from crohub.sandbox.redcap import Project, RedcapServer, dictionary
from hub.statement import Identifier, SameAs, Stated
from mappings.mistakes import MappingErrors
from pipelines.outlet import outlets
from pipelines.pull import pull

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "0123456789ABCDEF0123456789ABCDEF"
ANSWERS = 'answers: {key: "{}"}\n'


def keys(outward, system, entity="Enrollment"):
    """The record each of a system's keys leads to."""
    rows = outward.house.rows(
        "select x, native, entity_id from xref where system = ? and entity = ?", (system, entity)
    )
    opened = outward.house.keyring.open
    return {opened(bytes(n), f"xref|{x}|native".encode()).decode(): one for x, n, one in rows}


def alive(outward, entity):
    return [one for (one,) in outward.house.rows(
        f"select id from {entity} where superseded_by is null")]  # fmt: skip


def pulled(outward, connection, stream):
    run = pull(
        outward.house.deployment.connector(connection), connection, stream,
        intake=outward.house.intake(outward.writer), journal=outward.house.journal.session,
        clock=outward.clock,
    )  # fmt: skip
    assert run.state == "done", run
    outward.obey()


# -- REDCap: registered once, known by the number it gave


@pytest.fixture
def project():
    fields = dictionary([
        ("record_id", "s", ""), ("hub_id", "s", ""), ("ctms_no", "s", ""),
        ("icf_date", "s", "date_ymd"), ("enrolled", "s", ""), ("enrollment_date", "s", "date_ymd"),
    ])  # fmt: skip
    made = Project(id=12, title="ONC-101", tokens={TOKEN: "hub"}, fields=fields)
    made.put({"record_id": "41", "icf_date": "2026-01-05"})
    return made


@pytest.fixture
def registering(outward, project, monkeypatch):
    """The CTMS (here `edc`, whose word counts) has people; REDCap is told who is on study."""
    monkeypatch.setenv("REDCAP_TOKEN", TOKEN)
    with RedcapServer(project) as server:
        outward.write(
            connections__capture=(
                "connector: redcap\nsystem: capture\nrole: EDC\nsettings:\n"
                f"  base_url: {server.url}/api/\n  token: '${{env:REDCAP_TOKEN}}'\n"
                "  own_id_field: hub_id\n"
            ),
            pipelines__records=(
                "reads: {connection: capture, stream: records}\nschedule: {every: 1h}\n"
                "mappings: [redcap/enrollment, redcap/participant]\n"
            ),
            pipelines__out="feed: versions\nmapping: redcap/subject\nto: capture\nmode: on\n",
        )
        outward.study()
        outward.say(
            Stated(entity="Study", key="project", fields={},
                   identifiers=(Identifier("nct", "NCT04280705"),)),
            system="capture",
        )  # fmt: skip
        yield outward


def test_a_subject_is_registered_once_and_met_again_under_the_number_it_was_given(
    registering, project
):
    deliverer = registering.deliverer()
    registering.enroll(1, "enrolled", enrolled_on="2026-03-01")
    registering.run(deliverer)
    registering.obey()
    [(number, native)] = registering.rows("native_id, native_id")
    named = keys(registering, "capture"), keys(registering, "capture", "Participant")
    pulled(registering, "capture", "records")
    registering.enroll(1, "on_treatment", enrolled_on="2026-03-01")
    registering.run(deliverer)

    [ours] = keys(registering, "edc").values()
    [person] = keys(registering, "edc", "Participant").values()
    assert number == native == "42"
    assert named == ({"42": ours}, {"42": person})
    assert sorted(project.records) == ["41", "42"]
    assert registering.rows("state") == ["delivered"] * 2
    assert len(alive(registering, "enrollment")) == 2  # ours, and 41, of whom nobody else knows
    assert len(alive(registering, "participant")) == 2


def test_who_took_a_key_in_is_audited_without_the_key(registering):
    deliverer = registering.deliverer()
    registering.enroll(1, "enrolled")
    registering.run(deliverer)
    registering.obey()

    found = registering.house.rows(
        "select actor, object, detail from audit where action = 'named' order by object"
    )
    assert [row[0] for row in found] == ["pipeline:out"] * 2
    assert [row[1].split()[0] for row in found] == ["Enrollment", "Participant"]
    [delivery] = registering.rows("id")
    assert [orjson.loads(row[2]) for row in found] == [
        {"system": "capture", "delivery": delivery}
    ] * 2  # fmt: skip


# -- FHIR


def test_a_fhir_server_is_addressed_by_its_own_id_from_then_on(small_outward):
    store = FhirStore()
    store.put({"resourceType": "ResearchStudy", "id": "onc101", "status": "active"}, NOW)
    store.put({"resourceType": "Patient", "id": "pat1"}, NOW)
    server = FhirServer(store, lambda: NOW)
    server.start()
    small_outward.write(
        connections__ctms=(
            f"connector: fhir\nsystem: ctms\nrole: CTMS\nsettings:\n  base_url: {server.url}\n"
            "  deletes: never\n"
        ),
        pipelines__out="feed: versions\nmapping: fhir/research-subject\nto: ctms\nmode: on\n",
    )
    small_outward.study()
    small_outward.study(system="ctms", key="onc101")
    for system, key in (("edc", "p1"), ("ctms", "pat1")):
        mrn = (Identifier("mrn", "1001", "NORTH"),)
        stated = Stated(entity="Participant", key=key, fields={}, identifiers=mrn)
        small_outward.say(stated, system=system)
    deliverer = small_outward.deliverer()
    for state in ("screening", "enrolled"):
        small_outward.enroll(1, state)
        small_outward.run(deliverer)
        small_outward.obey()
    server.stop()

    [subject] = server.store.current("ResearchSubject")
    [ours] = keys(small_outward, "edc").values()
    assert keys(small_outward, "ctms") == {subject.id: ours}
    assert [bool(one.condition) for one in server.pushed] == [True, False]


# -- the key itself


@pytest.fixture
def answering(outward):
    """A target that answers with an id of its own."""
    rows = (outward.house.folder / "mappings/outbound/rows.yaml").read_text()
    outward.write(**{"mappings/outbound/rows.yaml": rows + ANSWERS})
    outward.study()
    outward.tell()
    return outward


def told(outward, number=1):
    deliverer = outward.deliverer(connector=Flaky())
    outward.enroll(number)
    outward.run(deliverer)
    outward.obey()
    return outward.rows("native_id")[-1]


def test_a_key_that_the_target_spoke_of_before_becomes_this_record(answering):
    deliverer = answering.deliverer(connector=Flaky())
    answering.enroll(1)
    answering.run(deliverer)
    [native] = answering.rows("native_id")
    answering.say(
        Stated(entity="Enrollment", key=native, fields={"screening_no": "9"}), system="target"
    )
    before = len(alive(answering, "enrollment"))
    answering.obey()

    assert (before, len(alive(answering, "enrollment"))) == (2, 1)
    assert answering.house.rows(
        "select screening_no, state from enrollment where superseded_by is null"
    ) == [("9", "enrolled")]


def test_a_key_of_somebody_else_is_for_a_person_to_decide(answering):
    deliverer = answering.deliverer(connector=Flaky())
    answering.enroll(1)
    answering.run(deliverer)
    [native] = answering.rows("native_id")
    other = (Identifier("subject_number", "S-9", "urn:x:subjects"),)
    answering.say(
        Stated(entity="Enrollment", key=native, fields={}, identifiers=other), system="target"
    )
    answering.obey()

    assert len(alive(answering, "enrollment")) == 2
    [(_, kind, evidence, _, state)] = answering.decisions()
    assert (kind, state) == ("identity", "open")
    assert "subject_number" in evidence


def test_the_key_stays_with_its_record_when_others_are_separated(answering):
    native = told(answering)
    answering.enroll(2)
    answering.say(SameAs(entity="Enrollment", kept="e1", retired="e2"))
    answering.say(SameAs(entity="Enrollment", kept="e1", retired="e2", withdrawn=True))

    ours = keys(answering, "edc")
    assert ours["e1"] != ours["e2"]
    assert keys(answering, "target") == {native: ours["e1"]}


def test_what_it_is_called_is_said_once(answering):
    native = told(answering)
    deliverer = answering.deliverer(connector=Same(native))
    answering.enroll(1, "withdrawn")
    answering.run(deliverer)
    answering.obey()

    assert answering.rows("state") == ["delivered"] * 2
    assert len(answering.house.rows("select 1 from audit where action = 'named'")) == 1


class Same:
    """A target that answers with the same id each time."""

    def __init__(self, native):
        self.native = native

    def push(self, deliveries):
        from connectors.record import Receipt

        return [Receipt(id=d.id, outcome="delivered", native_id=self.native) for d in deliveries]


def test_what_was_asked_for_is_the_invoice_that_the_erp_says_it_became(small_outward):
    invoices = (
        "when: {entity: Invoice, state: {becomes: [approved]}}\nwrites: text/csv;row\n"
        f"columns: {{number: invoice_no}}\n{ANSWERS}"
    )
    small_outward.write(mappings__outbound__invoices=invoices)
    small_outward.tell(mapping="invoices")
    deliverer = small_outward.deliverer(connector=Same("70000012"))
    asked = {"invoice_no": "I-7", "state": "approved", "direction": "ar"}
    small_outward.say(Stated(entity="Invoice", key="i7", fields=asked))
    small_outward.run(deliverer)
    small_outward.obey()
    billed = {"posted_no": "9001", "state": "sent"}
    small_outward.say(
        Stated(entity="Invoice", key="90000001", fields=billed),
        SameAs(entity="Invoice", kept="90000001", retired="70000012"),
        system="target",
    )

    assert small_outward.house.rows(
        "select invoice_no, posted_no from invoice where superseded_by is null"
    ) == [("I-7", "9001")]
    assert len(set(keys(small_outward, "target", "Invoice").values())) == 1


def test_an_answer_that_the_mapping_does_not_call_a_key_is_none(small_outward):
    small_outward.study()
    small_outward.tell()
    native = told(small_outward)

    assert native
    assert keys(small_outward, "target") == {}


@pytest.mark.parametrize("wrong", ['{key: "fixed"}', '{sponsor: "{}"}', '{key: "{}{}"}'])
def test_a_key_without_a_place_for_the_id_is_a_mistake(small_outward, wrong):
    rows = (small_outward.house.folder / "mappings/outbound/rows.yaml").read_text()
    small_outward.tell()
    path = small_outward.house.folder / "mappings/outbound/rows.yaml"
    path.write_text(rows + f"answers: {wrong}\n")

    with pytest.raises(MappingErrors):
        outlets(small_outward.house.deployment)
