"""Every mistake of a mapping, at once, each with file, line and what was expected."""

import re

import pytest

from mappings.mistakes import MappingErrors
from mappings.values import NotUnderstood

GOOD = """\
reads: hl7v2
when: {MSH-9.1: ADT}
states:
  Participant:
    key: "PID-3[5=MR].1"
    sex: {path: "PID-8.1", then: [code sex]}
"""


def mistakes(mapping, text):
    with pytest.raises(MappingErrors) as raised:
        mapping(text)
    return raised.value.mistakes


def test_a_good_mapping_loads(mapping):
    assert mapping(GOOD).spec.things[0].entity == "Participant"


def test_all_mistakes_are_told_at_once_in_the_file_s_order(mapping):
    found = mistakes(
        mapping,
        """\
reads: hl7v2
wen: {MSH-9.1: ADT}
states:
  Participant:
    sexx: "PID-8"
    sex: {path: "PID-8", then: [code sexes, uper]}
    deceased: {path: "PID-[", then: [date]}
  Patient:
    key: "PID-3.1"
""",
    )

    assert [(m.line, m.found) for m in found] == [
        (2, "the key 'wen' in a mapping"),
        (5, "Participant has no 'sexx'"),
        (5, "Participant without key"),
        (6, "the code table 'sexes'"),
        (6, "the transform 'uper'"),
        (7, "path 'PID-[', character 4: found '-[', expected a field: -5"),
        (7, "a date for deceased, which is of kind flag"),
        (8, "the entity 'Patient'"),
    ]
    assert "'upper'" in found[4].expected
    assert re.fullmatch(
        r".*mapping\.yaml:2:1: the key 'wen' .*; expected 'when'\?.*", str(found[0])
    )


@pytest.mark.parametrize("sent", ["", "MRG|\r", 'MRG|""\r', "MRG\r"])
def test_a_message_without_what_its_mapping_needs_is_not_understood(mapping, record, sent):
    understand = mapping(GOOD.replace("states:", "needs: [MRG-1]\nstates:"))
    head = "MSH|^~\\&|A|B|||20260301||ADT^A40|1|P|2.5.1\rPID|1||7^^^N^MR\r"

    with pytest.raises(NotUnderstood) as refused:
        understand(record(head + sent))

    assert (refused.value.rule, refused.value.place) == ("missing", "MRG-1")
    assert understand(record(head + "MRG|8^^^N^MR\r")).statements
    assert understand(record(head.replace("ADT^A40", "SIU^S12"))).statements == ()


def test_what_is_needed_must_be_a_path_into_the_document(mapping):
    found = mistakes(mapping, GOOD.replace("states:", 'needs: ["PID-[", .MRG-1, {a: b}]\nstates:'))

    assert [(m.line, m.found.split(",")[0]) for m in found] == [
        (3, "path 'PID-['"), (3, "the path '.MRG-1' outside each"), (3, "a table"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "found", "expected"),
    [
        ('sex: {path: "PID-8.1", const: male}', "path and const", "one of path"),
        ("sex: {then: [upper]}", "no source", "one of path"),
        ("sex: {const: mail}", "the code 'mail'", "'male'?"),
        ("sex: {const: male, on_bad: ignore}", "'ignore'", "leave out"),
        ('year_of_birth: {path: "PID-7", on_bad: keep native}', "'keep native'", "_native"),
        ("sex: []", "an empty list", "a path"),
        ("sex: ''", "nothing", "a path"),
        ("sex: {path: {a: b}}", "a table", "a path"),
        ("sex: {path: 'PID-8.1', then: [code]}", "the transform 'code' alone", "code <table>"),
        ("sex: {path: 'PID-8.1', then: [upper x]}", "with 'x'", "alone"),
        ("sex: {path: 'PID-8.1', then: [item 0]}", "item '0'", "from 1"),
        ("sex: {path: 'PID-8.1', then: [code kind]}", "the canonical code 'mrn'", "female"),
        ("sex: {call: fhir.subject_stat}", "the function", "'fhir.subject_state'?"),
        ("sex: {call: fhir.subject_state, with: {a: b}}", "the argument 'a'", "nothing here"),
        ("sex: {path: 'PID-8.1', refers: Study}", "the key 'refers'", "one of"),
        ("each: 'PID-3.1'", "ends in a component", "an HL7 path"),
        ("when: {PID-8: {is: there}}", "'there'", "present"),
        ("when: {PID-8: {}}", "says nothing", "is: present"),
        ("at: {path: 'MSH-7', then: [date]}", "at: a date", "moment"),
        ("complete: yes", "'yes'", "true"),
        ("identifiers: {is: mnr, value: 'PID-3.1'}", "no identifier 'mnr'", "'mrn'?"),
        ("identifiers: {is: mrn, type: 'PID-3.5', value: 'PID-3.1'}", "both is and type", "one"),
        ("identifiers: {value: 'PID-3.1'}", "an identifier without type", "type: a path"),
    ],
)
def test_a_wrong_rule_is_named_with_what_would_be_right(mapping, line, found, expected):
    text = f"reads: hl7v2\nstates:\n  Participant:\n    key: 'PID-3.1'\n    {line}\n"

    told = mistakes(mapping, text)

    assert any(found in one.found and expected in one.expected for one in told), told


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("study: {path: 'a', refers: Person}", "refers: Person"),
        ("study: {path: 'a', refers: Study, by: ntc}", "by: ntc"),
        ("study: {path: 'a', assigner: 'b'}", "assigner without by"),
    ],
)
def test_a_wrong_reference_is_a_mistake(mapping, line, found):
    text = f"reads: application/json\nstates:\n  Enrollment:\n    key: id\n    {line}\n"

    assert [one.found for one in mistakes(mapping, text)] == [found]


@pytest.mark.parametrize(
    "path",
    [
        "().__class__", "a.b.__class__()", "[" * 400, "a" * 501, "a ||", "{{ a }}", "${env:HOME}",
        "a.b[", "(" * 200 + "a" + ")" * 200 + "(",
    ],
)  # fmt: skip
def test_what_is_no_jmespath_is_a_mistake_and_never_runs(mapping, path):
    text = f'reads: application/json\nstates:\n  Study:\n    key: id\n    title: "{path}"\n'

    (told,) = mistakes(mapping, text)

    assert (told.line, told.column) == (5, 12)


@pytest.mark.parametrize(
    "path", ["x:Name", "//*[", "document('file:///etc/passwd')", "re:test(., 'x')", "$x"]
)
def test_what_is_no_xpath_with_declared_prefixes_is_a_mistake(mapping, path):
    text = (
        "reads: application/xml\nprefixes: {o: 'urn:o'}\n"
        f'states:\n  Study:\n    key: "@OID"\n    title: "{path}"\n'
    )

    (told,) = mistakes(mapping, text)

    assert told.line == 6
    assert "declared prefixes: o" in told.expected


def test_two_statements_about_one_entity_need_labels(mapping, tmp_path):
    (tmp_path / "_more.yaml").write_text("states:\n  Participant:\n    key: 'PID-2.1'\n")

    (told,) = mistakes(mapping, GOOD + "include: _more.yaml\n")

    assert told.file.endswith("_more.yaml")
    assert "Entity#label" in told.expected


def test_an_included_file_adds_its_statements(mapping, tmp_path):
    (tmp_path / "_more.yaml").write_text("states:\n  Participant#second:\n    key: 'PID-2.1'\n")

    loaded = mapping(GOOD + "include: [_more.yaml]\n")

    assert [(t.entity, t.label) for t in loaded.spec.things] == [
        ("Participant", ""),
        ("Participant", "second"),
    ]


def test_a_circle_of_includes_is_a_mistake_where_it_closes(mapping, tmp_path):
    (tmp_path / "_a.yaml").write_text("include: _b.yaml\n")
    (tmp_path / "_b.yaml").write_text("include: _a.yaml\n")

    (told,) = mistakes(mapping, GOOD + "include: _a.yaml\n")

    assert told.file.endswith("_b.yaml")
    assert "includes itself" in told.found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("reads: hl7\n", "reads: hl7"),
        ("states: {}\n", "reads: "),
        ("reads: hl7v2\n", "a mapping that says nothing"),
        (GOOD + "cases: [{given: none.hl7, expect: none.json}]\n", "no file none.hl7"),
        (GOOD + "cases: [{expect: mapping.yaml}]\n", "a case without given"),
        (GOOD + "cases: {given: mapping.yaml, expect: mapping.yaml, timezone: Mars}\n", "'Mars'"),
        (GOOD + "include: none.yaml\n", "no file none.yaml"),
        (GOOD + "include: {a: b}\n", "a table"),
        (GOOD + "gone: {Participant: {when: {MSH-9.2: A23}}}\n", "Participant without key"),
        (GOOD + "same_as: {Participant: {kept: 'PID-3.1'}}\n", "Participant without retired"),
        (GOOD + "same_as: {Participant: {kept: 'PID-3.1', retired: 'MRG-1.1', k: x}}\n", "'k'"),
    ],
)
def test_a_wrong_file_is_a_mistake(mapping, text, found):
    assert any(found in told.found for told in mistakes(mapping, text))


def test_a_table_whose_codes_the_field_lacks_is_blamed_in_the_table_s_own_file(mapping):
    text = GOOD.replace("code sex", "code kind")

    found = mistakes(mapping, text)

    assert {(one.file.rpartition("/")[2], one.line) for one in found} == {
        ("kind.csv", 2),
        ("kind.csv", 3),
    }
