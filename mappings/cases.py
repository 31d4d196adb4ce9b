"""Runs the cases that a mapping states about itself: this message must give these statements."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import unified_diff
from typing import Any

from connectors.record import Record
from mappings import case_list
from mappings.code_tables import CodeTables
from mappings.mistakes import Mark
from mappings.plain import plain_meaning
from mappings.reader import reader
from mappings.setting import Context, Setting
from mappings.spec import Case, Spec
from mappings.values import NotUnderstood

_ARRIVED = datetime(2026, 1, 1, tzinfo=UTC)  # mappings never look at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A case that does not hold; `diff` goes from what was expected to what came."""

    mapping: str
    mark: Mark
    given: str
    diff: str

    def __str__(self) -> str:
        return f"{self.mark.file}:{self.mark.line}: {self.given}\n{self.diff}"


def run_cases(spec: Spec, codes: CodeTables) -> list[Failure]:
    """The cases of one mapping that fail, in its order; empty when all hold."""
    found: list[Failure] = []
    for case in spec.cases:
        diff = _diff(_expected(case), json.loads(given(spec, case, codes)))
        if diff:
            found.append(
                Failure(mapping=spec.name, mark=case.mark, given=case.given.name, diff=diff)
            )
    return found


def run_all(specs: Iterable[Spec], codes: CodeTables) -> list[Failure]:
    """`run_cases` of several mappings."""
    return [failure for spec in specs for failure in run_cases(spec, codes)]


def given(spec: Spec, case: Case, codes: CodeTables) -> str:
    """What the case's message means, as the text that its `expect` file should hold."""
    timezone = case_list.zone(case.timezone) or UTC
    context = Context(system=case.system, timezone=timezone, authority=case.authority)
    setting = Setting(codes=codes, context=context)
    record = Record(
        stream="case",
        message_key=case.given.name,
        at=_ARRIVED,
        body=case.given.read_bytes(),
        media=spec.reads,
        said=case.said,
    )
    try:
        meaning: dict[str, Any] = plain_meaning(reader([spec], setting)(record))
    except NotUnderstood as refusal:
        meaning = {"not understood": {"rule": refusal.rule, "place": refusal.place}}
    return _text(meaning)


def _expected(case: Case) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(case.expect.read_text("utf-8"))
    except ValueError as error:
        return {"the file that is expected": f"is no JSON: {error}"}


def _text(body: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _diff(expected: Any, came: Any) -> str:  # noqa: ANN401 - JSON
    if expected == came:
        return ""
    before, after = _text(expected).splitlines(), _text(came).splitlines()
    return "\n".join(unified_diff(before, after, "expected", "came", lineterm="", n=3))
