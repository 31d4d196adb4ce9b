"""Commands: what they print, where, and the code they end with."""

import json
import socket
import sqlite3
import subprocess
import sys

import hl7.client
import pytest

from connectors.formats import sheet_write
from crohub import schema
from crohub.commands.ending import code_of
from crohub.ownership import owned
from pipelines.places import Places

ROSTER = "employee_id,employer,family_name,given_name\r\n1,North,Ek,Ida\r\n2,North,Ask,Bo\r\n"


def test_help_is_said_without_loading_anything_heavy():
    code = (
        "import sys, crohub.cli; "
        "print(sorted({'sqlalchemy', 'fastapi', 'pydantic', 'rich', 'hub', 'pipelines'} "
        "& set(sys.modules)))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"


def test_every_command_says_what_it_does_and_speaks_json(crohub):
    import typer

    from crohub.cli import app

    commands = {}
    for name, one in typer.main.get_command(app).commands.items():
        own = getattr(one, "commands", None)
        commands |= {f"{name} {part}": it for part, it in own.items()} if own else {name: one}

    assert {
        "init",
        "check",
        "doctor",
        "serve",
        "run",
        "demo",
        "map",
        "send",
        "messages",
        "message",
        "replay",
        "pause",
        "resume",
        "drain",
        "key create",
        "audit verify",
        "audit export",
        "export study",
        "audit rotate",
    } <= set(commands)
    for name, command in commands.items():
        assert command.help, name
        assert "as_json" in {one.name for one in command.params}, name


@pytest.mark.parametrize("words", [["nix"], ["check", "--nix"], ["message", "x"], ["map"]])
def test_wrong_use_ends_with_2(crohub, words):
    said = crohub(*words)

    assert said.code == 2
    assert said.out == ""
    assert said.err


def test_every_mistake_is_told_at_once_with_its_place(crohub, deployment):
    (deployment / "hub.yaml").write_text("institution: X\nparticipants: some\nlisten: {prot: 1}\n")
    (deployment / "pipelines" / "bad.yaml").write_text(
        'reads: {connection: nobody, stream: "*"}\nmappings: [hl7v2/participant]\n'
    )

    said = crohub("check", "--config", deployment, "--json")

    places = {(one["file"], one["line"]) for one in said.json["mistakes"]}
    assert said.code == 2
    assert places == {("hub.yaml", 2), ("hub.yaml", 3), ("pipelines/bad.yaml", 1)}
    assert all(one["expected"] for one in said.json["mistakes"])


def test_mistakes_between_files_are_told_with_their_place(crohub, deployment):
    path = deployment / "pipelines" / "hospital.yaml"
    text = path.read_text().replace("hl7v2/merge", "hl7v2/marge").replace("STF-1.1", "STF-")
    path.write_text(text)
    roster = deployment / "pipelines" / "inbox-roster.yaml"
    roster.write_text(roster.read_text().replace("stream: roster", "stream: rooster"))

    said = crohub("check", "--config", deployment)

    lines = text.splitlines()
    marge = 1 + next(n for n, line in enumerate(lines) if "marge" in line)
    lane = 1 + next(n for n, line in enumerate(lines) if line.startswith("lane"))
    assert said.code == 2
    assert f"pipelines/hospital.yaml:{marge}:" in said.out
    assert "hl7v2/merge" in said.out
    assert f"pipelines/hospital.yaml:{lane}:" in said.out
    assert "pipelines/inbox-roster.yaml:2:" in said.out


def test_a_mapping_whose_case_fails_is_no_sound_configuration(crohub, deployment):
    folder = deployment / "mappings" / "inbound" / "own"
    folder.mkdir(parents=True)
    (folder / "unit.yaml").write_text(
        "reads: text/csv;row\n"
        "states:\n  Organization:\n    key: code\n    name: title\n"
        "cases:\n  - {given: unit.csv, expect: unit.json}\n"
    )
    (folder / "unit.csv").write_text("code,title\nA,Ward A\n")
    (folder / "unit.json").write_text('{"statements": []}')

    checked = crohub("check", "--config", deployment)
    tested = crohub("map", "--test", "own/unit", "--config", deployment, "--json")
    served = crohub("serve", "--config", deployment, "--port", "0")

    assert (checked.code, tested.code, served.code) == (2, 1, 2)
    assert "the case unit.csv does not hold" in checked.out
    assert tested.json["failed"][0]["line"] == 7
    assert "Ward A" in tested.json["failed"][0]["diff"]
    assert "unit.csv" in served.err


def test_a_folder_without_a_configuration_says_how_to_get_one(crohub, tmp_path):
    for command in ("check", "serve"):
        said = crohub(command, "--config", tmp_path)

        assert said.code == 2
        assert "crohub init" in said.out + said.err


def test_connections_are_asked_for_their_health(crohub, deployment):
    said = crohub("check", "--connections", "--config", deployment, "--json")

    assert said.code == 0
    assert said.json["connections"]["inbox"]["ok"] is True
    assert "free to listen on" in said.json["connections"]["hospital"]["detail"]


def test_map_prints_assertions_one_a_line(crohub, tmp_path):
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER, newline="")

    said = crohub("map", "files/roster", file)

    stated = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert [(one["stated"], one["key"]) for one in stated] == [("Person", "1"), ("Person", "2")]
    assert stated[0]["fields"]["family_name"] == "Ek"


def test_map_tells_where_a_message_is_wrong(crohub, tmp_path):
    file = tmp_path / "patient.json"
    file.write_text('{"resourceType": "Patient", "id": ')

    said = crohub("map", "fhir/patient", file)

    assert said.code == 1
    assert f"{file}:1: " in said.err
    assert said.out == ""


def test_map_tells_where_a_mapping_is_wrong(crohub, tmp_path):
    mapping, file = tmp_path / "own.yaml", tmp_path / "a.csv"
    mapping.write_text("reads: text/csv;row\nstates:\n  Persn:\n    key: id\n")
    file.write_text("id\n1\n")

    said = crohub("map", mapping, file)

    assert said.code == 1
    assert "own.yaml:3:" in said.err
    assert "'Person'?" in said.err


def test_map_reads_a_batch_of_messages_and_a_file_of_lines(crohub, tmp_path, adt):
    batch, lines = tmp_path / "b.hl7", tmp_path / "l.ndjson"
    batch.write_text("\r".join([adt("1", "A"), adt("2", "B")]) + "\r", newline="")
    lines.write_text('{"resourceType":"Organization","id":"o1","name":"N"}\n' * 2)

    two = crohub("map", "hl7v2/participant", batch)
    also = crohub("map", "fhir/organization", lines)

    assert [json.loads(line)["stated"] for line in two.out.splitlines()] == [
        "Participant", "ParticipantPhi", "Participant", "ParticipantPhi",
    ]  # fmt: skip
    assert len(also.out.splitlines()) == 2


def test_map_reads_a_workbook_and_every_subject_of_an_odm_file(crohub, tmp_path):
    book, edc = tmp_path / "roster.xlsx", tmp_path / "edc.xml"
    book.write_bytes(sheet_write.written(["employee_id", "family_name"], [["1", "Ek"]]))
    subjects = "".join(f'<SubjectData SubjectKey="{n}"/>' for n in (1, 2))
    edc.write_text(
        f'<ODM FileType="Snapshot"><ClinicalData StudyOID="S">{subjects}</ClinicalData></ODM>'
    )

    row = crohub("map", "files/roster", book)
    both = crohub("map", "odm/subject", edc)

    assert [json.loads(line)["key"] for line in row.out.splitlines()] == ["1"]
    assert [json.loads(line)["key"] for line in both.out.splitlines()] == [
        "S|1", "S|1", "S|2", "S|2",
    ]  # fmt: skip


def test_map_compares_a_message_with_its_standard_when_it_is_told_to(crohub, tmp_path, adt):
    file = tmp_path / "a.hl7"
    file.write_text(adt("1", "A", name="SECRETNAME").replace("|F", "|ODD"), newline="")

    plain = crohub("map", "hl7v2/participant", file)
    said = crohub("map", "hl7v2/participant", file, "--validate")

    assert (said.code, said.out) == (0, plain.out)
    assert "hl7-validation" not in plain.err
    assert f"{file}:1: rule hl7-validation, place PID-8, " in said.err
    assert "is not in its table" in said.err
    assert "SECRETNAME" not in said.err


def test_every_packaged_case_holds(crohub):
    said = crohub("map", "--test", "--json")

    assert said.code == 0
    assert said.json["failed"] == []
    assert said.json["cases"] >= 40


def test_send_tells_what_was_answered(crohub, hub, tmp_path, adt):
    host, port = hub.mllp
    file = tmp_path / "m.hl7"
    file.write_text(adt("570001", "SEND-1"), newline="")

    taken = crohub("send", file, f"mllp://{host}:{port}", "--json")
    file.write_text(adt("570001", ""), newline="")
    refused = crohub("send", file, f"mllp://{host}:{port}", "--json")

    assert (taken.code, taken.json[0]["outcome"]) == (0, "delivered")
    assert (refused.code, refused.json[0]["outcome"]) == (1, "refused")


def test_send_says_that_nobody_listens(crohub, tmp_path, adt):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    file = tmp_path / "m.hl7"
    file.write_text(adt("1", "A"), newline="")

    said = crohub("send", file, f"mllp://127.0.0.1:{port}")

    assert said.code == 1
    assert str(port) in said.err


def test_send_takes_only_an_mllp_address(crohub, tmp_path):
    assert crohub("send", tmp_path, "http://127.0.0.1:1").code == 2


def test_where_no_hub_ever_ran_there_is_nothing_to_look_at(crohub, deployment):
    said = crohub("messages", "--config", deployment)

    assert said.code == 1
    assert "crohub serve" in said.err


def test_without_a_running_hub_a_pull_is_settled_by_the_command_itself(crohub, deployment):
    inbox = deployment / "inbox" / "roster.csv"
    inbox.write_text(ROSTER, newline="")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))

    ran = crohub("run", "inbox-roster", "--config", deployment, "--json")
    found = crohub("messages", "--config", deployment, "--patient", "1", "--json")
    one = crohub("message", found.json[0]["seq"], "--config", deployment, "--json")
    shown = crohub("message", found.json[0]["seq"], "--config", deployment)
    replayed = crohub("replay", found.json[0]["seq"], "--yes", "--present", "--reason", "a test",
                      "--config", deployment, "--json")  # fmt: skip
    after = crohub("message", found.json[0]["seq"], "--config", deployment, "--json")
    trail = crohub("audit", "verify", "--config", deployment, "--json")

    assert (ran.code, ran.json["read"], ran.json["settled"]) == (0, 2, True)
    assert [row["state"] for row in found.json] == ["done"]
    assert [row["entity"] for row in one.json["asserted"]] == ["Person"]
    [row] = [line for line in shown.out.splitlines() if line.startswith("Person ")]
    assert json.loads(row[row.index("{") :]) == one.json["asserted"][0]["said"]
    assert replayed.json["done"] is True
    assert after.json["state"] == "done"
    assert trail.json["broken"] == []


def test_a_roster_with_another_header_is_parked_with_a_reason(crohub, deployment):
    (deployment / "inbox" / "roster-odd.csv").write_text("foo,bar\r\n1,2\r\n", newline="")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))

    ran = crohub("run", "inbox-roster", "--config", deployment, "--json")
    [found] = crohub("messages", "--config", deployment, "--json").json

    assert (ran.code, ran.json["read"]) == (0, 1)
    assert found["state"] == "parked"
    assert found["reason"].startswith("roster-odd.csv: CROHUB-CSV-HEADER: ")
    assert "employee_id" in found["reason"]


def test_what_was_replayed_or_set_aside_is_what_is_told(crohub, hub, adt):
    with hl7.client.MLLPClient(*hub.mllp) as client:
        client.send_message(adt("770001", ""))
    here = ("--config", hub.config)
    find = ("messages", "--state", "parked", *here, "--json")
    seq = hub.until(lambda: [r for r in crohub(*find).json if "MSH-10" in r["reason"]])[0]["seq"]

    preview = crohub("replay", seq, *here)
    replayed = crohub("replay", seq, "--yes", "--reason", "x", *here)
    nothing = crohub("replay", "99999999", "--yes", "--reason", "x", *here)
    refused = crohub("discard", "99999999", seq, "--reason", "x", *here)
    aside = crohub("discard", seq, "--reason", "x", *here)
    again = crohub("discard", seq, "--reason", "x", *here)

    assert preview.out.startswith("1 messages: 1 parked\n")
    assert replayed.out.startswith("1 messages settled again, and now: 1 parked\n")
    assert (nothing.code, "there is no message 99999999" in nothing.err) == (1, True)
    assert (refused.code, "there is no message 99999999" in refused.err) == (1, True)
    assert (aside.code, aside.out) == (0, "1 set aside\n")
    assert (again.code, f"message {seq} is aside, not parked" in again.err) == (1, True)


def test_a_pipeline_that_is_not_there_or_not_pulled_is_wrong_use(crohub, deployment):
    nobody = crohub("run", "inbox-rooster", "--config", deployment)
    listened = crohub("run", "hospital", "--config", deployment)

    assert (nobody.code, listened.code) == (2, 2)
    assert "'inbox-roster'?" in nobody.err
    assert "listened to" in listened.err


def test_a_connection_is_paused_and_resumed_without_a_running_hub(crohub, deployment):
    paused = crohub("pause", "hospital", "--config", deployment, "--reason", "moving", "--json")
    gates = rows(deployment, "select connection, state, reason from gate")
    resumed = crohub("resume", "hospital", "--config", deployment, "--reason", "moved")

    assert paused.json == {"connection": "hospital", "state": "paused", "done": True}
    assert gates == [("hospital", "paused", "moving")]
    assert resumed.code == 0
    assert rows(deployment, "select * from gate") == []
    nobody = crohub("drain", "nobody", "--config", deployment, "--reason", "x")
    assert (nobody.code, "no connection is called" in nobody.err) == (2, True)


def rows(deployment, sql):
    store = sqlite3.connect(deployment / "data" / "hub.db")
    try:
        return store.execute(sql).fetchall()
    finally:
        store.close()


def test_a_key_is_shown_once_and_opens_nothing_once_revoked(crohub, hub):
    made = crohub("key", "create", "once", "--scope", "records.read", "--config", hub.config,
                  "--reason", "a test", "--json")  # fmt: skip
    listed = crohub("key", "list", "--config", hub.config)
    revoked = crohub("key", "revoke", "once", "--config", hub.config, "--reason", "over")

    assert made.json["key"] not in listed.out + listed.err
    assert "once" in listed.out
    assert revoked.code == 0
    why = ("--reason", "x", "--config", hub.config)
    assert "no key has" in crohub("key", "revoke", "nobody", *why).err
    assert "no such scope" in crohub("key", "create", "x", "--scope", "all", *why).err


def test_an_altered_audit_is_found(crohub, deployment):
    crohub("pause", "hospital", "--config", deployment, "--reason", "a test")
    store = sqlite3.connect(deployment / "data" / "hub.db")
    for (name,) in store.execute(
        "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'"
    ).fetchall():
        store.execute(f"drop trigger {name}")  # whoever owns the file can do that
    store.execute("update audit set reason = 'another'")
    store.commit()
    store.close()

    said = crohub("audit", "verify", "--config", deployment, "--json")

    assert said.code == 1
    assert said.json["broken"]


def test_a_second_instance_ends_with_3(crohub, deployment):
    places = Places(deployment / "data")
    places.make()

    with owned(places.lock):
        said = crohub("serve", "--config", deployment, "--port", "0")

    assert said.code == 3
    assert "in use by process" in said.err


def test_a_port_in_use_ends_with_3_and_says_what_to_do(crohub, deployment):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        said = crohub("serve", "--config", deployment, "--port", port)

    assert said.code == 3
    assert f"127.0.0.1:{port} is in use" in said.err
    assert "--port" in said.err


def test_a_newer_database_ends_with_4_and_is_left_alone(crohub, deployment):
    places = Places(deployment / "data")
    schema.upgrade(places)
    store = sqlite3.connect(deployment / "data" / "hub.db")
    store.execute("update alembic_version set version_num = 'hub_9999' "
                  "where version_num like 'hub%'")  # fmt: skip
    store.commit()
    store.close()

    served = crohub("serve", "--config", deployment, "--port", "0")
    looked = crohub("messages", "--config", deployment)

    assert (served.code, looked.code) == (4, 4)
    assert "hub_9999" in served.err


def test_another_address_without_tls_is_refused(crohub, deployment):
    said = crohub("serve", "--config", deployment, "--host", "192.0.2.1", "--port", "0")

    assert said.code == 2
    assert "without TLS" in said.err


def test_the_doctor_finds_what_others_can_read(crohub, deployment):
    schema.upgrade(Places(deployment / "data"))
    (deployment / "data" / "hub.db").chmod(0o644)

    said = crohub("doctor", "--config", deployment, "--json")

    ill = [one for one in said.json if not one["ok"]]
    assert said.code == 1
    assert [one["what"] for one in ill] == ["hub.db"]
    assert "chmod" in ill[0]["detail"]


def test_the_doctor_is_content_with_a_running_hub(crohub, hub):
    said = crohub("doctor", "--config", hub.config, "--json")

    assert said.code == 0, said.out
    assert {"data folder", "audit", "journal database"} <= {one["what"] for one in said.json}


def test_a_fault_of_ours_shows_no_stack_trace_and_no_data(capfd, monkeypatch):
    from crohub import cli

    def broken(**_):
        raise KeyError("ZZPHI")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main([])

    err = capfd.readouterr().err
    assert ended.value.code == 1
    assert "KeyError at" in err
    assert "ZZPHI" not in err
    assert "Traceback" not in err


def test_errors_that_a_person_can_act_on_have_their_codes():
    from connectors.errors import Misconfigured
    from hub.schema import DatabaseNewer

    assert code_of(Misconfigured("x")) == 2
    assert code_of(DatabaseNewer("x")) == 4
    assert code_of(OSError(98, "in use")) == 3
    assert code_of(KeyError("x")) is None
