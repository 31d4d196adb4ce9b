"""The connections and mappings on the pages of connectors are taken as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connectors import registry
from mappings.mistakes import Mistakes
from mappings.outbound_language import read_outgoing
from mappings.setting import Setting
from pipelines.settings import ConnectionSettings, HubSettings, build_connector

DOCS = Path(__file__).parents[2] / "docs" / "connectors"
PAGES = {
    "api.md": ("api",),
    "fhir.md": ("fhir",), "files.md": ("files", "sftp"), "hl7v2.md": ("hl7v2",), "irb.md": ("irb",),
    "odata.md": ("odata",), "oncore.md": ("oncore",), "redcap.md": ("redcap",),
    "rest.md": ("rest",), "scim.md": ("scim",), "sql.md": ("sql",), "vault.md": ("vault",),
    "webhook.md": ("webhook", "webhook_out"), "workday.md": ("workday",),
}  # fmt: skip


def blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_connections_shown_are_taken(page):
    shown = [said for block in blocks(page) if "connector" in (said := yaml.safe_load(block))]

    for said in shown:
        assert build_connector(ConnectionSettings(**said), HubSettings())
    assert {said["connector"] for said in shown} == set(PAGES[page])


def test_every_connector_has_a_page():
    described = {name for names in PAGES.values() for name in names}

    assert described == set(registry.names())


def test_the_mapping_shown_is_taken(tmp_path):
    [text] = [block for block in blocks("webhook.md") if "writes:" in block]
    (tmp_path / "event.yaml").write_text(text)
    mistakes = Mistakes()

    outgoing = read_outgoing(tmp_path / "event.yaml", "event", Setting(), mistakes)

    assert mistakes.found == []
    assert outgoing.type == "crohub.Enrollment.changed"


@pytest.mark.parametrize(("page", "names"), PAGES.items())
def test_every_setting_is_on_its_page(page, names):
    text = (DOCS / page).read_text()

    for name in names:
        for setting in registry.find(name).model_fields:
            assert f"`{setting}`" in text or f"{setting}:" in text, f"{page}: {name}.{setting}"
