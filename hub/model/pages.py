"""The pages of docs/model, written from the specification: `python -m hub.model.pages`.

One page an entity, with its fields, states, identifiers and crosswalk, and a first page with
all of them in a diagram. The same model gives the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hub.model.base import Area, IdentifierType, Lifecycle, Needed
from hub.model.spec import EntitySpec, FieldSpec, entities

_MANY = 40  # codes that are no longer listed
_AREAS: dict[Area, str] = {
    "portfolio": "Portfolios and projects",
    "studies": "Studies and their design",
    "places": "Organizations and places",
    "people": "People who work in research",
    "sites": "Sites and their start-up",
    "participants": "Participants and what happens to them",
    "monitoring": "Monitoring",
    "regulatory": "Documents, boards and regulators",
    "finance": "Contracts and money",
    "governance": "Governance, risk and access",
}
# nearly everything refers to these: drawn only where they live
_EVERYWHERE = ("Study", "StudySite", "Person", "Organization")
_NOTE = "<!-- Written by `python -m hub.model.pages`; change hub/model instead. -->"


def pages() -> dict[str, str]:
    """Every page by file name."""
    specs = entities().values()
    return {"README.md": _first(specs)} | {_file(spec): _page(spec) for spec in specs}


def write(folder: Path) -> None:
    """Writes every page into `folder` and removes pages of entities that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in folder.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, page in wanted.items():
        (folder / name).write_text(page, encoding="utf-8")


def _file(spec: EntitySpec) -> str:
    return spec.table.name.replace("_", "-") + ".md"


def _first(specs: Iterable[EntitySpec]) -> str:
    return _joined(
        _NOTE,
        "# The canonical model",
        "Every record has an envelope: its id, its version, since when it is so and since when the "
        "hub believes it, its quality, and whether its source has withdrawn it. A status field "
        "`x` has a sibling `x_native` with the source's own word. Dates are as precise as they "
        "were said; moments are UTC with the source's offset, `2026-03-01T08:30Z[+01:00]`. An "
        "amount of money is a decimal as text, in the currency of its record.",
        "Fields of sensitivity phi and unblinding are sealed, in an entity of their own beside the "
        "record they belong to. Money and what is known about staff is confidential.",
        f"A diagram shows what the entities of its chapter refer to. References to "
        f"{', '.join(_EVERYWHERE[:-1])} and {_EVERYWHERE[-1]}, which nearly every record has, are "
        "drawn only in the chapter where these stand; the page of an entity has them all.",
        *_chapters(list(specs)),
    )


def _chapters(specs: Sequence[EntitySpec]) -> Iterator[str]:
    for area, title in _AREAS.items():
        own = [spec for spec in specs if spec.area == area]
        yield f"## {title}"
        yield _table(
            ("entity", "what it is", "sensitivity", "address"),
            [
                (f"[{s.name}]({_file(s)})", s.says, s.sensitivity, f"`/api/v1/{s.plural}`")
                for s in own
            ],
        )
        if drawn := list(_relations(own)):
            yield "```mermaid\nerDiagram\n" + "\n".join(drawn) + "\n```"


def _relations(specs: Sequence[EntitySpec]) -> Iterator[str]:
    drawn = {spec.name for spec in specs}
    for spec in specs:
        if spec.beside:
            yield f'    {spec.beside} ||--o| {spec.name} : "sealed beside"'
        for field in spec.fields.values():
            of = field.meta.of
            if of and (of in drawn or of not in _EVERYWHERE):
                yield f'    {of} |o--o{{ {spec.name} : "{field.name}"'


def _page(spec: EntitySpec) -> str:
    return _joined(
        _NOTE,
        f"# {spec.name}",
        spec.says,
        *_beside(spec),
        f"Read at `/api/v1/{spec.plural}`. Sensitivity: {spec.sensitivity}.",
        "## Fields",
        _table(
            ("field", "kind", "what it says", "sensitivity", "elsewhere"),
            [_field(field, spec) for field in spec.fields.values()],
        ),
        *_codes(spec),
        *_identifiers(spec.identifiers.values()),
        *_lifecycle(spec.lifecycle),
        *map(_needed, spec.needed),
    )


def _beside(spec: EntitySpec) -> Iterator[str]:
    if spec.beside:
        whole = entities()[spec.beside]
        yield f"Sealed beside [{whole.name}]({_file(whole)}), whose id it shares."


def _field(field: FieldSpec, spec: EntitySpec) -> Sequence[str]:
    peers = "; ".join(f"{peer}: {place}" for peer, place in field.meta.crosswalk.items())
    own = "" if field.sensitivity == spec.sensitivity else field.sensitivity
    return (f"`{field.name}`", _kind(field), field.meta.says, own, peers)


def _kind(field: FieldSpec) -> str:
    if field.meta.kind == "ref":
        return f"[{field.meta.of}]({_file(entities()[field.meta.of])})"
    if field.meta.kind == "texts":
        return "list of codes" if field.meta.codes else "list of texts"
    return field.meta.kind


def _codes(spec: EntitySpec) -> Iterator[str]:
    coded = [field for field in spec.fields.values() if field.meta.codes]
    if coded:
        yield "## Codes"
        yield "\n".join(f"- `{field.name}`: {_listed(field.meta.codes)}" for field in coded)


def _listed(codes: Sequence[str]) -> str:
    if len(codes) > _MANY:
        return f"{len(codes)} codes, {codes[0]} to {codes[-1]}"
    return ", ".join(codes)


def _identifiers(kinds: Iterable[IdentifierType]) -> Iterator[str]:
    rows = [
        (
            f"`{kind.type}`",
            kind.says,
            "identifies" if kind.strong else "only finds",
            "with its assigner" if kind.assigned else "world-wide",
            "yes" if kind.single else "",
            f"`{kind.form}`" if kind.form else "",
            kind.sensitivity or "",
        )
        for kind in kinds
    ]
    if rows:
        yield "## Identifiers, strongest first"
        yield _table(
            ("type", "what it is", "alone it", "unique", "only one", "form", "sensitivity"), rows
        )


def _needed(need: Needed) -> str:
    said = {name: [_word(value) for value in values] for name, values in need.where.items()}
    where = " and ".join(f"`{name}` is {' or '.join(words)}" for name, words in said.items())
    return (
        f"Where {where}, a record without `{need.field}` is the finding `{need.rule}`: expected "
        f"{need.says}."
    )


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if type(value) is bool else str(value)


def _lifecycle(lifecycle: Lifecycle | None) -> Iterator[str]:
    if lifecycle is None:
        return
    yield "## States"
    always = ", ".join(lifecycle.always)
    ends = f"These may follow any state but one another: {always}. " if always else ""
    yield f"Steps of `{lifecycle.field}`. {ends}A jump that is not drawn is kept and reported."
    steps = [f"    {old} --> {new}" for old, after in lifecycle.steps.items() for new in after]
    yield "```mermaid\nstateDiagram-v2\n" + "\n".join(steps) + "\n```"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(_row(cells) for cells in lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _joined(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/model"))
