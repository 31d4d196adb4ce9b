"""Our own FHIR connector reads the facade, and our own mappings take what it says for what it is:
one hub can read another, and the crosswalk is the same in both directions."""

from __future__ import annotations

import pytest

from connectors.fhir import Fhir
from hub.principal import PHI, READ
from mappings.code_tables import load_codes
from mappings.collection import load_library

# FHIR type → mapping, the entity it states, and fields that both versions can carry unharmed
READS = {
    "ResearchStudy": ("fhir/study", "Study", ("title", "phase", "start_on", "description")),
    "ResearchSubject": ("fhir/enrollment", "Enrollment", ("subject_number", "enrolled_on")),
    "Patient": ("fhir/patient", "Participant", ("sex", "language")),
    "Practitioner": ("fhir/practitioner", "Person", ("family_name", "given_name", "email")),
    "PractitionerRole": ("fhir/practitioner-role", "StaffAssignment", ("role", "start_on")),
    "Organization": ("fhir/organization", "Organization", ("name", "city", "phone", "active")),
    "Location": ("fhir/location", "Location", ("name", "kind", "status")),
    "Consent": ("fhir/consent", "Consent", ("status", "language")),
    "Appointment": ("fhir/appointment", "ParticipantVisit", ("status", "visit_type")),
}
STATES = {
    "Study": ("status", "open_to_accrual"), "Enrollment": ("state", "on_treatment"),
}  # fmt: skip


@pytest.fixture(scope="module", params=["R4", "R5"])
def connector(request, served, address, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "key"
    secret.write_text(served.client(READ, PHI)[1])
    return Fhir(
        base_url=f"{address}/fhir/{request.param}", fhir_version=request.param, deletes="never",
        auth={"kind": "bearer", "token": f"${{file:{secret}}}"}, page_size=3, overlap=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def library():
    return load_library(codes=load_codes(), packaged=True)


def test_it_finds_the_facade_to_be_what_it_says(connector):
    health = connector.check()

    assert health.ok, health


def test_it_pulls_page_by_page_and_goes_on_where_it_was(connector):
    first = list(connector.pull("ResearchSubject", ""))

    again = list(connector.pull("ResearchSubject", first[-1].cursor))

    assert len(first) == 7
    assert len(again) <= 1, "what was changed at the last moment may come again"


@pytest.mark.parametrize("type_", READS)
def test_what_it_reads_means_what_the_hub_believes(connector, library, served, type_):
    name, entity, fields = READS[type_]
    records = list(connector.pull(type_, ""))
    read = library.reader([name])

    stated = [one for record in records for one in read(record).statements if one.entity == entity]

    table = {"StaffAssignment": "staff_assignment", "ParticipantVisit": "participant_visit"}.get(
        entity, entity.lower()
    )
    kept = served.store.all(f"select {', '.join(fields)} from {table}")
    told = {tuple(_plain(one.fields.get(name)) for name in fields) for one in stated}
    assert stated
    assert told <= {tuple(_plain(cell) for cell in row) for row in kept}
    if entity in STATES:
        field, state = STATES[entity]
        assert state in {one.fields.get(field) for one in stated}


def _plain(value):
    return bool(value) if value in (0, 1) else value
