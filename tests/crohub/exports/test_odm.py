"""A study as ODM: valid by CDISC's schema, read by odmlib, and by a hub into the same records."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from lxml import etree

from connectors.formats import odm as connector
from connectors.formats.odm import MEDIA
from crohub.exports.study import pieces
from crohub.fhir.codes import Codes
from hub.principal import READ, Principal
from hub.statement import Identifier, Meaning, Ref, Stated

ODM = {"o": "http://www.cdisc.org/ns/odm/v1.3"}
MAPPINGS = ["odm/study", "odm/admin", "odm/subject", "odm/hub"]


@pytest.fixture(scope="module")
def text(export):
    return export("odm")


@pytest.fixture(scope="module")
def root(text):
    return etree.fromstring(text)


def schema():
    place = files("odmlib") / "schemas" / "odm" / "1.3.2" / "ODM1-3-2.xsd"
    return etree.XMLSchema(etree.parse(str(place)))


def values(root, path):
    return root.xpath(path, namespaces=ODM)


def test_it_is_valid_by_the_schema_of_cdisc(root):
    valid = schema()

    assert valid.validate(root), valid.error_log


def test_odmlib_reads_its_definitions_and_subjects(text, tmp_path):
    import odmlib.odm_loader as loading
    from odmlib import loader

    path = tmp_path / "study.xml"
    path.write_bytes(text)
    read = loader.ODMLoader(loading.XMLODMLoader())
    read.open_odm_document(str(path))
    odm = read.root()

    version = odm.Study[0].MetaDataVersion[0]
    assert [one.OID for one in version.StudyEventDef][1:4] == ["SCREENING", "DAY 1", "WEEK 2"]
    assert [one.SubjectKey for one in odm.ClinicalData[0].SubjectData] == ["S-0001", "S-0002"]


def test_no_item_or_event_is_without_its_definition(root):
    for data, defined in (
        ("ItemData", "ItemDef"),
        ("FormData", "FormDef"),
        ("StudyEventData", "StudyEventDef"),
        ("ItemGroupData", "ItemGroupDef"),
    ):
        name = f"{data.removesuffix('Data')}OID"
        used = set(values(root, f"//o:{data}/@{name}"))
        assert used
        assert used <= set(values(root, f"//o:{defined}/@OID"))
    users = set(values(root, "//o:UserRef/@UserOID")) | set(
        values(root, "//o:InvestigatorRef/@UserOID")
    )
    assert users <= set(values(root, "//o:User/@OID"))
    assert set(values(root, "//o:LocationRef/@LocationOID | //o:SiteRef/@LocationOID")) <= set(
        values(root, "//o:Location/@OID")
    )


def test_each_value_says_which_system_said_it_in_which_message(root):
    [audit] = values(
        root, "//o:SubjectData[@SubjectKey='S-0001']//o:FormData[@FormOID='CROHUB.CONSENT']"
        "//o:AuditRecord",
    )  # fmt: skip

    assert values(audit, "o:UserRef/@UserOID") == ["CROHUB.SYSTEM.ctms"]
    assert audit.findtext("o:SourceID", namespaces=ODM).startswith("ctms: message ")
    assert audit.findtext("o:DateTimeStamp", namespaces=ODM).startswith("2026-02-25T06:13:20")


def test_nothing_personal_and_no_arm_is_in_it(text, store):
    assert store.session.all("select id from participant_phi")

    assert b"ZZ" not in text


def test_a_hub_reads_it_back_into_the_same_records(text, library, record, store, elsewhere):
    read = library.reader(MAPPINGS)
    meanings = [read(record(part.body, MEDIA)) for part in connector.parts(io.BytesIO(text))]
    assert [one for meaning in meanings for one in meaning.complaints] == []

    for meaning in meanings:
        elsewhere.tell(meaning)

    for columns, table in (
        ("title, description", "study"),
        ("name, sequence, visit_type", "visit_def"),
        ("site_number", "study_site"),
        ("family_name, given_name, email", "person"),
        ("subject_number, state, state_native, consented_on, enrolled_on", "enrollment"),
        ("state, started_on, ended_on", "enrollment_state"),
        (
            "form_name, form_version, kind, status, status_native, substr(signed_at, 1, 16)",
            "consent",
        ),
        ("sequence, status, status_native, actual_on, planned_on", "participant_visit"),
    ):
        assert elsewhere.table(columns, table) == store.table(columns, table), table
    joined = (
        "select e.subject_number, d.name, v.status from participant_visit v "
        "join enrollment e on e.id = v.enrollment_id join visit_def d on d.id = v.visit_def_id"
    )
    assert sorted(elsewhere.session.all(joined)) == sorted(store.session.all(joined))


def test_two_of_one_name_and_what_xml_cannot_say_make_no_broken_file(elsewhere, codes):
    def said(entity, key, *identifiers, **fields):
        return Stated(entity=entity, key=key, fields=fields, identifiers=identifiers)

    study, person = Ref(entity="Study", key="x"), Ref(entity="Participant", key="p")
    for one in (
        said("Study", "x", title="A \x0b title"),
        said("VisitDef", "a", Identifier("visit_oid", "V1", "edc"), study=study, name="Visit"),
        said("VisitDef", "b", Identifier("visit_oid", "V1", "ctms"), study=study, name="Visit"),
        said("StudySite", "s", study=study, site_number="7"),
        said("StudySite", "t", study=study, site_number="7"),
        said("Participant", "p"),
        *(
            said("Enrollment", key, study=study, participant=person, subject_number="1")
            for key in "ef"
        ),
    ):  # fmt: skip
        elsewhere.tell(Meaning(statements=(one,)))
    [(one,)] = elsewhere.session.all("select id from study")

    who, now = Principal(name="test", scopes=frozenset({READ})), datetime(2026, 4, 1, tzinfo=UTC)
    text = b"".join(pieces(elsewhere.reader, who, Codes(codes), one, "odm", now))

    root = etree.fromstring(text)
    valid = schema()
    assert valid.validate(root), valid.error_log
    assert values(root, "//o:StudyName/text()") == ["A \ufffd title"]
    events = values(root, "//o:StudyEventDef[@Name='Visit']/@OID")
    assert (len(set(events)), "V1" in events) == (2, True)
    assert len(set(values(root, "//o:SubjectData/@SubjectKey"))) == 2


def test_what_may_not_be_seen_is_not_exported(export):
    stranger = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({"none"}))

    assert export("odm", who=stranger) is None
