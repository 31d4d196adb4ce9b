"""How a command ends: data on stdout, talk on stderr, and an exit code that says what happened.

0 done · 1 failed · 2 wrong use or configuration · 3 busy (port, second instance) · 4 the database
is newer than this release.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

DONE, FAILED, WRONG, BUSY, NEWER = range(5)

Json = Annotated[bool, typer.Option("--json", help="Say it as JSON on stdout.")]

# by name, so that nothing heavy is imported to say how a command ended
_CODES = {
    "MappingErrors": WRONG,
    "Misconfigured": WRONG,
    "Exposed": WRONG,
    "NotThere": WRONG,
    "BadParameter": WRONG,
    "NoData": FAILED,
    "TryLater": FAILED,
    "Refused": FAILED,
    "CannotOpen": FAILED,
    "Busy": BUSY,
    "DatabaseNewer": NEWER,
}


class NotThere(Exception):
    """What a person named is not there."""


def data(value: object, *, as_json: bool, lines: Iterable[str] = ()) -> None:
    """The answer: one JSON value, or lines for a person."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, default=str))  # noqa: T201 - stdout is the data
        return
    for line in lines:
        print(line)  # noqa: T201 - stdout is the data


def each(values: Iterable[Mapping[str, Any]], *, as_json: bool, columns: Sequence[str]) -> None:
    """Many answers: a JSON list, or a table with these columns."""
    rows = list(values)
    if as_json:
        data(rows, as_json=True)
    elif rows:
        data(None, as_json=False, lines=table(rows, columns))


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Rows under their headings, columns as wide as they need to be."""
    cells = [[column.replace("_", " ") for column in columns]]
    cells += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def say(text: str) -> None:
    """Talk, for a person."""
    print(text, file=sys.stderr)  # noqa: T201 - stderr is the talk


def said(text: str) -> str:
    """A reason that says something; for an option that must."""
    if not text.strip():
        raise typer.BadParameter("expected why: it enters the audit")
    return text


def stop(code: int, text: str = "") -> typer.Exit:
    """Ends a command: `raise stop(FAILED, "why, and what to do")`."""
    if text:
        say(text)
    return typer.Exit(code)


def code_of(error: BaseException) -> int | None:
    """The exit code of an error that a person can act on; None: it is a fault of ours."""
    if isinstance(error, OSError):
        return BUSY if error.errno == errno.EADDRINUSE else FAILED
    return next((_CODES[k.__name__] for k in type(error).__mro__ if k.__name__ in _CODES), None)


def of_database(error: BaseException) -> str:
    """What a database that cannot be used is told as; "" for any other error. Only what a server
    or SQLite says of itself is shown: no text of a statement, which may hold data."""
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    if "psycopg.OperationalError" in kinds:
        first = (str(error).strip().splitlines() or ["no answer"])[0]
        return f"hub.yaml: database: {first}; expected a PostgreSQL server that lets crohub in"
    if "sqlite3.DatabaseError" not in kinds:
        return ""
    if any(word in str(error) for word in ("not a database", "malformed")):
        return (
            f"a file of the data folder is damaged ({error}): stop the hub and restore a backup; "
            "`crohub doctor` tells which"
        )
    if "unable to open" in str(error):
        return f"a database of the data folder cannot be opened ({error}); look at its permissions"
    return ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()
