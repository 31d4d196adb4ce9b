"""HL7's own R4 examples and the bundles of CDC ReportStream."""

from io import BytesIO

import orjson
import pytest

from connectors.fhir import bundle
from connectors.formats import ndjson

MEDIA = "application/fhir+json"
OURS = {
    "Appointment", "ChargeItem", "Consent", "Encounter", "Location", "Organization", "Patient",
    "Practitioner", "PractitionerRole", "ResearchStudy", "ResearchSubject",
}  # fmt: skip
# A consent to treatment or to the sharing of records is no consent to research.
SAYS_NOTHING = {"Consent"}


@pytest.fixture(scope="module")
def reader(library):
    return library.reader([name for name in library.inbound if name.startswith("fhir/")])


@pytest.fixture
def read(reader, record):
    return lambda body: reader(record(body, MEDIA))


@pytest.fixture
def example(data):
    return lambda name: (data / "fhir" / "r4-examples" / f"{name}.json").read_bytes()


def said(meaning):
    return {one.entity: one for one in meaning.statements}


def test_every_r4_example_of_our_types_is_read_and_no_other_type_speaks(data, read):
    paths = sorted((data / "fhir" / "r4-examples").glob("*.json"))
    silent = set()
    kinds = set()

    for path in paths:
        body = path.read_bytes()
        kind = orjson.loads(body)["resourceType"]
        kinds.add(kind)
        if not read(body).statements:
            silent.add(kind)

    assert len(paths) == 182
    assert kinds >= OURS
    assert kinds - silent == OURS - SAYS_NOTHING


def test_a_study_without_a_title_is_accepted_as_incomplete(example, read, tell, store):
    tell(read(example("ResearchStudy-example")), "ehr")

    assert store.all("select status, title from study") == [("completed", None)]


def test_a_candidate_is_a_prescreened_subject_of_its_study(example, read, tell, store):
    for name in ("ResearchSubject-example", "ResearchStudy-example", "Patient-example"):
        tell(read(example(name)), "ehr")

    row = store.one(
        "select e.subject_number, e.state, e.state_native, s.status, p.sex, p.quality "
        "from enrollment e join study s on s.id = e.study_id "
        "join participant p on p.id = e.participant_id"
    )
    assert row == ("123", "prescreened", "candidate", "completed", "male", "ok")
    assert store.one("select count(*) from study") == (1,)
    assert store.one("select count(*) from participant") == (1,)


def test_a_whole_patient_is_read_from_the_example(example, read):
    found = said(read(example("Patient-example")))

    phi = found["ParticipantPhi"].fields
    assert found["Participant"].identifiers[0].value == "12345"
    assert (phi["family_name"], phi["given_name"], phi["birth_date"]) == (
        "Chalmers", "Peter", "1974-12-25",
    )  # fmt: skip
    assert found["Participant"].fields["deceased"] is False


def test_a_bundle_is_cut_and_each_resource_is_read(data, read):
    body = (data / "fhir" / "cdc-reportstream" / "valid_data.fhir").read_bytes()
    entries = bundle.read(body).entries

    entities = [one.entity for e in entries for one in read(e.text.encode()).statements]

    assert entities.count("Organization") == 12
    assert entities.count("Person") == 12
    assert entities.count("Participant") == 1
    assert entities.count("ParticipantVisit") == 1


@pytest.mark.parametrize(("name", "people"), [("bulk_valid_data", 44), ("batch_valid_data", 24)])
def test_ndjson_named_fhir_is_one_bundle_a_line(data, read, name, people):
    body = (data / "fhir" / "cdc-reportstream" / f"{name}.fhir").read_bytes()
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)

    pieces = list(ndjson.pieces(BytesIO(body)))
    entries = [entry for piece in pieces for entry in bundle.read(piece.body).entries]

    assert [piece.fault for piece in pieces] == ["", ""]
    entities = [one.entity for e in entries for one in read(e.text.encode()).statements]
    assert entities.count("Participant") == 2
    assert entities.count("Person") == people


def test_a_bundle_as_a_message_says_nothing_and_breaks_nothing(data, read):
    body = (data / "fhir" / "cdc-reportstream" / "valid_data.fhir").read_bytes()

    assert read(body).statements == ()
