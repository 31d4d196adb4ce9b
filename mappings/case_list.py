"""Reads the list of cases that a mapping states about itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from mappings import shapes
from mappings.document import Node, Table
from mappings.mistakes import Mistakes
from mappings.spec import Case

_CASE = ("given", "expect", "system", "timezone", "authority", "said")


def read_cases(node: Node | None, folder: Path, mistakes: Mistakes) -> Iterator[Case]:
    """The cases of one mapping; files are looked for beside it in `folder`."""
    for table in shapes.tables_of(node, mistakes, "given and expect, both files"):
        shapes.only(table, _CASE, mistakes, "a case")
        given, expect = (_file(name, table, folder, mistakes) for name in ("given", "expect"))
        if not (given and expect):
            continue
        said = shapes.choice_of(table.items.get("said"), ("said", "gone"), "said", mistakes)
        yield Case(
            given=given,
            expect=expect,
            system=shapes.text_of(table.items.get("system"), mistakes, "a system's name"),
            timezone=_timezone(table, mistakes),
            authority=shapes.text_of(table.items.get("authority"), mistakes, "an authority"),
            said=_gone_or_said(said),
            mark=table.mark,
        )


def _gone_or_said(text: str) -> Literal["said", "gone"]:
    return "gone" if text == "gone" else "said"


def _file(name: str, table: Table, folder: Path, mistakes: Mistakes) -> Path | None:
    node = table.items.get(name)
    said = shapes.text_of(node, mistakes, "the path of a file")
    if not said:
        mistakes.add(node or table, f"a case without {name}", f"{name}: a file beside the mapping")
        return None
    path = folder / said
    if not path.is_file():
        mistakes.add(node or table, f"no file {said}", "a file beside the mapping")
        return None
    return path


def _timezone(table: Table, mistakes: Mistakes) -> str:
    node = table.items.get("timezone")
    said = shapes.text_of(node, mistakes, "a time zone such as Europe/Berlin") or "UTC"
    if zone(said) is None:
        mistakes.add(node or table, f"the time zone {said!r}", "a name such as Europe/Berlin")
        return "UTC"
    return said


def zone(name: str) -> tzinfo | None:
    """The IANA time zone called `name`, or None."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a directory of the database
        return None
