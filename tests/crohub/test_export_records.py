"""`crohub export records`: a table of one kind, of what meets the filters, known to the audit."""

from __future__ import annotations

import csv
import json

import pytest


def test_records_go_out_as_a_table(two_systems, crohub, tmp_path):
    file = tmp_path / "enrollments.csv"
    asked = ("export", "records", "Enrollment", "--config", two_systems)

    lines = crohub(*asked, "--where", "state=enrolled", "--where", "fields=subject_number")
    said = crohub(*asked, "--as", "csv", "--to", file, "--reason", "a look", "--json")
    audit = crohub("audit", "export", tmp_path / "audit", "--reason", "x", "--config", two_systems)

    assert [json.loads(line)["subject_number"] for line in lines.out.splitlines()] == ["S-2"]
    assert said.json == {"file": str(file), "bytes": file.stat().st_size}
    with file.open(newline="") as stream:
        assert sorted(row["subject_number"] for row in csv.DictReader(stream)) == ["S-1", "S-2"]
    assert audit.code == 0
    assert "enrollments exported" in (tmp_path / "audit").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("Ward",), "expected one of AccountAccess"),
        (("Study", "--as", "pdf"), "expected one of ndjson, csv, parquet, xlsx"),
        (("Study", "--where", "wards=1"), "no filter of Study"),
        (("participants", "--where", "include=phi"), "is sealed"),
        (("Study", "--json"), "expected --to FILE"),
    ],
)
def test_what_cannot_be_exported_is_said(tmp_path, crohub, words, says):
    said = crohub("export", "records", *words, "--config", tmp_path)

    assert said.code == 2
    assert says in said.err
