"""The command `crohub`: every command by name, and how a failure is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from crohub.commands import (
    access,
    audit,
    bulk,
    checks,
    connectors,
    decide,
    demo,
    export,
    findings,
    install,
    look,
    merge,
    orders,
    override,
    policy,
    records,
    running,
    story,
    subscription,
    telling,
    trying,
    view,
    why,
)
from crohub.commands.ending import BUSY, FAILED, code_of, of_database, say

app = typer.Typer(
    name="crohub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for family in (
    install,
    connectors,
    running,
    demo,
    trying,
    look,
    telling,
    subscription,
    orders,
    override,
    decide,
    bulk,
    merge,
    access,
    audit,
    policy,
    findings,
    checks,
    export,
    records,
    story,
    view,
    why,
):
    family.add_to(app)


@app.callback()
def _begin() -> None:
    """Clinical Research Operations Hub: what hospital, sponsor and university systems say about
    research, settled into one canonical record per thing."""
    from pipelines import logs

    logs.configure()  # stdout is for data: whatever is logged goes to stderr


def main(words: Sequence[str] | None = None) -> None:
    """Runs one command (of the command line, unless `words` says it) and ends the process with
    its exit code; never shows a stack trace."""
    try:
        app(args=None if words is None else list(words))
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(FAILED)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:  # noqa: BLE001 - the last place where a failure can be told
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    code = code_of(error)
    if code is not None:
        say(str(error))
        return code
    if "locked" in str(error):
        say("the database is in use by another program; try again")
        return BUSY
    if words := of_database(error):
        say(words)
        return FAILED
    # its text may hold data of a message: the kind and the place are enough to report it
    trace, where = error.__traceback__, ""
    while trace:
        where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    say(f"this is a fault of crohub: {type(error).__name__} at {where}; please report it")
    return FAILED


if __name__ == "__main__":
    main()
