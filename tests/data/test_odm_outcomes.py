"""ODM files of odmlib, rwslib and CDISC: what becomes of each, and what never does."""

import pytest

from connectors.files import Files


@pytest.fixture
def pull(data):
    def pull(folder, name, **settings):
        stream = {"glob": name, "format": "odm", "settle": 0, "zone": "UTC", **settings}
        path = data / "odm" / folder
        return list(Files(path=path, streams={"odm": stream}).pull("odm", ""))

    return pull


@pytest.fixture
def read(library):
    return library.reader(["odm/study", "odm/admin", "odm/subject"])


@pytest.fixture
def take(pull, read, tell):
    """Settles a file as a pipeline would: what is marked as no production data is left out."""

    def take(folder, name):
        meanings = [read(record) for record in pull(folder, name) if not record.test]
        for meaning in meanings:
            tell(meaning, "register")
        return meanings

    return take


def test_the_data_snapshot_is_one_study_two_participants_and_eight_visits(take, store):
    meanings = take("odmlib", "odm-data-snapshot.xml")

    assert [one for meaning in meanings for one in meaning.complaints] == []
    assert store.all("select title from study where not withdrawn") == [("virus",)]
    assert store.one("select count(*) from participant") == (2,)
    assert sorted(store.all("select subject_number from enrollment")) == [
        ("SS_0001",),
        ("SS_0002",),
    ]
    assert store.one("select count(*) from participant_visit") == (8,)
    assert store.all("select name, sequence from visit_def order by sequence") == [
        ("Screening", 1), ("Visit 1", 2), ("Visit 2", 3), ("Visit 3", 4),
    ]  # fmt: skip
    assert ("SE.VISIT 1",) in store.all("select visit_type from participant_visit")


def test_the_only_place_of_a_file_is_no_subjects_site(take, store):
    take("odmlib", "odm-data-snapshot.xml")

    assert store.all("select site_number from study_site") == [("ISSS",)]
    assert store.all("select study_site_id from enrollment") == [(None,), (None,)]


def test_a_subject_that_comes_twice_is_one_participant(take, store):
    take("odmlib", "test_clinical_data_01.xml")

    assert store.one("select count(*) from participant") == (1,)
    assert store.one("select count(*) from enrollment") == (1,)
    assert store.one("select count(*) from participant_visit") == (2,)


def test_an_unbound_prefix_sets_the_file_aside(pull):
    [record] = pull("odmlib", "test_odm_001.xml")

    assert "CROHUB-XML-FORM: not well-formed" in record.fault
    assert record.body


@pytest.mark.parametrize("name", ["ae.xml", "dm.xml", "lb.xml"])
def test_a_dataset_is_no_subjects_data(pull, name):
    [record] = pull("odmlib", name)

    assert "CROHUB-ODM-DATASET" in record.fault


@pytest.mark.parametrize("name", ["test_odm_namespace.xml", "test_referece_data_01.xml"])
def test_a_file_without_a_part_says_nothing(pull, name):
    assert pull("odmlib", name) == []


@pytest.mark.parametrize(
    ("name", "visits"),
    [("cdash-odm-test.xml", 0), ("odmv2_example.xml", 0), ("nonconformant_odm.xml", 0),
     ("test_odm_001-validated.xml", 1)],
)  # fmt: skip
def test_definitions_are_studies(pull, read, name, visits):
    [record] = pull("odmlib", name)

    said = [one.entity for one in read(record).statements]

    assert said.count("Study") == 1
    assert said.count("VisitDef") >= visits


# -- Rave


@pytest.mark.parametrize(
    ("name", "environments"),
    [
        ("test_rwsobjects_001.xml", {"SIMPLESTUDY(TEST)": True}),
        ("test_rwsobjects_002.xml", {"SIMPLESTUDY(TEST)": True}),
        ("test_rwsobjects_003.xml", {"SIMPLESTUDY(TEST)": True}),
        ("test_rwsobjects_004.xml", {"TDE-OSTEO-800(Prod)": False}),
        ("test_rwsobjects_006.xml", {"Fixitol(Dev)": True, "IANTEST(Prod)": False}),
        ("test_rws_requests_001.xml", {"Fixitol(Dev)": True}),
        ("test_rws_requests_003.xml", {"Fixitol(Dev)": True, "IANTEST(Prod)": False}),
        ("test_data_scrambler_002.xml", {"Test(Prod)": False}),
        ("test_audit_event_001.xml", {"Mediflex": False}),
    ],
)
def test_the_environment_in_a_studys_oid_keeps_it_from_production(pull, name, environments):
    found = {}
    for record in pull("rwslib", name):
        text = record.body.decode()
        [oid] = [oid for oid in environments if f'OID="{oid}"' in text]
        found[oid] = record.test

    assert found == environments


def test_no_study_of_another_environment_lands_in_the_store(take, store):
    for name in ("test_rwsobjects_00?.xml", "test_rws_requests_00?.xml", "test_data*.xml"):
        take("rwslib", name)

    titles = {title for (title,) in store.all("select title from study where title is not null")}
    assert titles == {"IANTEST", "IANTEST(Prod)", "Lab Test", "Mediflex", "Test"}
    assert store.one("select count(*) from enrollment") == (3,)


def test_a_machines_key_has_the_number_people_know_beside_it(take, store):
    take("rwslib", "test_rwsobjects_004.xml")

    assert sorted(store.all("select subject_number from enrollment")) == [("0010",), ("0011",)]
    assert sorted(store.all("select site_number from study_site")) == [("810",), ("mdsol03",)]


def test_every_subject_of_a_file_that_repeats_its_study_is_read(pull, read):
    records = pull("rwslib", "test_rws_requests_001.xml")

    keys = [read(record).statements[0].key for record in records]

    assert keys == ["Fixitol(Dev)|000001", "Fixitol(Dev)|1111"]


def test_a_file_without_a_namespace_is_read_like_one_with(pull, read):
    [record, _] = pull("rwslib", "test_rws_requests_001.xml")

    assert b"xmlns" not in record.body
    assert [one.entity for one in read(record).statements] == [
        "Participant", "Enrollment", "StudySite",
    ]  # fmt: skip


def test_an_audit_record_is_data_of_its_subject(pull, read):
    [record] = pull("rwslib", "test_audit_event_001.xml")

    meaning = read(record)
    visit = next(one for one in meaning.statements if one.entity == "ParticipantVisit")
    enrollment = next(one for one in meaning.statements if one.entity == "Enrollment")

    assert visit.fields["sequence"] == 1
    assert enrollment.fields["subject_number"] == "123 ABC"
    assert meaning.complaints == ()
    assert b"DateTimeStamp>2008-12-04T16:59:07" in record.body


def test_a_time_without_an_offset_is_none_unless_a_zone_is_set(pull):
    [told] = pull("rwslib", "test_audit_event_001.xml", zone="America/New_York")
    [untold] = pull("rwslib", "test_audit_event_001.xml", zone="")

    assert told.at.isoformat() == "2021-06-02T10:21:02-04:00"
    assert "none with an offset" in untold.notes[-1]


# -- CDISC's own examples


@pytest.mark.parametrize("name", ["odm1_1_0_example.xml", "MetadataUC2.xml", "sds2odmAuto.xml"])
def test_a_doctype_is_refused_in_latin_1_and_utf_16_alike(pull, name):
    [record] = pull("cdisc-dataexchange-odm", name)

    assert "CROHUB-XML-DTD" in record.fault


def test_white_space_before_the_first_comment_does_not_matter(pull, read):
    study, subject = pull("cdisc-dataexchange-odm", "Chronic_Low_Back_Pain_example.xml")

    assert read(study).statements[0].entity == "Study"
    assert read(subject).statements[0].entity == "Participant"


@pytest.mark.parametrize(
    "name", ["Conditional_Repeats.xml", "Crossover_Studydesign.xml", "SimpleTimingConstraints.xml"]
)
def test_a_bare_definition_is_kept_and_says_nothing_of_a_study(pull, read, name):
    [record] = pull("cdisc-dataexchange-odm", name)

    assert "nothing says of which study" in record.notes[0]
    assert read(record).statements == ()


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("Atlas_QS_ODMv2.xml", 1),
        ("Data_Retrieval_From_FHIR_in_ODM.xml", 2),
        ("Hypercholesterolemia_CV_Risk_factors_FH_CRF_1_3_2.xml", 0),
    ],
)
def test_versions_1_3_and_2_0_are_read_by_the_same_mappings(pull, read, name, subjects):
    said = [
        one for record in pull("cdisc-dataexchange-odm", name) for one in read(record).statements
    ]

    assert [one.entity for one in said].count("Study") == 1
    assert [one.entity for one in said].count("Enrollment") == subjects
