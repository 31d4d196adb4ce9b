"""Loads mappings: one file, or a folder of them, with every mistake of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

from connectors.record import Record
from hub.statement import Meaning
from mappings import language, outbound_language, parameters
from mappings.code_tables import CodeTables
from mappings.mistakes import MappingErrors, Mark, Mistake, Mistakes, one_of
from mappings.outbound_language import Outgoing
from mappings.reader import Reader, reader
from mappings.setting import Context, Setting
from mappings.spec import Spec


@dataclass(frozen=True, slots=True)
class Mapping:
    """One inbound mapping, compiled for one connection; calling it is pure."""

    spec: Spec
    codes: CodeTables
    reader: Reader

    def __call__(self, record: Record) -> Meaning:
        """What `record` means; empty when the mapping does not fit it. Raises NotUnderstood."""
        return self.reader(record)


def load(path: Path, *, codes: CodeTables, context: Context | None = None) -> Mapping:
    """The inbound mapping in the file at `path`. Raises MappingErrors with all its mistakes."""
    mistakes = Mistakes()
    setting = Setting(codes=codes, context=context or Context())
    spec = language.read_spec(path, path.stem, setting, mistakes)
    mistakes.raise_if_any()
    if spec is None:  # read_spec notes why
        raise MappingErrors([Mistake(str(path), 1, 1, "no mapping", "a mapping")])
    return Mapping(spec, codes, reader([spec], setting))


@dataclass(frozen=True, slots=True)
class Library:
    """Mappings by name: the path below `inbound/` or `outbound/`, without ending."""

    inbound: dict[str, Spec] = field(default_factory=dict)
    outbound: dict[str, Outgoing] = field(default_factory=dict)
    codes: CodeTables = field(default_factory=CodeTables)

    def reader(self, names: Iterable[str] | None = None, context: Context | None = None) -> Reader:
        """A reader of the mappings called `names` (all, when None) for one connection.

        Raises MappingErrors naming each that does not exist.
        """
        chosen = list(self.inbound) if names is None else list(names)
        unknown = [name for name in chosen if name not in self.inbound]
        if unknown:
            raise MappingErrors(
                Mistake(name, 1, 1, f"the mapping {name!r}", one_of(name, self.inbound))
                for name in unknown
            )
        setting = Setting(codes=self.codes, context=context or Context())
        return reader(_set([self.inbound[name] for name in chosen], setting), setting)

    def outgoing(self, name: str, context: Context) -> Outgoing:
        """The outbound mapping `name` with the parameters that `context` sets.

        Raises MappingErrors."""
        outgoing, setting = self.outbound[name], Setting(codes=self.codes, context=context)
        mistakes = parameters.unknown(context.parameters, outgoing.parameters, name)
        if context.parameters:
            read = outbound_language.read_outgoing(outgoing.file, name, setting, mistakes)
            outgoing = read or outgoing
        mistakes.raise_if_any()
        return outgoing


def _set(specs: Sequence[Spec], setting: Setting) -> Sequence[Spec]:
    """`specs` with the parameters that are set: those that have some are read anew."""
    wanted = setting.context.parameters
    if not wanted:
        return specs
    known = {name: value for spec in specs for name, value in spec.parameters.items()}
    mistakes = parameters.unknown(wanted, known, ", ".join(spec.name for spec in specs))
    found = [
        language.read_spec(spec.file, spec.name, setting, mistakes) if spec.parameters else spec
        for spec in specs
    ]
    mistakes.raise_if_any()
    return [spec for spec in found if spec]


def load_library(*folders: Path, codes: CodeTables, packaged: bool = False) -> Library:
    """Every mapping below `inbound/` and `outbound/` of `folders`, in order of name.

    A later folder's mapping of the same name takes the place of an earlier one's; `packaged` puts
    the library that comes with crohub first. Folders called `cases` and files whose name starts
    with `_` (parts to include) are no mappings. Raises MappingErrors.
    """
    mistakes, setting = Mistakes(), Setting(codes=codes)
    inbound: dict[str, Spec] = {}
    outbound: dict[str, Outgoing] = {}
    with as_file(files("mappings") / "library") as own:
        for folder in ([own] if packaged else []) + list(folders):
            if not folder.is_dir():
                mistakes.add(Mark(str(folder)), "no such folder", "a folder of mappings")
            for name, path in _mappings(folder / "inbound"):
                spec = language.read_spec(path, name, setting, mistakes)
                if spec:
                    inbound[name] = spec
            for name, path in _mappings(folder / "outbound"):
                outgoing = outbound_language.read_outgoing(path, name, setting, mistakes)
                if outgoing:
                    outbound[name] = outgoing
    mistakes.raise_if_any()
    return Library(dict(sorted(inbound.items())), dict(sorted(outbound.items())), codes)


def _mappings(folder: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for path in sorted(folder.rglob("*.yaml")):
        below = path.relative_to(folder)
        if not path.name.startswith("_") and "cases" not in below.parts[:-1]:
            found.append((below.with_suffix("").as_posix(), path))
    return found
