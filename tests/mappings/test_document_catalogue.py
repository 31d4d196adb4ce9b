"""A real catalogue of document types, read from its workbook by a mapping of the site's own."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from connectors.files import Files
from mappings.code_tables import load_codes
from mappings.collection import load_library

REAL = Path(__file__).parents[3] / "shared/data/etmf/cr-connect-document-catalogue"
MAPPING = """
reads: text/csv;row
when: {code: {is: present}}
states:
  Document:
    key: "code"
    title: {join: [{path: "category1", ignore: [NULL]}, {path: "category2", ignore: [NULL]}, {path: "category3", ignore: [NULL]}], joiner: " / "}
    kind: {path: "category1", then: [code catalogue]}
    sub_artifact: {path: "category3", ignore: [NULL]}
    status: {const: expected}
cases: []
"""  # noqa: E501 - a rule is one line
CODES = """native,canonical
Consent,informed_consent
Recruitment,recruitment
Study,
Form,other
"""


@pytest.fixture
def catalogue(tmp_path):
    if not REAL.is_dir():
        pytest.skip("the real test data is not here")
    inbox, codes, inbound = (tmp_path / name for name in ("in", "codes", "mappings/inbound/own"))
    for folder in (inbox, codes, inbound):
        folder.mkdir(parents=True)
    shutil.copy(REAL / "documents.xlsx", inbox / "documents.xlsx")
    (codes / "catalogue.csv").write_text(CODES)
    (inbound / "catalogue.yaml").write_text(MAPPING)
    tables = load_codes(codes)
    reader = load_library(tmp_path / "mappings", codes=tables).reader()
    files = Files(
        path=inbox, streams={"catalogue": {"glob": "*.xlsx", "format": "xlsx", "settle": 0}}
    )
    return [reader(record) for record in files.pull("catalogue", "")]


def test_every_row_is_a_document_type_and_null_is_no_value(catalogue):
    documents = [one for meaning in catalogue for one in meaning.statements]
    words = {word for one in documents for word in one.fields.values() if isinstance(word, str)}

    assert len(catalogue) == len(documents) == 205
    assert len({one.key for one in documents}) == 205
    assert not words & {"NULL", ""}
    assert not any("NULL" in word for word in words)


def test_three_levels_of_a_category_are_one_title_and_a_kind(catalogue):
    by_key = {one.key: one.fields for meaning in catalogue for one in meaning.statements}

    assert by_key["Study_Protocol_DocSigs"]["title"] == (
        "Study / Protocol / Document with Signatures"
    )
    assert by_key["Study_ScreeningLog"]["title"] == "Study / Screening Log"
    assert "sub_artifact" not in by_key["Study_ScreeningLog"]
    kinds = Counter(fields.get("kind") for fields in by_key.values())
    assert (kinds["informed_consent"], kinds["recruitment"], kinds["other"]) == (13, 5, 21)


def test_a_category_that_no_table_has_is_a_finding_and_not_a_guess(catalogue):
    found = Counter(
        one.found for meaning in catalogue for one in meaning.complaints if one.field == "kind"
    )

    assert found["UVA Compliance"] == 27
    assert "Study" not in found
