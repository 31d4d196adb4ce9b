"""Real HL7 v2 messages: what each set shows, and the outcome that is right for it."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from connectors.formats import hl7batch
from hub import dates
from hub.statement import Identifier, Ref, SameAs, Stated
from mappings.values import NotUnderstood

MICROSOFT = "hl7v2/microsoft-fhir-converter"
LINUXFORHEALTH = "hl7v2/linuxforhealth/from-java-tests"
# the partners' names for the patients of ADT and SIU messages; DFT, MDM and VXU are not read
READ = ("ADT", "SIU")
STATUSES = {"booked": "scheduled", "cancelled": "cancelled", "noshow": "no_show"}


@pytest.fixture(scope="module")
def reader(library):
    return library.reader([name for name in library.inbound if name.startswith("hl7v2/")])


@pytest.fixture
def read(reader, record, data):
    return lambda name: reader(record((data / name).read_bytes(), "hl7v2"))


def stated(meaning, entity):
    return [s for s in meaning.statements if isinstance(s, Stated) and s.entity == entity]


def test_every_message_of_every_set_is_understood_or_refused_with_a_reason(data, reader, record):
    today = datetime.now(UTC).date().isoformat()
    count = Counter()

    for path in sorted((data / "hl7v2").rglob("*.hl7")):
        count["files"] += 1
        try:
            messages = hl7batch.split(path.read_bytes()).messages
        except hl7batch.BadBatch:
            count["bad files"] += 1
            continue
        for body in messages:
            count["messages"] += 1
            try:
                meaning = reader(record(body, "hl7v2"))
            except NotUnderstood as refusal:
                count[f"{refusal.rule} at {refusal.place}"] += 1
                continue
            count["visits"] += len(stated(meaning, "ParticipantVisit"))
            assert not any(today in str(one.fields) for one in meaning.statements
                           if isinstance(one, Stated))  # fmt: skip
            assert not any(one.found for one in meaning.complaints if one.entity.endswith("Phi"))

    # fifteen appointments, and four orders that name the study they are for (CTI);
    # two messages of LinuxForHealth say that patients are merged, and not which
    assert count == {
        "files": 511, "messages": 506, "bad files": 12, "visits": 19, "missing at MRG-1": 2
    }  # fmt: skip


def test_a_batch_file_is_no_message(read):
    with pytest.raises(NotUnderstood) as refusal:
        read("hl7v2/python-hl7/sample_batch.hl7")

    assert refusal.value.rule == "unreadable-hl7"


def test_an_appointment_is_one_visit_at_the_time_and_place_booked(read):
    meaning = read(f"{MICROSOFT}/input/SIU-S12-01.hl7")

    [visit] = stated(meaning, "ParticipantVisit")
    assert visit.key == "36996"
    assert visit.fields["status"] == "scheduled"
    assert visit.fields["status_native"] == "Booked"
    start = dates.local(visit.fields["scheduled_at"])
    assert start.isoformat() == "2021-09-24T09:30:00+02:15"
    assert visit.fields["participant"] == Ref("Participant", "PATID1234^^^test1")
    assert visit.fields["location"] == Ref("Location", "GH Clinic/055/Room01")


def test_every_patient_identifier_is_kept_with_its_authority(read):
    [patient] = stated(read(f"{MICROSOFT}/input/SIU-S12-01.hl7"), "Participant")

    assert patient.identifiers[:2] == (
        Identifier("mrn", "PATID1234", "test1"),
        Identifier("ssn", "123456789", "USSSA"),
    )


def test_several_resource_groups_are_one_visit_and_several_places(read):
    meaning = read(f"{MICROSOFT}/input/SIU-S17-02.hl7")

    [visit] = stated(meaning, "ParticipantVisit")
    assert visit.fields["status"] == "entered_in_error"
    assert len(stated(meaning, "Location")) == 3


@pytest.mark.parametrize(
    ("event", "status"),
    [("S12", "scheduled"), ("S13", "scheduled"), ("S14", "scheduled"), ("S15", "cancelled"),
     ("S16", "cancelled"), ("S17", "entered_in_error"), ("S26", "no_show")],
)  # fmt: skip
def test_each_scheduling_event_leaves_the_visit_as_it_says(read, event, status):
    visits = [
        stated(read(f"{MICROSOFT}/input/SIU-{event}-0{n}.hl7"), "ParticipantVisit") for n in (1, 2)
    ]

    assert [[visit.fields["status"] for visit in one] for one in visits] == [[status], [status]]


@pytest.mark.parametrize(
    ("name", "merged"),
    [
        (f"{MICROSOFT}/input/ADT-A40-01", [("12345^^^BCBS", "56789^^^BCBS")]),
        (f"{MICROSOFT}/input/ADT-A40-02",
         [("12345^^^BCBS", "56789^^^BCBS"), ("145^^^BCBS", "569^^^BCBS")]),
        (f"{LINUXFORHEALTH}/HL7MergeFHIRConversionTest_001", [("123", "456")]),
        (f"{LINUXFORHEALTH}/HL7MergeFHIRConversionTest_002", [("MR1^^^XYZ", "MR2^^^XYZ")]),
        (f"{LINUXFORHEALTH}/HL7MergeFHIRConversionTest_003",
         [("MR1^^^XYZ", "MR2^^^XYZ"), ("MR3^^^XYZ", "MR4^^^XYZ")]),
        (f"{MICROSOFT}/input/ADT-A41-01", []),
        (f"{MICROSOFT}/input/ADT-A45-01", []),
    ],
)  # fmt: skip
def test_a_merge_names_survivor_and_retired_and_an_account_merge_nobody(read, name, merged):
    meaning = read(f"{name}.hl7")

    pairs = [(s.kept, s.retired) for s in meaning.statements if isinstance(s, SameAs)]
    assert pairs == merged


def test_a_message_time_that_is_none_leaves_the_patient_as_said(read):
    meaning = read(f"{LINUXFORHEALTH}/Hl7IdentifierFHIRConversionTest_010.hl7")  # 201610015080000

    assert len(stated(meaning, "Participant")) == 1
    assert {one.at for one in meaning.statements} == {""}


def test_a_birth_in_the_year_1013_is_kept_as_said_and_questioned(data, reader, record):
    batch = hl7batch.split((data / "hl7v2/python-hl7/sample_batch2.hl7").read_bytes())

    meaning = reader(record(batch.messages[0], "hl7v2"))

    [phi] = stated(meaning, "ParticipantPhi")
    assert phi.fields["birth_date"] == "1013-11-13"
    assert "questionable" in {complaint.rule for complaint in meaning.complaints}


# -- an independent reading of the same messages


def partners(data):
    for path in sorted((data / MICROSOFT / "expected-fhir").rglob("*.json")):
        if path.name.startswith(READ):
            bundle = json.loads(path.read_bytes())
            resources = [entry["resource"] for entry in bundle["entry"]]
            yield path.name.removesuffix("-expected.json"), resources


def test_patients_are_who_the_fhir_converter_says_they_are(data, read):
    compared = 0

    for name, resources in partners(data):
        meaning = read(f"{MICROSOFT}/input/{name}.hl7")
        theirs = next((r for r in resources if r["resourceType"] == "Patient"), None)
        if theirs is None:  # its merges come without the patient
            continue
        patient, phi = (stated(meaning, kind)[-1] for kind in ("Participant", "ParticipantPhi"))
        named = theirs["name"][0]
        assert (phi.fields["family_name"], phi.fields["given_name"]) == (
            named["family"], named["given"][0],
        ), name  # fmt: skip
        assert phi.fields["birth_date"] == theirs["birthDate"], name
        assert patient.fields["sex"] == theirs["gender"], name
        known = {one.get("value") for one in theirs["identifier"]}
        assert {one.value for one in patient.identifiers} <= known, name
        compared += 1

    assert compared == 21


def test_appointments_are_when_and_what_the_fhir_converter_says(data, read):
    compared = 0

    for name, resources in partners(data):
        theirs = next((r for r in resources if r["resourceType"] == "Appointment"), None)
        if theirs is None:
            continue
        [visit] = stated(read(f"{MICROSOFT}/input/{name}.hl7"), "ParticipantVisit")
        starts = dates.to_datetime(visit.fields["scheduled_at"])
        ends = dates.to_datetime(visit.fields["scheduled_end_at"])
        assert starts == datetime.fromisoformat(theirs["start"]), name
        assert ends == datetime.fromisoformat(theirs["end"]), name
        assert visit.fields["status"] == STATUSES[theirs["status"]], name
        assert visit.key in {one["value"] for one in theirs["identifier"]}, name
        compared += 1

    assert compared == 8
