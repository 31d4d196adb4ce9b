"""`view`: what a view shows, for a person or for a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crohub.commands.ending import FAILED, WRONG, Json, data, say, stop, table
from crohub.commands.install import HERE, Config, Data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crohub.node import Node
    from hub.principal import Principal
    from hub.reader import Reader
    from hub.views.asked import Asked
    from hub.views.view import View

_BINARY = ("xlsx", "parquet")
_FORMS = ("table", "json", "ndjson", "csv", *_BINARY)
_HIDDEN = "_id"  # ids are for programs: a person's table has names


def add_to(app: typer.Typer) -> None:
    """Adds this family's commands."""
    app.command()(view)


def view(
    name: Annotated[str, typer.Argument(help="Its name; without: which views there are.")] = "",
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="COLUMN=VALUE", help="Only such rows; also COLUMN__ge=VALUE …"),
    ] = None,
    study: Annotated[str, typer.Option(help="Of one study: what people call it.")] = "",
    sort: Annotated[str, typer.Option(help="A column, behind a minus from its end.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Rows that are shown.")] = 100,
    form: Annotated[str, typer.Option("--format", help=", ".join(_FORMS))] = "table",
    out: Annotated[
        Path | None, typer.Option(help="A new file for all rows that are so; without: stdout.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="As it was on a day, with --study.")] = "",
    known_at: Annotated[str, typer.Option(help="As it was known on a day, with --study.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the audit of a file.")] = "",
    config: Config = HERE,
    data_folder: Data = None,
    as_json: Json = False,
) -> None:
    """Show a view: what people ask again and again, of all systems at once."""
    if not name:
        rows = _listed()
        data(rows, as_json=as_json, lines=table(rows, ("view", "answers")))
        return
    form = "json" if as_json else form
    if form not in _FORMS:
        raise stop(WRONG, f"{form!r} is no format; expected one of: {', '.join(_FORMS)}")
    if out is None and form in _BINARY and sys.stdout.isatty():
        raise stop(WRONG, f"{form} is not for a screen; expected --out FILE")
    if out is not None and (out.exists() or form == "table"):
        raise stop(WRONG, "--out names a new file, and --format what it is")
    given = {"study": study, "sort": sort, "as_of": as_of, "known_at": known_at}
    found, asked = _parsed(name, filters or [], {n: v for n, v in given.items() if v}, limit)
    _show(found, asked, form, out, reason, config, data_folder)


def _listed() -> list[dict[str, str]]:
    from hub.views.catalogue import views

    return [{"view": one.name, "answers": one.answers} for one in views().values()]


def _parsed(name: str, filters: list[str], given: dict[str, str], limit: int) -> tuple[View, Asked]:
    from hub.query import BadQuery
    from hub.views import asked
    from hub.views.catalogue import named

    params = [(n, v) for n, _, v in (one.partition("=") for one in filters)]
    try:
        found = named(name)
        return found, asked.parse(found, [*params, *given.items(), ("limit", str(limit))])
    except BadQuery as wrong:
        raise stop(WRONG, str(wrong)) from None


def _show(
    found: View, asked: Asked, form: str, out: Path | None, reason: str, config: Path,
    data_folder: Path | None,
) -> None:  # fmt: skip
    from contextlib import closing

    from crohub import lookup
    from crohub.node import reach
    from hub.api.deps import moment
    from hub.principal import READ, Principal
    from hub.query import BadQuery
    from hub.reader import Reader
    from pipelines import settling

    who = Principal(name="cli", scopes=frozenset({READ}), purpose=reason)
    with (
        reach(config, data_folder, exists=True) as node,
        closing(lookup.reading(node.places)) as session,
        moment(session),
    ):
        reader = Reader(session, node.keyring, lambda *_: None, settling.policy_of(node.deployment))
        try:
            if form in ("table", "json"):
                _page(reader, who, found, asked, form, out)
                return
            if out is not None:
                _enter(node, found, form, reason)
            _written(reader, who, found, asked, form, out)
        except BadQuery as wrong:
            raise stop(WRONG, str(wrong)) from None


def _page(
    reader: Reader, who: Principal, found: View, asked: Asked, form: str, out: Path | None
) -> None:
    import json

    from hub.views import read

    page = read.page(reader, who, found, asked)
    if form == "json":
        told = {"as_of": page.as_of, "freshness": page.freshness, "items": page.items}
        text = json.dumps(told, ensure_ascii=False)
        if out is None:
            data(told, as_json=True)
        else:
            out.write_text(text + "\n")
    else:
        names = [one.name for one in found.columns if not one.name.endswith(_HIDDEN)]
        shown = [name for name in names if any(row.get(name) is not None for row in page.items)]
        data(None, as_json=False, lines=table(page.items, shown) if page.items else ())
        say(_ends(page.as_of, page.freshness, page.summed, len(page.items)))
    if page.next:
        say(f"the first {len(page.items)}; more: --limit, a filter, or --format csv --out FILE")


def _ends(as_of: str, fresh: Any, summed: str, count: int) -> str:  # noqa: ANN401 - a mapping
    heard = ", ".join(f"{system} {(at or 'not known')[:16]}" for system, at in fresh.items())
    sums = f"; sums until {summed[:16]}" if summed else ""
    return f"{count} rows as of {as_of[:16]}Z; heard from {heard or 'nobody yet'}{sums}"


def _written(
    reader: Reader, who: Principal, found: View, asked: Asked, form: str, out: Path | None
) -> None:
    from hub.tabular.formats import FORMATS
    from hub.views import table as tables

    pieces: Iterator[bytes] = FORMATS[form].written(
        tables.columns(found, asked), tables.rows(reader, who, found, asked)
    )
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    with out.open("xb") as stream:
        size = sum(stream.write(piece) for piece in pieces)
    say(f"{size} bytes in {out}")


def _enter(node: Node, found: View, form: str, reason: str) -> None:
    from crohub.node import whoever

    order = {
        "do": "exported", "by": whoever(), "object": f"{found.name} exported", "reason": reason,
        "detail": {"format": form},
    }  # fmt: skip
    if not node.order(order, seconds=60.0):
        raise stop(FAILED, "the hub has not come to enter the export in the audit; try again")
