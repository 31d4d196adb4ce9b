"""The systems of the made-up institution tell of the same studies, people and participants under
numbers of their own, and the hub makes one record of each."""

import json
import subprocess
import sys
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from crohub.sandbox import (
    erp_books,
    irb_records,
    oncore_records,
    redcap_records,
    scim_records,
    tables,
    vault_records,
    workday_records,
)
from crohub.sandbox.answers import TODAY, sheet
from crohub.sandbox.days import play
from crohub.sandbox.founding import found
from crohub.sandbox.institution import LINES
from crohub.sandbox.news import News
from crohub.sandbox.people import DEPARTMENTS
from crohub.sandbox.planted import BEGINS
from crohub.sandbox.plants.trials import TRIALS
from crohub.sandbox.scim import Directory
from crohub.sandbox.studies import SPONSORS, STUDIES
from crohub.stage import SEED

pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")

CONFIG = Path(redcap_records.__file__).parent / "config" / "connections"
SYSTEMS = [
    "ctms",
    "directory",
    "edc",
    "erp",
    "etmf",
    "finance",
    "hr",
    "irb",
    "office",
    "protocols",
    "regulatory",
    "training",
]
DAYS = 10  # with the merge of the tenth day and everybody planted before


@pytest.fixture(scope="module")
def world():
    """The institution after ten days, lived through here."""
    made = found(SEED, BEGINS, lines=LINES)
    for day in range(DAYS):
        play(made, BEGINS + timedelta(days=day))
    return made


@pytest.fixture(scope="module")
def ground():
    """What is planted beside it for the checks."""
    return sheet(SEED, TODAY).ground


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demonstration of these days prints."""
    folder = tmp_path_factory.mktemp("systems")
    words = ["demo", "--once", "--days", str(DAYS), "--json", "--data", folder]
    said = subprocess.run(
        [sys.executable, "-m", "crohub", *words],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr + (folder / "log.jsonl").read_text()[-2000:]
    return json.loads(said.stdout)


@pytest.fixture(scope="module")
def connections(shown):
    return {one["name"]: one for one in shown["connections"]}


def test_each_study_is_one_record(shown):
    assert shown["entities"]["Study"] == len(STUDIES) + len(TRIALS)


def test_each_member_of_staff_is_one_record(shown, world, ground):
    rehired = "E918"  # once E411, with the same NPI

    staff = world.employees.keys() - {rehired} | ground.rows["hr/workers"].keys() - ground.again
    officials = len(ground.rows["registry/studies"])  # whom the registry knows by name alone
    assert shown["entities"]["Person"] == len(staff) + officials


def test_sponsors_units_and_sites_are_found_by_the_numbers_of_each_system(shown, ground):
    suppliers = 2  # which only the ERP and an invoice know
    institutions = len(STUDIES)  # the CTMS counts sites by institution: one for each study
    houses = len(ground.rows["register/Organization"])

    known = len(SPONSORS) + len(DEPARTMENTS) + houses
    assert shown["entities"]["Organization"] == known + suppliers
    sites = sum(len(study.sites) for study in (*STUDIES, *TRIALS))
    assert shown["entities"]["StudySite"] == sites + institutions


def test_each_person_on_a_study_is_one_participant(shown, world, ground):
    people = {s.mrn for s in world.subjects.values()} | ground.rows["register/Patient"].keys()
    assert shown["entities"]["Participant"] == len(people)


def test_each_subject_is_one_enrollment(shown, world, ground):
    places = ("ctms/protocolSubjects", "edc/records", "register/ResearchSubject")
    planted = set().union(*(ground.rows[place] for place in places))
    assert shown["entities"]["Enrollment"] == len(world.subjects) + len(planted)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_was_read(connections, name):
    assert connections[name]["received"] > 0
    assert connections[name]["state"] == "running"


def test_the_edc_knows_its_subjects_by_numbers_of_its_own_and_hears_of_no_merge(world):
    project = redcap_records.project()

    redcap_records.fill(project, world, News())

    mine = [s for s in world.subjects.values() if s.study == "onc101" and s.number]
    assert len(project.records) == len(mine) > 40
    head = project.records["101-0008"][("scr_arm_1", "", "")]
    assert (head["subject_no"], head["icf_date"]) == ("S-0008", "2026-02-19")
    twins = {project.records[f"101-00{n}"][("scr_arm_1", "", "")]["mrn"] for n in (31, 44)}
    assert twins == {"123456"}


def test_the_edc_is_told_only_what_is_new(world):
    project = redcap_records.project()
    news = News()
    redcap_records.fill(project, world, news)
    before = len(project.log)

    redcap_records.fill(project, world, news)

    assert len(project.log) == before


def test_a_leaver_stays_in_the_report_of_workers(world):
    tenant = workday_records.tenant()

    workday_records.fill(tenant, world)

    rows = {row["Employee_ID"]: row for row in tenant.reports[workday_records.REPORT]}
    assert rows["E305"]["Worker_Status"] == "Terminated"
    assert rows["E305"]["Termination_Date"] == "2026-03-06"
    assert rows["E217"]["Worker_Status"] == "Active"


def test_the_ctms_registers_a_subject_with_the_consent(world):
    ctms = oncore_records.state()

    oncore_records.fill(ctms, world, News())

    consented = [s for s in world.subjects.values() if s.consented_on]
    assert len(ctms.rows["protocolSubjects"]) == len(consented) > 100
    assert {row["protocolNo"] for row in ctms.rows["protocols"].values()} == {
        study.number for study in STUDIES
    }


def test_a_visit_that_the_edc_has_is_still_planned_in_the_ctms_until_somebody_says_so(world):
    ctms, edc, news = oncore_records.state(), redcap_records.project(), News()
    onc = STUDIES[0]
    [third] = [s for s in world.subjects.values() if (s.study, s.number) == (onc.key, "S-0003")]

    for then in (found(SEED, BEGINS, lines=LINES), world):
        oncore_records.fill(ctms, then, news)
    redcap_records.fill(edc, world, News())

    assert edc.records["101-0003"][("c2d1_arm_1", "", "")]["visit_date"] == "2026-03-04"
    [row] = [
        row
        for row in ctms.rows["protocolSubjectVisits"].values()
        if row["protocolSubjectId"] == oncore_records.subject_id(third)
        and row["calendarVisitId"] == oncore_records.visit_id(onc, "C2D1")
    ]
    assert (row["visitStatus"], row["plannedDate"]) == ("Planned", "2026-03-04")
    assert {row["visitStatus"] for row in ctms.rows["protocolSubjectVisits"].values()} == {
        "Planned"
    }


def test_the_ctms_plans_no_visit_that_somebody_has_told_it_of(world):
    ctms = oncore_records.state()
    oncore_records.fill(ctms, world, News())
    rows = ctms.rows["protocolSubjectVisits"]
    key, row = next(iter(rows.items()))
    told = ctms.put("protocolSubjectVisits", **{**row, "protocolSubjectVisitId": None})
    del rows[key]

    oncore_records.fill(ctms, world, News())

    assert key not in rows
    assert str(told["protocolSubjectVisitId"]) in rows


def test_what_others_wrote_stays_until_the_world_has_something_new_to_say(world):
    ctms, news = oncore_records.state(), News()
    oncore_records.fill(ctms, world, news)
    row = next(iter(ctms.rows["protocolSubjects"].values()))
    row["note"], row["status"] = "written by the hub", "OFF STUDY"

    oncore_records.fill(ctms, world, news)

    assert (row["note"], row["status"]) == ("written by the hub", "OFF STUDY")


def test_the_trial_master_file_has_a_binder_for_every_site(world):
    vault = vault_records.state()

    vault_records.fill(vault, world, News())

    sites = sum(len(study.sites) for study in STUDIES)
    assert len(vault.objects["site__v"]) == len(vault.objects["edl_item__v"]) == sites
    of_site, of_version = 6, 2  # a version of the consent form, and its approval
    versions = sum(len(study.form) for study in STUDIES)
    paid = sum(study.sponsor != "org-cedar" for study in STUDIES)  # by somebody with a contract
    documents = sites * of_site + versions * of_version + paid + len(STUDIES)
    assert len(vault.documents) == documents
    assert {row["name__v"] for row in vault.objects["study__v"].values()} == {
        study.number for study in STUDIES
    }


def test_a_table_says_in_every_row_what_its_columns_are():
    said = tables.written([{"a": "1"}, {"a": "2", "b": "three, four"}])

    assert said == b'a,b\r\n1,\r\n2,"three, four"\r\n'


def test_the_offices_lay_a_table_or_document_for_each_of_their_streams(world, tmp_path):
    tables.lay(tmp_path, world)

    globs = [
        stream["glob"]
        for name in ("finance", "office", "protocols", "regulatory", "training")
        for stream in yaml.safe_load((CONFIG / f"{name}.yaml").read_text())["settings"][
            "streams"
        ].values()
    ]
    laid = {path.name: [g for g in globs if fnmatch(path.name, g)] for path in tmp_path.iterdir()}
    assert {len(read) for read in laid.values()} == {1}
    assert {read for [read] in laid.values()} == set(globs)


def test_every_entity_of_the_model_has_a_record(shown):
    assert [name for name, count in shown["entities"].items() if not count] == []


def test_the_ctms_hears_of_each_payment_but_of_the_one_that_says_no_word(connections, ground):
    before = len([study for study in STUDIES if study.sponsor != "org-cedar"])  # paid long ago
    unsaid = len(erp_books.UNSAID)

    asked, told = connections["erp"]["pushed"], connections["ctms-money"]["pushed"]
    assert asked > before + unsaid
    planted = len(ground.rows["tables/payment-allocations"])
    assert told == before + planted + asked - unsaid


def test_every_charge_of_a_subject_is_in_the_queue_for_review(connections, ground):
    charged = 3  # an electrocardiogram of S-0003, a scan of S-0012 and of S-0008
    over = BEGINS + timedelta(days=DAYS)
    planted = sum(b"|DFT^" in one.body and one.at.date() < over for one in ground.sent)

    assert connections["review"]["pushed"] == charged + planted


def test_the_irb_approved_each_form_that_is_in_force(world):
    irb = irb_records.state()

    irb_records.fill(irb, world, News())

    assert {row["parent"] for row in irb.submissions.values()} == {s.irb for s in STUDIES}
    third = irb.submissions["MOD000001231"]
    assert (third["type"], third["approvalDate"]) == ("Modification", "2026-02-20")


def test_an_account_that_was_locked_stays_locked(world):
    directory, news = Directory(), News()
    scim_records.fill(directory, world, news)
    left = scim_records.account_id("E305")
    assert directory.users[left]["active"] is True
    directory.put(left, active=False)

    scim_records.fill(directory, world, News())

    assert directory.users[left]["active"] is False
    assert len(directory.users) == len(world.employees)


def test_the_configuration_of_the_demonstration_is_sound(crohub):
    said = crohub("check", "--config", CONFIG.parent)

    assert said.code == 0, said.out + said.err
