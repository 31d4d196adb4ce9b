"""Workbooks and ODM documents written into a folder."""

import io
import json
from datetime import UTC, datetime

import openpyxl
import pytest
from lxml import etree
from pydantic import ValidationError

from connectors.files import Files
from connectors.files.writing import push
from connectors.formats import odm, sheets, tables, xml
from connectors.promises import CheckPromises, PushPromises
from connectors.record import Delivery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHEET = {"format": "xlsx", "columns": ["id", "note"]}
ODM = {"format": "odm", "originator": "North General"}
SUBJECT = {
    "study": "ONC-101(Prod)", "metadata": "12", "subject": "0007", "site": "UH01",
    "items": [
        {"event": "SCREEN", "form": "IC", "group": "IC", "item": "IC.DATE", "value": "2026-02-28"},
        {"event": "SCREEN", "form": "IC", "group": "IC", "item": "IC.FORM", "value": None},
        {"event": "V1", "event_repeat": "2", "form": "SV", "group": "SV", "item": "SV", "value": 3},
    ],
}  # fmt: skip


def files(path, **out) -> Files:
    return Files(path=path, out={"out": out})


def delivery(id: str, body: object, media: str = "application/json") -> Delivery:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(id=id, stream="out", body=data, media=media)


def cells(body: bytes) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(body))
    return list(book["data"].values)


class TestSheetPush(PushPromises, CheckPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        return files(tmp_path, **SHEET)

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there", **SHEET)

    @pytest.fixture
    def deliveries(self):
        return [delivery("a", {"id": 1}), delivery("b", b"id,note\r\n2,x\r\n", "text/csv;row")]

    @pytest.fixture
    def there(self, tmp_path):
        return lambda: {path.name: path.read_bytes() for path in tmp_path.iterdir()}


class TestOdmPush(PushPromises, CheckPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        return files(tmp_path, **ODM)

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there", **ODM)

    @pytest.fixture
    def deliveries(self):
        return [delivery("a", SUBJECT), delivery("b", SUBJECT | {"subject": "0008"})]

    @pytest.fixture
    def there(self, tmp_path):
        def there():  # all but when the file was made
            return {
                path.name: [part.study + etree.tostring(subject(part)).decode()
                            for part in odm.parts(io.BytesIO(path.read_bytes()))]
                for path in tmp_path.iterdir()
            }  # fmt: skip

        return there


def subject(part: odm.Part) -> etree._Element:
    return xml.document(part.body)[0][0]


# -- workbooks


def test_a_workbook_opens_and_holds_texts_alone(tmp_path):
    rows = [
        {"id": "007", "note": "1E5"},
        {"id": 1.10, "note": None},
        {"id": True, "note": "é<&>\n"},
    ]

    files(tmp_path, **SHEET).push([delivery(str(n), row) for n, row in enumerate(rows)])

    [path] = tmp_path.iterdir()
    assert path.name == "out-0.xlsx"
    assert cells(path.read_bytes()) == [
        ("id", "note"), ("007", "1E5"), ("1.1", None), ("true", "é<&>\n"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_neutralised(tmp_path, text):
    files(tmp_path, **SHEET).push([delivery("1", {"id": text, "note": -1.5})])

    [path] = tmp_path.iterdir()
    [_, (first, number)] = cells(path.read_bytes())
    assert first == "'" + text.replace("\r", "\n")
    assert number == "-1.5"
    assert b"<f>" not in path.read_bytes()


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    files(tmp_path, **SHEET).push([delivery("1", {"id": "a\x00b\x1fc\ufffe"})])

    [path] = tmp_path.iterdir()
    assert cells(path.read_bytes())[1][0] == "a\ufffdb\ufffdc\ufffd"


def test_a_text_longer_than_a_cell_refuses_its_delivery_alone(tmp_path):
    both = [delivery("1", {"id": "x" * 32_768}), delivery("2", {"id": "x" * 32_767})]

    receipts = files(tmp_path, **SHEET).push(both)

    assert [one.outcome for one in receipts] == ["refused", "delivered"]
    assert "id has more than 32,767 characters" in receipts[0].detail


def test_what_is_written_is_read_again(tmp_path):
    row = {"id": "0010", "note": 'a, "b"\nc'}
    files(tmp_path, **SHEET).push([delivery("1", row)])

    [path] = tmp_path.iterdir()
    with path.open("rb") as source:
        [piece] = sheets.pieces(source, sheets.Dialect())

    assert tables.read_row(piece.body) == row


@pytest.mark.parametrize("out", [{"sheet": "a/b"}, {"sheet": "x" * 32}, {"delimiter": ";"}])
def test_a_setting_that_cannot_work_is_refused_at_load(tmp_path, out):
    with pytest.raises(ValidationError):
        files(tmp_path, **SHEET, **out)


# -- ODM

# ODM 1.3.2: what stands in each element, in this order, and the attributes it must have
INSIDE = {
    "ODM": (["ClinicalData"], ["FileType", "FileOID", "CreationDateTime", "ODMVersion"]),
    "ClinicalData": (["SubjectData"], ["StudyOID", "MetaDataVersionOID"]),
    "SubjectData": (["SiteRef", "StudyEventData"], ["SubjectKey", "TransactionType"]),
    "SiteRef": ([], ["LocationOID"]),
    "StudyEventData": (["FormData"], ["StudyEventOID", "TransactionType"]),
    "FormData": (["ItemGroupData"], ["FormOID", "TransactionType"]),
    "ItemGroupData": (["ItemData"], ["ItemGroupOID", "TransactionType"]),
    "ItemData": ([], ["ItemOID", "TransactionType"]),
}


def document(tmp_path, *bodies: object) -> etree._Element:
    """The one file of these deliveries, its structure checked."""
    many = [delivery(f"d{n}", body) for n, body in enumerate(bodies)]
    receipts = push_all(tmp_path, many)
    assert [one.outcome for one in receipts] == ["delivered"] * len(many)
    [path] = tmp_path.iterdir()
    root = xml.document(path.read_bytes())
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        children, attributes = INSIDE[name.localname]
        found = [children.index(etree.QName(child).localname) for child in element]
        assert name.namespace == odm.NAMESPACES[2]
        assert found == sorted(found)
        assert set(attributes) <= set(element.attrib)
    return root


def push_all(tmp_path, deliveries):
    from connectors.files.folder import Local

    return push(Local(tmp_path), files(tmp_path, **ODM).out, deliveries, "here", lambda: NOON)


def test_a_subjects_data_are_a_transactional_document(tmp_path):
    root = document(tmp_path, SUBJECT)

    assert dict(root.attrib) == {
        "FileType": "Transactional", "FileOID": "d0", "ODMVersion": "1.3.2",
        "CreationDateTime": "2026-03-01T12:00:00+00:00", "SourceSystem": "crohub",
        "Originator": "North General",
    }  # fmt: skip
    assert [dict(one.attrib) for one in root.iter("{*}ItemData")] == [
        {"ItemOID": "IC.DATE", "TransactionType": "Upsert", "Value": "2026-02-28"},
        {"ItemOID": "IC.FORM", "TransactionType": "Upsert", "IsNull": "Yes"},
        {"ItemOID": "SV", "TransactionType": "Upsert", "Value": "3"},
    ]
    assert [one.get("StudyEventRepeatKey") for one in root.iter("{*}StudyEventData")] == [None, "2"]


def test_subjects_of_one_study_share_its_element_and_keep_their_order(tmp_path):
    other = SUBJECT | {"study": "X"}

    root = document(tmp_path, SUBJECT, SUBJECT | {"subject": "0008"}, other)

    assert [(data.get("StudyOID"), [s.get("SubjectKey") for s in data]) for data in root] == [
        ("ONC-101(Prod)", ["0007", "0008"]), ("X", ["0007"]),
    ]  # fmt: skip


def test_a_removed_subject_is_said_to_be_and_nothing_more(tmp_path):
    root = document(tmp_path, SUBJECT | {"change": "Remove"})

    [only] = root.iter("{*}SubjectData")
    assert only.get("TransactionType") == "Remove"
    assert [etree.QName(child).localname for child in only] == ["SiteRef"]


def test_a_document_is_read_back_as_it_was_said(tmp_path):
    document(tmp_path, SUBJECT)

    [path] = tmp_path.iterdir()
    [part] = odm.parts(io.BytesIO(path.read_bytes()))

    assert (part.study, part.change, part.header.file_oid) == ("ONC-101(Prod)", "Upsert", "d0")
    assert part.notes == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"study": "X", "metadata": "1"}, "subject: Field required"),
        (SUBJECT | {"change": "Context"}, "change: Input should be"),
        (SUBJECT | {"mrn": "1"}, "mrn: Extra inputs"),
        (SUBJECT | {"items": [{"event": "E"}]}, "items.0.form: Field required"),
        (SUBJECT | {"subject": "a\u0000b"}, "SubjectData: a value holds a character"),
        ([1], "body: Input should be"),
        (b"<x/>", "not JSON"),
    ],
)
def test_a_body_that_is_no_subjects_data_is_refused_alone(tmp_path, body, said):
    receipts = push_all(tmp_path, [delivery("1", body), delivery("2", SUBJECT)])

    assert [one.outcome for one in receipts] == ["refused", "delivered"]
    assert said in receipts[0].detail
