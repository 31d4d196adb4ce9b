"""The house keeps its shape: arrows, no circles, short functions, small files."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("connectors", "hub", "mappings", "pipelines", "crohub")
CONNECTORS = {
    "api", "files", "fhir", "hl7v2", "irb", "odata", "oncore", "redcap", "rest", "scim", "sftp",
    "sql", "vault", "webhook", "webhook_out", "workday",
}  # fmt: skip
FILES = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]


def lengths() -> list[int]:
    """Lines of every function without its docstring, shortest first."""
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node, clean=False)
                spent = node.body[0].end_lineno - node.body[0].lineno + 1 if said else 0
                found.append(node.end_lineno - node.lineno + 1 - spent)
    return sorted(found)


def circles(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """Modules that import each other, however far around."""
    left = {m: set(graph.find_modules_directly_imported_by(m)) for m in graph.modules}
    while free := {m for m, imported in left.items() if not imported & left.keys()}:
        for module in free:
            del left[module]
    return [(m, *sorted(imported & left.keys())) for m, imported in sorted(left.items())]


def test_no_file_imports_its_importer():
    graph = grimp.build_graph(*PACKAGES)

    assert circles(graph) == []


def test_functions_are_short():
    found = lengths()

    assert found[len(found) // 2] <= 10
    assert found[int(len(found) * 0.95)] <= 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_with_a_sentence_and_stays_small(path):
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), "a first sentence that lets a reader close it"
    assert text.count("\n") <= 400


def test_every_connector_has_its_entry_point():
    from connectors import registry

    assert set(registry.names()) >= CONNECTORS
    assert "flaky" not in registry.names(), "what fails on purpose is not offered to users"
    for name in registry.names():
        assert registry.find(name)
