"""Studies and visits told to a FHIR server that others write to as well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crohub.sandbox.fhir_server import FhirServer
from crohub.sandbox.fhir_store import FhirStore
from hub.statement import Identifier, Ref, Stated

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CTMS = (
    "connector: fhir\nsystem: ctms\nrole: CTMS\nsettings:\n  base_url: {url}\n  deletes: never\n"
    "  http: {{attempts: 1}}\n"
)
PROTOCOL = "https://cedarmesa.example/protocols"


@pytest.fixture
def server():
    """A register that knows one patient."""
    store = FhirStore()
    store.put({"resourceType": "Patient", "id": "pat1"}, NOW)
    made = FhirServer(store, lambda: NOW)
    made.start()
    yield made
    made.stop()


def telling(outward, server, what):
    outward.write(
        connections__ctms=CTMS.format(url=server.url),
        pipelines__out=f"feed: versions\nmapping: fhir/{what}\nto: ctms\nmode: on\n",
    )
    return outward.deliverer()


def study(outward, status, **more):
    fields = {"title": "A trial", "status": status, **more}
    number = Identifier("sponsor_protocol_no", "ONC-101", "CEDARMESA")
    outward.say(Stated(entity="Study", key="st1", fields=fields, identifiers=(number,)))


def visit(outward, status, minute=0):
    mrn = (Identifier("mrn", "1001", "NORTH"),)
    for system, key in (("edc", "p1"), ("ctms", "pat1")):
        patient = Stated(entity="Participant", key=key, fields={}, identifiers=mrn)
        outward.say(patient, system=system)
    fields = {
        "participant": Ref("Participant", "p1"), "status": status, "visit_type": "Day 8",
        "scheduled_at": f"2026-03-09T16:{minute:02}Z[-07:00]",
        "scheduled_end_at": "2026-03-09T17:30Z[-07:00]",
    }  # fmt: skip
    number = Identifier("appointment_no", "7", "CEDARMESA")
    outward.say(Stated(entity="ParticipantVisit", key="v7", fields=fields, identifiers=(number,)))


def there(server, kind):
    return [version.resource for version in server.store.current(kind)]


def test_a_study_is_made_and_then_followed_without_a_second_one(small_outward, server):
    deliverer = telling(small_outward, server, "research-study")
    for status in ("in_start_up", "approved", "open_to_accrual"):
        study(small_outward, status)
        small_outward.run(deliverer)

    [made] = there(server, "ResearchStudy")
    assert [one.body["status"] for one in server.pushed] == ["approved", "active"]
    assert made["identifier"] == [{"system": PROTOCOL, "value": "ONC-101"}]
    assert small_outward.rows("state") == ["delivered"] * 2


def test_what_the_server_knows_beyond_us_stays(small_outward, server):
    own = {"system": "urn:theirs", "value": "X1"}
    numbers = [own, {"system": PROTOCOL, "value": "ONC-101"}]
    server.store.put(
        {"resourceType": "ResearchStudy", "id": "s1", "identifier": numbers, "status": "approved",
         "arm": [{"name": "theirs"}]}, NOW,
    )  # fmt: skip
    deliverer = telling(small_outward, server, "research-study")
    study(small_outward, "open_to_accrual")
    small_outward.run(deliverer)

    [kept] = there(server, "ResearchStudy")
    assert (kept["id"], kept["status"], kept["arm"]) == ("s1", "active", [{"name": "theirs"}])
    assert kept["identifier"] == numbers
    assert server.pushed[0].condition == 'W/"1"'


def test_a_visit_is_an_appointment_of_its_patient_and_moves_with_it(small_outward, server):
    deliverer = telling(small_outward, server, "appointment")
    for status, minute in (
        ("projected", 0),
        ("scheduled", 0),
        ("scheduled", 30),
        ("cancelled", 30),
    ):
        visit(small_outward, status, minute)
        small_outward.run(deliverer)

    [made] = there(server, "Appointment")
    said = [(one.body["status"], one.body["start"][14:16]) for one in server.pushed]
    assert said == [("booked", "00"), ("booked", "30"), ("cancelled", "30")]
    assert made["participant"][0]["actor"] == {"reference": "Patient/pat1"}


def test_one_who_is_faster_is_read_again_and_kept(small_outward, server):
    deliverer = telling(small_outward, server, "research-study")
    study(small_outward, "approved")
    small_outward.run(deliverer)
    [made] = there(server, "ResearchStudy")
    plain, raced = server.writes.must_match, []

    def race(kind, id, condition):
        if not raced:
            raced.append(server.store.put({**made, "description": "theirs"}, NOW))
        plain(kind, id, condition)

    server.writes.must_match = race
    study(small_outward, "open_to_accrual")
    small_outward.run(deliverer)
    during = small_outward.rows("state")
    small_outward.clock.move(700)
    small_outward.run(deliverer)

    [kept] = there(server, "ResearchStudy")
    assert during == ["delivered", "ready"]
    assert small_outward.rows("state") == ["delivered"] * 2
    assert (kept["status"], kept["description"]) == ("active", "theirs")
