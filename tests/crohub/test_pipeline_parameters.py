"""What a pipeline sets in its mappings is checked, and counts where messages are understood."""

from datetime import UTC, datetime

import pytest

from connectors.record import Record
from pipelines import understand

CONNECTION = """\
connector: redcap
system: onc101-redcap
role: EDC
settings: {base_url: "https://redcap.example.edu/api/", token: "${env:REDCAP_TOKEN}"}
"""
PIPELINE = """\
reads: {connection: edc, stream: records}
mappings: [redcap/enrollment]
parameters: {record_id: subjid, consent_date: dsstdat_ic}
lane: "[0].subjid"
schedule: {every: 15m}
"""
OUT = "feed: versions\nmapping: redcap/subject\nto: edc\nparameters: {record_id: subjid}\n"


@pytest.fixture
def edc(deployment):
    for name, text in (
        ("connections/edc.yaml", CONNECTION),
        ("pipelines/edc.yaml", PIPELINE),
        ("pipelines/edc-out.yaml", OUT),
    ):
        (deployment / name).parent.mkdir(exist_ok=True)
        (deployment / name).write_text(text)
    return deployment


def checked(crohub, folder):
    said = crohub("check", "--config", folder, "--json")
    return [(one["file"], one["line"], one["found"]) for one in said.json["mistakes"]]


def test_a_pipelines_parameters_count_where_its_messages_are_understood(edc, crohub):
    body = b'[{"subjid": "101", "record_id": "no", "dsstdat_ic": "2026-02-28"}]'
    record = Record(stream="records", message_key="1", at=datetime.now(UTC), body=body,
                    media="application/json")  # fmt: skip

    stated = understand.load(edc).reader("edc")(record).statements

    assert {one.key for one in stated if one.entity == "Enrollment"} == {"101"}
    assert stated[0].fields["consented_on"] == "2026-02-28"
    assert checked(crohub, edc) == []


@pytest.mark.parametrize("file", ["pipelines/edc.yaml", "pipelines/edc-out.yaml"])
def test_a_parameter_that_no_mapping_declares_stands_where_it_is_set(edc, crohub, file):
    text = (edc / file).read_text()
    (edc / file).write_text(text.replace("record_id: subjid", "record: subjid"))

    [(where, line, what)] = checked(crohub, edc)

    assert (where, line) == (file, text.split("parameters")[0].count("\n") + 1)
    assert "the parameter 'record'" in what
