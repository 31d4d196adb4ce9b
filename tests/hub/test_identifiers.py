"""What an identifier is worth: its normal form, check digits, placeholders and tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.identifiers import judge, normalise, npi_is_valid, orcid_is_valid, ror_is_valid, token
from hub.model.spec import entities
from hub.statement import Identifier


@pytest.mark.parametrize(
    ("type", "value", "normal"),
    [
        ("nct", "nct 0018-4067", "NCT00184067"),
        ("nct", "ＮＣＴ００１８４０６７", "NCT00184067"),
        ("eudract", "2004-000123-45", "200400012345"),
        ("orcid", "https://orcid.org/0000-0002-1694-233x", "000000021694233X"),
        ("ror", "https://ror.org/03yrm5c26", "03YRM5C26"),
        ("ssn", "219-09-9998", "219099998"),
        ("sponsor_protocol_no", " onc-101 ", "ONC101"),
        ("sponsor_protocol_no", "ONC 101", "ONC101"),
        ("sponsor_protocol_no", "ONC–101", "ONC101"),
        ("mrn", "00123", "00123"),
        ("email_institutional", "Adam.Smith@uh.example", "ADAM.SMITH@UH.EXAMPLE"),
        ("email_institutional", "mailto:a_b@uh.example", "A_B@UH.EXAMPLE"),
        ("oid", "urn:oid:2.16.840", "2.16.840"),
        ("a type nobody lists", "a-1", "A-1"),
    ],
)
def test_an_identifier_has_one_normal_form(type, value, normal):
    assert normalise(type, value) == normal


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("subject_number", "1-11", "11-1"),
        ("sponsor_protocol_no", "ONC-10-1", "ONC-101"),
        ("mrn", "0123", "123"),
        ("username", "a.bc", "ab.c"),
        ("email_institutional", "a.b@uh.example", "ab@uh.example"),
        ("oid", "1.21", "12.1"),
    ],
)
def test_normalising_does_not_make_one_of_two(type, one, other):
    assert normalise(type, one) != normalise(type, other)


SIGNS = "".join(map(chr, range(32, 127))) + "äß–−ｎ１ｏ\t\u00a0"


@given(
    st.sampled_from(["mrn", "nct", "email_institutional", "oid"]),
    st.text(alphabet=SIGNS, max_size=20),
)
def test_normalising_twice_changes_nothing(type, value):
    once = normalise(type, value)

    assert normalise(type, once) == once


@pytest.mark.parametrize("number", ["1234567893", "1245319599"])
def test_an_npi_with_its_check_digit_is_valid(number):
    assert npi_is_valid(number)
    assert not any(npi_is_valid(number[:9] + d) for d in "0123456789" if d != number[9])


@pytest.mark.parametrize("number", ["123456789", "12345678933", "123456789X", ""])
def test_an_npi_has_ten_digits(number):
    assert not npi_is_valid(number)


@pytest.mark.parametrize("signs", ["0000000218250097", "0000000151093700", "000000021694233X"])
def test_an_orcid_with_its_check_sign_is_valid(signs):
    assert orcid_is_valid(signs)
    assert not any(orcid_is_valid(signs[:15] + d) for d in "0123456789X" if d != signs[15])


def test_an_orcid_with_two_neighbours_swapped_is_not_valid():
    assert not orcid_is_valid("0000000281250097")


@pytest.mark.parametrize("signs", ["03YRM5C26", "02MHBDP94", "01CWQZE88", "00F54P054"])
def test_a_ror_id_with_its_check_digits_is_valid(signs):
    assert ror_is_valid(signs)
    wrong = f"{(int(signs[7:]) + 1) % 97:02d}"
    assert not ror_is_valid(signs[:7] + wrong)
    assert not ror_is_valid(signs[:2] + signs[3] + signs[2] + signs[4:])


@pytest.mark.parametrize("signs", ["", "13YRM5C26", "03YRM5C2", "03YRM5U26"])
def test_a_ror_id_has_its_form(signs):
    assert not ror_is_valid(signs)


@pytest.mark.parametrize(
    ("entity", "identifier", "worth"),
    [
        ("Study", Identifier("nct", "NCT00184067"), "matches"),
        ("Study", Identifier("nct", "NCT12345678"), "placeholder"),
        ("Study", Identifier("nct", "NCT00000000"), "placeholder"),
        ("Study", Identifier("nct", "NCT0018406"), "malformed"),
        ("Study", Identifier("ind", "119006"), "weak"),
        ("Study", Identifier("eudract", "2020-001104-41"), "matches"),
        ("Study", Identifier("sponsor_protocol_no", "ONC-101", "UH"), "matches"),
        ("Study", Identifier("sponsor_protocol_no", "ONC-101"), "weak"),
        ("Person", Identifier("npi", "1234567893"), "matches"),
        ("Person", Identifier("npi", "1234567890"), "malformed"),
        ("Person", Identifier("orcid", "0000-0002-1825-0097"), "matches"),
        ("Person", Identifier("orcid", "0000-0002-1825-0098"), "malformed"),
        ("Person", Identifier("hr_id", "0000", "UH"), "placeholder"),
        ("Person", Identifier("email_institutional", "noreply@uh.example"), "placeholder"),
        ("Person", Identifier("email_institutional", "asmith"), "malformed"),
        ("Person", Identifier("licence", "MD1", "NY"), "weak"),
        ("Participant", Identifier("mrn", "00123", "UH"), "matches"),
        ("Participant", Identifier("mrn", "00123"), "weak"),
        ("Participant", Identifier("mrn", "0000000", "UH"), "placeholder"),
        ("Participant", Identifier("mrn", "N/A", "UH"), "placeholder"),
        ("Participant", Identifier("mrn", "--", "UH"), "malformed"),
        ("Participant", Identifier("mrn", "1\x002", "UH"), "malformed"),
        ("Participant", Identifier("mrn", "9" + "1" * 200, "UH"), "malformed"),
        ("Participant", Identifier("ssn", "219-09-9998"), "matches"),
        ("Participant", Identifier("ssn", "078-05-1120"), "placeholder"),
        ("Participant", Identifier("ssn", "999-99-9999"), "placeholder"),
        ("Participant", Identifier("ssn", "000-12-3456"), "placeholder"),
        ("Participant", Identifier("ssn", "12-3456"), "malformed"),
        ("Participant", Identifier("account_no", "A1", "UH"), "weak"),
        ("Participant", Identifier("npi", "1234567893"), "weak"),
        ("Organization", Identifier("ror", "https://ror.org/03yrm5c26"), "matches"),
        ("Organization", Identifier("ror", "https://ror.org/03yrm5c27"), "malformed"),
        ("Organization", Identifier("uei", "ABCDEFGHJKL1"), "matches"),
        ("Organization", Identifier("uei", "ABCDEFGHIJK1"), "malformed"),  # I is no sign of it
        ("Study", Identifier("sponsor_protocol_no", "T.B.D.", "UH"), "placeholder"),
        ("Contract", Identifier("contract_no", "not yet assigned", "UH"), "placeholder"),
        ("Invoice", Identifier("invoice_no", "PENDING", "UH"), "placeholder"),
        ("Person", Identifier("dea", "AB1234563"), "weak"),
        ("Person", Identifier("dea", "AB1234567"), "malformed"),
    ],
)
def test_what_an_identifier_is_worth(entity, identifier, worth):
    assert judge(entity, identifier) == worth


@pytest.mark.parametrize("identifier", [Identifier("nct", "NCT12345678"), Identifier("nct", "x")])
def test_a_placeholder_or_malformed_identifier_has_no_token(identifier):
    assert token("Study", identifier) is None


def test_an_identifier_of_a_type_the_entity_does_not_list_has_no_token():
    assert token("Participant", Identifier("nct", "NCT00184067")) is None


def test_a_token_is_the_same_however_the_identifier_is_written():
    written = [
        Identifier("mrn", "ab-12", "Univ. Hospital"),
        Identifier("mrn", "AB12", "UNIV.  HOSPITAL"),
    ]

    tokens = {token("Participant", one) for one in written}

    assert len(tokens) == 1


def test_tokens_differ_by_entity_type_assigner_and_value():
    identifiers = [
        ("Participant", Identifier("mrn", "12", "UH")),
        ("Participant", Identifier("mrn", "12", "GH")),
        ("Participant", Identifier("mrn", "13", "UH")),
        ("Participant", Identifier("patient_id", "12", "UH")),
        ("Location", Identifier("code", "12", "UH")),
        ("Organization", Identifier("code", "12", "UH")),
    ]

    assert len({token(entity, one) for entity, one in identifiers}) == len(identifiers)


def test_no_assigner_can_be_chosen_that_imitates_another_token():
    one = token("Participant", Identifier("mrn", "1", "UH\x1f2"))
    other = token("Participant", Identifier("mrn", "2\x1f1", "UH"))

    assert one != other


def test_a_world_wide_number_is_one_whoever_passes_it_on():
    assert token("Study", Identifier("nct", "NCT00184067", "CTMS")) == token(
        "Study", Identifier("nct", "NCT00184067", "EDC")
    )


def test_types_of_one_name_are_written_alike_on_every_entity():
    seen = {}
    for spec in entities().values():
        for kind in spec.identifiers.values():
            shape = (bool(kind.form), kind.literal)

            assert seen.setdefault(kind.type, shape) == shape, f"{spec.name}.{kind.type}"
