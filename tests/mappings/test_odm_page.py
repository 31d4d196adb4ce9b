"""The mapping that docs/connectors/odm.md shows to sites does what the page says."""

import re
from pathlib import Path

import yaml

from connectors.files import Files
from hub.statement import REMOVED

PAGES = Path(__file__).parents[2] / "docs" / "connectors"
SUBJECT = """\
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"><ClinicalData StudyOID="ONC101(Prod)">
<SubjectData SubjectKey="7"><StudyEventData StudyEventOID="SCREEN"><FormData FormOID="IC">
<ItemGroupData ItemGroupOID="IC"><ItemData ItemOID="IC.ICDAT" Value="2026-02-28"/>
<ItemData ItemOID="SV.SVDAT" Value="2026-02-27"/>
<ItemData ItemOID="RAND.DAT" IsNull="Yes"/></ItemGroupData></FormData></StudyEventData>
<StudyEventData StudyEventOID="V1"/></SubjectData></ClinicalData></ODM>"""


def blocks(name):
    return re.findall(r"```yaml\n(.*?)```", (PAGES / name).read_text(), re.DOTALL)


def test_a_sites_copy_finds_its_own_items(mapping, record):
    [text] = [block for block in blocks("odm.md") if block.startswith("reads:")]

    enrollment, screening, visit = mapping(text)(record(SUBJECT, "application/odm+xml")).statements

    assert enrollment.fields == {"consented_on": "2026-02-28", "randomised_on": REMOVED}
    assert screening.fields == {"actual_on": "2026-02-27"}
    assert visit.fields == {}


def test_the_connections_shown_are_ones(tmp_path):
    for name in ("odm.md", "spreadsheets.md", "invoices.md", "usdm.md"):
        [shown] = [block for block in blocks(name) if block.startswith("connector:")]
        settings = yaml.safe_load(shown)["settings"]

        made = Files(**settings | {"path": tmp_path})

        assert made.check().ok
        assert made.streams
