"""The packaged HL7 v2 mappings: their own cases, and the traps a hospital's feed sets."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from connectors.record import Record
from hub.statement import REMOVED, Gone, Identifier, Meaning, Ref, SameAs, Stated
from mappings.cases import run_cases
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.setting import Context
from mappings.values import NotUnderstood

LIBRARY = load_library(codes=load_codes(), packaged=True)
NAMES = [name for name in LIBRARY.inbound if name.startswith("hl7v2/")]
PID = "PID|1||700123^^^NORTH^MR||EXAMPLE^ANNA||19850201|F"


@cache
def reader():
    return LIBRARY.reader(NAMES)


def read(event: str, *segments: str, reader=reader) -> Meaning:
    head = f"MSH|^~\\&|REG|NORTH|CROHUB|UH|20260301120000||{event}|1|P|2.5.1"
    body = "\r".join((head, *segments)).encode()
    record = Record(
        stream="hl7", message_key="1", at=datetime(2026, 3, 1, tzinfo=UTC), body=body, media="hl7v2"
    )
    return reader()(record)


def stated(meaning: Meaning, entity: str) -> list[Stated]:
    return [s for s in meaning.statements if isinstance(s, Stated) and s.entity == entity]


def rules(meaning: Meaning) -> list[str]:
    return [complaint.rule for complaint in meaning.complaints]


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_has_two_cases_or_more_and_they_hold(name):
    spec = LIBRARY.inbound[name]

    failures = run_cases(spec, LIBRARY.codes)

    assert [str(failure) for failure in failures] == []
    assert len(spec.cases) >= 2


# -- who the patient is


def test_one_number_of_two_authorities_is_two_people():
    north, south = (
        read("ADT^A04^ADT_A01", f"PID|1||12345^^^{authority}^MR||A^B")
        for authority in ("NORTH", "SOUTH")
    )

    keys = {stated(meaning, "Participant")[0].key for meaning in (north, south)}
    assert keys == {"12345^^^NORTH", "12345^^^SOUTH"}


@cache
def reader_of_north():
    return LIBRARY.reader(NAMES, Context(authority="NORTH"))


def test_where_a_message_names_no_authority_the_connections_own_counts():
    named, unnamed, foreign = (
        read("ADT^A04", f"PID|1||12345^^^{one}^MR||A^B", reader=reader_of_north)
        for one in ("NORTH", "", "SOUTH")
    )

    first, second, third = (stated(one, "Participant")[0] for one in (named, unnamed, foreign))
    assert (first.key, first.identifiers) == (second.key, second.identifiers)
    assert first.key == "12345^^^NORTH"
    assert third.key == "12345^^^SOUTH"


def test_without_an_authority_of_the_connection_none_is_made_up():
    (said,) = stated(read("ADT^A04", "PID|1||12345^^^^MR||A^B"), "Participant")

    assert (said.key, said.identifiers) == ("12345", (Identifier("mrn", "12345", ""),))


def test_numbers_that_others_assign_keep_no_authority_where_none_is_said():
    others = "1^^^^NI~123-45-6789^^^^SS~9^^^^PPN~8^^^^AN~7^^^^MC"
    (said,) = stated(
        read("ADT^A04", f"PID|1||12345^^^^MR~{others}||A^B", reader=reader_of_north), "Participant"
    )

    assert {one.assigner for one in said.identifiers if one.type != "mrn"} == {""}


def test_an_authority_that_is_removed_is_not_filled_in():
    (said,) = stated(
        read("ADT^A04", 'PID|1||12345^^^""^MR||A^B', reader=reader_of_north), "Participant"
    )

    assert [one.assigner for one in said.identifiers] == [""]


def test_a_merge_that_names_no_authority_is_of_the_connections_own():
    meaning = read("ADT^A40", "PID|1||700^^^NORTH^MR||A^B", "MRG|701^^^^MR", reader=reader_of_north)

    (same,) = (one for one in meaning.statements if isinstance(one, SameAs))
    assert (same.kept, same.retired) == ("700^^^NORTH", "701^^^NORTH")


def test_the_connections_authority_is_recoded_like_one_that_is_said():
    alias = "https://cedarmesa.example/mrn"
    reader = LIBRARY.reader(NAMES, Context(authority=alias))

    (said,) = stated(
        read("ADT^A04", "PID|1||12345^^^^MR||A^B", reader=lambda: reader), "Participant"
    )

    assert [one.assigner for one in said.identifiers] == ["CEDARMESA"]


def test_the_key_is_the_record_number_wherever_it_stands():
    meaning = read("ADT^A04^ADT_A01", "PID|1||9^^^NORTH^PI~700^^^NORTH^MR~701^^^SOUTH^MR||A^B")

    assert [s.key for s in meaning.statements] == ["700^^^NORTH", "700^^^NORTH"]


@pytest.mark.parametrize("number", ["UNKNOWN", "00000", "999999999", "none"])
def test_a_placeholder_makes_nobody(number):
    meaning = read("ADT^A04^ADT_A01", f"PID|1||{number}^^^NORTH^MR||A^B")

    assert meaning.statements == ()
    assert set(rules(meaning)) == {"no-key"}


@pytest.mark.parametrize("type_", ["SS", "AN", "VN", "MC", "DL"])
def test_a_number_of_something_else_is_kept_but_is_never_the_key(type_):
    meaning = read("ADT^A04^ADT_A01", f"PID|1||4711^^^X^{type_}~12^^^NORTH||A^B")

    [patient] = stated(meaning, "Participant")
    assert patient.key == "12^^^NORTH"
    assert [one.value for one in patient.identifiers] == ["4711", "12"]


def test_an_authority_without_a_name_is_known_by_its_oid():
    meaning = read("ADT^A04^ADT_A01", "PID|1||5^^^&2.16.840.1.113883.3.999.8&ISO^MR||A^B")

    [patient] = stated(meaning, "Participant")
    assert patient.key == "5^^^2.16.840.1.113883.3.999.8"
    assert patient.identifiers == (Identifier("mrn", "5", "2.16.840.1.113883.3.999.8"),)


def test_a_removed_number_is_no_number():
    meaning = read("ADT^A08^ADT_A01", 'PID|1||""~7^^^NORTH^MR||A^B||||||||||||||||""')

    [patient] = stated(meaning, "Participant")
    assert patient.identifiers == (Identifier("mrn", "7", "NORTH"),)


@pytest.mark.parametrize("event", ["A01", "A03", "A04", "A05", "A08", "A11", "A13", "A28", "A31"])
def test_every_event_about_a_patient_draws_the_patient_and_no_visit(event):
    meaning = read(f"ADT^{event}", PID, "PV1|1|O|RU^1^^NORTH||||||||||||||||V-20^^^NORTH^VN")

    assert [s.entity for s in meaning.statements] == ["Participant", "ParticipantPhi"]
    assert not any(isinstance(s, Gone) for s in meaning.statements)


@pytest.mark.parametrize(("event", "withdrawn"), [("A24", False), ("A37", True)])
def test_a_link_and_an_unlink_merge_nothing(event, withdrawn):
    meaning = read(f"ADT^{event}", PID, "PV1|1|N", "PID|2||9^^^NORTH^MR")

    linked = SameAs(entity="Participant", kept="700123^^^NORTH", retired="9^^^NORTH", linked=True)
    assert meaning.statements == (replace(linked, withdrawn=withdrawn),)


@pytest.mark.parametrize("event", ["A24", "A37"])
def test_a_link_without_a_second_record_is_refused(event):
    with pytest.raises(NotUnderstood, match="PID"):
        read(f"ADT^{event}", PID)


@pytest.mark.parametrize("event", ["A20", "A23", "A29"])
def test_deletions_say_nothing_of_a_patient(event):
    meaning = read(f"ADT^{event}", PID, "PID|2||9^^^NORTH^MR", "MRG|8^^^NORTH^MR")

    assert meaning == Meaning()


def test_a_bad_date_leaves_the_field_out_and_is_complained_of():
    meaning = read("ADT^A04", "PID|1||7^^^NORTH^MR||A^B||201610015080000|||||||||||||||||||||||Y")

    [phi] = stated(meaning, "ParticipantPhi")
    [patient] = stated(meaning, "Participant")
    assert "birth_date" not in phi.fields
    assert "birth_at" not in phi.fields
    assert "year_of_birth" not in patient.fields
    assert rules(meaning).count("unreadable-date") == 3
    assert all("2016" not in complaint.found for complaint in meaning.complaints)


@pytest.mark.parametrize(
    ("said", "date"), [("1985", "1985"), ("198502", "1985-02"), ("198502011530-0500", "1985-02-01")]
)
def test_a_date_of_birth_is_as_precise_as_it_was_said_and_never_shifted(said, date):
    meaning = read("ADT^A04", f"PID|1||7^^^NORTH^MR||A^B||{said}")

    [phi] = stated(meaning, "ParticipantPhi")
    assert phi.fields["birth_date"] == date
    assert ("birth_at" in phi.fields) is (len(said) > 8)


@pytest.mark.parametrize(
    ("pid_13", "phones"),
    [
        ("217-555-0101^PRN^PH", {"phone": "217-555-0101"}),
        ("217-555-0101", {"phone": "217-555-0101"}),
        ("^PRN^PH^^1^217^5550101^9", {"phone": "1-217-5550101x9"}),
        ("^PRN^PH^^^^^^^^^+12175550101", {"phone": "+12175550101"}),
        ("555^^CP~556^PRN^PH", {"mobile_phone": "555", "phone": "556"}),
        ("557^WPN^PH~^NET^Internet^a@b.example", {"email": "a@b.example"}),
        ("a@b.example^NET^Internet", {}),
        ('""', {"phone": REMOVED, "mobile_phone": REMOVED, "email": REMOVED}),
    ],
)
def test_a_telephone_number_is_read_by_its_kind_and_however_it_is_written(pid_13, phones):
    meaning = read("ADT^A08", f"PID|1||7^^^NORTH^MR||A^B||||||||{pid_13}")

    [phi] = stated(meaning, "ParticipantPhi")
    assert {k: v for k, v in phi.fields.items() if k not in ("family_name", "given_name")} == phones


# -- merges


def test_a_merge_without_type_and_authority_takes_them_from_the_survivor():
    meaning = read("ADT^A40^ADT_A39", "PID|1||123^^^NORTH^MR", "MRG|456")

    assert SameAs(entity="Participant", kept="123^^^NORTH", retired="456^^^NORTH") in (
        meaning.statements
    )
    [retired] = [s for s in stated(meaning, "Participant") if s.key == "456^^^NORTH"]
    assert retired.identifiers == (Identifier("mrn", "456", "NORTH"),)


def test_a_shared_social_security_number_merges_nobody():
    meaning = read(
        "ADT^A40^ADT_A39",
        "PID|1||123^^^NORTH^MR~999-99-9999^^^SSA^SS",
        "MRG|999-99-9999^^^SSA^SS~5^^^NORTH^AN",
    )

    assert not any(isinstance(s, SameAs) for s in meaning.statements)


def test_a_number_of_another_authority_is_not_merged_on_a_guess():
    meaning = read("ADT^A40^ADT_A39", PID, "MRG|123^^^SOUTH^MR")

    assert not any(isinstance(s, SameAs) for s in meaning.statements)
    assert "unpaired-merge" in rules(meaning)


def test_a_patient_is_not_merged_into_itself():
    meaning = read("ADT^A40^ADT_A39", PID, "MRG|700123^^^NORTH^MR")

    assert not any(isinstance(s, SameAs) for s in meaning.statements)


@pytest.mark.parametrize("event", ["A08", "A35", "A41"])
def test_only_patient_merges_merge_patients(event):
    meaning = read(f"ADT^{event}", PID, "MRG|9^^^NORTH^MR")

    assert not any(isinstance(s, SameAs) for s in meaning.statements)


# -- appointments


def appointment(event: str, *, filler: str = "", sch: str = "SCH||36996^CAD") -> Stated:
    segment = sch + "|" * (25 - sch.count("|")) + filler
    [visit] = stated(read(f"SIU^{event}", segment, PID), "ParticipantVisit")
    return visit


@pytest.mark.parametrize(
    ("event", "filler", "status"),
    [
        ("S12", "", "scheduled"),
        ("S12", "Pending", "projected"),
        ("S13", "Booked", "scheduled"),
        ("S14", "Complete", "completed"),
        ("S14", "Noshow^did not come", "no_show"),
        ("S15", "Booked", "cancelled"),
        ("S16", "Dc", "cancelled"),
        ("S17", "Booked", "entered_in_error"),
        ("S26", "", "no_show"),
    ],
)
def test_the_event_that_ends_an_appointment_wins_over_its_status(event, filler, status):
    visit = appointment(event, filler=filler)

    assert visit.fields["status"] == status


def test_an_unknown_filler_status_is_unknown_and_shown():
    meaning = read("SIU^S12", "SCH||36996" + "|" * 23 + "Zonked", PID)

    [visit] = stated(meaning, "ParticipantVisit")
    assert visit.fields["status"] is None
    assert visit.fields["status_native"] == "Zonked"
    assert [(c.rule, c.found) for c in meaning.complaints] == [("unmapped-code", "Zonked")]


def test_an_appointment_is_known_by_the_filler_number_and_points_to_its_patient():
    visit = appointment("S12")

    assert visit.key == "36996^CAD"
    assert visit.identifiers == (Identifier("appointment_no", "36996", "CAD"),)
    assert visit.fields["participant"] == Ref("Participant", "700123^^^NORTH")


def test_occurrences_of_a_repeated_appointment_are_visits_of_their_own():
    first, second = (appointment("S12", sch=f"SCH||36996^CAD|{n}") for n in (1, 2))

    assert first.key != second.key
    assert first.identifiers != second.identifiers


@pytest.mark.parametrize(
    ("event", "segments", "place"),
    [
        ("SIU^S12", ("SCH|12345", PID), "SCH-2.1"),
        ("SIU^S12", (PID,), "SCH-2.1"),
        ("ADT^A40", (PID,), "MRG-1"),
        ("ADT^A34", (PID, 'MRG|""'), "MRG-1"),
        ("MFN^M02", ("MFI|STF||UPD|||AL",), "MFE-1"),
    ],
)
def test_a_message_without_what_it_is_about_is_not_understood(event, segments, place):
    with pytest.raises(NotUnderstood) as refusal:
        read(event, *segments)

    assert (refusal.value.rule, refusal.value.place) == ("missing", place)


def test_the_time_in_tq1_counts_before_the_one_in_sch_11():
    sch = "SCH||1" + "|" * 9 + "^^^20260101^20260102"

    both = read("SIU^S12", sch, "TQ1|1||||||202603090930+0100|202603091030+0100", PID)
    alone = read("SIU^S12", sch, PID)

    [visit], [old] = stated(both, "ParticipantVisit"), stated(alone, "ParticipantVisit")
    assert visit.fields["scheduled_at"] == "2026-03-09T08:30Z[+01:00]"
    assert visit.fields["scheduled_end_at"] == "2026-03-09T09:30Z[+01:00]"
    assert old.fields["scheduled_at"] == "2026-01-01"


def test_an_appointment_makes_no_enrollment():
    meaning = read("SIU^S12", "SCH||1", PID, "RGS|1", "AIL|1||RU^1^^NORTH", "RGS|2", "AIL|2||XR")

    entities = [s.entity for s in meaning.statements]
    assert entities.count("ParticipantVisit") == 1
    assert "Enrollment" not in entities
    assert [s.key for s in stated(meaning, "Location")] == ["NORTH/RU/1", "XR"]


# -- staff


def test_a_master_file_entry_may_come_without_details():
    meaning = read("MFN^M02", "MFI|STF||UPD|||NE", "MFE|MAC|1||100", "MFE|MDL|2||101")

    assert meaning.statements == (
        Stated(entity="Person", key="100", fields={"active": True}),
        Gone(entity="Person", key="101"),
    )


def test_an_entry_does_not_read_the_next_entrys_details():
    meaning = read("MFN^M02", "MFE|MUP|1||100", "MFE|MUP|2||101", "STF|101||SECOND^B")

    first, second = stated(meaning, "Person")
    assert first.fields == {}
    assert second.fields["family_name"] == "SECOND"


@pytest.mark.parametrize(
    ("event", "flag", "active"),
    [("B01", "A", True), ("B02", "I", False), ("B04", "I", True), ("B05", "A", False),
     ("B06", "A", False)],
)  # fmt: skip
def test_a_personnel_event_decides_whether_someone_works(event, flag, active):
    [person] = stated(read(f"PMU^{event}", f"STF|100||X^Y||||{flag}"), "Person")

    assert person.fields["active"] is active


def test_a_certificate_is_a_credential_and_other_master_files_are_left_alone():
    said = read("PMU^B07", "STF|100|E7^^^UH^EI|X^Y", "CER|1|L-9")
    assert {(one.entity, one.key) for one in said.statements} == {
        ("Person", "100"), ("Credential", "100|L-9")
    }  # fmt: skip
    [whose] = stated(said, "Person")
    assert [(one.type, one.value) for one in whose.identifiers] == [("hr_id", "E7")]
    assert read("MFN^M05", "MFE|MAD|1||100", "LOC|1") == Meaning()


def test_a_removed_name_is_said_to_be_removed():
    [person] = stated(read("PMU^B02", 'STF|100||X^Y|||||""|||||||""'), "Person")

    assert person.fields["department"] is REMOVED
    assert person.fields["email"] is REMOVED


# -- studies, charges, documents


def test_each_phase_of_each_patient_is_of_its_own_subject():
    csr = "CSR|ONC-101^UH|||{}||20260301"
    meaning = read(
        "CRM^C05^CRM_C01", PID, csr.format("S-1"), "CSP|SCREENING|20260301",
        "CSP|TREATMENT|20260305", PID.replace("700123", "700124"), csr.format("S-2"),
        "CSP|TREATMENT|20260306",
    )  # fmt: skip

    states = [
        (one.key, one.fields["started_on"])
        for one in stated(meaning, "EnrollmentState")
    ]  # fmt: skip
    assert states == [
        ("ONC-101|S-1|SCREENING", "2026-03-01"), ("ONC-101|S-1|TREATMENT", "2026-03-05"),
        ("ONC-101|S-2|TREATMENT", "2026-03-06"),
    ]  # fmt: skip


def test_the_day_of_consent_that_billing_was_told_is_no_consent():
    meaning = read("CRM^C01^CRM_C01", PID, "CSR|ONC-101|||S-1||20260301|||20260228")

    assert stated(meaning, "Consent") == []
    assert stated(meaning, "Enrollment")[0].fields["consented_on"] == "2026-02-28"


def test_a_cancelled_phase_does_not_undo_the_registration():
    csr, csp = "CSR|ONC-101|||S-1||20260301", "CSP|TREATMENT|20260305"
    phase = read("CRM^C06^CRM_C01", PID, csr, csp)
    whole = read("CRM^C02^CRM_C01", PID, csr)

    states = [one.fields.get("state") for one in stated(phase, "Enrollment")]
    assert "entered_in_error" not in states
    assert [one.fields["state"] for one in stated(phase, "EnrollmentState")] == ["entered_in_error"]
    assert stated(whole, "Enrollment")[1].fields["state"] == "entered_in_error"


def test_a_registration_without_a_subject_number_is_parked():
    with pytest.raises(NotUnderstood):
        read("CRM^C01^CRM_C01", PID, "CSR|ONC-101|||||20260301")


def test_a_note_or_consent_to_care_is_nobodys_research():
    txa, con = "TXA|1|PN|TX|20260302||||||||D-1", "CON|1|GEN||||||||W|A||20260302"

    said = read("MDM^T02^MDM_T02", PID, txa, con)

    assert {one.entity for one in said.statements} <= {"Participant", "ParticipantPhi"}


def test_a_result_says_that_it_was_done_and_never_what_was_found():
    obx = "OBX|1|ST|HCG||ZZPOSITIVE||||||F"
    said = read(
        "ORU^R01^ORU_R01", PID, "OBR|1|P-1||HCG|||20260303||||||||||||||||||F", obx, "CTI|ONC-101"
    )

    assert [one.entity for one in said.statements] == ["VisitProcedure", "VisitProcedure"]
    assert "ZZPOSITIVE" not in repr(said)
