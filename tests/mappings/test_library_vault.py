"""The packaged Vault mappings: what a vault's odd shapes mean, and what a vault is told."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from connectors.vault.query import SHIPPED
from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.functions.tmf import vault_artifact
from mappings.outbound import Wait, outbound
from mappings.setting import Setting
from mappings.values import NotUnderstood

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)
STREAMS = {
    "study": "study", "study-site": "site", "enrollment": "subject", "milestone": "milestone",
    "monitoring-visit": "monitoring_event", "monitoring-finding": "finding",
    "expected-document": "expected_document", "document": "documents",
    "document-version": "document_versions",
}  # fmt: skip


@pytest.fixture
def read(record):
    def read(mapping, body, said="said"):
        reader = LIBRARY.reader([f"vault/{mapping}"])
        return reader(record(json.dumps(body), "application/json", said=said))

    return read


# -- what a vault says


@pytest.mark.parametrize("name", STREAMS)
def test_what_a_mapping_reads_is_selected_by_its_stream(name):
    spec, query = LIBRARY.inbound[f"vault/{name}"], SHIPPED[STREAMS[name]]
    names = re.findall(
        r"(?<![.\w])[a-z][a-z0-9_]*__(?:v|clin|ctms)(?:r\.\w+)?", spec.file.read_text()
    )

    assert len(names) > 5
    assert set(names) <= {*query.fields, query.modified}


@pytest.mark.parametrize("status", [["active__v"], "active__v", "Active", ["Active"]])
def test_a_picklist_is_a_list_of_one_or_a_text(read, status):
    (site,) = read("study-site", {"id": "S1", "site_status__v": status}).statements

    assert site.fields["status"] == "activated"


@pytest.mark.parametrize(
    ("holds", "level"),
    [
        ({"site__v": ["S"], "study_country__v": ["C"], "study__v": ["T"]}, "site"),
        ({"site__v": [], "study_country__v": ["C"], "study__v": ["T"]}, "country"),
        ({"site__v": None, "study__v": ["T"]}, "trial"),
        ({"study__v": "T"}, "trial"),
        ({}, None),
    ],
)
def test_a_document_belongs_to_the_finest_that_it_names(read, holds, level):
    (document,) = read("document", {"id": 1} | holds).statements

    assert document.fields.get("level") == level


@pytest.mark.parametrize(
    ("types", "artifact", "kind"),
    [
        ({"classification__v": "Protocol"}, "02.01.02", "protocol"),
        ({"artifact__v": "05.02.16 Delegation log"}, "05.02.16", "delegation_log"),
        ({"artifact__v": "05.02.08", "classification__v": "Protocol"}, "05.02.08", "form_1572"),
        ({"classification__v": "IRB/IEC Approval"}, "04.01.02", "irb_approval"),
        ({"type__v": "Own", "subtype__v": "Own things"}, "Own things", None),
    ],
)  # fmt: skip
def test_an_artifact_is_found_by_its_number_or_by_its_name(read, types, artifact, kind):
    (document,) = read("document", {"id": 1} | types).statements

    assert document.fields["tmf_artifact"] == artifact
    assert document.fields.get("kind") == kind


@pytest.mark.parametrize("odd", [None, [], "x", {"artifact__v": 5}, {"type__v": []}])
def test_what_names_no_type_has_no_artifact(odd):
    assert vault_artifact(odd) is None


@pytest.mark.parametrize(
    ("deletion", "gone"),
    [
        ("document__sys", {("document", "23")}),
        ("document_version__sys", {("document-version", "23_0_2")}),
        ("version_change__sys", {("document-version", "23_0_2")}),
    ],
)
def test_a_deleted_version_is_no_deleted_document(read, deletion, gone):
    body = {"id": 23, "major_version_number__v": 0, "minor_version_number__v": 2,
            "date_deleted": "2026-03-01T00:00:00Z", "deletion_type": deletion}  # fmt: skip

    found = {
        (name, one.key)
        for name in ("document", "document-version")
        for one in read(name, body, said="gone").statements
    }

    assert found == gone


@pytest.mark.parametrize("name", STREAMS)
def test_a_record_whose_fields_have_odd_shapes_is_still_read(read, name):
    query = SHIPPED[STREAMS[name]]
    body = {one: {"a": [1]} for one in query.fields} | {"id": "1"}
    body |= {"major_version_number__v": 1, "minor_version_number__v": 0}

    assert read(name, body).statements


# -- the TMF Reference Model


def test_every_artifact_has_its_zone_its_section_and_a_kind():
    numbers = set(CODES.get("tmf-artifact").meanings("").values())
    zones = set(CODES.get("tmf-zone").meanings("").values())
    sections = set(CODES.get("tmf-section").meanings("").values())

    assert len(zones) == 11
    assert {number[:2] for number in numbers} <= zones
    assert {number[:5] for number in numbers} <= sections
    assert numbers == set(CODES.get("tmf-kind").meanings(""))
    assert all(re.fullmatch(r"\d\d\.\d\d\.\d\d", number) for number in numbers)


def test_a_sites_own_list_is_added_to_the_shipped_one(tmp_path):
    (tmp_path / "tmf-artifact.csv").write_text(
        "native,canonical\nSource Data Agreement,05.05.01\nTMF Plan,01.01.99\n"
    )

    meanings = load_codes(tmp_path).get("tmf-artifact").meanings("")

    assert meanings["Source Data Agreement"] == "05.05.01"
    assert meanings["TMF Plan"] == "01.01.99"
    assert meanings["Protocol"] == "02.01.02"


# -- what a vault is told


@dataclass
class Shown:
    """A record as a pipeline would show it."""

    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    key: str | None = None
    id: str = "0198-1"

    def get(self, name):
        return self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return self.key


STUDY, SITE = Shown(key="0ST1"), Shown(key="0SI1")


def say(name, view):
    mapping = outbound(LIBRARY.outbound[f"vault/{name}"], Setting(codes=CODES))
    assert mapping.wants(view, None)
    made = mapping.render(view, delivery_id="D1", now=datetime(2026, 3, 1, tzinfo=UTC))
    return made if isinstance(made, Wait) else (dict(made.target), json.loads(made.body))


def study(**changes):
    numbers = [Identifier("sponsor_protocol_no", "ONC-101", "ACME")]
    fields = {"title": "A trial", "status": "open_to_accrual", "phase": "3",
              "study_type": "interventional"}  # fmt: skip
    return Shown(fields | changes, ids=numbers)


def test_a_study_is_upserted_under_the_hubs_number():
    target, body = say("study", study())

    assert target == {"object": "study"}
    assert body == {
        "external_id__v": "0198-1", "name__v": "ONC-101", "study_name__v": "A trial",
        "study_phase__v": "phase_iii__v", "study_type__v": "interventional__v",
        "study_status__v": "active__v",
    }  # fmt: skip


def test_a_study_that_the_vault_knows_is_said_with_its_id():
    view = study()
    view.key = "0ST1"

    assert say("study", view)[1]["id"] == "0ST1"


def test_what_a_vault_has_no_word_for_is_left_out():
    assert "study_status__v" not in say("study", study(status="administratively_completed"))[1]


def test_a_site_waits_until_the_vault_knows_its_study():
    fields = {"status": "enrolling", "site_number": "101", "selected_on": "2025-09-14"}

    assert isinstance(say("site", Shown(fields, {"study": Shown()})), Wait)
    assert say("site", Shown(fields, {"study": STUDY})) == (
        {"object": "site"},
        {"external_id__v": "0198-1", "name__v": "101", "study__v": "0ST1",
         "site_status__v": "enrolling__v", "site_selected_date__v": "2025-09-14"},
    )  # fmt: skip


def test_a_milestone_of_a_site_is_never_told_without_its_site():
    fields = {"scope": "site", "name": "First subject in", "kind": "first_subject_in",
              "planned_on": "2026-01-15", "actual_on": "2026-01-20"}  # fmt: skip

    assert isinstance(say("site-milestone", Shown(fields, {"study": STUDY})), Wait)
    target, body = say("site-milestone", Shown(fields, {"study": STUDY, "study_site": SITE}))
    assert target == {"object": "milestone"}
    assert body == {
        "external_id__v": "0198-1", "name__v": "First subject in", "study__v": "0ST1",
        "site__v": "0SI1", "milestone_type__v": "first_subject_in__v",
        "planned_finish_date__v": "2026-01-15", "actual_finish_date__v": "2026-01-20",
    }  # fmt: skip


def test_a_milestone_of_a_study_names_no_site():
    fields = {"scope": "study", "name": "Lock", "kind": "db_lock"}

    _, body = say("study-milestone", Shown(fields, {"study": STUDY, "study_site": SITE}))

    assert "site__v" not in body
    assert body["milestone_type__v"] == "database_lock__v"


def expected(**changes):
    fields = {"level": "site", "name": "1572 of site 101", "tmf_artifact": "05.02.08"}
    return Shown(fields | changes, {"study": STUDY, "study_site": SITE})


def test_an_expected_document_is_a_placeholder_of_its_tmf_types():
    target, body = say("expected-document", expected())

    assert target == {"object": "documents"}
    assert body == {
        "external_id__v": "0198-1", "name__v": "1572 of site 101", "type__v": "Site Management",
        "subtype__v": "Site Set-up", "classification__v": "Form FDA 1572",
        "lifecycle__v": "Base Document Lifecycle", "study__v": "0ST1", "site__v": "0SI1",
    }  # fmt: skip


def test_an_artifact_that_nobody_listed_is_not_guessed():
    with pytest.raises(NotUnderstood):
        say("expected-document", expected(tmf_artifact="99.01.01"))


def test_a_vault_reads_back_what_it_was_told(read):
    _, body = say("study", study())
    (told,) = read("study", body | {"id": "0ST1"}).statements

    assert {name: told.fields[name] for name in ("title", "status", "phase", "study_type")} == {
        "title": "A trial", "status": "open_to_accrual", "phase": "3",
        "study_type": "interventional",
    }  # fmt: skip
