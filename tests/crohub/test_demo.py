"""The demonstration: the institution's days become records, and the figures add up."""

import json
import signal
import socket
import subprocess
import sys

import httpx2
import pytest

from crohub import summary
from crohub.sandbox.answers import NAMES
from crohub.sandbox.plants.trials import TRIALS
from hub.model.spec import entities

pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def found(folder):
    """What three days at once print."""
    words = ["demo", "--once", "--days", "3", "--json", "--data", folder]
    said = subprocess.run(
        [sys.executable, "-m", "crohub", *words],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr + (folder / "log.jsonl").read_text()[-2000:]
    return json.loads(said.stdout)


def test_every_message_is_accounted_for(found):
    messages = found["messages"]

    assert messages["accepted"] == messages["done"] + messages["parked"] + messages["held"]
    assert messages["held"] > messages["parked"] > 0
    assert 0 < found["set_aside"] < messages["done"]


def test_a_reader_sees_that_what_is_set_aside_is_among_the_done(found):
    told = summary.lines(found).splitlines()[0]

    assert f"done {found['messages']['done']:,} ({found['set_aside']} of them set aside)," in told


def test_the_institutions_days_become_records(found):
    assert found["entities"]["Participant"] > 100
    assert found["entities"]["Enrollment"] > 100
    assert found["entities"]["Person"] > 30
    assert found["entities"]["Study"] == 4 + len(TRIALS)


def test_every_entity_of_the_model_has_records(found):
    assert set(found["entities"]) == set(entities())


def test_every_system_was_spoken_to_in_its_own_protocol(found):
    rows = {one["name"]: one for one in found["connections"]}

    assert {name: one["connector"] for name, one in rows.items()} == {
        "billing": "hl7v2", "binder": "files", "ctms": "oncore", "ctms-money": "files",
        "directory": "scim", "edc": "redcap", "edc-lun501": "redcap", "erp": "odata",
        "etmf": "vault", "finance": "files", "hospital": "hl7v2", "hr": "workday", "irb": "irb",
        "office": "files", "personnel": "sftp",
        "protocols": "files", "register": "fhir", "registry": "rest",
        "regulatory": "files", "review": "files", "safety": "files",
        "training": "files", "warehouse": "sql",
    }  # fmt: skip
    assert rows["hospital"]["received"] > 200
    assert rows["register"]["pulled"] > 500
    assert rows["personnel"]["pulled"] > 100
    assert rows["billing"]["pushed"] > 0
    assert {one["state"] for one in rows.values()} == {"running"}


def test_every_family_of_systems_is_read_and_told(found):
    families = {}
    for one in found["connections"]:
        read, told = families.get(one["family"], (0, 0))
        families[one["family"]] = (read + one["received"], told + one["pushed"])

    assert set(families) >= {
        "CTMS", "EDC", "EHR, FHIR", "EHR, HL7 v2", "ERP", "HR", "IRB", "SQL", "eTMF",
        "file profiles", "registry", "training and eRegulatory",
    }  # fmt: skip
    # nobody need leave within three days: an account is all that HR's family is told; what is
    # registered in public is for people to change
    untold = {"HR", "registry"}
    for name in families.keys() - {"OTHER"}:
        read, told = families[name]
        assert read > 0, name
        assert told > 0 or name in untold, name


def test_what_one_system_says_another_confirms(found):
    flows = found["flows"]

    assert set(flows) >= {
        "approval to the CTMS", "charges to billing review", "credentials to the CTMS",
        "demographics to the CTMS", "earned to the ERP", "leavers to the directory",
        "protocol to the EHR", "subject status to the EHR", "subjects to the EDC",
        "visits to the CTMS",
    }  # fmt: skip
    for name, counts in flows.items():
        outcomes = counts["delivered"] + counts["held"] + counts["refused"]
        assert counts["triggered"] == outcomes, name
        assert counts["refused"] == 0, name
        assert counts["confirmed"] == counts["delivered"], name
        if name != "leavers to the directory":  # nobody need leave within three days
            assert counts["confirmed"] > 0, name


def test_a_subscriber_is_told_of_every_change_once(found):
    told = found["subscriber"]

    assert told["events"] >= found["entities"]["Enrollment"]
    assert (told["again"], told["unsigned"]) == (0, 0)
    assert f"{told['events']:,} changes" in summary.lines(found)


def test_the_log_is_events_without_patients(found, folder):
    assert found

    lines = (folder / "log.jsonl").read_text().splitlines()

    events = [json.loads(line) for line in lines]
    assert {"listens", "pulled"} <= {one["event"] for one in events}
    assert {one["level"] for one in events if one["event"] != "parked"} <= {"info", "warning"}
    assert "PID|" not in "".join(lines)


def test_the_live_demonstration_tells_where_to_look_and_drains_on_ctrl_c(tmp_path):
    told = (tmp_path / "told").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "crohub", "demo", "--port", "0", "--pace", "20",
         "--data", tmp_path / "d"],
        stderr=told, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address, key = _greeting(process, tmp_path / "told")
        ready = httpx2.get(f"{address}/readyz")
        mine = httpx2.get(
            f"{address}/ops/connections", headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
        told.close()

    assert (ready.status_code, mine.status_code, code) == (200, 200, 0)
    assert "stopped" in (tmp_path / "told").read_text()
    for line in (tmp_path / "d" / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["level"] in ("info", "warning")


def test_a_taken_port_is_told_before_anything_is_built(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = subprocess.run(
            [sys.executable, "-m", "crohub", "demo", "--port", str(port), "--data", tmp_path / "d"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    assert said.returncode == 3
    assert f"127.0.0.1:{port} is in use" in said.stderr
    assert "stopped" not in said.stderr
    assert not (tmp_path / "d").exists()


def _greeting(process, path):
    import time

    until = time.monotonic() + 60
    while "Ctrl-C" not in (text := path.read_text()):
        assert process.poll() is None, text
        assert time.monotonic() < until, text
        time.sleep(0.05)
    words = text.split()
    address = next(word for word in words if word.startswith("http://127.0.0.1:"))
    return address, next(word for word in words if word.startswith("crohub_"))


def test_after_a_few_days_nobody_knows_what_checks_must_find(found):
    assert list(found["checks"]) == list(NAMES)
    assert {counts["expected"] for counts in found["checks"].values()} == {None}


def test_one_truth_is_shown_a_disagreement_a_story_and_a_merge_undone(found):
    truth = found["truth"]

    assert "ctms: " in truth["disagreement"]["found"]
    assert "Enrollment.state: CTMS, EDC, EHR" in truth["disagreement"]["rule"]
    assert any(line.startswith("  said by   ctms (CTMS)") for line in truth["story"])
    assert truth["merge"] == {"merged": 1, "undone": 2, "as_before": True}
