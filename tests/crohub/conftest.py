"""A running hub under the starter configuration, and the command line in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from crohub import starter
from crohub.cli import main

PATIENCE = 30.0  # seconds; a loaded machine is slow, a broken hub never answers


@dataclass(frozen=True)
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def crohub(capfd):
    """Runs a command in this process, as the console script does."""

    def run(*words) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capfd.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture
def deployment(tmp_path) -> Path:
    """The starter configuration, with a listener on any free port."""
    folder = tmp_path / "deployment"
    starter.write(folder)
    path = folder / "connections" / "hospital.yaml"
    path.write_text(path.read_text().replace("${env:CROHUB_MLLP_PORT:-2575}", "0"))
    return folder


@dataclass
class Hub:
    """A hub that runs in a process of its own."""

    config: Path
    address: str
    key: str
    client: httpx2.Client
    process: subprocess.Popen

    def get(self, path, **params):
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None):
        return self.client.post(path, json=body) if body is not None else self.client.post(path)

    @property
    def mllp(self):
        [hospital] = [
            one for one in self.get("/ops/connections")["items"] if one["name"] == "hospital"
        ]
        host, port = hospital["address"].split(":")
        return host, int(port)

    def until(self, look, patience=PATIENCE):
        """What `look` gives, as soon as it is true-like."""
        until = time.monotonic() + patience
        while not (found := look()):
            assert time.monotonic() < until, "the hub did not come to it"
            time.sleep(0.05)
        return found


def environment(**more) -> dict[str, str]:
    """This process's environment, with what a test sets."""
    return {**os.environ, "CROHUB_MLLP_PORT": "0", **more}


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """One hub for all tests that look at a running one: they use patients of their own."""
    config = tmp_path_factory.mktemp("hub") / "deployment"
    starter.write(config)
    with serving(config) as running:
        yield running


@pytest.fixture(scope="session")
def serve():
    """Runs a hub on a configuration of the test's own."""
    return serving


@contextmanager
def serving(config):
    with (config.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "crohub", "serve", "--config", config, "--port", "0", "--json"],
            stdout=subprocess.PIPE, stderr=log, env=environment(),
        )  # fmt: skip
        try:
            line = process.stdout.readline()
            assert line, (config.parent / "log").read_text()
            said = json.loads(line)
            key = Path(said["key_file"]).read_text().strip()
            with httpx2.Client(
                base_url=said["address"], headers={"Authorization": f"Bearer {key}"}, timeout=30
            ) as client:
                running = Hub(config, said["address"], key, client, process)
                running.until(lambda: client.get("/readyz").status_code == 200)
                yield running
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


@pytest.fixture(scope="session")
def adt():
    """Makes an ADT message about a patient."""

    def made(mrn, control_id, name="EXAMPLE^ANNA", event="A04", processing="P") -> str:
        return "\r".join(
            (
                f"MSH|^~\\&|REG|NORTH|CROHUB|UH|20260301120000||ADT^{event}|{control_id}|"
                f"{processing}|2.5.1",
                f"EVN|{event}|20260301120000",
                f"PID|1||{mrn}^^^NORTH^MR||{name}||19850214|F",
            )
        )

    return made


SOURCE = (
    "connector: files\nsystem: {system}\nrole: {role}\nsettings:\n  path: {inbox}\n  streams:\n"
    "    subjects: {{glob: '{system}.csv', format: csv, settle: 0}}\n"
)
MAPPING = """reads: "text/csv;row"
states:
  Enrollment:
    key: number
    identifiers: [{is: subject_number, system: {const: 'urn:x:1'}, value: number}]
    subject_number: number
    state: state
"""
PIPELINE = (
    "reads: {{connection: {system}, stream: subjects}}\nmappings: [own/subject]\n"
    "lane: number\nschedule: {{every: 24h}}\n"
)
SAID = {"ctms": "S-1,off_study\nS-2,enrolled\n", "edc": "S-1,on_treatment\nS-2,enrolled\n"}


@pytest.fixture
def two_systems(tmp_path, crohub):
    """Two systems that disagree about one of two subjects; both have been read."""
    folder, inbox = tmp_path / "config", tmp_path / "inbox"
    files = {"hub.yaml": "participants: all\n", "mappings/inbound/own/subject.yaml": MAPPING}
    inbox.mkdir()
    for system, rows in SAID.items():
        (inbox / f"{system}.csv").write_text(f"number,state\n{rows}")
        said = {"system": system, "role": system.upper(), "inbox": inbox}
        files[f"connections/{system}.yaml"] = SOURCE.format(**said)
        files[f"pipelines/{system}.yaml"] = PIPELINE.format(**said)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for system in SAID:
        ran = crohub("run", system, "--config", folder)
        assert ran.code == 0, ran.err
    return folder
