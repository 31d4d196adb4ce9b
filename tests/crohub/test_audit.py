"""The audit of a running hub: what enters it, what is kept outside, and how it is proven."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest
import typer

from connectors.errors import Misconfigured
from crohub.anchoring import Anchoring, anchors
from crohub.cli import app
from crohub.turned_away import TurnedAway
from hub import audit, seal
from hub.audit import signing
from pipelines import settings
from pipelines.places import Places


def entries(config, action):
    """actor, object, reason, origin, detail of every entry of this kind."""
    store = sqlite3.connect(config / "data" / "hub.db")
    with contextlib.closing(store):
        rows = store.execute(
            "select actor, object, reason, origin, detail from audit where action = ? "
            "order by chain, n",
            (action,),
        ).fetchall()
    return [(*row[:4], json.loads(row[4])) for row in rows]


def test_what_is_in_service_is_entered_with_who_started_it_and_from_where(hub):
    [(actor, object_, reason, origin, detail)] = hub.until(
        lambda: entries(hub.config, "configured")
    )

    assert actor.startswith("cli:")
    assert object_ == "revision 1"
    assert reason == "the hub starts"
    assert socket.gethostname() in origin
    assert detail["release"]


def test_a_change_over_http_says_from_where(hub):
    hub.post("/ops/connections/inbox/drain", {"reason": "a look"})
    hub.post("/ops/connections/inbox/resume", {"reason": "looked"})

    [drained] = [one for one in entries(hub.config, "drain") if one[1] == "inbox"]
    assert drained[:4] == ("key:admin", "inbox", "a look", "127.0.0.1")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ops/connections/inbox/pause", None),
        ("/ops/connections/inbox/pause", {"reason": "  "}),
        ("/ops/pipelines/nobody/backfill", {}),
        ("/ops/discard", {"ids": [1]}),
    ],
)
def test_no_change_is_made_that_does_not_say_why(hub, path, body):
    answer = hub.post(path, body)

    assert answer.status_code in (404, 422)
    assert [one for one in entries(hub.config, "pause") if one[1] == "inbox"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("pause", "inbox"),
        ("pause", "inbox", "--reason", " "),
        ("resume", "inbox"),
        ("drain", "inbox"),
        ("replay", "1", "--yes"),
        ("discard", "1"),
        ("key", "create", "x"),
        ("key", "revoke", "x"),
        ("audit", "export", "x"),
        ("audit", "rotate"),
    ],
)
def test_no_command_changes_anything_without_a_reason(crohub, hub, words):
    said = crohub(*words, "--config", hub.config)

    assert said.code == 2
    assert "reason" in said.err


# what these do is to look, to try out, or to run the hub and its pulls
LOOKS = {
    "init", "check", "doctor", "connectors", "serve", "demo", "map", "send", "messages",
    "deliveries", "decisions", "key list", "audit verify", "audit list", "audit keys",
    "policy diff", "findings list", "checks run", "story", "subscription list",
    "subscription test",
}  # fmt: skip


def test_every_command_that_changes_something_asks_why():
    changing = {name: one for name, one in _commands() if name not in LOOKS}

    for name, command in changing.items():
        assert "reason" in {one.name for one in command.params}, name
    assert len(changing) >= 12


def _commands(command=None, name=()):
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        yield " ".join(name), command
        return
    for own, one in command.commands.items():
        yield from _commands(one, (*name, own))


def test_a_key_that_opens_nothing_is_entered_once_and_then_counted(hub):
    for _ in range(5):
        answer = httpx2.get(hub.address + "/api/v1/studies", headers={"Authorization": "Bearer no"})
        assert answer.status_code == 401

    refused = hub.until(lambda: [one for one in entries(hub.config, "refused") if one[1] == "key"])
    assert len(refused) <= 2  # the first of a minute, and those that were counted behind it
    assert refused[0] == ("unknown", "key", "not let in", "127.0.0.1", {"times": 1})


def test_who_signs_in_and_who_does_not_is_entered(hub):
    with httpx2.Client(base_url=hub.address, timeout=30) as browser:
        browser.post("/sign-in", content="key=crohub_wrong")
        browser.post("/sign-in", content=f"key={hub.key}")

    assert hub.until(lambda: entries(hub.config, "signed in"))[0][0] == "key:admin"
    assert [o for o in entries(hub.config, "refused") if o[1] == "sign-in"]


def test_a_scope_that_is_missing_is_entered_with_whose_key_it_was(crohub, hub):
    made = crohub("key", "create", "onlooker", "--reason", "a test", "--config", hub.config,
                  "--json")  # fmt: skip
    key = {"Authorization": f"Bearer {made.json['key']}"}
    answer = httpx2.post(hub.address + "/ops/connections/inbox/pause", headers=key)

    assert answer.status_code == 403
    [refused] = hub.until(
        lambda: [one for one in entries(hub.config, "refused") if one[0] == "key:onlooker"]
    )
    assert refused[1:] == ("scope", "not let in", "127.0.0.1", {"times": 1})


def test_attempts_within_a_minute_are_two_entries_however_many_they_are():
    entered = []
    turned_away = TurnedAway(entered.append)

    for _ in range(100):
        turned_away.note("", "192.0.2.7", "key")
    turned_away.tick()
    turned_away.tick()

    assert [one["detail"]["times"] for one in entered] == [1, 99]
    assert {one["from"] for one in entered} == {"192.0.2.7"}


def test_guessing_from_everywhere_does_not_fill_the_audit():
    entered = []
    turned_away = TurnedAway(entered.append)

    for number in range(5000):
        turned_away.note("", f"address {number}", "key")
    turned_away.tick()

    assert len(entered) == 1002
    assert sum(one["detail"]["times"] for one in entered) == 5000


def test_heads_are_signed_at_the_start_and_when_the_hub_drains(serve, crohub, deployment):
    with serve(deployment) as running:
        running.until((deployment / "audit-heads.jsonl").exists)
        running.post("/ops/connections/inbox/drain", {"reason": "a look"})
    lines = [json.loads(one) for one in (deployment / "audit-heads.jsonl").read_text().splitlines()]
    said = crohub("audit", "verify", "--config", deployment, "--json")

    assert len(lines) >= 2
    assert lines[-1]["chains"]["settler"][0] > lines[0]["chains"].get("settler", [0])[0]
    assert said.code == 0, said.out
    assert (said.json["heads"], said.json["broken"]) == (len(lines), [])
    assert said.json["keys"] == [lines[-1]["key"]]

    _cut(deployment, "delete from audit where chain = 'settler' and n = (select max(n) from audit)")
    after = crohub("audit", "verify", "--config", deployment, "--json")

    assert after.code == 1
    assert after.json["broken"][0].endswith("and is not there")
    assert after.json["broken"][0].split(":")[0] in after.err


def _cut(deployment, sql):
    with contextlib.closing(sqlite3.connect(deployment / "data" / "hub.db")) as store:
        triggers = store.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            store.execute(f"drop trigger {name}")
        store.execute(sql)
        store.commit()


def test_the_first_broken_entry_is_named_and_the_end_is_1(crohub, deployment):
    for reason in ("one", "two", "three"):
        crohub("pause", "hospital", "--config", deployment, "--reason", reason)
    _cut(deployment, "update audit set reason = 'another' where n = 2")

    said = crohub("audit", "verify", "--config", deployment)

    assert said.code == 1
    assert "the first is settler/2: " in said.err


def test_without_a_head_from_outside_the_end_is_not_said_to_be_proven(crohub, deployment):
    where = ("--config", deployment)
    crohub("pause", "hospital", *where, "--reason", "a test")

    said = crohub("audit", "verify", *where, "--json")
    required = crohub("audit", "verify", *where, "--require-heads")
    (deployment / "named.jsonl").touch()
    saying(deployment, '{"anchor": ["named.jsonl", "https://notary.example"]}')
    named = crohub("audit", "verify", *where, "--json")

    assert (said.code, said.json["held_outside"], said.json["broken"]) == (0, False, [])
    assert said.json["bare"] == [str(deployment / "audit-heads.jsonl")]
    assert "no signed head from outside was found" in said.err
    assert (required.code, named.code) == (1, 1)
    assert "signed heads from outside are required" in required.err
    assert f"{deployment / 'named.jsonl'} holds no signed head" in named.err


def test_a_head_from_outside_is_enough_and_one_place_that_holds_none_is_named(
    crohub, deployment, tmp_path
):
    where = ("--config", deployment)
    crohub("pause", "hospital", *where, "--reason", "a test")
    export = tmp_path / "audit.ndjson"
    crohub("audit", "export", export, "--reason", "x", *where)
    saying(deployment, '{"anchor": ["none.jsonl"]}')

    held = crohub("audit", "verify", *where, "--heads", export, "--require-heads", "--json")
    alone = crohub("audit", "verify", export, "--json")
    strict = crohub("audit", "verify", export, "--require-heads")

    assert (held.code, held.json["held_outside"]) == (0, True)
    assert held.json["bare"] == [str(deployment / "none.jsonl")]
    assert (alone.code, alone.json["held_outside"], strict.code) == (0, False, 1)


def test_an_export_is_entered_proves_itself_and_is_not_written_over(crohub, deployment, tmp_path):
    crohub("pause", "hospital", "--config", deployment, "--reason", "a test")
    file = tmp_path / "audit.ndjson"

    made = crohub("audit", "export", file, "--reason", "inspection", "--config", deployment,
                  "--json")  # fmt: skip
    again = crohub("audit", "export", file, "--reason", "inspection", "--config", deployment)
    offline = crohub("audit", "verify", file, "--json")
    lines = file.read_text().splitlines()

    assert (made.json["entries"], again.code) == (2, 2)
    assert offline.json["broken"] == []
    assert offline.json["exported"]["reason"] == "inspection"
    assert [e[:3] for e in entries(deployment, "exported")] == [
        (offline.json["exported"]["by"], "audit.ndjson", "inspection")
    ]
    assert file.stat().st_mode & 0o077 == 0

    file.write_text("\n".join(lines[:3] + lines[4:]) + "\n")
    altered = crohub("audit", "verify", file)
    assert altered.code == 1
    assert "the first is " in altered.err


def test_an_export_is_held_against_keys_and_heads_that_one_has(crohub, deployment, tmp_path):
    where = ("--config", deployment)
    crohub("pause", "hospital", *where, "--reason", "a test")
    earlier, later = tmp_path / "earlier.ndjson", tmp_path / "later.ndjson"
    crohub("audit", "export", earlier, "--reason", "x", *where)
    crohub("audit", "rotate", "--reason", "a new year", *where)
    crohub("audit", "export", later, "--reason", "x", *where)

    both = crohub("audit", "verify", later, "--heads", earlier, "--keys", earlier, "--json")
    store = crohub("audit", "verify", "--heads", earlier, "--heads", later, *where, "--json")
    keys = crohub("audit", "keys", *where, "--json")
    shutil.move(deployment / "data" / "audit.key", tmp_path / "lost.key")
    crohub("audit", "export", tmp_path / "strange.ndjson", "--reason", "x", *where)
    strange = crohub("audit", "verify", tmp_path / "strange.ndjson", "--keys", earlier)

    assert (both.code, both.json["broken"], both.json["heads"]) == (0, [], 1)
    assert (store.json["broken"], store.json["heads"]) == ([], 2)
    assert len(keys.json) == 2
    assert entries(deployment, "rotated")[0][2] == "a new year"
    assert strange.code == 1
    assert "not signed with any key that is trusted" in strange.err


def test_entries_are_found_by_who_what_about_whom_and_when(crohub, deployment):
    where = ("--config", deployment)
    crohub("pause", "hospital", "--reason", "moving", *where)
    crohub("resume", "hospital", "--reason", "moved 100%", *where)
    crohub("drain", "inbox", "--reason", "last", *where)

    def found(*words):
        said = crohub("audit", "list", *words, *where, "--json")
        assert said.code == 0, said.err
        return [(one["action"], one["object"], one["reason"]) for one in said.json]

    pause, resume, drain = (
        ("pause", "hospital", "moving"), ("resume", "hospital", "moved 100%"),
        ("drain", "inbox", "last"),
    )  # fmt: skip
    assert found() == [drain, resume, pause]
    assert found("--action", "resume") == [resume]
    assert found("--about", "hospital") == [resume, pause]
    assert found("--about", "h%l") == []
    assert found("--by", "cli:nobody") == []
    assert found("--since", "2999-01-01") == []
    assert found("--until", "2999-01-01", "--limit", "1") == [drain]
    assert crohub("audit", "list", "--since", "yesterday", *where).code == 2
    assert "moved 100%" in crohub("audit", "list", *where).out


# -- places outside


@pytest.fixture
def house(deployment):
    """A deployment's places with one entry in the audit, without a running hub."""
    from crohub import schema as whole

    places = Places(deployment / "data")
    places.make()
    whole.upgrade(places)
    seal.load(places.keys)
    _enter(places)
    return places, deployment


def _enter(places, count=1):
    with contextlib.closing(places.hub()) as opened:
        for _ in range(count):
            entry = audit.Entry(at=1_772_000_000_000_000, actor="a", action="b", object="c")
            with opened.transaction():
                audit.append(opened, "settler", [entry])


def anchoring(places, config) -> Anchoring:
    deployment = settings.load(config)
    return Anchoring(places, anchors(deployment, places.data), lambda: 1_772_000_000_000_000)


def saying(config, text):
    path = config / "hub.yaml"
    path.write_text(f"{path.read_text()}\naudit: {text}\n")


def test_a_line_is_added_only_when_something_was_entered(house):
    places, config = house
    made = anchoring(places, config)

    made.tick()
    made.tick()
    _enter(places, 2)
    made.tick()

    lines = (config / "audit-heads.jsonl").read_text().splitlines()
    assert [json.loads(one)["chains"]["settler"][0] for one in lines] == [1, 3]


def test_the_place_is_beside_hub_yaml_also_where_its_folder_is_named_from_here(house, monkeypatch):
    places, config = house
    monkeypatch.chdir(config.parent)
    made = anchoring(places, Path(config.name))

    made.tick()

    assert made.trouble == {}
    assert (config / "audit-heads.jsonl").read_text().count("\n") == 1


def test_a_place_that_holds_no_head_is_told_by_the_doctor(house, crohub):
    places, config = house

    before = crohub("doctor", "--config", config).out
    anchoring(places, config).tick()
    after = crohub("doctor", "--config", config).out

    assert f"no signed head is kept in {config / 'audit-heads.jsonl'}" in before
    assert "1 signed heads are kept outside" in after


def test_every_place_that_is_named_gets_its_lines(house, tmp_path):
    places, config = house
    (tmp_path / "folder").mkdir()
    saying(config, json.dumps({"anchor": [str(tmp_path / "a.jsonl"), str(tmp_path / "folder")]}))

    anchoring(places, config).tick()

    assert (tmp_path / "a.jsonl").read_text().count("\n") == 1
    assert (tmp_path / "folder" / "audit-heads.jsonl").read_text().count("\n") == 1


def test_a_line_that_a_power_cut_tore_is_left_and_the_next_begins_anew(house):
    places, config = house
    made = anchoring(places, config)
    made.tick()
    file = config / "audit-heads.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    _enter(places)

    made.tick()

    assert file.read_bytes().count(b"\n") == 2
    assert json.loads(file.read_bytes().splitlines()[1])["chains"]["settler"][0] == 2


def test_a_place_in_the_data_folder_is_refused(house):
    places, config = house
    saying(config, json.dumps({"anchor": str(places.data / "heads.jsonl")}))

    with pytest.raises(Misconfigured, match="expected a place outside"):
        anchoring(places, config)


def test_a_place_that_cannot_be_written_is_trouble_and_hinders_no_other(house, tmp_path):
    places, config = house
    nowhere, somewhere = tmp_path / "no" / "where.jsonl", tmp_path / "some.jsonl"
    saying(config, json.dumps({"anchor": [str(nowhere), str(somewhere)]}))
    made = anchoring(places, config)

    made.tick()
    before = dict(made.trouble)
    nowhere.parent.mkdir()
    made.tick()

    assert list(before) == [str(nowhere)]
    assert made.trouble == {}
    assert nowhere.exists()
    assert somewhere.exists()


@pytest.fixture
def post():
    """A server that keeps what is posted to it, and answers as it is told."""
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answers.pop(0) if answers else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/heads?token=ZZSECRET", got, answers
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_is_told_and_told_again_until_it_takes_it(house, post):
    places, config = house
    address, got, answers = post
    answers.append(500)
    saying(config, json.dumps({"anchor": address}))
    made = anchoring(places, config)

    made.tick()
    trouble = dict(made.trouble)
    made.tick()
    made.tick()

    assert "500" in next(iter(trouble.values()))
    assert "ZZSECRET" not in str(trouble)
    assert made.trouble == {}
    assert len(got) == 2
    known = signing.keys_in(signing.load(places.signing_key, 1).lines)
    assert signing.read(got[1], known)["chains"]["settler"][0] == 1
