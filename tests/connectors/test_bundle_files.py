"""Files of FHIR Bundles: every entry's resource is a record, spelled as the file spells it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from connectors.errors import Refused
from connectors.fhir import bundle_file
from connectors.files import Files
from connectors.formats.pieces import START, Place
from connectors.promises import PullPromises

REAL = Path(__file__).parents[3] / "shared/data/fhir/cdc-reportstream"
T0 = 1_760_000_000
FIRST = b'{"resourceType" : "Patient","id":"p1","meta":{"lastUpdated":"2026-03-01T12:00:00+01:00"}}'
SECOND = b'{"resourceType":"Observation","id":"o1","valueQuantity":{"value":1.10}}'
THIRD = '{"resourceType":"Patient","id":"p2","name":[{"family":"\u00dcnal"}]}'.encode()


def bundle(*resources: bytes, gap: bytes = b"") -> bytes:
    entries = (b", " + gap).join(b'{"fullUrl": "urn:x", "resource": %s}' % one for one in resources)
    return b'{"resourceType": "Bundle", "type": "collection", %s"entry": [%s]}' % (gap, entries)


def read(body: bytes, start: Place = START):
    return [(p.body, p.number, p.fault) for p in bundle_file.pieces(BytesIO(body), start)]


def drop(path: Path, name: str, body: bytes, *, time: float = T0) -> Path:
    file = path / name
    file.write_bytes(body)
    os.utime(file, (time, time))
    return file


def files(path: Path) -> Files:
    stream = {"glob": "*.json", "format": "bundle", "settle": 0}
    return Files(path=path, streams={"resources": stream})


class TestBundlePull(PullPromises):
    ordered = False  # a resource says itself when it changed

    @pytest.fixture
    def connector(self, tmp_path):
        drop(tmp_path, "a.json", bundle(FIRST, SECOND))
        drop(tmp_path, "b.json", bundle(THIRD, FIRST, gap=b"\n"), time=T0 + 1)
        drop(tmp_path, "c.json", bundle(SECOND) + b"\n" + bundle(THIRD), time=T0 + 2)
        return files(tmp_path)

    @pytest.fixture
    def stream(self):
        return "resources"

    @pytest.fixture
    def down(self, tmp_path):
        return files(tmp_path / "not-there")


@pytest.mark.parametrize("gap", [b"", b"\n  "])
def test_the_resources_of_a_bundle_come_as_they_are_spelled(gap):
    found = read(b"\xef\xbb\xbf" + bundle(FIRST, SECOND, THIRD, gap=gap))

    assert found == [(FIRST, 1, ""), (SECOND, 2, ""), (THIRD, 3, "")]


def test_one_bundle_a_line_is_read_line_by_line():
    found = read(bundle(FIRST, SECOND) + b"\r\n\n" + bundle(THIRD) + b"\n")

    assert found == [(FIRST, 1, ""), (SECOND, 2, ""), (THIRD, 3, "")]


def test_a_resource_outside_a_bundle_is_a_record_too():
    assert read(FIRST + b"\n" + bundle(SECOND)) == [(FIRST, 1, ""), (SECOND, 2, "")]


def test_a_resource_over_many_lines_is_a_record_without_what_surrounds_it():
    pretty = json.dumps(json.loads(FIRST), indent=1).encode()

    assert read(b"\xef\xbb\xbf\n" + pretty + b"\n") == [(pretty, 1, "")]


def test_reading_resumes_behind_any_resource():
    body = bundle(FIRST, SECOND) + b"\n" + bundle(THIRD)

    assert [read(body, Place(0, passed))[0][:2] for passed in range(3)] == [
        (FIRST, 1), (SECOND, 2), (THIRD, 3),
    ]  # fmt: skip
    assert read(body, Place(0, 3)) == []


def test_a_resource_that_breaks_a_rule_has_a_fault_and_the_others_are_read():
    twice = b'{"resourceType":"Patient","id":"Tanaka","id":"2"}'

    (good, _, fine), (bad, _, fault), (last, _, _) = read(bundle(FIRST, twice, SECOND))

    assert (good, fine, bad, last) == (FIRST, "", twice, SECOND)
    assert fault.startswith("line 1, entry 2: ")
    assert "Tanaka" not in fault


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (b'{"request": {"method": "DELETE", "url": "Patient/1"}}', "a deletion"),
        (b'{"fullUrl": "urn:x"}', "no resource"),
        (b'{"resource": 7}', "no JSON object"),
    ],
)
def test_an_entry_without_a_resource_is_kept_with_its_reason(entry, said):
    [(body, _, fault)] = read(b'{"resourceType":"Bundle","entry":[%s]}' % entry)

    assert body == (b"7" if b"7" in entry else entry)
    assert fault.startswith("line 1, entry 1: ")
    assert said in fault


def test_a_line_that_cannot_be_read_has_a_fault_and_the_next_is_read():
    bad, good = read(bundle(FIRST) + b'\n{"resourceType":\n' + bundle(SECOND))[1:]

    assert (bad[0], good) == (b'{"resourceType":', (SECOND, 3, ""))
    assert bad[2].startswith("line 2, not JSON")


@pytest.mark.parametrize("line", [b"[1]", b'"x"', b'{"id": "1"}'])
def test_what_is_no_resource_has_a_fault(line):
    [(body, _, fault)] = read(line)

    assert body == line
    assert "resourceType was expected" in fault


def test_a_file_that_is_no_json_is_refused_whole(tmp_path):
    drop(tmp_path, "a.json", b"<Bundle/>")

    with pytest.raises(Refused, match="not JSON"):
        read(b"<Bundle/>")
    [record] = files(tmp_path).pull("resources", "")

    assert record.body == b"<Bundle/>"
    assert "a.json: CROHUB-FHIR-BUNDLE: not JSON" in record.fault


def test_a_bundle_without_entries_is_told(tmp_path):
    drop(tmp_path, "a.json", b'{"resourceType": "Bundle", "type": "collection"}')

    [record] = files(tmp_path).pull("resources", "")

    assert "CROHUB-FHIR-NONE" in record.fault


def test_a_record_is_of_its_medium_and_as_old_as_its_resource_says(tmp_path):
    drop(
        tmp_path,
        "a.json",
        bundle(FIRST, SECOND, b'{"resourceType":"X","meta":{"lastUpdated":"?"}}'),
    )

    first, second, third = files(tmp_path).pull("resources", "")

    assert first.at == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert second.at == third.at == datetime.fromtimestamp(T0, UTC)
    assert "none with an offset" in third.notes[0]
    assert {one.media for one in (first, second, third)} == {"application/fhir+json"}


@pytest.mark.skipif(not REAL.exists(), reason="shared/data is not beside this checkout")
@pytest.mark.parametrize(
    ("name", "resources", "lines"),
    [
        ("valid_data.fhir", 53, 1),
        ("batch_valid_data.fhir", 108, 2),
        ("bulk_valid_data.fhir", 242, 2),
    ],
)
def test_the_bundles_of_a_real_report_stream_are_read_whole(name, resources, lines):
    body = (REAL / name).read_bytes()
    said = [json.loads(line) for line in body.splitlines()]
    expected = [entry["resource"] for one in said for entry in one["entry"]]

    found = read(body)

    assert len(said) == lines
    assert len(found) == resources
    assert [json.loads(text) for text, _, _ in found] == expected
    assert all(text in body for text, _, _ in found)
    assert not any(fault for _, _, fault in found)
