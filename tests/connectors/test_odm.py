"""ODM documents as a stream of a folder: parts, context, environments, chains, and traps."""

import io
import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from connectors.errors import Refused
from connectors.files import Files
from connectors.formats import odm, xml
from connectors.promises import PullPromises

T0 = 1_760_000_000
V13 = "http://www.cdisc.org/ns/odm/v1.3"


def document(*parts: str, ns: str = f' xmlns="{V13}"', **about: str) -> str:
    said = {
        "FileType": "Transactional", "FileOID": "F1", "CreationDateTime": "2026-03-01T10:00:00Z",
        "ODMVersion": "1.3.2", **about,
    }  # fmt: skip
    attributes = "".join(f' {name}="{value}"' for name, value in said.items())
    return f"<ODM{ns}{attributes}>{''.join(parts)}</ODM>"


def clinical(*subjects: str, study: str = "ONC101(Prod)") -> str:
    inner = "".join(subjects)
    return f'<ClinicalData StudyOID="{study}" MetaDataVersionOID="12">{inner}</ClinicalData>'


def subject(key: str, change: str = "Update", inner: str = "") -> str:
    return f'<SubjectData SubjectKey="{key}" TransactionType="{change}">{inner}</SubjectData>'


def read(text: str | bytes, **options: object) -> list[odm.Part]:
    body = text.encode() if isinstance(text, str) else text
    return list(odm.parts(io.BytesIO(body), **options))


def keys(text: str, **options: object) -> list[str]:
    return [xml.document(part.body)[0][0].get("SubjectKey") for part in read(text, **options)]


def drop(path: Path, name: str, text: str | bytes, *, time: float = T0) -> None:
    file = path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(file, (time, time))


def files(path: Path, **stream: object) -> Files:
    return Files(
        path=path, streams={"edc": {"glob": "*.xml", "format": "odm", "settle": 0, **stream}}
    )


class TestOdmPull(PullPromises):
    ordered = False  # a file says itself when it was made

    @pytest.fixture
    def connector(self, tmp_path):
        both = clinical(subject("1"), subject("2"))
        drop(tmp_path, "a.xml", document("<Study OID='S'/>", both, clinical(subject("3"))))
        drop(tmp_path, "b.xml", document("<AdminData/>", FileOID="F2"), time=T0 + 1)
        drop(tmp_path, "c.xml", "<ODM><", time=T0 + 2)
        return files(tmp_path)

    @pytest.fixture
    def stream(self):
        return "edc"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


# -- parts


def test_a_part_is_a_document_of_its_own_with_all_its_context():
    text = document(clinical(subject("7", inner="<SiteRef LocationOID='S1'/>")), PriorFileOID="F0")

    [part] = read(text)
    root = xml.document(part.body)

    assert dict(root.attrib) == {
        "FileType": "Transactional", "FileOID": "F1", "PriorFileOID": "F0", "ODMVersion": "1.3.2",
        "CreationDateTime": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    assert dict(root[0].attrib) == {"StudyOID": "ONC101(Prod)", "MetaDataVersionOID": "12"}
    assert root[0][0].find(f"{{{V13}}}SiteRef").get("LocationOID") == "S1"
    assert read(part.body)[0].body == part.body
    assert (part.study, part.environment, part.change) == ("ONC101(Prod)", "Prod", "Update")


def test_parts_come_in_the_order_of_the_document():
    text = document("<Study OID='S1'/>", "<AdminData StudyOID='S1'/>", clinical(subject("1")),
                    "<ReferenceData/>", clinical(subject("2"), study="S2"))  # fmt: skip

    assert [(part.number, part.name, part.study) for part in read(text)] == [
        (1, "Study", "S1"), (2, "AdminData", "S1"), (3, "SubjectData", "ONC101(Prod)"),
        (4, "SubjectData", "S2"),
    ]  # fmt: skip


@pytest.mark.parametrize("skip", range(4))
def test_reading_resumes_behind_any_part(skip):
    text = document(clinical(subject("1"), subject("2"), subject("3")))

    assert keys(text, skip=skip) == ["1", "2", "3"][skip:]


@pytest.mark.parametrize(
    "ns",
    ["", f' xmlns="{V13}"', ' xmlns="http://www.cdisc.org/ns/odm/v1.2"',
     ' xmlns="http://www.cdisc.org/ns/odm/v2.0"'],
)  # fmt: skip
def test_every_namespace_of_odm_and_none_is_read(ns):
    assert keys(document(clinical(subject("1")), ns=ns)) == ["1"]


def test_a_prefix_of_the_senders_choice_is_read():
    text = document(clinical(subject("1")), ns=f' xmlns:o="{V13}"')
    for name in ("ODM", "ClinicalData", "SubjectData"):
        text = text.replace(f"<{name}", f"<o:{name}").replace(f"</{name}", f"</o:{name}")

    assert keys(text) == ["1"]


def test_an_extension_that_borrows_a_name_is_no_part():
    borrowed = (
        '<x:SubjectData xmlns:x="urn:x" SubjectKey="9"/>'
        '<x:ClinicalData xmlns:x="urn:x"><SubjectData SubjectKey="8"/></x:ClinicalData>'
    )
    inside = '<Annotation><SubjectData SubjectKey="7"/></Annotation>'

    assert keys(document(borrowed, clinical(borrowed, subject("1", inner=inside)))) == ["1"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "iso-8859-1"])
def test_other_encodings_are_read(encoding):
    declared = encoding if encoding != "utf-16-le" else "UTF-16"
    text = f'<?xml version="1.0" encoding="{declared}"?>' + document(clinical(subject("Éva")))
    mark = "\ufeff" if encoding == "utf-16-le" else ""

    [part] = read((mark + text).encode(encoding))

    assert "Éva" in part.body.decode("utf-8")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<Foo/>", "CROHUB-ODM-ROOT"),
        ("<Foo><Study OID='1'/></Foo>", "CROHUB-ODM-ROOT"),
        ("<Study OID='1'/>", "CROHUB-ODM-ROOT"),
        ('<ODM xmlns="urn:other"/>', "CROHUB-ODM-NAMESPACE"),
        (document(clinical("<ItemGroupData/>")), "CROHUB-ODM-DATASET"),
        ('<!DOCTYPE ODM [<!ENTITY e "x">]><ODM/>', "CROHUB-XML-DTD"),
        (document(clinical(subject("1"))) + "<x/>", "CROHUB-XML-FORM"),
        (document(clinical(subject("1")))[:-9], "CROHUB-XML-FORM"),
        (document(clinical("<SubjectData x:y='1'/>")), "CROHUB-XML-FORM"),
        ("", "CROHUB-XML-FORM"),
    ],
)
def test_what_is_no_odm_document_is_refused(text, code):
    with pytest.raises(Refused, match=code):
        read(text)


def test_one_part_has_a_limit_and_the_file_has_none_by_it():
    several = [subject(str(n), inner="<x/>" * 20_000) for n in range(6)]

    assert len(read(document(clinical(*several)), largest=300_000)) == 6
    with pytest.raises(Refused, match="CROHUB-ODM-SIZE"):
        read(document(clinical(subject("1", inner="<x/>" * 200_000))), largest=300_000)


class Long(io.RawIOBase):
    """A document of as many subjects as asked for, made while it is read."""

    def __init__(self, count: int, one: str) -> None:
        self._parts = [
            document(clinical("\0")).split("\0")[0],
            document(clinical("\0")).split("\0")[1],
        ]
        self._count, self._one = count, one
        self.seek(0)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._texts = (
            text
            for texts in (
                [self._parts[0]],
                itertools.repeat(self._one, self._count),
                self._parts[1:],
            )
            for text in texts
        )
        self._left = b""
        return 0

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (more := "".join(itertools.islice(self._texts, 100))):
            self._left += more.encode()
        body, self._left = self._left[:size], self._left[size:]
        return body


@pytest.mark.parametrize("junk", ["<Association/>", "<!-- x -->", "<x:y xmlns:x='urn:x'>z</x:y>"])
def test_memory_does_not_grow_with_the_file(junk):
    one = subject("1", inner="<StudyEventData StudyEventOID='V'/>" * 40) + junk
    list(odm.parts(Long(200, one)))
    before = psutil.Process().memory_info().rss

    most = max(
        psutil.Process().memory_info().rss
        for number, _ in enumerate(odm.parts(Long(20_000, one)))
        if number % 1000 == 0
    )

    assert most - before < 12_000_000, f"{most - before:,} bytes more for a file of 30 MB"


# -- records


def test_a_record_says_when_its_file_was_made(tmp_path):
    drop(tmp_path, "a.xml", document(clinical(subject("1")), AsOfDateTime="2026-02-28T23:00:00Z"))
    drop(tmp_path, "b.xml", document(clinical(subject("1")), CreationDateTime="", FileOID="F2"),
         time=T0 + 1)  # fmt: skip

    first, second = files(tmp_path).pull("edc", "")

    assert first.at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert first.media == "application/odm+xml"
    assert second.at == datetime.fromtimestamp(T0 + 1, UTC)
    assert "none with an offset" in second.notes[0]


@pytest.mark.parametrize(
    ("study", "test"),
    [
        ("X(Prod)", False), ("X(PROD)", False), ("X (Production)", False), ("X", False),
        ("X(TEST)", True), ("X(Dev)", True), ("X(UAT)", True), ("X (Part 2)", True),
        ("X(1) Y", False),
    ],
)  # fmt: skip
def test_an_environment_that_is_not_production_marks_its_records(tmp_path, study, test):
    drop(tmp_path, "a.xml", document(f"<Study OID='{study}'/>", f"<AdminData StudyOID='{study}'/>",
                                     clinical(subject("1"), study=study)))  # fmt: skip

    assert [record.test for record in files(tmp_path).pull("edc", "")] == [test] * 3


def test_a_site_says_which_environments_are_production(tmp_path):
    drop(tmp_path, "a.xml", document(clinical(subject("1"), study="X(Part 2)")))

    [record] = files(tmp_path, production=["prod", "part 2"]).pull("edc", "")

    assert not record.test


@pytest.mark.parametrize(
    ("change", "said"),
    [("Remove", "gone"), ("Insert", "said"), ("Update", "said"), ("Upsert", "said"),
     ("Context", "said"), ("Delete", "said")],
)  # fmt: skip
def test_only_a_removed_subject_is_gone(tmp_path, change, said):
    drop(tmp_path, "a.xml", document(clinical(subject("1", change))))

    [record] = files(tmp_path).pull("edc", "")

    assert record.said == said
    assert bool(record.notes) == (change == "Delete")


def test_a_file_type_that_is_none_is_noted(tmp_path):
    drop(tmp_path, "a.xml", document(clinical(subject("1")), FileType="Delta"))

    [record] = files(tmp_path).pull("edc", "")

    assert "read as Snapshot" in record.notes[0]


def test_a_file_without_any_part_is_no_fault(tmp_path):
    drop(tmp_path, "a.xml", document())

    assert list(files(tmp_path).pull("edc", "")) == []


def test_a_broken_file_says_nothing_of_its_first_half(tmp_path):
    drop(tmp_path, "a.xml", document(clinical(subject("1"), subject("2")))[:-20])

    [record] = files(tmp_path).pull("edc", "")

    assert "CROHUB-XML-FORM" in record.fault


# -- chains of transactional files


def chain(path: Path, *files_: tuple[str, str]) -> None:
    for number, (own, prior) in enumerate(files_):
        about = {"FileOID": own} | ({"PriorFileOID": prior} if prior else {})
        text = document(clinical(subject("1"), subject("2")), **about)
        drop(path, f"{own}.xml", text, time=T0 + number)


def noted(records: list) -> list[str]:
    return [note for record in records for note in record.notes]


def test_a_chain_without_a_gap_is_silent(tmp_path):
    chain(tmp_path, ("F1", ""), ("F2", "F1"), ("F3", "F2"))

    assert noted(list(files(tmp_path).pull("edc", ""))) == []


def test_a_gap_in_the_chain_is_noted_once_on_the_first_record_behind_it(tmp_path):
    chain(tmp_path, ("F1", ""), ("F3", "F2"))

    records = list(files(tmp_path).pull("edc", ""))

    assert [len(record.notes) for record in records] == [0, 0, 1, 0]
    assert noted(records) == [
        "the file follows 'F2', but the last one read here is 'F1': a file may be missing"
    ]


def test_the_chain_is_known_to_the_next_pull(tmp_path):
    chain(tmp_path, ("F1", ""))
    connector = files(tmp_path)
    *_, last = connector.pull("edc", "")
    chain(tmp_path, ("F1", ""), ("F2", "F1"))

    assert noted(list(connector.pull("edc", last.cursor))) == []


def test_a_chain_that_begins_in_the_middle_is_noted(tmp_path):
    chain(tmp_path, ("F7", "F6"))

    assert "none was read here before" in noted(list(files(tmp_path).pull("edc", "")))[0]


def test_a_gap_is_not_noted_again_when_a_pull_resumes_inside_the_file(tmp_path):
    chain(tmp_path, ("F7", "F6"))
    first, *_ = files(tmp_path).pull("edc", "")

    rest = list(files(tmp_path).pull("edc", first.cursor))

    assert len(rest) == 1
    assert noted(rest) == []


def test_a_setting_that_cannot_work_is_refused_at_load(tmp_path):
    with pytest.raises(ValidationError, match="no time zone"):
        files(tmp_path, zone="Vienna")


# -- Snapshots of all there is


def snapshot(*subjects: str, oid: str = "F1") -> str:
    return document("<Study OID='S'/>", clinical(*subjects), FileType="Snapshot", FileOID=oid)


def test_a_whole_snapshot_names_its_things_once_each(tmp_path):
    drop(tmp_path, "a.xml", snapshot(subject("1", ""), subject("2", ""), subject("1", "")))

    records = list(files(tmp_path, whole=True).pull("edc", ""))

    assert files(tmp_path, whole=True).is_whole("edc")
    assert [record.of for record in records] == [
        "Study|S|", "SubjectData|ONC101(Prod)|1", "SubjectData|ONC101(Prod)|2",
        "SubjectData|ONC101(Prod)|1|2",
    ]  # fmt: skip


def test_whole_snapshots_are_read_one_a_pull(tmp_path):
    drop(tmp_path, "a.xml", snapshot(subject("1", ""), subject("2", "")))
    drop(tmp_path, "b.xml", snapshot(subject("2", ""), oid="F2"), time=T0 + 1)
    connector = files(tmp_path, whole=True)

    first = list(connector.pull("edc", ""))
    second = list(connector.pull("edc", first[-1].cursor))

    assert [len(first), len(second)] == [3, 2]
    assert list(connector.pull("edc", second[-1].cursor)) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (document(clinical(subject("1"))), "CROHUB-ODM-TYPE"),
        (document(FileType="Snapshot"), "CROHUB-LIST-EMPTY"),
    ],
)
def test_what_is_no_snapshot_of_all_says_nothing_of_what_is_missing(tmp_path, text, code):
    drop(tmp_path, "a.xml", text)

    [record] = files(tmp_path, whole=True).pull("edc", "")

    assert code in record.fault


# -- files that are one document each


def documents(path: Path, media: str) -> Files:
    return Files(
        path=path,
        streams={"docs": {"glob": "*", "format": "document", "media": media, "settle": 0}},
    )


class TestDocumentPull(PullPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        for number, text in enumerate(("<a/>", "<b>1</b>", "<c", "<d/>")):
            drop(tmp_path, f"{number}.xml", text, time=T0 + number)
        return documents(tmp_path, "application/xml;invoice")

    @pytest.fixture
    def stream(self):
        return "docs"

    @pytest.fixture
    def down(self, tmp_path):
        return documents(tmp_path / "not-there", "application/xml;invoice")


@pytest.mark.parametrize(
    ("media", "body", "code"),
    [
        ("application/xml;invoice", b"\xef\xbb\xbf<?xml version='1.0'?> <a/>", ""),
        ("application/xml;invoice", b"<!DOCTYPE a><a/>", "CROHUB-XML-DTD"),
        ("application/xml;invoice", b"<a>", "CROHUB-XML-FORM"),
        ("application/json;usdm", b'{"a": 1.10}', ""),
        ("application/json;usdm", b'{"a": 1', "not JSON"),
    ],
)
def test_a_document_is_its_files_bytes_or_is_refused(tmp_path, media, body, code):
    drop(tmp_path, "a", body)

    [record] = documents(tmp_path, media).pull("docs", "")

    assert (record.body, record.media) == (body, media)
    assert bool(record.fault) == bool(code)
    assert code in record.fault


def test_a_document_must_be_xml_or_json(tmp_path):
    with pytest.raises(ValidationError, match="media"):
        documents(tmp_path, "application/pdf")
