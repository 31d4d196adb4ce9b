"""What is wrong with a configuration, a database or a port is told in words, with its place."""

import os
import socket

import pytest


def written(deployment, name, text):
    path = deployment / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def told(said):
    return [(one["file"], one["line"], one["found"]) for one in said.json["mistakes"]]


@pytest.fixture
def checked(crohub, deployment):
    return lambda: crohub("check", "--config", deployment, "--json")


def test_every_wrong_setting_of_a_connection_has_its_line(checked, deployment):
    written(
        deployment,
        "connections/ward.yaml",
        "connector: hl7v2\nsystem: ward\nrole: KING\nsettings:\n  port: banana\n  colour: red\n",
    )
    written(
        deployment,
        "pipelines/ward.yaml",
        "reads: {connection: ward, stream: ADT}\nmappings: [hl7v2/participant]\n",
    )

    found = told(checked())

    places = {(file, line) for file, line, _ in found}
    ward = "connections/ward.yaml"
    assert places == {(ward, 3), (ward, 5), (ward, 6)}
    assert "the key 'colour'" in {what for _, _, what in found}


def test_an_unknown_connector_stands_where_it_is_named(checked, deployment):
    written(deployment, "connections/ward.yaml", "system: ward\nconnector: telegraph\n")

    [(file, line, what)] = told(checked())

    assert (file, line) == ("connections/ward.yaml", 2)
    assert "telegraph" in what


@pytest.mark.parametrize(
    ("policy", "line", "found"),
    [
        ("Nonsense: {a: [EHR]}", 1, "the entity 'Nonsense'"),
        ("Participant:\n  sexx: [EHR]", 2, "the field Participant.sexx"),
        ("Participant:\n  sex: [EHR, KING]", 2, "the role 'KING'"),
        ("Participant:\n  sex: [EHR, [EDC]]", 2, "the role 'a list or table'"),
        ("Participant:\n  sex: EHR", 2, "Participant.sex without a list"),
    ],
)
def test_a_policy_is_checked_against_the_model(checked, deployment, policy, line, found):
    written(deployment, "policies/survivorship.yaml", policy + "\n")

    assert told(checked()) == [("policies/survivorship.yaml", line, found)]


def test_a_policy_that_would_not_be_in_force_is_a_mistake(checked, deployment):
    written(deployment, "policies/survivourship.yaml", "Participant: {sex: [EHR]}\n")

    [(file, _, what)] = told(checked())

    assert file == "policies/survivourship.yaml"
    assert "survivourship" in what


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mysql://x/y", "embedded"),
        ("postgresql://", "embedded"),
        ("postgresql://me:secret@host/name", "${env:NAME}"),
        ("postgresql://me@host/name?password=secret", "${env:NAME}"),
    ],
)
def test_a_database_that_cannot_be_meant_is_refused(checked, deployment, address, expected):
    written(deployment, "hub.yaml", f"institution: X\ndatabase: {address}\n")

    said = checked()

    [(file, line, what)] = told(said)
    assert (file, line) == ("hub.yaml", 2)
    assert expected in what
    assert "secret@" not in what


def test_a_password_by_reference_is_taken_and_what_is_not_set_is_named(crohub, deployment):
    written(deployment, "hub.yaml", "database: postgresql://me:${env:NO_SUCH}@127.0.0.1:1/x\n")

    assert "NO_SUCH" in crohub("check", "--config", deployment).err
    said = crohub("serve", "--config", deployment)

    assert said.code == 2
    assert "the environment variable NO_SUCH is not set" in said.err


@pytest.mark.parametrize("command", ["serve", "messages", "doctor"])
def test_a_database_that_does_not_answer_is_no_fault_of_ours(
    crohub, deployment, monkeypatch, command
):
    monkeypatch.setenv("DB_PASSWORD", "s3cr@t")
    address = "postgresql://me:${env:DB_PASSWORD}@127.0.0.1:1/x"
    written(deployment, "hub.yaml", f"database: {address}\n")
    (deployment / "data").mkdir(mode=0o700)

    said = crohub(command, "--config", deployment)

    assert said.code == 1
    text = said.out + said.err
    assert "127.0.0.1" in text
    assert "fault of crohub" not in text
    assert "s3cr" not in text


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_damaged_store_is_told_with_what_to_do(crohub, deployment, command):
    data = deployment / "data"
    data.mkdir(mode=0o700)
    (data / "hub.db").write_bytes(os.urandom(9000))

    said = crohub(command, "--config", deployment)

    assert said.code == 1
    assert "restore a backup" in said.out + said.err


def test_a_listener_whose_port_is_taken_ends_the_start(crohub, deployment):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = deployment / "connections" / "hospital.yaml"
        port = taken.getsockname()[1]
        path.write_text(path.read_text().replace("port: 0\n", f"port: {port}\n"))
        assert f"port: {port}" in path.read_text()

        said = crohub("serve", "--config", deployment, "--port", "0")

    assert said.code == 3
    assert "connection hospital" in said.err
    assert "CROHUB_MLLP_PORT" in said.err


@pytest.mark.parametrize(
    ("approval", "mistakes"),
    [
        ("", [("pipelines/propose.yaml", 1)]),
        ("approval: false\n", [("pipelines/propose.yaml", 4)]),
        ("approval: true\n", []),
    ],
)
def test_nothing_reaches_an_irb_without_a_persons_decision(checked, deployment, approval, mistakes):
    written(
        deployment,
        "connections/irb.yaml",
        "connector: irb\nsystem: irb\nrole: IRB\nsettings: {base_url: https://irb.example.edu}\n",
    )
    written(
        deployment,
        "pipelines/propose.yaml",
        f"feed: Deviation\nmapping: irb/reportable-event\nto: irb\n{approval}",
    )

    found = [one for one in checked().json["mistakes"] if one["file"].startswith("pipelines/")]

    assert [(one["file"], one["line"]) for one in found] == mistakes
    assert all("without a person's decision" in one["found"] for one in found)
