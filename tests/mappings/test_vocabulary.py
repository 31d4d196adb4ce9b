"""The packaged code tables speak canonical words only, and know the words of real sources."""

from pathlib import Path

import pytest

from hub.model.countries import COUNTRIES
from hub.model.spec import entities
from mappings.code_tables import load_codes
from mappings.values import UNKNOWN

HL7_DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7v2"
TABLES = load_codes()

# table → the field whose codes it gives
FIELDS = {
    "active-flag": "StaffAssignment.status",
    "adt-event": "ParticipantVisit.status",
    "administrative-sex": "Participant.sex",
    "appointment-status": "ParticipantVisit.status",
    "consent-segment-mode": "Consent.mode",
    "consent-segment-status": "Consent.status",
    "consent-status": "Consent.status",
    "country": "Organization.country",
    "credential-type": "Credential.kind",
    "certificate-status": "Credential.status",
    "crm-event": "Enrollment.state",
    "crm-phase": "Enrollment.state",
    "crm-phase-end": "Enrollment.state",
    "ctgov-arm-type": "StudyArm.arm_type",
    "ctgov-enrolment-type": "Study.enrolled_count_kind",
    "ctgov-masking": "Study.blinding",
    "ctgov-phase": "Study.phase",
    "ctgov-role": "StaffAssignment.role",
    "ctgov-site-status": "StudySite.status",
    "ctgov-sponsor-class": "Study.sponsor_class",
    "ctgov-status": "Study.status",
    "ctgov-study-type": "Study.study_type",
    "document-completion": "Document.status",
    "document-type": "Document.kind",
    "employment-status": "Person.employment_status",
    "encounter-status": "ParticipantVisit.status",
    "ethnicity": "Participant.ethnicity",
    "fhir-arm-type": "StudyArm.arm_type",
    "fhir-gender": "Participant.sex",
    "fhir-phase": "Study.phase",
    "filler-status": "ParticipantVisit.status",
    "invoice-type": "Invoice.kind",
    "location-physical-type": "Location.kind",
    "location-status": "Location.status",
    "off-study-reason": "Enrollment.off_reason",
    "organization-type": "Organization.kind",
    "person-location-type": "Location.kind",
    "practitioner-role": "StaffAssignment.role",
    "race": "Participant.race",
    "researchstudy-status": "Study.status",
    "researchsubject-status": "Enrollment.state",
    "sap-billing-category": "Invoice.kind",
    "sap-side": "LedgerEntry.side",
    "staff-role": "StaffAssignment.role",
    "study-party-role": "StaffAssignment.role",
    "transaction-type": "Charge.kind",
    "usdm-arm-type": "StudyArm.arm_type",
    "usdm-blinding": "Study.blinding",
    "usdm-contact-mode": "VisitDef.contact_mode",
    "usdm-criterion-category": "EligibilityCriterion.category",
    "usdm-epoch-type": "StudyEpoch.epoch_type",
    "usdm-phase": "Study.phase",
    "usdm-study-type": "Study.study_type",
    "visit-type": "VisitDef.visit_type",
    "worker-status": "Person.employment_status",
}
# table → the entities whose identifier types it gives
IDENTIFIERS = {
    "ctgov-identifier-type": ["Study"],
    "identifier-system": ["Organization", "Participant", "Person", "Study"],
    "identifier-type": ["Participant"],
    "staff-identifier-type": ["Person"],
}


@pytest.mark.parametrize(("table", "place"), FIELDS.items())
def test_a_table_gives_codes_of_its_field(table, place):
    entity, _, field = place.partition(".")
    codes = set(entities()[entity].fields[field].meta.codes)

    given = set(TABLES.get(table).canonicals())

    assert given
    assert given <= codes


@pytest.mark.parametrize(("table", "names"), IDENTIFIERS.items())
def test_a_table_gives_identifier_types_of_its_entities(table, names):
    types = {one for name in names for one in entities()[name].identifiers}

    given = set(TABLES.get(table).canonicals())

    assert given
    assert given <= types


def test_every_country_is_known_by_both_codes_and_a_name():
    meanings = TABLES.get("country").meanings("")

    assert set(COUNTRIES) == set(meanings.values())
    assert len([native for native in meanings if len(native) == 3 and native.isupper()]) >= 249
    assert [meanings[n] for n in ("USA", "GBR", "Germany", "China", "CA")] == [
        "US", "GB", "DE", "CN", "CA",
    ]  # fmt: skip


def test_the_reverse_gives_the_code_that_says_it_most_plainly():
    assert TABLES.get("researchsubject-status").natives("")["enrolled"] == "on-study"
    assert TABLES.get("researchsubject-status").natives("")["follow_up"] == "follow-up"
    assert TABLES.get("appointment-status").natives("")["scheduled"] == "booked"
    assert TABLES.get("administrative-sex").natives("")["unknown"] == "U"
    assert TABLES.get("identifier-type").natives("")["mrn"] == "MR"


def test_consent_is_never_read_from_a_research_subject():
    assert "consented" not in TABLES.get("researchsubject-status").canonicals()


def test_a_code_that_says_nothing_of_the_field_is_not_guessed():
    assert TABLES.get("researchsubject-status").meanings("")["retired"] is UNKNOWN
    assert TABLES.get("consent-status").meanings("")["inactive"] == "ended"
    assert TABLES.get("filler-status").meanings("")["Blocked"] is None


def test_the_words_of_the_real_messages_are_known():
    if not HL7_DATA.exists():
        pytest.skip("the real test data is not here")
    sex = TABLES.get("administrative-sex").meanings("")
    filler = TABLES.get("filler-status").meanings("")
    unknown = set()

    for path in sorted(HL7_DATA.rglob("*.hl7")):
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            fields = line.split("|")
            for segment, place, known in (("PID", 8, sex), ("SCH", 25, filler)):
                if fields[0] == segment and len(fields) > place:
                    said = fields[place].partition("^")[0]
                    if said and said not in known:
                        unknown.add((segment, said))

    assert unknown == {("PID", "1")}  # means nothing in HL7 0001: to be found, never guessed
