"""From nothing to a patient read in the API: the starter configuration does what it says."""

import shutil
from pathlib import Path

import hl7.client
import pytest

from connectors import registry
from crohub import checking
from mappings.document import read
from mappings.mistakes import Mistakes
from pipelines import settings


def test_the_starter_configuration_is_sound_and_warns_in_words(crohub, deployment):
    said = crohub("check", "--config", deployment, "--json")

    assert said.code == 0
    assert said.json["mistakes"] == []
    [warning] = said.json["warnings"]
    assert "participants: all" in warning
    assert "known_only" in said.err


def test_every_file_says_what_it_is_for(deployment):
    files = [*deployment.rglob("*.yaml"), *deployment.rglob("*.example")]

    assert len(files) >= 9
    for path in files:
        assert path.read_text().startswith("# "), path.name


def test_every_example_becomes_a_connection_when_it_is_copied(deployment):
    examples = sorted((deployment / "connections").glob("*.example"))
    for path in examples:
        shutil.copy(path, path.with_suffix(""))

    found = settings.load(deployment)

    assert {path.name.partition(".")[0] for path in examples} == {"desk", "ehr", "registry"}
    assert {"desk", "ehr", "registry"} <= set(found.connections)


def test_the_survivorship_example_names_known_entities_and_roles(deployment):
    path = deployment / "policies" / "survivorship.yaml.example"
    shutil.copy(path, path.with_suffix(""))

    found = settings.load(deployment)

    assert found.rules["Participant"]["sex"].order[0] == "EHR"


def test_a_folder_in_use_is_left_as_it_is(crohub, deployment):
    before = (deployment / "hub.yaml").read_text()

    said = crohub("init", deployment)

    assert said.code == 2
    assert "more exists; choose an empty folder" in said.err
    assert (deployment / "hub.yaml").read_text() == before


def test_init_writes_files_that_are_read_again(crohub, tmp_path):
    said = crohub("init", tmp_path / "new", "--json")

    assert said.code == 0
    assert "hub.yaml" in said.json["files"]
    assert (tmp_path / "new" / "inbox").is_dir()
    assert not (tmp_path / "new" / "data").exists()
    assert checking.check(tmp_path / "new").mistakes == ()


def test_a_patient_sent_by_an_independent_client_is_read_in_the_api(hub, adt):
    host, port = hub.mllp

    with hl7.client.MLLPClient(host, port) as client:
        answer = client.send_message(adt("550001", "STARTER-1"))

    assert b"MSA|AA|STARTER-1" in answer
    found = hub.until(lambda: hub.get("/api/v1/participants", identifier="MRN|550001")["items"])
    assert [one["sex"] for one in found] == ["female"]


@pytest.mark.parametrize(
    ("name", "content", "path", "field", "value"),
    [
        (
            "roster_1.csv",
            "employee_id,employer,family_name,given_name,status\r\n7001,North,Ek,Ida,Active\r\n",
            "/api/v1/persons", "family_name", "Ek",
        ),
        (
            "studies.ndjson",
            '{"protocolSection":{"identificationModule":{"nctId":"NCT99000001",'
            '"briefTitle":"A study of nothing"}}}\n',
            "/api/v1/studies", "title", "A study of nothing",
        ),
        (
            "fhir.ndjson",
            '{"resourceType":"Organization","id":"o1","name":"East Clinic"}\n',
            "/api/v1/organizations", "name", "East Clinic",
        ),
    ],
)  # fmt: skip
def test_a_file_put_into_the_inbox_is_read(hub, name, content, path, field, value):
    (hub.config / "inbox" / name).write_text(content, newline="")

    found = hub.until(lambda: [one for one in hub.get(path)["items"] if one[field] == value])

    assert len(found) == 1


def test_what_the_starter_names_is_installed(deployment):
    for path in sorted((deployment / "connections").iterdir()):
        table = read(path, Mistakes(), name=path.name)
        assert table.items["connector"].value in registry.names()


def test_no_address_of_the_starter_is_beyond_this_machine():
    text = (Path(__file__).parents[2] / "config" / "connections" / "hospital.yaml").read_text()

    assert "host: 127.0.0.1" in text
