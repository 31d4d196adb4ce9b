"""A connector that somebody else packaged, installed beside crohub's wheel in a venv of its own;
and docs/adding-a-system.md followed by somebody who has nothing but that page and the wheel."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PACKAGES = {"connectors", "mappings", "pipelines", "hub", "crohub"}
STRANGER = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-irb"
version = "1.0"
dependencies = ["crohub"]
[project.entry-points."crohub.connectors"]
acme_irb = "acme_irb:AcmeIrb"
[tool.hatch.build.targets.wheel]
only-include = ["acme_irb.py"]
"""
VISIT = """
import json, sys
import connectors
from connectors import registry
settings = {"export": sys.argv[1], "token": "${env:ACME_TOKEN}"}
acme = registry.build("acme_irb", settings)
records = list(acme.pull("submissions", ""))
print(json.dumps({
    "names": registry.names(),
    "from": connectors.__file__,
    "health": acme.check().ok,
    "keys": [r.message_key for r in records],
    "rest": [r.message_key for r in acme.pull("submissions", records[0].cursor)],
    "repr": repr(acme),
}))
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling builds the wheel"
)


def done(*command: str | Path, cwd: Path, **env: str) -> str:
    """Runs it to its end; what it printed. Its own words are the failure when it fails."""
    ended = subprocess.run(
        command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def wheel(project: Path, into: Path) -> Path:
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into, cwd=project)
    [built] = into.glob("*.whl")
    return built


@dataclass
class Elsewhere:
    """Where the stranger lives: a venv with two wheels and nothing of this checkout."""

    path: Path
    python: Path
    crohub: Path  # its wheel


@pytest.fixture(scope="module")
def crohub(tmp_path_factory) -> Path:
    """crohub's wheel."""
    return wheel(ROOT, tmp_path_factory.mktemp("crohub-wheel"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, crohub) -> Elsewhere:
    path = tmp_path_factory.mktemp("elsewhere")
    project = path / "acme"
    project.mkdir()
    (project / "pyproject.toml").write_text(STRANGER)
    (project / "acme_irb.py").write_text((HERE / "acme_irb.py").read_text())
    python = venv(path / "venv", crohub, wheel(project, path / "acme-wheel"))
    return Elsewhere(path, python, crohub)


def venv(place: Path, *wheels: Path) -> Path:
    """The Python of a new venv with these wheels."""
    done(sys.executable, "-m", "venv", place, cwd=place.parent)
    python = place / "bin/python"
    pip = (python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    done(*pip, "--disable-pip-version-check", *wheels, cwd=place)
    # what crohub depends on is taken from the environment of these tests, behind its own
    own = done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place)
    (Path(own.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_the_five_packages_and_nothing_else(elsewhere):
    with zipfile.ZipFile(elsewhere.crohub) as archive:
        names = archive.namelist()

    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert "connectors/promises/__init__.py" in names
    assert not [name for name in names if "/tests/" in name or name.endswith(".pyc")]


def test_a_strangers_connector_is_found_checked_and_pulled(elsewhere):
    export = elsewhere.path / "export.ndjson"
    rows = [{"id": n, "version": 2, "at": f"2026-03-0{n}T08:00:00Z"} for n in (1, 2, 3)]
    export.write_text("\n".join(map(json.dumps, rows)))

    told = json.loads(done(elsewhere.python, "-I", "-c", VISIT, export, cwd=elsewhere.path))

    assert "acme_irb" in told["names"]
    assert Path(told["from"]).is_relative_to(elsewhere.path)
    assert told["health"] is True
    assert told["keys"] == ["1@2", "2@2", "3@2"]
    assert told["rest"] == ["2@2", "3@2"]
    assert "ACME_TOKEN" not in told["repr"]


def promises_kept(elsewhere: Elsewhere, where: Path) -> subprocess.CompletedProcess:
    (where / "test_acme.py").write_text((HERE / "acme_promises.py").read_text())
    return subprocess.run(
        [elsewhere.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contract_tests_pass_on_it(elsewhere, tmp_path):
    ended = promises_kept(elsewhere, tmp_path)

    assert ended.returncode == 0, ended.stdout
    assert re.search(r"\b[12]\d passed", ended.stdout)


def test_the_contract_tests_catch_an_off_by_one_in_its_cursor(elsewhere, tmp_path):
    source = (HERE / "acme_irb.py").read_text()
    assert "cursor=str(number + 1)" in source
    planted = source.replace("cursor=str(number + 1)", "cursor=str(number + 2)")
    (tmp_path / "acme_irb.py").write_text(planted)  # found before the installed one

    ended = promises_kept(elsewhere, tmp_path)

    failed = re.findall(r"^FAILED \S+::(\w+)", ended.stdout, re.MULTILINE)
    assert ended.returncode == 1, ended.stdout
    assert failed == ["test_a_cursor_resumes_without_loss"]
    assert "resumed behind record 1 of 6, 1 did not come" in ended.stdout


# a block of the page, with the name of the file it is, if it is one
BLOCK = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def walk(page: str) -> tuple[str, list[str]]:
    """The page as a script that writes its files and runs its commands, in their order; and the
    lines that the commands are to say. Installing crohub is not in it: the venv has it."""
    script, said = ["exec 2>&1", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"], []
    for name, kind, text in BLOCK.findall(page):
        if name:
            script.append(f"mkdir -p {Path(name).parent}; cat >{name} <<'FILE'\n{text}FILE")
        elif kind == "console" and "-m venv" not in text:
            lines = text.splitlines()
            script += [line[2:] for line in lines if line.startswith("$ ")]
            said += [line for line in lines if not line.startswith("$ ")]
    return "\n".join(script), said


def test_whoever_follows_the_page_from_an_empty_folder_has_added_a_system(crohub, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script, expected = walk((ROOT / "docs/adding-a-system.md").read_text().replace("8123", port))
    programs = venv(tmp_path / "venv", crohub).parent
    folder = tmp_path / "empty"
    folder.mkdir()

    told = done(
        *("bash", "-e", "-m", "-o", "pipefail", "-c", script),
        cwd=folder,
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH="",
        PIP_NO_INDEX="1",
        COLUMNS="100",
    )

    assert len(expected) >= 6
    place = 0
    for line in expected:  # in this order
        assert line in told[place:], told
        place = told.index(line, place) + len(line)
