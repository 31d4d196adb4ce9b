"""Every template of the file profiles goes through a hub: one record each, found by each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files import Files
from hub.model.spec import entities
from mappings.code_tables import load_codes
from mappings.collection import load_library
from tests.pipelines.conftest import House, write_deployment

TEMPLATES = Path(__file__).parents[2] / "mappings/library/inbound/files/templates"
LIBRARY = load_library(codes=load_codes(), packaged=True)
PROFILES = {
    case.given.stem: spec
    for spec in LIBRARY.inbound.values()
    for case in spec.cases
    if case.given.parent == TEMPLATES
}
HEAD = "participants: all\n"
CONNECTION = "connector: files\nsystem: office\nrole: OTHER\nsettings:\n  path: {0}\n  streams:\n"
PIPELINE = "reads: {{connection: office, stream: {0}}}\nmappings: [{1}]\n"


@pytest.fixture
def office(embedded, tmp_path):
    """A hub that reads every template, and the folder's records."""
    streams = {stem: {"format": "csv", "glob": f"{stem}.csv", "settle": 0} for stem in PROFILES}
    lines = "".join(f"    {stem}: {said}\n" for stem, said in streams.items())
    files = {"hub.yaml": HEAD, "connections/office.yaml": CONNECTION.format(TEMPLATES) + lines}
    for stem, spec in PROFILES.items():
        files[f"pipelines/{stem}.yaml"] = PIPELINE.format(stem, spec.name)
    write_deployment(tmp_path / "config", files)
    house = House(embedded, tmp_path / "config")
    system = Files.model_validate({"path": TEMPLATES, "streams": streams})
    yield house, [record for stem in streams for record in system.pull(stem, "")]
    house.close()


def test_every_template_makes_its_record_and_they_find_each_other(office):
    house, records = office
    house.keep(*records, connection="office")
    house.settle()

    assert house.outcomes() == {}  # nothing is parked or waits
    assert len(records) == len(PROFILES)
    stated = {thing.entity for spec in PROFILES.values() for thing in spec.things}
    for name in sorted(stated):
        table = entities()[name].table.name
        (row,) = house.rows(
            f"select count(*) from {table} where quality <> 'stub' and superseded_by is null"
        )
        assert (name, row[0]) == (name, 2 if name == "TrainingRecord" else 1)
    (studies,) = house.rows("select count(distinct study_id) from contract")
    assert studies[0] == 1
    (lost,) = house.rows(
        "select count(*) from contract c left join study s on s.id = c.study_id "
        "where c.quality <> 'stub' and s.quality = 'stub'"
    )
    assert lost[0] == 0
