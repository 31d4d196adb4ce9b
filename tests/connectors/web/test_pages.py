"""The pages about FHIR and signing in say what is there."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from connectors.auth import Auth
from connectors.fhir import Export, Fhir

DOCS = Path(__file__).parents[3] / "docs" / "connectors"
FHIR, SIGNING = ((DOCS / f"{name}.md").read_text() for name in ("fhir", "signing-in"))


def blocks(text):
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def named_in(text, heading):
    """The first column of the table under a heading."""
    table = text[text.index(f"| {heading}") :].split("\n\n")[0]
    return {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def test_the_connection_shown_is_taken():
    (shown,) = blocks(FHIR)

    fhir = Fhir.model_validate(shown["settings"])

    assert fhir.streams["Patient"].export.path == "/Group/research-patients/$export"


def test_every_way_shown_is_taken():
    ways = [TypeAdapter(Auth).validate_python(one) for one in blocks(SIGNING)]

    assert [way.kind for way in ways] == ["smart", "session", "csrf"]


def test_every_setting_is_described():
    assert named_in(FHIR, "setting |") == set(Fhir.model_fields)
    assert named_in(FHIR, "setting of `export`") == set(Export.model_fields)


@pytest.mark.parametrize("kind", ["basic", "bearer", "api_key", "oauth2", "smart", "csrf"])
def test_every_way_and_its_settings_are_described(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", SIGNING, re.MULTILINE)
    schema = TypeAdapter(Auth).json_schema()
    name = schema["discriminator"]["mapping"][kind].rpartition("/")[2]

    named = set(re.findall(r"`(\w+)`", row)) - {kind}

    known = set(schema["$defs"][name]["properties"]) - {"kind"}
    assert named <= known
    assert known - named <= {"fetch", "required"}


def test_every_kind_is_in_the_table():
    kinds = set(TypeAdapter(Auth).json_schema()["discriminator"]["mapping"])

    assert named_in(SIGNING, "`kind`") == kinds


@pytest.mark.parametrize("text", [FHIR, SIGNING])
def test_every_link_leads_somewhere(text):
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DOCS / target).exists(), target
