"""Files that come with a checksum: what is not what was sent is kept, parked and told."""

import hashlib
from pathlib import Path

import pytest

from connectors.files import Files

INVOICE = b"<Invoice><ID>R-7781</ID></Invoice>"


def put(folder: Path, body: bytes, said: str, marker: str) -> Files:
    (folder / "r7781.xml").write_bytes(body)
    (folder / f"r7781.xml{marker}").write_text(said)
    stream = {
        "format": "document", "glob": "*.xml", "media": "application/xml;invoice",
        "settle": 0, "marker": marker,
    }  # fmt: skip
    return Files(path=folder, streams={"invoices": stream})


def pulled(connector: Files):
    [record] = connector.pull("invoices", "")
    return record


@pytest.mark.parametrize("name", ["md5", "sha256", "sha512"])
@pytest.mark.parametrize("written", ["{}", "{}  r7781.xml\n", "ALG (r7781.xml) = {}\n"])
def test_a_file_that_is_as_its_checksum_says_is_read(tmp_path, name, written):
    said = written.format(hashlib.new(name, INVOICE).hexdigest().upper())

    record = pulled(put(tmp_path, INVOICE, said, f".{name}"))

    assert (record.body, record.fault) == (INVOICE, "")


def test_one_that_is_not_is_kept_and_parked_with_both_checksums(tmp_path):
    sent, came = hashlib.sha256(INVOICE).hexdigest(), INVOICE.replace(b"7781", b"7780")

    record = pulled(put(tmp_path, came, sent, ".sha256"))

    assert record.body == came
    assert "r7781.xml: CROHUB-FILE-CHECKSUM" in record.fault
    assert sent[:16] in record.fault
    assert hashlib.sha256(came).hexdigest()[:16] in record.fault


@pytest.mark.parametrize("said", ["", "r7781.xml", "a" * 63, "a" * 65, "a" * 32])
def test_a_marker_without_a_checksum_vouches_for_nothing(tmp_path, said):
    record = pulled(put(tmp_path, INVOICE, said, ".sha256"))

    assert "r7781.xml.sha256 holds no sha256 checksum" in record.fault


def test_any_other_marker_says_only_that_the_file_is_there(tmp_path):
    record = pulled(put(tmp_path, INVOICE, "a" * 64, ".done"))

    assert record.fault == ""


def test_it_is_told_once_and_what_is_right_is_read_when_it_comes(tmp_path):
    sent = hashlib.sha256(INVOICE).hexdigest()
    connector = put(tmp_path, INVOICE[:-1], sent, ".sha256")
    first = pulled(connector)

    assert list(connector.pull("invoices", first.cursor)) == []
    (tmp_path / "r7781.xml").write_bytes(INVOICE)
    [second] = connector.pull("invoices", first.cursor)
    assert (second.body, second.fault) == (INVOICE, "")
