"""What a message means: the three values, policies, keys, references, elements, and what is odd."""

import contextlib
from zoneinfo import ZoneInfo

import pytest

from hub.statement import REMOVED, Gone, Identifier, Ref, SameAs
from mappings.setting import Context
from mappings.values import NotUnderstood

MSH = "MSH|^~\\&|A|B|C|D|20260301||ADT^A04|1|P|2.5.1\r"


def hl7(*segments):
    return MSH + "".join(f"{segment}\r" for segment in segments)


def participant(*lines):
    rules = "\n".join(f"    {line}" for line in lines)
    return f"reads: hl7v2\nstates:\n  Participant:\n    key: 'PID-3.1'\n{rules}\n"


def phi(*lines):
    return participant(*lines).replace("Participant", "ParticipantPhi")


def fields(meaning):
    return meaning.statements[0].fields


def complaints(meaning):
    return [(one.rule, one.place, one.found) for one in meaning.complaints]


# -- absent, removed, unknown


def test_an_empty_field_is_absent_and_two_quotes_are_removed(mapping, record):
    understand = mapping(phi("family_name: 'PID-5.1'", "given_name: 'PID-5.2'", "city: 'PID-11.3'"))

    meaning = understand(record(hl7('PID|||1||EXAMPLE^""||||||')))

    assert fields(meaning) == {"family_name": "EXAMPLE", "given_name": REMOVED}


def test_a_removed_field_has_each_of_its_components_removed(mapping, record):
    understand = mapping(
        phi("family_name: 'PID-5.1'", "given_name: 'PID-5.2'", "email: 'PID-13[2=NET].4'")
    )

    meaning = understand(record(hl7('PID|||1||""||||||||""')))

    assert fields(meaning) == {"family_name": REMOVED, "given_name": REMOVED, "email": REMOVED}


def test_a_json_null_is_absent_unless_the_mapping_says_otherwise(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Study:\n    key: id\n    title: title\n"
        "    acronym: {path: acronym, unknown: [UNK], removed: [NONE], ignore: ['N/A']}\n"
    )

    meanings = [
        understand(record(f'{{"id": 7, "title": null, "acronym": "{word}"}}', "application/json"))
        for word in ("UNK", "NONE", "N/A", "")
    ]

    assert [fields(meaning) for meaning in meanings] == [
        {"acronym": None}, {"acronym": REMOVED}, {}, {},
    ]  # fmt: skip
    assert meanings[0].statements[0].key == "7"


def test_a_code_may_mean_not_known_or_nothing(mapping, record):
    understand = mapping(participant("sex: {path: 'PID-8.1', then: [code sex]}"))

    said = [
        fields(understand(record(hl7(f"PID|||1|||||{code}")))) for code in ("F", "9", "-", '""')
    ]

    assert said == [
        {"sex_native": "F", "sex": "female"},
        {"sex_native": "9", "sex": None},
        {"sex_native": "-"},
        {"sex_native": REMOVED, "sex": REMOVED},
    ]


def test_an_identifier_has_the_days_that_its_source_says(mapping, record):
    understand = mapping(
        "reads: hl7v2\nstates:\n  Participant:\n    key: 'PID-3.1'\n    identifiers:\n"
        "      each: PID-3\n      is: mrn\n      value: '.1'\n"
        "      since: '.7'\n      until: '.8'\n"
    )

    meaning = understand(record(hl7("PID|||1^^^^^^202001^20260228~2~3^^^^^^soon")))

    assert meaning.statements[0].identifiers == (
        Identifier("mrn", "1", "", "2020-01", "2026-02-28"),
        Identifier("mrn", "2"),
        Identifier("mrn", "3"),
    )
    assert [(one.rule, one.field) for one in meaning.complaints] == [
        ("unreadable-date", "identifiers.since")
    ]


# -- bad values


def test_an_unmapped_code_is_unknown_keeps_the_native_word_and_complains(mapping, record):
    understand = mapping(participant("sex: {path: 'PID-8.1', then: [code sex]}"))

    meaning = understand(record(hl7("PID|||1|||||Q")))

    assert fields(meaning) == {"sex": None, "sex_native": "Q"}
    (complaint,) = meaning.complaints
    assert (complaint.rule, complaint.place, complaint.found) == ("unmapped-code", "PID-8.1", "Q")
    assert (complaint.entity, complaint.key, complaint.field) == ("Participant", "1", "sex")


def test_an_unreadable_date_is_left_out_and_never_guessed(mapping, record):
    understand = mapping(phi("birth_date: {path: 'PID-7.1', then: [date]}", "city: 'PID-11.3'"))

    for said in ("201610015080000", "20160106165800070+0000", "20260231", "tomorrow", "0000"):
        meaning = understand(record(hl7(f"PID|||1||||{said}||||^^X")))

        assert fields(meaning) == {"city": "X"}
        assert complaints(meaning) == [("unreadable-date", "PID-7.1", "")]


def test_what_was_found_in_a_sealed_field_is_never_told(mapping, record):
    understand = mapping(
        phi(
            "birth_date: {path: 'PID-7.1', then: [date]}",
            "email: {path: 'PID-13.4', then: [email]}",
        )
    )

    meaning = understand(record(hl7("PID|||1||||ZZPHI1||||||^^^ZZPHI2")))

    assert len(meaning.complaints) == 2
    assert "ZZPHI" not in repr(meaning.complaints)


def test_of_a_field_that_is_no_code_only_the_form_is_told(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Study:\n    key: id\n    start_on: start\n"
    )

    meaning = understand(record('{"id": "1", "start": "31.1.2020 x"}', "application/json"))

    assert complaints(meaning) == [("unreadable-date", "start", "99.9.9999 A")]


def test_the_policy_refuse_gives_the_message_up_with_the_reason(mapping, record):
    understand = mapping(participant("deceased: {path: 'PID-30', on_bad: refuse}"))

    with pytest.raises(NotUnderstood, match="unreadable-flag at PID-30: found 'maybe'"):
        understand(record(hl7("PID|||1" + "|" * 27 + "maybe")))


def test_the_policy_keep_native_takes_the_text_as_it_came(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Person:\n    key: id\n"
        "    phone: {path: phone, then: [phone], on_bad: keep native}\n"
    )

    meaning = understand(record('{"id": "1", "phone": "ask reception"}', "application/json"))

    assert fields(meaning) == {"phone": "ask reception"}
    assert complaints(meaning) == [("unreadable-phone", "phone", "AAA AAAAAAAAA")]


def test_overlong_text_is_left_out(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Study:\n    key: id\n"
        "    acronym: acronym\n    title: t\n"
    )

    body = f'{{"id": "1", "acronym": "{"x" * 101}", "t": "kept"}}'
    meaning = understand(record(body, "application/json"))

    assert fields(meaning) == {"title": "kept"}
    assert [one.rule for one in meaning.complaints] == ["too-long"]


def test_an_implausible_date_is_kept_and_noted(mapping, record):
    understand = mapping(phi("birth_date: {path: 'PID-7.1', then: [date]}"))

    meaning = understand(record(hl7("PID|||1||||10131113")))

    assert fields(meaning) == {"birth_date": "1013-11-13"}
    assert type(fields(meaning)["birth_date"]) is str
    assert [one.rule for one in meaning.complaints] == ["questionable"]


def test_a_statement_without_a_key_is_not_made_and_that_is_told(mapping, record):
    understand = mapping(participant("language: 'PID-15.1'"))

    for key in ("", '""', "x" * 401):
        meaning = understand(record(hl7(f"PID|||{key}")))

        assert meaning.statements == ()
        assert complaints(meaning) == [("no-key", "PID-3.1", "")]


@pytest.mark.parametrize("shape", ['{"a": 1}', "[1]", "[[]]"])
def test_another_shape_than_one_value_is_a_complaint(mapping, record, shape):
    understand = mapping(
        "reads: application/json\nstates:\n  Study:\n    key: id\n    title: title\n"
    )

    meaning = understand(record(f'{{"id": "1", "title": {shape}}}', "application/json"))

    assert fields(meaning) == {}
    assert [one.rule for one in meaning.complaints] == ["wrong-shape"]


# -- sources of a value


def test_the_first_path_with_a_value_counts(mapping, record):
    understand = mapping(participant("language: ['PID-15.1', 'PID-16.1', 'PID-17.1']"))

    assert fields(understand(record(hl7("PID|||1" + "|" * 13 + "de|en")))) == {"language": "de"}


def test_joined_parts_leave_out_what_is_absent(mapping, record):
    understand = mapping(
        "reads: text/csv;row\nstates:\n  Person:\n    key: id\n"
        "    job_title: {join: [role, {path: unit, then: [upper]}], joiner: ', '}\n"
    )

    said = [
        fields(understand(record(f"id,role,unit\n1,{row}\n", "text/csv;row")))
        for row in ("nurse,icu", "nurse,", ",icu", ",")
    ]

    assert [one.get("job_title") for one in said] == ["nurse, ICU", "nurse", "ICU", None]


def test_a_list_field_takes_every_repetition(mapping, record):
    understand = mapping(participant("race: {path: 'PID-10.1', then: [code race]}"))

    meaning = understand(record(hl7("PID|||1|||||||A^x~W~A~Q")))

    assert fields(meaning) == {"race_native": ["A", "W", "A", "Q"], "race": ["asian", "white"]}
    assert complaints(meaning) == [("unmapped-code", "PID-10.1", "Q")]


def test_the_first_element_of_each_with_a_value_fills_a_single_field(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Person:\n    key: id\n"
        "    email: {each: \"telecom[?system=='email']\", path: .value, then: [email]}\n"
    )
    body = (
        '{"id": "1", "telecom": [{"system": "phone", "value": "1"}, {"system": "email"},'
        ' {"system": "email", "value": "MAILTO:Ann@Example.org"}]}'
    )

    assert fields(understand(record(body, "application/json"))) == {"email": "ann@example.org"}


def test_references_go_by_key_or_by_identifier(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Enrollment:\n    key: id\n"
        "    participant: {path: patient, then: [last_segment], refers: Participant}\n"
        "    study: {path: protocol, by: local_protocol_no, assigner: site}\n"
    )
    body = '{"id": 1, "patient": "Patient/7/_history/2", "protocol": "P-1", "site": "UH"}'

    meaning = understand(record(body, "application/json"))

    assert fields(meaning) == {
        "participant": Ref("Participant", "7"),
        "study": Ref("Study", "", (Identifier("local_protocol_no", "P-1", "UH"),)),
    }


def test_decimals_stay_exact(mapping, record):
    understand = mapping(
        "reads: application/json\nstates:\n  Person:\n    key: id\n    fte: share\n"
    )

    said = [
        fields(understand(record(f'{{"id": 1, "share": {share}}}', "application/json")))["fte"]
        for share in ("1.10", '"0.500"', "1", "0.1000000000000000055")
    ]

    assert said == ["1.10", "0.500", "1", "0.1000000000000000055"]


def test_a_time_without_offset_is_local_to_the_connection(mapping, record):
    text = (
        "reads: hl7v2\nstates:\n  ParticipantVisit:\n    key: 'SCH-2.1'\n    at: 'MSH-7'\n"
        "    scheduled_at: {path: 'SCH-11.4', then: [instant]}\n"
    )
    understand = mapping(text, Context(timezone=ZoneInfo("Europe/Berlin")))

    meaning = understand(record(hl7("SCH||V1|||||||||^^^202607010900", "")))

    assert fields(meaning) == {"scheduled_at": "2026-07-01T07:00Z[+02:00]"}
    assert meaning.statements[0].at == "2026-03-01"


def test_a_date_is_never_shifted_by_a_time_zone(mapping, record):
    understand = mapping(
        phi("birth_date: {path: 'PID-7.1', then: [date]}"),
        Context(timezone=ZoneInfo("Pacific/Auckland")),
    )

    assert fields(understand(record(hl7("PID|||1||||19700101000000+1200")))) == {
        "birth_date": "1970-01-01"
    }


def test_a_system_s_own_code_row_wins(mapping, record):
    text = participant("sex: {path: 'PID-8.1', then: [code sex]}")

    berlin = mapping(text, Context(system="berlin"))(record(hl7("PID|||1|||||W")))
    boston = mapping(text, Context(system="boston"))(record(hl7("PID|||1|||||W")))

    assert fields(berlin)["sex"] == "female"
    assert [one.rule for one in boston.complaints] == ["unmapped-code"]


# -- identifiers


def test_every_repetition_is_an_identifier_with_its_type_and_assigner(mapping, record):
    understand = mapping(
        participant(
            "identifiers:",
            "  each: 'PID-3'",
            "  type: {path: '.5', then: [code kind]}",
            "  value: '.1'",
            "  system: '.4.2'",
        )
    )

    meaning = understand(record(hl7("PID|||1^^^N&1.2^MR~2^^^S^SS~3^^^S^XX~~4^^^S~1^^^N&1.2^MR")))

    assert meaning.statements[0].identifiers == (
        Identifier("mrn", "1", "1.2"),
        Identifier("ssn", "2", ""),
    )
    assert complaints(meaning) == [("unmapped-code", "PID-3 .5", "XX")]


def test_an_identifier_type_the_entity_lacks_is_told(mapping, record):
    understand = mapping(participant("identifiers: {type: 'PID-2.5', value: 'PID-2.1'}"))

    meaning = understand(record(hl7("PID||9^^^^npi|1")))

    assert meaning.statements[0].identifiers == ()
    assert complaints(meaning) == [("unknown-identifier-type", "PID-2.5", "npi")]


# -- elements, conditions, the other statements


STAFF = """\
reads: hl7v2
states:
  Person:
    each: "MFE+"
    when: {".MFE-1": {not: MDL}}
    key: ".STF-1.1"
    family_name: ".STF-3.1"
    staff_category: ".PRA-3.1"
    identifiers:
      each: ".PRA-6"
      type: ".2"
      value: ".1"
gone:
  Person:
    each: "MFE+"
    when: {".MFE-1": MDL}
    key: ".MFE-4.1"
"""


def test_a_group_keeps_its_segments_together(mapping, record):
    understand = mapping(STAFF)
    body = hl7(
        "MFI|PRA", "MFE|MAD|||S1", "STF|S1||ADAMS", "PRA|||nurse|||1234567893^npi~77^licence",
        "MFE|MUP|||S2", "STF|S2||BAKER", "MFE|MDL|||S3",
    )  # fmt: skip

    meaning = understand(record(body))

    first, second, gone = meaning.statements
    assert first.fields == {"family_name": "ADAMS", "staff_category": "nurse"}
    assert [one.type for one in first.identifiers] == ["npi", "licence"]
    assert second.fields == {"family_name": "BAKER"}
    assert second.identifiers == ()
    assert gone == Gone(entity="Person", key="S3")


def test_a_merge_says_which_key_is_kept(mapping, record):
    understand = mapping(
        "reads: hl7v2\nwhen: {MSH-9.2: A40}\nsame_as:\n  Participant:\n    each: 'PID+'\n"
        "    kept: '.PID-3.1'\n    retired: '.MRG-1.1'\n"
    )
    body = hl7("PID|||1", "MRG|2", "PID|||3", "MRG|4", "PID|||5", "MRG|5").replace("A04", "A40")

    meaning = understand(record(body))

    assert meaning.statements == (
        SameAs(entity="Participant", kept="1", retired="2"),
        SameAs(entity="Participant", kept="3", retired="4"),
    )


def test_a_mapping_that_does_not_fit_says_nothing(mapping, record):
    understand = mapping("when: {MSH-9.2: [A01, A08]}\n" + participant())

    assert understand(record(hl7("PID|||1"))).statements == ()
    assert understand(record("{}", "application/json")).statements == ()


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ("{is: present}", True), ("{is: absent}", False), ("F", True), ("[M, F]", True),
        ("M", False), ("{not: M}", True), ("{not: [M, F]}", False),
    ],
)  # fmt: skip
def test_conditions_ask_for_equality_membership_and_presence(mapping, record, condition, fits):
    understand = mapping(f"when: {{PID-8.1: {condition}}}\n" + participant())

    assert bool(understand(record(hl7("PID|||1|||||F"))).statements) is fits


def test_a_deleted_record_withdraws_all_that_the_mapping_states(mapping, record):
    understand = mapping(
        "reads: application/json\nwhen: {resourceType: ResearchSubject}\nstates:\n"
        "  Enrollment:\n    key: id\n  EnrollmentArm:\n    key: id\n    arm_assigned: arm\n"
    )
    body = '{"resourceType": "ResearchSubject", "id": "7"}'

    meaning = understand(record(body, "application/json", said="gone"))

    assert meaning.statements == (
        Gone(entity="Enrollment", key="7"),
        Gone(entity="EnrollmentArm", key="7"),
    )


def test_a_sealed_part_of_which_nothing_is_said_is_not_stated(mapping, record):
    understand = mapping(phi("city: 'PID-11.3'"))

    assert understand(record(hl7("PID|||1"))).statements == ()


def test_complete_statements_say_so(mapping, record):
    understand = mapping(participant("complete: true", "version: 'PID-33'"))

    (statement,) = understand(record(hl7("PID|||1" + "|" * 30 + "v7"))).statements

    assert (statement.complete, statement.version) == (True, "v7")


# -- XML and rows


def test_xml_is_read_by_xpath_with_declared_prefixes(mapping, record):
    understand = mapping(
        "reads: application/xml;SubjectData\nprefixes: {o: 'http://www.cdisc.org/ns/odm/v1.3'}\n"
        "states:\n  Enrollment:\n    key: '@SubjectKey'\n    subject_number: '@SubjectKey'\n"
        "    study_site: {path: 'o:SiteRef/@LocationOID', refers: StudySite}\n"
        "  ParticipantVisit:\n    each: 'o:StudyEventData'\n    key: './@StudyEventOID'\n"
        "    sequence: './@StudyEventRepeatKey'\n    visit_type: './o:Note'\n"
        "    reason: 'normalize-space(@SubjectKey)'\n"
    )
    body = (
        '<SubjectData xmlns="http://www.cdisc.org/ns/odm/v1.3" SubjectKey="S1">'
        '<SiteRef LocationOID="L1"/>'
        '<StudyEventData StudyEventOID="SE.VISIT 1" StudyEventRepeatKey="2"><Note>a <b>b</b></Note>'
        '</StudyEventData><StudyEventData StudyEventOID="SE.2"/></SubjectData>'
    )

    meaning = understand(record(body, "application/xml;SubjectData"))

    assert [one.key for one in meaning.statements] == ["S1", "SE.VISIT 1", "SE.2"]
    assert meaning.statements[0].fields["study_site"] == Ref("StudySite", "L1")
    assert meaning.statements[1].fields == {"sequence": 2, "visit_type": "a b", "reason": "S1"}


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "<!DOCTYPE a><a/>",
        "<a><b></a>",
        "",
        "<a>" * 300 + "</a>" * 300,
    ],
)
def test_xml_that_is_hostile_or_broken_is_not_understood(mapping, record, body):
    understand = mapping(
        "reads: application/xml\nstates:\n  Study:\n    key: '@OID'\n    title: 'a'\n"
    )

    with pytest.raises(NotUnderstood):
        understand(record(body, "application/xml"))


@pytest.mark.parametrize(
    "body", ["", "{", "[" * 5000, "[" * 900 + "]" * 900, b"\xff", "{} {}", "NaN"]
)
@pytest.mark.parametrize("field", ["title: title", "title: 'a[*].b | [0]'"])
def test_json_that_is_hostile_or_broken_never_raises_anything_else(mapping, record, body, field):
    understand = mapping(f"reads: application/json\nstates:\n  Study:\n    key: id\n    {field}\n")

    statements = ()
    with contextlib.suppress(NotUnderstood):
        statements = understand(record(body, "application/json")).statements

    assert statements == ()


def test_exact_json_refuses_the_same_bodies(mapping, record):
    understand = mapping("reads: application/json\nstates:\n  Person:\n    key: id\n    fte: a\n")

    for body in ("", "{", "[" * 100_000, b"\xff", "{} {}", '{"id": NaN}'):
        with pytest.raises(NotUnderstood):
            understand(record(body, "application/json"))


def test_a_row_is_read_by_its_column_names(mapping, record):
    understand = mapping(
        "reads: text/csv;row\nstates:\n  Person:\n    key: Employee No.\n"
        "    family_name: Last Name\n    hired_on: {path: Start, then: [date_as DD/MM/YYYY]}\n"
        "    degrees: {path: Degrees, then: [split ;]}\n"
    )
    body = (
        '\ufeffEmployee No.,Last Name,Start,Degrees\r\n007," O\'Hara, Ann ",31/01/2020,MD; PhD\r\n'
    )

    meaning = understand(record(body, "text/csv;row"))

    assert meaning.statements[0].key == "007"
    assert fields(meaning) == {
        "family_name": "O'Hara, Ann",
        "hired_on": "2020-01-31",
        "degrees": ["MD", "PhD"],
    }


def test_a_row_s_media_says_its_delimiter(mapping, record):
    understand = mapping("reads: text/csv;row\nstates:\n  Person:\n    key: id\n    email: mail\n")

    meaning = understand(record("id;mail\n1;a@b.org\n", "text/csv;row;delimiter=%3B"))

    assert fields(meaning) == {"email": "a@b.org"}


@pytest.mark.parametrize("body", ["", "id\n", "id,a\n1\n", 'id,a\n1,"x\n', "id,a\n1,2\n3,4\n"])
def test_a_broken_row_is_not_understood(mapping, record, body):
    understand = mapping("reads: text/csv;row\nstates:\n  Person:\n    key: id\n    email: a\n")

    with pytest.raises(NotUnderstood, match="unreadable-row"):
        understand(record(body, "text/csv;row"))


# -- around the message


def test_a_message_that_is_no_hl7_is_not_understood(mapping, record):
    with pytest.raises(NotUnderstood, match="unreadable-hl7"):
        mapping(participant())(record("hello"))


def test_what_the_reader_noticed_about_the_bytes_becomes_a_complaint(mapping, record):
    body = hl7("PID|||1||M\xfcller").encode("latin-1")

    meaning = mapping(participant())(record(body))

    assert [one.rule for one in meaning.complaints] == ["encoding"]
    assert len(meaning.statements) == 1


def test_data_that_no_mapping_reads_are_named_by_their_place(mapping, record):
    hl7_mapping = mapping(participant("sex: {path: 'PID-8.1', then: [code sex]}"))
    json_mapping = mapping(
        "reads: application/json\nwhen: {type: x}\nstates:\n  Study:\n    key: id\n"
        '    title: names[0].text\n    start_on: "period.start || begin"\n'
    )
    row_mapping = mapping("reads: text/csv;row\nstates:\n  Person:\n    key: id\n")

    left = [
        hl7_mapping.reader.unread(record(hl7("PID|||1||A|||F", "ZPX|1||x"))),
        json_mapping.reader.unread(
            record(
                '{"type": "x", "id": 1, "names": [{"text": "t", "use": "o"}], "begin": null,'
                ' "period": {"start": "2026", "end": "2027"}, "extra": {"a": 1}, "none": []}',
                "application/json",
            )
        ),
        row_mapping.reader.unread(record("id,a,b\n1,2, \n", "text/csv;row")),
    ]

    assert left == [["PID-5", "ZPX-1", "ZPX-3"], ["extra", "names.use", "period.end"], ["a"]]


def test_the_same_record_gives_the_same_meaning(mapping, record):
    understand = mapping(
        participant(
            "sex: {path: 'PID-8.1', then: [code sex]}", "identifiers: {is: mrn, value: 'PID-3.1'}"
        )
    )
    said = record(hl7("PID|||1|||||Q"))

    assert understand(said) == understand(said)
