"""Everything that is wrong with a deployment, at once: configuration, pipelines, mappings, cases;
what deserves a warning; and whether its systems can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from connectors.api import Api
from connectors.errors import Misconfigured
from connectors.protocol import Connector, Health, Listens, Pulls, Pushes
from hub.model.spec import entities
from mappings import canonical, cases, document
from mappings.collection import Library
from mappings.deployed import deployed
from mappings.document import Many, Node, Table, Text
from mappings.lane import compile_lane
from mappings.mistakes import MappingErrors, Mark, Mistake, Mistakes, one_of
from mappings.setting import Context
from mappings.values import BadPath
from pipelines import address, settings
from pipelines.settings import Deployment, Inbound, Outbound

Kind = TypeVar("Kind")
_NAME_STREAMS = ("files", "sftp", "rest", "sql")  # these pull only what their settings name


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a look at a deployment's files gave. `deployment` only without mistakes."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...] = ()
    deployment: Deployment | None = None
    mappings: int = 0
    cases: int = 0


def check(folder: Path, *, packaged_cases: bool = True) -> Checked:
    """Reads everything in `folder` and runs the cases of its mappings, and of the packaged ones
    unless told not to. Never raises for what is wrong in there: that is the answer."""
    if not (folder / "hub.yaml").is_file():
        found = Mistake(str(folder / "hub.yaml"), 1, 1, "no such file", "a deployment's hub.yaml "
                        "(`crohub init DIR` writes one)")  # fmt: skip
        return Checked(mistakes=(found,))
    mistakes = Mistakes()
    deployment = _loaded(mistakes, settings.load, folder)
    library = _loaded(mistakes, deployed, folder)
    if deployment is not None and library is not None:
        _pipelines(deployment, library, mistakes)
    ran = _cases(library, folder, mistakes, packaged=packaged_cases) if library else 0
    return Checked(
        mistakes=tuple(sorted(set(mistakes.found))),
        warnings=tuple(warnings(deployment)) if deployment else (),
        deployment=deployment if not mistakes.found else None,
        mappings=len(library.inbound) + len(library.outbound) if library else 0,
        cases=ran,
    )


def sound(folder: Path) -> Deployment:
    """The deployment, fit for service: its own mappings' cases hold. Raises MappingErrors."""
    found = check(folder, packaged_cases=False)
    if found.deployment is None:
        raise MappingErrors(found.mistakes)
    return found.deployment


def warnings(deployment: Deployment) -> Iterator[str]:
    """What is allowed and still deserves a word."""
    wide = [n for n, one in deployment.inbound.items() if one.participants == "all"]
    if deployment.hub.participants == "all":
        yield (
            "hub.yaml: participants: all makes a record of every patient a feed speaks of, in a "
            "study or not; for real feeds say known_only"
        )
    elif wide:
        yield f"participants: all in {', '.join(wide)}: every patient they speak of gets a record"
    quiet = sorted(name for name, one in deployment.outbound.items() if one.mode == "shadow")
    if quiet:
        yield (
            f"in shadow, nothing is sent: {', '.join(quiet)}; `crohub deliveries` shows what would "
            "be, `mode: on` sends it"
        )
    try:
        address.resolved(deployment.hub.database)
    except Misconfigured as error:
        yield str(error)
    for name, one in deployment.connections.items():
        if isinstance(deployment.connector(name), Api):
            continue  # what is said in canonical words needs no pipeline
        if not any(p.reads.connection == name for p in deployment.inbound.values()) and not any(
            p.to == name for p in deployment.outbound.values()
        ):
            yield f"connections/{name}.yaml: no pipeline reads or feeds it ({one.connector})"


def health(deployment: Deployment) -> dict[str, Health]:
    """Every connection's own answer to `check`, asked side by side."""
    names = list(deployment.connections)
    with ThreadPoolExecutor(min(8, max(1, len(names)))) as pool:
        answers = pool.map(lambda name: deployment.connector(name).check(), names)
        return dict(zip(names, answers, strict=True))


def _loaded(mistakes: Mistakes, load: Callable[[Path], Kind], folder: Path) -> Kind | None:
    try:
        return load(folder)
    except MappingErrors as error:
        mistakes.found += error.mistakes
        return None


def _pipelines(deployment: Deployment, library: Library, mistakes: Mistakes) -> None:
    """What only configuration and library together can tell."""
    for name, inbound in deployment.inbound.items():
        table = _table(deployment.folder, name)
        _named(table, "mappings", inbound.mappings, library.inbound, mistakes)
        _lane(table, inbound, library, mistakes)
        _parameters(table, inbound, library, mistakes)
        _pulled(table, deployment, inbound, mistakes)
    for name, outbound in deployment.outbound.items():
        table = _table(deployment.folder, name)
        _named(table, "mapping", (outbound.mapping,), library.outbound, mistakes)
        _parameters(table, outbound, library, mistakes)
        _pushed(table, deployment, outbound, library, mistakes)


def _table(folder: Path, pipeline: str) -> Table:
    path = folder / "pipelines" / f"{pipeline}.yaml"
    table = document.read(path, Mistakes(), name=str(path.relative_to(folder)))
    assert table is not None  # noqa: S101 - it was read a moment ago
    return table


def _at(table: Table, key: str, n: int = 0) -> Mark:
    node: Node | None = table.items.get(key)
    if isinstance(node, Many) and n < len(node.items):
        return node.items[n].mark
    return node.mark if isinstance(node, Text) else table.keys.get(key, table.mark)


def _named(
    table: Table, key: str, names: Sequence[str], known: Mapping[str, object], mistakes: Mistakes
) -> None:
    for n, name in enumerate(names):
        if name not in known:
            mistakes.add(_at(table, key, n), f"the mapping {name!r}", one_of(name, known))


def _lane(table: Table, inbound: Inbound, library: Library, mistakes: Mistakes) -> None:
    media = {library.inbound[n].reads for n in inbound.mappings if n in library.inbound}
    for n, path in enumerate(inbound.lane):
        for medium in sorted(media):
            try:
                compile_lane(path, medium)
            except BadPath as error:
                mistakes.add(_at(table, "lane", n), str(error), f"a path of {medium}")


def _parameters(
    table: Table, pipeline: Inbound | Outbound, library: Library, mistakes: Mistakes
) -> None:
    """What a pipeline sets must be what its mappings declare, and must make paths of them."""
    context = Context(parameters=pipeline.parameters)
    try:
        if isinstance(pipeline, Inbound):
            library.reader([n for n in pipeline.mappings if n in library.inbound], context)
        elif pipeline.mapping in library.outbound:
            library.outgoing(pipeline.mapping, context)
    except MappingErrors as error:
        for mistake in error.mistakes:
            mistakes.add(
                _at(table, "parameters"), f"{mistake.file}: {mistake.found}", mistake.expected
            )


def _pulled(table: Table, deployment: Deployment, inbound: Inbound, mistakes: Mistakes) -> None:
    connector = deployment.connector(inbound.reads.connection)
    if inbound.schedule is not None and not isinstance(connector, Pulls):
        mistakes.add(_at(table, "schedule"), "a schedule of what cannot be pulled", "none here")
    if inbound.schedule is None and not _listens(connector):
        mistakes.add(table.mark, "no schedule", "schedule: {every: 15m}, for what is pulled")
    streams = getattr(connector, "streams", {})
    kind, wanted = deployment.connections[inbound.reads.connection].connector, inbound.reads.stream
    if kind in _NAME_STREAMS and wanted not in streams:
        mistakes.add(_at(table, "reads"), f"the stream {wanted!r}", one_of(wanted, streams))


def _pushed(
    table: Table, deployment: Deployment, outbound: Outbound, library: Library, mistakes: Mistakes
) -> None:
    connector = deployment.connector(outbound.to)
    kind = deployment.connections[outbound.to].connector
    if not isinstance(connector, Pushes):
        mistakes.add(_at(table, "to"), f"{kind} cannot push", "a connector that can")
    for n, name in enumerate(outbound.needs):
        try:
            canonical.compile_reference(name, entities()[library.outbound[outbound.mapping].entity])
        except KeyError:
            continue  # that there is no such mapping has been told
        except BadPath as error:
            mistakes.add(_at(table, "needs", n), error.found, error.expected)
    if connector.decided and not outbound.approval:
        found = f"{kind} is told nothing without a person's decision"
        mistakes.add(_at(table, "approval"), found, "approval: true")


def _listens(connector: Connector) -> bool:
    return isinstance(connector, Listens) and getattr(connector, "port", 0) is not None


def _cases(library: Library, folder: Path, mistakes: Mistakes, *, packaged: bool) -> int:
    """Runs cases; how many. A failing one is a mistake at its place."""
    ran = 0
    for spec in library.inbound.values():
        if packaged or spec.file.is_relative_to(folder):
            ran += len(spec.cases)
            for failure in cases.run_cases(spec, library.codes):
                mistakes.add(failure.mark, f"the case {failure.given} does not hold",
                             "what its file expects (`crohub map --test` shows both)")  # fmt: skip
    return ran
