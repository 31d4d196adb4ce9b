"""A deployment's mistakes are told all at once, each with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.mistakes import MappingErrors
from pipelines import settings

HOSPITAL = "connector: hl7v2\nsystem: ehr\nrole: EHR\nsettings: {port: 0}\n"
READS = "reads: {connection: hospital, stream: ADT}\nmappings: [hl7v2/participant]\n"


@pytest.fixture
def load(tmp_path: Path):
    """Loads a deployment of these files."""

    def make(environment=None, **files):
        (tmp_path / "hub.yaml").write_text("participants: all\n")
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return settings.load(tmp_path, environment or {})

    return make


def mistakes(load, **files) -> str:
    with pytest.raises(MappingErrors) as caught:
        load(**files)
    return str(caught.value)


def test_a_deployment_is_what_its_files_say(load):
    made = load(connections__hospital=HOSPITAL, pipelines__adt=READS)

    assert made.connections["hospital"].role == "EHR"
    assert made.pipeline_of("hospital", "ADT") == "adt"
    assert made.pipeline_of("hospital", "ORU") == ""


def test_the_star_reads_what_nothing_else_does(load):
    rest = "reads: {connection: hospital, stream: '*'}\nmappings: [hl7v2/participant]\n"
    made = load(connections__hospital=HOSPITAL, pipelines__adt=READS, pipelines__aaa=rest)

    assert made.pipeline_of("hospital", "ADT") == "adt"
    assert made.pipeline_of("hospital", "SIU") == "aaa"


def test_every_mistake_is_told_at_once_with_file_and_line(load):
    said = mistakes(
        load,
        hub="participants: some\n",
        connections__hospital="connector: hl7v2\nsystem: ehr\nrole: DOG\nsettings: {port: 0}\n",
        pipelines__adt="reads: {connection: clinic, stream: ADT}\nmappings: [x]\ncolour: red\n",
    )

    assert "hub.yaml:1" in said
    assert "connections/hospital.yaml:3" in said
    assert "pipelines/adt.yaml:1" in said
    assert "pipelines/adt.yaml:3" in said


def test_an_unknown_key_names_those_that_are_known(load):
    said = mistakes(load, hub="participant: all\n")

    assert "'participant'" in said
    assert "participants" in said.partition("expected")[2]


def test_a_connection_nobody_configured_names_those_that_are(load):
    said = mistakes(
        load, connections__hospital=HOSPITAL, pipelines__adt=READS.replace("hospital", "hopsital")
    )

    assert "'hopsital'" in said
    assert "hospital" in said.partition("expected")[2]


def test_a_connector_refuses_settings_with_its_own_words(load):
    said = mistakes(load, connections__hospital=HOSPITAL.replace("port: 0", "port: 99999999"))

    assert "connections/hospital.yaml" in said
    assert "port" in said


def test_text_may_take_a_value_of_the_environment_or_its_default(load):
    text = HOSPITAL.replace("port: 0", "port: '${env:MLLP:-2575}'")

    assert load({"MLLP": "4000"}, connections__hospital=text).connector("hospital").port == 4000
    assert load(connections__hospital=text).connector("hospital").port == 2575


def test_a_time_zone_that_is_none_is_refused(load):
    assert "Europe/Paris" in mistakes(load, hub="timezone: Mars/Olympus\n")


def test_week_days_are_names_because_numbers_mean_different_days_elsewhere(load):
    schedule = READS + "schedule: {cron: '0 6 * * 1'}\n"

    said = mistakes(load, connections__hospital=HOSPITAL, pipelines__adt=schedule)

    assert "mon" in said


@pytest.mark.parametrize(
    ("span", "expected"),
    [("250ms", 0.25), ("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800)],
)
def test_a_span_of_time_is_a_number_and_a_unit(span, expected):
    assert settings.seconds(span) == expected


@pytest.mark.parametrize("span", ["", "5", "m", "-5m", "5 minutes", "1.5h"])
def test_what_is_no_span_of_time_is_refused(span):
    with pytest.raises(ValueError, match="span of time"):
        settings.seconds(span)
