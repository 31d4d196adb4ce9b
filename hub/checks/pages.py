"""The page about the checks and the example of their policy, written from the checks themselves:
`python -m hub.checks.pages`. The same checks give the same bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from hub.checks import CHECKS
from hub.checks.check import Check

PAGE, EXAMPLE = "docs/checks.md", "config/policies/checks.yaml.example"
_NOTE = "<!-- Written by `python -m hub.checks.pages`; change hub/checks instead. -->"
_BEGINS = """\
# What no single system can see

The hub hears all systems, so it finds what each of them alone cannot: a subject on study in the
EDC of whom the CTMS has never heard, a consent form that was not the approved one of that day, an
account of somebody who has left.

    $ crohub checks
    $ crohub checks run consent --study ONC-101
    $ crohub findings sign-off ID --reason "agreed with the sponsor" --until 2026-12-31

Each discrepancy is one sentence, with what each system says of it and when it said so, since
which day it is wrong, and who should act. No sentence holds a patient's name, number or birth
date; subjects have their number on the study. **Nothing is found that cannot be known**: a system
that has no subjects of a study lacks none of them, and where nobody's licences are known nobody
lacks one.

A discrepancy is a finding like others (`crohub findings list`, `GET /api/v1/findings`): opened
once, kept in today's words, and closed by itself when it is right again. Its age counts from the
day it became wrong. What somebody signs off, with a reason, waits for nobody any more; it comes
back when a system says something else of it, or when the day is over that was given. Signing off
needs a key that may operate, and stands in the audit. `GET /checks` tells which checks there are
and what is open, `GET /checks/enrolment?study=&state=` what one has found; a key that is confined
to some studies sees what is of those.

Checks are made by the settling process while it has nothing else to do: the change feed tells
which studies and people something has changed of, and those are checked anew; once a day, and
under another policy, all are. A study whose checks take long rests in between, so that they never
take more than a twentieth of the time. A check that fails says so as a finding (`failed`); what
it found before stands. `crohub checks run` looks now and writes nothing.

`policies/checks.yaml` says what is tolerated, or `off` for a check that is not to be made
(`policies/checks.yaml.example` has every tolerance). Which system is the EDC, the CTMS or the EHR
is what `role` of its connection says, or `roles: {register: EHR}` in that file, where checks are to
see a system in another role than the one whose word it has."""


def page() -> str:
    """`docs/checks.md`."""
    parts = [_NOTE, _BEGINS, *("\n\n".join(_chapter(check)) for check in CHECKS.values())]
    return "\n\n".join(parts) + "\n"


def example() -> str:
    """`config/policies/checks.yaml.example`: every tolerance as it is built in."""
    lines = [
        "# What the checks tolerate before something is wrong, in days unless it says otherwise.",
        "# Copy to checks.yaml; what it does not name is as here. A check that is not to be made",
        "# is `off`, and its findings close: `registry: off`.",
        "#",
        "# In which role checks see a system, where its connection says another:",
        "# roles: {register: EHR}",
    ]
    for check in CHECKS.values():
        if check.tolerances:
            lines.append(f"{check.name}:")
        lines += [
            f"  {f'{name}: {value}':<30}# {check.tolerates.get(name, '')}".rstrip()
            for name, value in check.tolerances.items()
        ]
    return "\n".join(lines) + "\n"


def write(root: Path) -> None:
    """Writes both below `root`."""
    (root / PAGE).write_text(page(), encoding="utf-8")
    (root / EXAMPLE).write_text(example(), encoding="utf-8")


def _chapter(check: Check) -> Iterator[str]:
    yield f"## {check.number}. {check.title} (`{check.name}`)"
    yield textwrap.fill(check.says, 120)
    rows = [f"| `{kind.name}` | {kind.says} | {kind.act} |" for kind in check.kinds]
    yield "\n".join(("| kind | what is wrong | who acts |", "| --- | --- | --- |", *rows))
    if check.tolerances:
        told = [
            f"| `{name}` | {value} | {check.tolerates.get(name, '')} |"
            for name, value in check.tolerances.items()
        ]
        yield "\n".join(("| tolerance | built in | |", "| --- | --- | --- |", *told))


if __name__ == "__main__":
    write(Path())
