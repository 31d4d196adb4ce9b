"""Real invoices in UBL and CII: what is owed, and that a number of a supplier is one invoice."""

import pytest

from connectors.files import Files

NUMBERS = "invoice_no, total_amount, open_amount, subtotal_amount, tax_amount, currency"


@pytest.fixture
def pull(data):
    def pull(name):
        stream = {"glob": name, "format": "document", "settle": 0,
                  "media": "application/xml;invoice"}  # fmt: skip
        path = data / "erp" / "factur-x"
        return list(Files(path=path, streams={"invoices": stream}).pull("invoices", ""))

    return pull


@pytest.fixture
def take(pull, library, tell):
    reader = library.reader(["ubl/invoice", "cii/invoice"])

    def take(name):
        meanings = [reader(record) for record in pull(name)]
        for meaning in meanings:
            tell(meaning, "register")
        return meanings

    return take


def test_a_document_is_its_files_bytes(pull, data):
    [record] = pull("factur-x-minimum.xml")

    assert record.body == (data / "erp/factur-x/factur-x-minimum.xml").read_bytes()
    assert record.body.startswith(b"\xef\xbb\xbf")
    assert record.fault == ""


def test_what_is_owed_is_not_the_total(take, store):
    take("ubl-21-en16931.xml")

    assert store.all(f"select {NUMBERS}, issued_on, due_on, direction, kind from invoice") == [
        ("F124212", "308.03", "208.03", "273.00", "35.03", "EUR", "2026-06-17", "2026-07-16",
         "ap", "invoice"),
    ]  # fmt: skip
    lines = store.all("select sequence, amount, unit_amount from invoice_line order by sequence")
    assert lines == [(1, "135.00", "13.50"), (2, "138.00", "6.90")]
    assert store.all("select name, city, country from organization where name is not null") == [
        ("Au bon moulin", "Malaucène", "FR")
    ]


def test_an_order_is_named_by_its_number(library, pull):
    reader = library.reader(["ubl/invoice"])

    meanings = [reader(record) for record in pull("ubl-21-en16931.xml")]

    [invoice] = [one for one in meanings[0].statements if one.entity == "Invoice"]
    assert invoice.fields["purchase_order"].identifiers[0].value == "PO1242"


def test_a_number_that_comes_again_is_the_same_invoice(take, store):
    for name in ("factur-x-minimum.xml", "factur-x-basic.xml", "factur-x-en16931.xml"):
        take(name)

    assert store.all(f"select {NUMBERS}, issued_on from invoice") == [
        ("F20260023", "104.90", "104.90", "100.00", "4.90", "EUR", "2026-01-31")
    ]
    assert store.one("select count(*) from organization where name = 'LE FOURNISSEUR'") == (1,)
    assert store.one("select count(*) from invoice_line") == (3,)


def test_the_profiles_id_is_never_taken_for_the_invoices_number(take):
    for meaning in take("factur-x-*.xml"):
        [invoice] = [one for one in meaning.statements if one.entity == "Invoice"]
        assert invoice.fields["invoice_no"] == "F20260023"


def test_the_smallest_profile_has_no_lines(take):
    [meaning] = take("factur-x-minimum.xml")

    assert [one.entity for one in meaning.statements] == ["Organization", "Invoice"]


def test_nothing_in_the_real_invoices_is_complained_about(take):
    assert [one for meaning in take("*.xml") for one in meaning.complaints] == []


def test_both_standards_say_one_supplier_by_one_key(library, pull):
    reader = library.reader(["ubl/invoice", "cii/invoice"])

    keys = {reader(record).statements[0].key for record in pull("*.xml")}

    assert keys == {"999999998", "123456782"}
