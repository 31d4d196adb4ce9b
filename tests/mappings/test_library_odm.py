"""What ODM items mean is a sponsor's own: the function a site's copy of the mapping names."""

import pytest

from hub.statement import REMOVED

HEAD = """\
reads: application/odm+xml
states:
  Enrollment:
    key: "ClinicalData/SubjectData/@SubjectKey"
"""
SCREEN = "{call: odm.item, with: {item: IC.ICDAT, event: SCREEN}, then: [date]}"


@pytest.fixture
def consented(mapping, record):
    """What a subject's document says of the consent date."""

    def consented(data, rule=SCREEN, ns=' xmlns="http://www.cdisc.org/ns/odm/v1.3"'):
        made = mapping(HEAD + f"    consented_on: {rule}\n")
        body = (
            f'<ODM{ns}><ClinicalData><SubjectData SubjectKey="1">{data}</SubjectData>'
            "</ClinicalData></ODM>"
        )
        meaning = made(record(body, "application/odm+xml"))
        assert meaning.complaints == ()
        return meaning.statements[0].fields.get("consented_on")

    return consented


def event(items, oid="SCREEN", change="", form="IC", group="IC"):
    said = f' TransactionType="{change}"' if change else ""
    return (
        f'<StudyEventData StudyEventOID="{oid}"{said}><FormData FormOID="{form}">'
        f'<ItemGroupData ItemGroupOID="{group}">{items}</ItemGroupData></FormData></StudyEventData>'
    )


def item(value="2026-02-28", oid="IC.ICDAT", more=""):
    return f'<ItemData ItemOID="{oid}" Value="{value}"{more}/>'


def test_an_item_is_found_by_its_oid(consented):
    assert consented(event(item("2026-01-01", "OTHER") + item())) == "2026-02-28"


def test_an_item_is_told_apart_by_where_it_stands(consented):
    other = event(item("2026-01-01"), "SCREEN 2")
    rule = "{call: odm.item, with: {item: IC.ICDAT, form: F2, group: G2}, then: [date]}"
    elsewhere = event(item("2026-03-03"), form="F2", group="G2")

    assert consented(event(item()) + other) == "2026-02-28"
    assert consented(event(item()) + elsewhere + event(item("2026-03-04"), form="F2"), rule) == (
        "2026-03-03"
    )


def test_of_several_changes_the_last_one_counts(consented):
    changed = item(more=' TransactionType="Insert"') + item(
        "2026-02-27", more=' TransactionType="Update"'
    )

    assert consented(event(changed)) == "2026-02-27"


@pytest.mark.parametrize(
    "typed",
    ['<ItemDataDate ItemOID="IC.ICDAT">2026-02-28</ItemDataDate>',
     '<ItemData ItemOID="IC.ICDAT"><Value>2026-02-28</Value></ItemData>'],
)  # fmt: skip
def test_typed_items_and_those_of_version_2_are_read(consented, typed):
    assert consented(event(typed)) == "2026-02-28"
    assert consented(event(typed), ns=' xmlns="http://www.cdisc.org/ns/odm/v2.0"') == "2026-02-28"
    assert consented(event(typed), ns="") == "2026-02-28"


@pytest.mark.parametrize(
    "data",
    [
        event(item(more=' TransactionType="Remove"')),
        event(item(), change="Remove"),
        event('<ItemData ItemOID="IC.ICDAT" IsNull="Yes"/>'),
        event(item("", more=' TransactionType="Upsert"')),
    ],
)
def test_a_value_that_is_taken_back_is_removed(consented, data):
    assert consented(data) is REMOVED


@pytest.mark.parametrize("data", ["", event(""), event(item("")), event(item(), "V1")])
def test_a_value_of_which_nothing_is_said_is_absent(consented, data):
    assert consented(data) is None


@pytest.mark.parametrize(
    ("key", "sequence"),
    [("2", 2), ("SCREEN[3]", 3), ("A[1]/B[4]", 4), ("", None), ("first", None), ("1a", None)],
)
def test_a_repetition_is_a_number_where_there_is_one(mapping, record, key, sequence):
    text = """\
reads: application/odm+xml
states:
  ParticipantVisit:
    each: "ClinicalData/SubjectData/StudyEventData"
    key: "./@StudyEventOID"
    sequence: {call: odm.repeat}
"""
    body = (
        '<ODM><ClinicalData><SubjectData><StudyEventData StudyEventOID="V" '
        f'StudyEventRepeatKey="{key}"/></SubjectData></ClinicalData></ODM>'
    )

    [visit] = mapping(text)(record(body, "application/odm+xml")).statements

    assert visit.fields.get("sequence") == sequence
