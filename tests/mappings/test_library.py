"""The library that comes with crohub, and folders of a site's own."""

import shutil

import pytest

from mappings import cases
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.mistakes import MappingErrors

GOOD = "reads: hl7v2\nstates:\n  Participant:\n    key: 'PID-3.1'\n    language: 'PID-15.1'\n"
CASES = "cases: [{given: cases/a.hl7, expect: cases/a.json}]\n"
MESSAGE = "MSH|^~\\&|\rPID|||1" + "|" * 12 + "en\r"
EXPECTED = '{"statements": [{"stated": "Participant", "key": "1", "fields": {"language": "en"}}]}'


@pytest.fixture
def site(tmp_path):
    inbound = tmp_path / "mappings" / "inbound" / "adt"
    (inbound / "cases").mkdir(parents=True)
    (inbound / "patient.yaml").write_text(GOOD + CASES)
    (inbound / "_part.yaml").write_text("states: {}\n")
    (inbound / "cases" / "a.hl7").write_text(MESSAGE)
    (inbound / "cases" / "a.json").write_text(EXPECTED)
    return tmp_path / "mappings"


def test_every_packaged_mapping_loads_and_its_cases_hold():
    codes = load_codes()
    library = load_library(codes=codes, packaged=True)

    failures = cases.run_all(library.inbound.values(), codes)

    assert {"hl7v2/participant", "fhir/enrollment"} <= library.inbound.keys()
    assert [str(failure) for failure in failures] == []


def test_every_packaged_mapping_has_a_case():
    library = load_library(codes=load_codes(), packaged=True)

    assert [name for name, spec in library.inbound.items() if not spec.cases] == []


def test_a_mapping_is_called_by_its_path(site, codes):
    library = load_library(site, codes=codes)

    assert list(library.inbound) == ["adt/patient"]


def test_a_later_folder_takes_the_place_of_an_earlier_one(site, codes, tmp_path):
    shutil.copytree(site, tmp_path / "other")
    (tmp_path / "other/inbound/adt/patient.yaml").write_text(
        GOOD.replace("hl7v2", "text/csv;row").replace("PID-3.1", "id").replace("PID-15.1", "lang")
    )

    library = load_library(site, tmp_path / "other", codes=codes)

    assert library.inbound["adt/patient"].reads == "text/csv;row"


def test_several_mappings_read_one_message_once(site, codes, record):
    (site / "inbound/adt/second.yaml").write_text(
        GOOD.replace("Participant", "ParticipantPhi").replace("language", "city")
    )
    (site / "inbound/adt/third.yaml").write_text("when: {MSH-9.1: SIU}\n" + GOOD)
    reader = load_library(site, codes=codes).reader()

    meaning = reader(record(MESSAGE))

    assert len(reader.desks["hl7v2"]) == 1
    assert [one.entity for one in meaning.statements] == ["Participant", "ParticipantPhi"]
    assert reader.fits(record(MESSAGE)) == ["adt/patient", "adt/second"]


def test_an_unknown_mapping_is_named_with_the_likeliest(site, codes):
    with pytest.raises(MappingErrors, match=r"adt/patent.*'adt/patient'\?"):
        load_library(site, codes=codes).reader(["adt/patent"])


def test_mistakes_of_all_files_are_told_at_once(site, codes):
    (site / "inbound/b.yaml").write_text("reads: hl7\n")
    (site / "inbound/c.yaml").write_text("a: [\n")
    (site / "outbound").mkdir()
    (site / "outbound/d.yaml").write_text("writes: paper\n")

    with pytest.raises(MappingErrors) as raised:
        load_library(site, site / "none", codes=codes)

    files = {mistake.file.rpartition("/")[2] for mistake in raised.value.mistakes}
    assert files == {"b.yaml", "c.yaml", "d.yaml", "none"}


def test_a_case_that_does_not_hold_shows_the_difference(site, codes):
    (site / "inbound/adt/cases/a.json").write_text(EXPECTED.replace('"en"', '"de"'))
    library = load_library(site, codes=codes)

    (failure,) = cases.run_all(library.inbound.values(), codes)

    assert failure.mark.line == 6
    assert '-    "language": "de"' in failure.diff
    assert '+    "language": "en"' in failure.diff


def test_an_expectation_that_is_no_json_fails_its_case(site, codes):
    (site / "inbound/adt/cases/a.json").write_text("{")
    library = load_library(site, codes=codes)

    (failure,) = cases.run_all(library.inbound.values(), codes)

    assert "is no JSON" in failure.diff


def test_a_case_may_expect_that_a_message_is_not_understood(site, codes):
    (site / "inbound/adt/cases/a.hl7").write_text("hello")
    (site / "inbound/adt/cases/a.json").write_text(
        '{"not understood": {"rule": "unreadable-hl7", "place": "MSH"}}'
    )
    library = load_library(site, codes=codes)

    assert cases.run_all(library.inbound.values(), codes) == []
