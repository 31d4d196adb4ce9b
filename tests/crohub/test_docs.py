"""What the pages name is there: commands, options, settings, routes, metrics, targets, links."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from connectors import registry
from connectors.protocol import Listens, Pulls, Pushes
from crohub.cli import app
from crohub.commands.connectors import rows, table
from pipelines.settings import ConnectionSettings, HubSettings, Inbound, build_connector

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CHANGELOG.md"]
SOURCES = [
    path
    for folder in ("crohub", "pipelines", "connectors", "config")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".yaml")
]
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def commands_in(text):
    """Every command line shown, and every `crohub …` named in running text."""
    shown = re.findall(r"^ *\$ (?:\.venv/bin/)?(crohub .*)$", text, re.MULTILINE)
    named = re.findall(r"`(crohub [a-z][^`]*)`", text)
    return [shlex.split(line.partition(" < ")[0]) for line in shown + named]


def found(words):
    """The command that these words call, and what is left of them."""
    command = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"crohub has no command {' '.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@page
def test_every_command_and_option_exists(path):
    for words in commands_in(path.read_text()):
        command, rest = found(words)
        options = {name for one in command.params for name in one.opts} | {"--help"}
        for word in rest:
            if word.startswith("--"):
                assert word in options, f"{path.name}: {' '.join(words)}"


def test_the_commands_of_the_first_page_are_looked_at():
    assert len(commands_in((ROOT / "README.md").read_text())) >= 4
    assert len(commands_in((ROOT / "docs" / "operations.md").read_text())) >= 12


def test_a_command_that_does_not_exist_is_noticed():
    with pytest.raises(AssertionError, match="no command"):
        found(["crohub", "teleport"])


@page
def test_every_make_target_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)", path.read_text())) <= targets


@page
def test_every_environment_variable_is_read_somewhere(path):
    source = "\n".join(one.read_text() for one in SOURCES)

    for name in re.findall(r"CROHUB_[A-Z_]+", path.read_text()):
        assert name in source, f"{path.name} names {name}"


@page
def test_every_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_metric_of_the_pages_is_measured():
    source = (ROOT / "crohub" / "metrics.py").read_text()
    names = re.findall(r"`(crohub_[a-z_]+)`", (ROOT / "docs" / "operations.md").read_text())

    assert len(names) >= 5
    for name in names:
        assert name.removesuffix("_total") in source, name


def test_every_operations_route_of_the_pages_is_served(hub):
    paths = set(hub.get("/openapi.json")["paths"])
    named = re.findall(r"`(/ops/[a-z/]+)`", (ROOT / "docs" / "operations.md").read_text())

    assert len(named) >= 9
    assert set(named) <= paths


def test_every_state_is_explained():
    from crohub.lookup import ALL_STATES

    text = (ROOT / "docs" / "operations.md").read_text()

    for state in ALL_STATES:
        assert re.search(rf"^\| [a-z, ]*\b{state}\b", text, re.MULTILINE), state


def blocks():
    text = (ROOT / "docs" / "connectors.md").read_text()
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_configuration_shown_is_taken():
    connections = [ConnectionSettings(**one) for one in blocks() if "connector" in one]
    pipelines = [Inbound(**one) for one in blocks() if "reads" in one]

    assert len(connections) == len(pipelines) == 1
    assert build_connector(connections[0], HubSettings()).port == 2575


def test_every_connector_is_described():
    text = (ROOT / "docs" / "connectors.md").read_text()

    for name in registry.names():
        assert f"| `{name}` |" in text, name


def test_every_setting_of_a_connector_that_is_named_exists():
    for line in (ROOT / "docs" / "connectors.md").read_text().splitlines():
        match = re.match(r"\| `(\w+)` \|(.*)", line)
        if match:
            known = registry.find(match[1]).model_fields
            assert set(re.findall(r"`(\w+)`", match[2])) <= set(known), match[1]


def test_the_pages_speak_of_no_machine_and_no_registry():
    for path in [*PAGES, ROOT / "Makefile", ROOT / ".ci" / "run",
                 *(ROOT / "requirements").glob("*.txt")]:  # fmt: skip
        text = path.read_text()
        assert not re.search(r"(?<![\w.])/(home|root|work|tmp|Users)/", text), path.name
        assert "pypi" + ".org" not in text, path.name
        assert "--index-url" not in text.replace("--no-emit-index-url", ""), path.name


def test_the_readmes_table_of_connectors_is_what_the_code_says():
    text = (ROOT / "README.md").read_text()
    _, _, rest = text.partition("<!-- crohub connectors --markdown -->\n")
    shown, end, _ = rest.partition("<!-- end -->\n")

    assert end
    assert shown.splitlines() == table()


def test_every_connector_tells_what_it_can_do():
    for row in rows():
        name = row["connector"]
        kind = registry.find(name)
        assert bool(row["pulls"]) == issubclass(kind, Pulls | Listens), name
        assert bool(row["pushes"]) == issubclass(kind, Pushes), name
        assert not row["pulls"] or (row["incremental"] and row["deletes"]), name
        assert row["auth"], name
        assert row["tested"], name
